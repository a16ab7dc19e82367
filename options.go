package feather

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featherhq/feather-go/internal/oapi"
)

// ClientOption is an option of [New].
type ClientOption func(*Client) error

// options holds what New configures besides the base URL and the editors.
type options struct {
	settings
	doer       Doer
	hasKey     bool
	logger     *slog.Logger
	middleware []func(http.RoundTripper) http.RoundTripper
}

// settings may differ from call to call.
type settings struct {
	maxRetries     int
	silence        time.Duration
	eventTimeout   time.Duration // 0 for none
	requiredEvents []string
	idempotent     bool // the server may act on it again, whatever the method
}

var defaultSettings = settings{maxRetries: 2, silence: 5 * time.Minute}

func (c *Client) apply(opts []ClientOption) error {
	for _, opt := range opts {
		if opt == nil {
			return failf("a client option is nil; leave it out")
		}
		if err := opt(c); err != nil {
			return prefixed(err)
		}
	}
	return nil
}

// WithBaseURL sets the base URL, such as https://api-sandbox.featherhq.com. [New] returns an
// error for one that is not an absolute http or https URL.
func WithBaseURL(baseURL string) ClientOption {
	return func(c *Client) error {
		c.server = baseURL
		return checkBaseURL(baseURL)
	}
}

// WithHTTPClient sets what sends the requests: an *http.Client, or your own Doer.
// The guard of the API key cannot see redirects that your own Doer follows.
func WithHTTPClient(doer Doer) ClientOption {
	return func(c *Client) error {
		if oapi.IsNil(doer) {
			return failf("WithHTTPClient was given nil")
		}
		c.options.doer = doer
		return nil
	}
}

// WithRequestEditorFn adds an editor that runs for every call.
func WithRequestEditorFn(fn RequestEditorFn) ClientOption {
	return func(c *Client) error {
		if fn == nil {
			return failf("WithRequestEditorFn was given nil")
		}
		c.editors = append(c.editors, fn)
		return nil
	}
}

// WithMiddleware wraps the transport, for tracing, metrics or your own headers: the transport of
// [New], or of the http.Client that [WithHTTPClient] sets. The wrapper sees every try of a call,
// with the API key in its headers. The first wrapper given is the outermost. For otelhttp:
//
//	feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
//		return otelhttp.NewTransport(next)
//	})
//
// A RoundTripper that waits uses up the time of [SilenceTimeout]. A rate limiter is better a
// request editor, which runs once for each call, before the first try.
//
// A RoundTripper must not change its request; to set a header, clone the request first. New
// returns an error for a wrapper that is nil or returns nil, and if WithHTTPClient sets
// something other than an *http.Client.
func WithMiddleware(wrap func(http.RoundTripper) http.RoundTripper) ClientOption {
	return func(c *Client) error {
		c.options.middleware = append(c.options.middleware, wrap)
		return nil
	}
}

// call is what a call carries beside its request. Editors change it, the layers and Stream read it.
type call struct {
	ctx                     context.Context // the caller's, which no layer has wrapped
	logger                  *slog.Logger    // nil without one
	operation, pathTemplate string
	settings

	limit atomic.Pointer[string] // the words for a limit of ours that has passed

	keySource func(context.Context) (string, error) // of the API key, to ask again after a 401

	keyPlain atomic.Bool // the key goes over plain http, where no proxy may read it

	mu    sync.Mutex
	keys  []string // the API keys that were sent
	forms []string // in which they may be written; nil until they are needed
	account
}

type callKey struct{}

// OperationOf returns the name of the call that ctx belongs to, such as SendMessage, and its path
// with the names of its parameters, such as /v1/sessions/{session_id}/messages. Use it in a
// [WithMiddleware] to name spans and to label metrics, where a path has too many values. For
// [Client.Request] the path is the one you passed, without its query, and the name is the method
// and that path. Both are empty for any other context.
func OperationOf(ctx context.Context) (name, pathTemplate string) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c.operation, c.pathTemplate
	}
	return "", ""
}

// callOf returns the call of a request. A response that a mock made has none.
func callOf(req *http.Request) *call {
	if req == nil {
		return &call{ctx: context.Background()}
	}
	if c, ok := req.Context().Value(callKey{}).(*call); ok {
		return c
	}
	return &call{ctx: req.Context()}
}

// change sets a setting, or refuses its value.
type change func(*settings) error

// setting returns an editor that changes a setting of one call.
func setting(change change) RequestEditorFn {
	return func(_ context.Context, req *http.Request) error { return change(&callOf(req).settings) }
}

// timeLimit sets a limit, or refuses one that is negative.
func timeLimit(name string, d time.Duration, set func(*settings)) change {
	return func(s *settings) error {
		if d < 0 {
			return failf("%s(%v): a time cannot be negative; 0 means no limit", name, d)
		}
		set(s)
		return nil
	}
}

// forAll returns an option that changes a setting of all calls.
func forAll(change change) ClientOption {
	return func(c *Client) error { return change(&c.options.settings) }
}
