package feather

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

const keyHeader = "X-Api-Key"

// WithAPIKey sends key in the x-api-key header of every request. [New] returns an error
// for a key that [APIKey] could not send.
func WithAPIKey(key string) ClientOption {
	return func(c *Client) error {
		c.useKey(APIKey(key))
		return checkKey(key)
	}
}

// WithAPIKeyFunc sends the key that source returns in the x-api-key header of every
// request; see [APIKeyFunc].
func WithAPIKeyFunc(source func(context.Context) (string, error)) ClientOption {
	return func(c *Client) error {
		if source == nil {
			return errNoKeySource
		}
		c.useKey(APIKeyFunc(source))
		return nil
	}
}

func (c *Client) useKey(editor RequestEditorFn) {
	c.editors = append(c.editors, editor)
	c.options.hasKey = true
}

// APIKey sends key in the x-api-key header of one call. Pass it as the last argument of
// the call; it replaces the client's key.
//
// The call fails, and nothing is sent, if the key is empty, has white space around it or
// has a byte that is not printable ASCII, and if it would travel in clear text: over http
// to a host that is not loopback. The error does not contain the key.
func APIKey(key string) RequestEditorFn {
	return APIKeyFunc(func(context.Context) (string, error) { return key, nil })
}

// APIKeyFunc is [APIKey] for a key that is looked up for every call: one that rotates, is
// kept in a secret store, or differs from tenant to tenant. It calls source with the
// context of the call, before the first try, and once more after a 401: if it then returns
// another key, the call is tried again at once (unless [MaxRetries] is 0), so that a key can
// rotate without an error. source must be safe for concurrent use, and should cache what is
// slow to fetch. Its first error is wrapped and fails the call.
func APIKeyFunc(source func(context.Context) (string, error)) RequestEditorFn {
	return func(ctx context.Context, req *http.Request) error {
		if source == nil {
			return errNoKeySource
		}
		key, err := source(ctx)
		if err != nil {
			return failf("looking up the API key: %w", err)
		}
		if err := checkKey(key); err != nil {
			return err
		}
		req.Header.Set(keyHeader, key)
		callOf(req).keySource = source
		return nil
	}
}

var errNoKeySource = failf("the function that returns the API key is nil")

func checkKey(key string) error {
	bad := strings.IndexFunc(key, func(c rune) bool { return c < ' ' || c > '~' })
	switch {
	case key == "":
		return failf("the API key is empty")
	case strings.TrimSpace(key) != key:
		return failf("the API key has white space around it, such as the newline at the end of a file; trim it")
	case bad >= 0:
		return failf("the API key has a byte at offset %d that a header cannot carry; use only printable ASCII", bad)
	}
	return nil
}

// guardKey never sends the API key in clear text, no matter who set the header.
func guardKey(next Doer) Doer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		canonicalKeyHeader(req.Header)
		if len(req.Header[keyHeader]) == 0 {
			return next.Do(req)
		}
		if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) {
			closeBody(req.Body)
			return nil, notSent(failf("refusing to send the API key in clear text to %s; "+
				"use https (plain http is only for loopback)", origin(req.URL)))
		}
		callOf(req).keyPlain.Store(req.URL.Scheme == "http")
		return next.Do(req)
	})
}

// canonicalKeyHeader is for an editor that writes to the map: Header["x-api-key"]. It
// replaces the key of the client, whose header has the canonical name.
func canonicalKeyHeader(header http.Header) {
	for name, values := range header {
		if name != keyHeader && len(name) == len(keyHeader) && strings.EqualFold(name, keyHeader) {
			delete(header, name)
			header[keyHeader] = values
		}
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// origin is the scheme, host and port of u, as RFC 6454 compares them.
func origin(u *url.URL) string {
	return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), portOf(u))
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
}
