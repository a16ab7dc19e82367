package feather

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// newOptions is what the options of New set beyond the fields of a Client.
type newOptions struct {
	settings
	hasKey     bool
	logger     *slog.Logger
	middleware []func(http.RoundTripper) http.RoundTripper
}

// apply also refuses what would panic later.
func (c *Client) apply(opts []ClientOption) error {
	for _, opt := range opts {
		if opt == nil {
			return failf("a client option is nil; leave it out")
		}
		if err := opt(c); err != nil {
			return named(err)
		}
	}
	return nil
}

// do sends the request of one call. Every generated method ends here.
func (c *Client) do(
	ctx context.Context, req *http.Request, err error, editors []RequestEditorFn,
) (*http.Response, error) {
	if err == nil && ctx == nil {
		err = errors.New("the context is nil; pass context.Background()")
	}
	if err != nil {
		return nil, notSent(err)
	}
	*req = *req.WithContext(ctx) // The copy stays on the stack, as the request is ours.
	for _, list := range [...][]RequestEditorFn{c.RequestEditors, editors} {
		for _, edit := range list {
			if edit == nil {
				edit = refuseNilEditor
			}
			if err := edit(ctx, req); err != nil {
				closeBody(req.Body)
				return nil, notSent(err)
			}
		}
	}
	return c.Client.Do(req)
}

func refuseNilEditor(context.Context, *http.Request) error {
	return errors.New("a request editor is nil; leave it out")
}

// forNew makes an option that a bare client could not keep to.
func forNew(name string, set func(*newOptions)) ClientOption {
	return func(c *Client) error {
		if c.newOptions == nil {
			return failf("%s is only for New; NewClient does not support it", name)
		}
		set(c.newOptions)
		return nil
	}
}

// WithMiddleware wraps the transport, for tracing, metrics or headers of your own: the
// transport of [New], or of the http.Client that [WithHTTPClient] sets. The wrapper sees
// every try of a call, with the API key in its headers. The first wrapper given is the
// outermost. For otelhttp:
//
//	feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
//		return otelhttp.NewTransport(next)
//	})
//
// A RoundTripper that waits uses up the time of [IdleTimeout]. A rate limiter is better a
// request editor, which runs once for each call, before the first try.
//
// A RoundTripper must not change its request; to set a header, clone the request first. New
// returns an error for a wrapper that is nil or returns nil, and if WithHTTPClient sets
// something other than an *http.Client.
func WithMiddleware(wrap func(http.RoundTripper) http.RoundTripper) ClientOption {
	return forNew("WithMiddleware", func(o *newOptions) { o.middleware = append(o.middleware, wrap) })
}

// settings are what may differ from call to call.
type settings struct {
	maxRetries     int
	idleTimeout    time.Duration
	requiredEvents []string
}

var defaultSettings = settings{maxRetries: 2, idleTimeout: 5 * time.Minute}

type settingsKey struct{}

// setting returns an editor that changes a setting for one call.
func setting(change func(*settings)) RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		set, _ := req.Context().Value(settingsKey{}).(func(*settings))
		both := func(s *settings) {
			if set != nil {
				set(s)
			}
			change(s)
		}
		*req = *req.WithContext(context.WithValue(req.Context(), settingsKey{}, both))
		return nil
	}
}

// of returns the settings of a call: the client's, changed by its editors.
func (s *settings) of(req *http.Request) *settings {
	set, ok := req.Context().Value(settingsKey{}).(func(*settings))
	if !ok {
		return s
	}
	changed := *s
	set(&changed)
	return &changed
}
