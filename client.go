package feather

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Version is the version of this package. The User-Agent header has it, as
// feather-go/VERSION, unless a request editor sets another one.
const Version = "0.1.0"

// BaseURLSandbox is the base URL of Feather's sandbox, and the default. Feather tells its
// customers the base URL for production.
const BaseURLSandbox = "https://api-sandbox.featherhq.com"

// New returns a client with safe defaults. It takes
//
//   - the API key from [WithAPIKey] or [WithAPIKeyFunc], or else from the environment
//     variable FEATHER_API_KEY;
//   - the base URL from [WithBaseURL], or else from FEATHER_BASE_URL, or else
//     [BaseURLSandbox];
//   - a transport that all clients share, with the settings of [NewTransport]; see
//     [WithHTTPClient] and [WithMiddleware].
//
// A client from New returns every response outside 2xx as an [*APIError]. It sends a request
// again if that is safe ([MaxRetries]), ends a call whose server is silent for 5 minutes
// ([IdleTimeout]), and reads at most 64 MiB of a response into memory. It never sends the
// API key in clear text, and no redirect takes the key to another origin. The bare client of
// [NewClientWithResponses] does none of this. New copies an http.Client that it is given,
// and asks its CheckRedirect first.
//
// New returns an error for an option that is nil or has a bad value, for a base URL that is
// not an absolute http or https URL, and if there is neither an API key nor a request
// editor that may set one. It sends nothing. A client is safe for concurrent use: make one
// and share it.
func New(opts ...ClientOption) (*ClientWithResponses, error) {
	client := &Client{newOptions: &newOptions{settings: defaultSettings}}
	if err := client.apply(opts); err != nil {
		return nil, err
	}
	if err := client.readEnvironment(); err != nil {
		return nil, err
	}
	client.RequestEditors = slices.Insert(client.RequestEditors, 0, defaultHeaders)
	network, transport, err := client.network()
	if err != nil {
		return nil, err
	}
	client.Client = client.layers(network, transport)
	return &ClientWithResponses{client}, nil
}

// layers puts the client together, from the network up.
func (c *Client) layers(network HttpRequestDoer, transport http.RoundTripper) HttpRequestDoer {
	// A redirect to another origin, or with another method, is refused.
	doer := guardRedirects(network)
	// The API key goes out encrypted.
	doer = guardKey(doer, transport)
	// Each try is bounded, and its error says whether anything was sent.
	doer = limit(doer, &c.newOptions.settings)
	// A response outside 2xx is an *APIError.
	doer = refuseErrors(doer)
	// Each try is logged.
	doer = logTries(doer, c.newOptions.logger)
	// What failed is tried again, where the server cannot act twice.
	return newRetrier(doer, c.newOptions)
}

// readEnvironment fills in what the options have left open.
func (c *Client) readEnvironment() error {
	if key := os.Getenv("FEATHER_API_KEY"); key != "" && !c.newOptions.hasKey {
		if err := checkKey(key); err != nil {
			return inEnvironment("FEATHER_API_KEY", err)
		}
		c.RequestEditors = slices.Insert(c.RequestEditors, 0, APIKey(key))
	}
	if len(c.RequestEditors) == 0 {
		return failf("no API key; set FEATHER_API_KEY or pass WithAPIKey")
	}
	if c.Server != "" {
		return checkBaseURL(c.Server)
	}
	c.Server = BaseURLSandbox
	if base := os.Getenv("FEATHER_BASE_URL"); base != "" {
		c.Server = base
		if err := checkBaseURL(base); err != nil {
			return inEnvironment("FEATHER_BASE_URL", err)
		}
	}
	return nil
}

func inEnvironment(name string, err error) error {
	return &failure{text: name + ": " + strings.TrimPrefix(err.Error(), "feather: "), causes: []error{err}}
}

// defaultHeaders come first, so that any editor can set others. Without its own
// wish, net/http asks for gzip, and a server that compresses keeps a stream's events
// to itself until it has enough of them.
func defaultHeaders(_ context.Context, req *http.Request) error {
	values := []string{"feather-go/" + Version, "identity"}
	req.Header["User-Agent"], req.Header["Accept-Encoding"] = values[:1:1], values[1:]
	return nil
}

func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		strings.ContainsAny(base, "?#") {
		return badBaseURL(base)
	}
	return nil
}

// badBaseURL shows no password.
func badBaseURL(base string) error {
	shown := ""
	if u, err := url.Parse(base); err == nil {
		shown = " " + strconv.Quote(u.Redacted())
	}
	return failf("the base URL%s is not an absolute http or https URL such as %s", shown, BaseURLSandbox)
}

// network returns what sends the requests, with the middleware around its
// transport, and that transport.
func (c *Client) network() (HttpRequestDoer, http.RoundTripper, error) {
	client := &http.Client{Transport: sharedTransport()}
	switch doer := c.Client.(type) {
	case nil:
	case *http.Client:
		*client = *doer
		if client.Transport == nil {
			client.Transport = http.DefaultTransport
		}
	default:
		if len(c.newOptions.middleware) > 0 {
			return nil, nil, failf("WithMiddleware needs an *http.Client, and WithHTTPClient was given a %T", doer)
		}
		return doer, nil, nil
	}
	transport := client.Transport
	for _, wrap := range slices.Backward(c.newOptions.middleware) {
		if wrap == nil {
			return nil, nil, failf("WithMiddleware was given nil")
		}
		if client.Transport = wrap(client.Transport); client.Transport == nil {
			return nil, nil, failf("a wrapper of WithMiddleware returned nil")
		}
	}
	return client, transport, nil
}

// sharedTransport is one for all clients, as http.DefaultTransport is, so that
// a program which makes a client for every request still reuses connections.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	if _, ok := http.DefaultTransport.(*http.Transport); !ok {
		return http.DefaultTransport // The program put its own there; it knows better.
	}
	return NewTransport()
})

// NewTransport returns a transport with the settings that [New] uses, for a program that
// must change something in it, such as a proxy, a certificate authority or a client
// certificate:
//
//	transport := feather.NewTransport()
//	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
//	client, err := feather.New(feather.WithHTTPClient(&http.Client{Transport: transport}))
//
// It is like http.DefaultTransport, but keeps up to 512 idle connections to a host, each for
// up to 4 seconds, and finds dead HTTP/2 connections within 45 seconds. Every call returns a
// new transport with its own connections.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.MaxIdleConns = 0 // no limit but the one for each host
	t.MaxIdleConnsPerHost = 512
	// uvicorn closes a connection after 5 idle seconds, and a POST that meets the
	// close fails and must not be retried. The price is a new connection, with its
	// handshakes, for a call after a longer pause.
	t.IdleConnTimeout = 4 * time.Second
	// Over HTTP/2 a dead connection shows only when it is asked.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = proxyResponded
	}
	return t
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}
