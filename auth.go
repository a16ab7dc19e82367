package feather

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

const keyHeader = "X-Api-Key"

// WithAPIKey sends key in the x-api-key header of every request. It refuses a
// key that APIKey could not send, so that a mistake shows at construction.
func WithAPIKey(key string) ClientOption {
	return func(c *Client) error {
		if err := checkKey(key); err != nil {
			return err
		}
		c.RequestEditors = append(c.RequestEditors, APIKey(key))
		return nil
	}
}

// APIKey sends key in the x-api-key header: of one call, as that call's last
// argument, or of all calls of a client, through WithRequestEditorFn or
// WithAPIKey. The editor applied last wins, so a call's key replaces the
// client's.
//
// The call fails, with nothing sent and the key not in the error, when the key
// is empty, has a space around it or holds a byte other than printable ASCII,
// and when it would travel in clear text: over http to a host that is not
// loopback.
func APIKey(key string) RequestEditorFn {
	return APIKeyFunc(func(context.Context) (string, error) { return key, nil })
}

// APIKeyFunc is APIKey for a key that is looked up for every call: one that
// rotates, lies in a secret store, or differs from tenant to tenant. It calls
// source with the context of the call, before the first try and not again for
// retries; source must be safe for concurrent use and should cache what is slow
// to fetch. An error of source fails the call and is wrapped.
func APIKeyFunc(source func(context.Context) (string, error)) RequestEditorFn {
	return func(ctx context.Context, req *http.Request) error {
		key, err := source(ctx)
		if err != nil {
			return fmt.Errorf("feather: looking up the API key: %w", err)
		}
		if err := checkKey(key); err != nil {
			return err
		}
		if err := checkEncrypted(req.URL); err != nil {
			return fmt.Errorf("feather: %w", err)
		}
		req.Header.Set(keyHeader, key)
		return nil
	}
}

func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("feather: the API key is empty")
	case strings.TrimSpace(key) != key:
		return errors.New("feather: the API key has white space around it; trim it, most often a newline at the end of a file")
	}
	for i := range len(key) {
		if c := key[i]; c < ' ' || c > '~' {
			return fmt.Errorf("feather: the API key has a byte at offset %d that a header may not carry; use printable ASCII alone", i)
		}
	}
	return nil
}

// checkEncrypted refuses a URL at which a key would be readable on the network.
func checkEncrypted(u *url.URL) error {
	if u.Scheme == "https" || isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("refusing to send the API key in clear text to %s; use https (plain http is for loopback alone)", origin(u))
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// guardKey keeps the API key with the API, whoever put it into the request:
// never in clear text, and never to the origin that a redirect names. Of a
// custom doer it cannot see the redirects.
func guardKey(next HttpRequestDoer) HttpRequestDoer {
	if client, ok := next.(*http.Client); ok {
		guarded := *client
		guarded.CheckRedirect = sameOrigin(client.CheckRedirect)
		next = &guarded
	}
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get(keyHeader) != "" {
			if err := checkEncrypted(req.URL); err != nil {
				closeBody(req.Body)
				return nil, err
			}
		}
		return next.Do(req)
	})
}

// sameOrigin asks the caller's own policy first: one that stops at a redirect
// is not to be told that following it was refused.
func sameOrigin(policy func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	if policy == nil {
		policy = stopAfterTen
	}
	return func(req *http.Request, via []*http.Request) error {
		if err := policy(req, via); err != nil {
			return err
		}
		if from, to := origin(via[0].URL), origin(req.URL); from != to {
			return fmt.Errorf("refusing the redirect from %s to %s: the API key stays with the API; if the API has moved, set the base URL", from, to)
		}
		return nil
	}
}

// stopAfterTen is what net/http does where there is no policy.
func stopAfterTen(_ *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// origin is the scheme, host and port of u, as RFC 6454 compares them.
func origin(u *url.URL) string {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
