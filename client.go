package feather

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/featherhq/feather-go/internal/oapi"
)

// Version is the version of this package. The User-Agent header contains it, as
// feather-go/VERSION, unless a request editor sets another one.
const Version = "0.1.0"

// BaseURLSandbox is the base URL of Feather's sandbox, and the default. Feather tells its
// customers the base URL for production.
const BaseURLSandbox = "https://api-sandbox.featherhq.com"

// Client has a method for each operation that returns the HTTP response as it begins. It is
// part of the [ClientWithResponses] that [New] returns.
type Client struct {
	server  string
	doer    Doer
	editors []RequestEditorFn
	options options
}

// ClientWithResponses is the client. For each operation it has the method of [Client], for
// [Stream] or for a download, and one that reads the whole response into typed fields, whose name
// ends in WithResponse. Without an error, the field of the response's status, such as JSON201, is
// not nil where the API document declares a body that cannot be null.
type ClientWithResponses struct {
	*Client
}

// Response is the HTTP part of every response that is read to its end.
type Response struct {
	// Body is the body as it came, up to 64 MiB.
	Body []byte

	// HTTPResponse is the response. Its body has been read and closed.
	HTTPResponse *http.Response

	declared reflect.Type // of the body; nil without one
}

// StatusCode returns the HTTP status code, or 0 without an HTTPResponse.
func (r *Response) StatusCode() int {
	if r.HTTPResponse == nil {
		return 0
	}
	return r.HTTPResponse.StatusCode
}

// Missing returns the members of Body that the API document requires and the server has not
// sent, or has sent as null, as in items[3].rows. Their fields are zero. It is empty for most
// responses; use it where a zero must not be taken for a value.
func (r *Response) Missing() []string {
	if r.declared == nil {
		return nil
	}
	return slices.Collect(json.Missing(r.Body, r.declared))
}

func (r *Response) bytes() []byte { return r.Body }

// File is a file in a multipart/form-data request. It is sent as it is read, and never held in
// memory. Set Reader, which is read once, or Open, which is called for each try. Name and
// ContentType are optional. A call with a file that can be read only once is not retried. A
// Reader can be read again if it is a strings.Reader, a bytes.Reader or another one with a size
// and ReadAt that need not be closed.
type File = oapi.File

// RequestEditorFn changes a request before it is sent. Editors run in order, the client's and
// then the call's, once for each call and not again for its retries. The error of one is
// wrapped and ends the call before anything is sent ([ErrNotSent]).
type RequestEditorFn func(ctx context.Context, req *http.Request) error

// Doer sends a request and returns its response, as *http.Client does.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// New returns a client with safe defaults. It takes
//
//   - the API key from [WithAPIKey] or [WithAPIKeyFunc], or else from the environment
//     variable FEATHER_API_KEY;
//   - the base URL from [WithBaseURL], or else from FEATHER_BASE_URL, or else [BaseURLSandbox];
//   - a transport that all clients share, with the settings of [NewTransport]; see
//     [WithHTTPClient] and [WithMiddleware].
//
// A call returns an [*APIError] for every response outside 2xx. It sends its request again if
// that is safe ([MaxRetries]), ends when the server is silent for 5 minutes
// ([SilenceTimeout]), and reads at most 64 MiB of a response into memory. It never sends the
// API key in clear text, and no redirect takes the key to another origin. New copies an
// http.Client that it is given, and asks its CheckRedirect first.
//
// New returns an error for an option that is nil or has a bad value, for a base URL that is not an
// absolute http or https URL, and if there is neither an API key nor a request editor that may set
// one. It sends nothing. A client is safe for concurrent use: make one and share it.
func New(opts ...ClientOption) (*ClientWithResponses, error) {
	c := &Client{options: options{settings: defaultSettings}}
	if err := c.apply(opts); err != nil {
		return nil, err
	}
	if err := c.readEnvironment(); err != nil {
		return nil, err
	}
	c.editors = slices.Insert(c.editors, 0, defaultHeaders)
	network, err := c.network()
	if err != nil {
		return nil, err
	}
	c.doer = layers(network)
	return &ClientWithResponses{c}, nil
}

// NewClientWithResponses is [New] with a base URL.
func NewClientWithResponses(server string, opts ...ClientOption) (*ClientWithResponses, error) {
	return New(append([]ClientOption{WithBaseURL(server)}, opts...)...)
}

// layers puts the client together, from the network up.
func layers(network Doer) Doer {
	doer := guardKey(network)          // The API key goes out encrypted.
	doer = limitSilence(doer)          // A try ends when the server is silent, and its error says what was sent.
	doer = refuseErrors(doer, network) // A response outside 2xx is an *APIError.
	doer = logTries(doer)              // Each try is logged.
	return &retrier{doer}              // What failed is tried again, where the server cannot act twice.
}

// do sends the request of one call. Every method of an operation ends here.
func (c *Client) do(ctx context.Context, r *oapi.Request, editors []RequestEditorFn) (*http.Response, error) {
	if ctx == nil {
		r.Close()
		return nil, notSent(errors.New("the context is nil; pass context.Background()"))
	}
	call := &call{
		ctx: ctx, logger: c.options.logger, operation: r.Operation, pathTemplate: r.PathTemplate,
		settings: c.options.settings,
	}
	req, err := r.Build(context.WithValue(ctx, callKey{}, call), c.server)
	if err != nil {
		return nil, notSent(err)
	}
	for _, edit := range slices.Concat(c.editors, editors) {
		if edit == nil {
			err = errors.New("a request editor is nil; leave it out")
		} else if err = edit(req.Context(), req); err == nil && req.URL == nil {
			err = errors.New("a request editor has removed the URL")
		}
		if callOf(req) != call { // The editor has replaced the context.
			*req = *req.WithContext(context.WithValue(req.Context(), callKey{}, call))
		}
		if err != nil {
			closeBody(req.Body)
			return nil, notSent(err)
		}
	}
	return c.doer.Do(req)
}

// read reads a response to its end into the wrapper of an operation. What came is
// returned beside an error, as the server has acted.
func read[W any](rsp *http.Response, err error, wrapper *W, r *Response, declared ...oapi.Content) (*W, error) {
	if decodeErr, ok := err.(*DecodeError); ok {
		r.HTTPResponse, r.Body = decodeErr.response, decodeErr.Body
		return wrapper, err
	}
	if err != nil {
		return nil, err
	}
	r.HTTPResponse, r.declared = rsp, oapi.TypeOf(rsp, declared...)
	if r.Body, err = oapi.Read(rsp, declared...); err == nil {
		return wrapper, nil
	}
	if failure, ok := err.(*failure); ok {
		return wrapper, failure
	}
	return wrapper, newDecodeError(rsp, r.Body, err)
}

// readEnvironment fills in what the options have left open.
func (c *Client) readEnvironment() error {
	if key := os.Getenv("FEATHER_API_KEY"); key != "" && !c.options.hasKey {
		if err := checkKey(key); err != nil {
			return inEnvironment("FEATHER_API_KEY", err)
		}
		c.editors = slices.Insert(c.editors, 0, APIKey(key))
	}
	if len(c.editors) == 0 {
		return failf("no API key; set FEATHER_API_KEY or pass WithAPIKey")
	}
	if c.server == "" {
		c.server = cmp.Or(os.Getenv("FEATHER_BASE_URL"), BaseURLSandbox)
		if err := checkBaseURL(c.server); err != nil {
			return inEnvironment("FEATHER_BASE_URL", err)
		}
	}
	return nil
}

func inEnvironment(name string, err error) error {
	return &failure{text: name + ": " + textOf(err), causes: []error{err}}
}

// defaultHeaders come first, so that any editor can set others. By default net/http asks
// for gzip, and a server that compresses may hold back the events of a stream.
func defaultHeaders(_ context.Context, req *http.Request) error {
	req.Header.Set("User-Agent", "feather-go/"+Version)
	req.Header.Set("Accept-Encoding", "identity")
	return nil
}

func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	shown := ""
	if err == nil {
		isHTTP := u.Scheme == "http" || u.Scheme == "https"
		if isHTTP && u.Hostname() != "" && !strings.ContainsAny(base, "?#") {
			return nil
		}
		shown = " " + strconv.Quote(u.Redacted()) // without a password
	}
	return failf("the base URL%s is not an absolute http or https URL such as %s", shown, BaseURLSandbox)
}

// doerFunc is a Doer and an http.RoundTripper.
type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error)        { return f(req) }
func (f doerFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}
