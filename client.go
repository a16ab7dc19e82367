package feather

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Version is this package's version. It is sent in the User-Agent header, as
// feather-go/VERSION, unless a request editor sets that header.
const Version = "0.1.0"

// New returns a client with safe defaults:
//
//   - the key of the environment variable FEATHER_API_KEY, where it is set;
//     WithAPIKey, or any request editor that sets the header, replaces it;
//   - the base URL of FEATHER_BASE_URL, else ServerURLSandbox; WithBaseURL
//     replaces it;
//   - a transport for many parallel calls to one host, which follows
//     http.DefaultTransport in all else and waits at most 5 minutes for the
//     head of a reply; WithHTTPClient replaces it. Nothing but the context
//     limits how long a reply may go on after that.
//
// Around whatever http.Client or HttpRequestDoer the options choose, New puts
// what NewClientWithResponses leaves to the caller: the API key is neither sent
// in clear text nor taken along by a redirect to another origin; a request is
// sent again where that is safe (see MaxRetries); a buffered reply may have 64
// MiB. An http.Client is copied, never modified, and its own CheckRedirect is
// asked first.
//
// New returns an error when there is neither a key nor a request editor, when a
// key cannot be sent in a header, and when the base URL is not an absolute http
// or https URL. It sends nothing. The client is safe for concurrent use; make
// one and share it.
func New(opts ...ClientOption) (*ClientWithResponses, error) {
	defaults, err := defaultOptions()
	if err != nil {
		return nil, err
	}
	client, err := NewClient(ServerURLSandbox, append(defaults, opts...)...)
	if err != nil {
		return nil, ourError(err)
	}
	if len(client.RequestEditors) == 1 { // the user agent alone
		return nil, errors.New("feather: no API key; set FEATHER_API_KEY or pass WithAPIKey")
	}
	if err := checkBaseURL(client.Server); err != nil {
		return nil, err
	}
	if hc, ok := client.Client.(*http.Client); ok && hc == nil {
		return nil, errors.New("feather: WithHTTPClient was given a nil *http.Client")
	}
	client.Client = layers(client.Client)
	return &ClientWithResponses{client}, nil
}

// layers puts the client together, from the network up.
func layers(doer HttpRequestDoer) HttpRequestDoer {
	doer = checkAnswers(doer)
	doer = guardKey(doer)
	doer = retry(doer)
	doer = limitReplies(doer)
	return nameErrors(doer)
}

func defaultOptions() ([]ClientOption, error) {
	opts := []ClientOption{
		WithHTTPClient(&http.Client{Transport: sharedTransport()}),
		WithRequestEditorFn(userAgent),
	}
	if base := os.Getenv("FEATHER_BASE_URL"); base != "" {
		opts = append(opts, WithBaseURL(base))
	}
	if key := os.Getenv("FEATHER_API_KEY"); key != "" {
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("%w (it comes from FEATHER_API_KEY)", err)
		}
		opts = append(opts, WithAPIKey(key))
	}
	return opts, nil
}

func userAgent(_ context.Context, req *http.Request) error {
	req.Header.Set("User-Agent", "feather-go/"+Version)
	return nil
}

func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("feather: the base URL %q is not an absolute http or https URL; give one such as %s", base, ServerURLSandbox)
	}
	return nil
}

// sharedTransport is one for all clients, as http.DefaultTransport is, so that
// a program which makes a client for every request still reuses connections.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // The program put its own there; it knows better.
		return http.DefaultTransport
	}
	return newTransport(standard)
})

func newTransport(standard *http.Transport) *http.Transport {
	t := standard.Clone()
	t.MaxIdleConns = 0 // no limit but the one for each host
	t.MaxIdleConnsPerHost = 512
	t.ResponseHeaderTimeout = 5 * time.Minute
	// Over HTTP/2 a dead connection shows only when it is asked.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	return t
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

// checkAnswers lets the layers above rely on what a doer of the caller's own may
// not keep to. An http.Client keeps to it, and guardKey must see it as it is.
func checkAnswers(next HttpRequestDoer) HttpRequestDoer {
	if _, ok := next.(*http.Client); ok {
		return next
	}
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		rsp, err := next.Do(req)
		switch {
		case err == nil && rsp == nil:
			return nil, errors.New("the HttpRequestDoer returned neither a response nor an error")
		case err == nil && rsp.Body == nil:
			rsp.Body = http.NoBody
		}
		return rsp, err
	})
}

// nameErrors says of every error from below whose it is.
func nameErrors(next HttpRequestDoer) HttpRequestDoer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		rsp, err := next.Do(req)
		if err != nil {
			return nil, ourError(err)
		}
		return rsp, nil
	})
}

func ourError(err error) error {
	if isOurs(err) {
		return err
	}
	return fmt.Errorf("feather: %w", err)
}

func isOurs(err error) bool { return strings.HasPrefix(err.Error(), "feather: ") }

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}
