package feather_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/featherhq/feather-go"
)

func TestKeyOfTheCallReplacesTheClients(t *testing.T) {
	var got []string
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Values("x-api-key") })
	if err := ask(newClient(t, server.URL), feather.APIKey("key-of-the-call")); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "key-of-the-call" {
		t.Errorf("keys %q", got)
	}
}

func TestAPIKeyFuncAsksForEveryCallWithItsContext(t *testing.T) {
	type tenant struct{}
	var got []string
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("x-api-key")) })
	client, err := feather.New(
		feather.WithBaseURL(server.URL),
		feather.WithAPIKeyFunc(func(ctx context.Context) (string, error) {
			return "key-of-" + ctx.Value(tenant{}).(string), nil
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "bob"} {
		ctx := context.WithValue(context.Background(), tenant{}, name)
		if _, err := sendWithResponse(ctx, client); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != "[key-of-ann key-of-bob]" {
		t.Errorf("keys %v", got)
	}
}

func TestErrorOfTheKeySourceFailsTheCall(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	sealed := errors.New("the store is sealed")
	err := ask(newClient(t, server.URL),
		feather.APIKeyFunc(func(context.Context) (string, error) { return "", sealed }))
	if !errors.Is(err, sealed) || !strings.HasPrefix(err.Error(), "feather: ") {
		t.Errorf("error %v", err)
	}
}

func TestUnusableKeySendsNothing(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	client := newClient(t, server.URL)
	for _, key := range []string{"", " ", "secret ", "\tsecret", "sec\x00ret", "sec\x7fret", "sec\rret", "sécret", "sec\u200bret"} {
		err := ask(client, feather.APIKey(key))
		if err == nil {
			t.Errorf("key %q: no error", key)
		} else if strings.TrimSpace(key) != "" && strings.Contains(err.Error(), strings.TrimSpace(key)) {
			t.Errorf("key %q is in the error %q", key, err)
		}
	}
}

func FuzzAPIKey(f *testing.F) {
	for _, key := range []string{"", "secret", " secret", "sec ret", "sec\nret", "\xff\xfe", "\x7f", strings.Repeat("k", 10000)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		req := httptest.NewRequest(http.MethodGet, "https://api.example", nil)
		err := feather.APIKey(key)(context.Background(), req)
		if sent := req.Header.Get("x-api-key"); err == nil && sent != key || err != nil && sent != "" {
			t.Errorf("key %q: header %q, error %v", key, sent, err)
		}
		if err != nil && len(key) > 8 && strings.Contains(err.Error(), key) {
			t.Errorf("key %q is in the error %q", key, err)
		}
	})
}

func TestKeyNeverTravelsInClearText(t *testing.T) {
	tests := []struct {
		baseURL string
		allowed bool
	}{
		{"https://api.example", true},
		{"http://localhost:8000", true},
		{"http://LOCALHOST", true},
		{"http://127.0.0.1:8000", true},
		{"http://127.9.9.9", true},
		{"http://[::1]:8000", true},
		{"http://[::ffff:127.0.0.1]", true},
		{"http://api.example", false},
		{"http://localhost.example", false},
		{"http://128.0.0.1", false},
		{"http://0.0.0.0", false},
		{"http://10.0.0.1", false},
		{"http://[fe80::1]", false},
	}
	byHand := feather.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		req.Header.Set("x-api-key", testKey)
		return nil
	})
	for _, tt := range tests {
		var sent int
		network := feather.WithHTTPClient(
			&http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			})},
		)
		base := feather.WithBaseURL(tt.baseURL)
		clients := map[string]func() (*feather.ClientWithResponses, error){
			"New": func() (*feather.ClientWithResponses, error) {
				return feather.New(base, network, feather.WithAPIKey(testKey))
			},
			"New, by hand": func() (*feather.ClientWithResponses, error) { return feather.New(base, network, byHand) },
			"NewClientWithResponses": func() (*feather.ClientWithResponses, error) {
				return feather.NewClientWithResponses(tt.baseURL, network, feather.WithAPIKey(testKey))
			},
		}
		for name, newClient := range clients {
			sent = 0
			client, err := newClient()
			if err != nil {
				t.Fatal(err)
			}
			err = ask(client)
			if allowed := err == nil && sent == 1; allowed != tt.allowed {
				t.Errorf("%s to %s: error %v, %d requests sent; want allowed: %t", name, tt.baseURL, err, sent,
					tt.allowed)
			}
			if err != nil &&
				(sent != 0 || !strings.Contains(err.Error(), "clear text") || strings.Contains(err.Error(), testKey)) {
				t.Errorf("%s to %s: error %v, %d requests sent", name, tt.baseURL, err, sent)
			}
		}
	}
}

// TestKeyIsGuardedInAnySpelling has editors that write past http.Header.Set.
func TestKeyIsGuardedInAnySpelling(t *testing.T) {
	for _, name := range []string{"X-Api-Key", "x-api-key", "X-API-KEY"} {
		editor := feather.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
			req.Header[name] = []string{testKey}
			return nil
		})
		client, err := feather.New(feather.WithBaseURL("http://feather.invalid"), editor)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(client); err == nil || !strings.Contains(err.Error(), "clear text") ||
			!errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%s: error %v", name, err)
		}
		var got []string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Values("x-api-key")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"error": %q}`, got)
		})
		client, err = feather.New(feather.WithBaseURL(server.URL), editor)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(client); len(got) != 1 || got[0] != testKey || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: sent %q, error %v", name, got, err)
		}
	}
}

// TestKeyIsNotSentToAProxyInClearText has loopback addresses in plain http, which a
// proxy would be asked for.
func TestKeyIsNotSentToAProxyInClearText(t *testing.T) {
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") })
	proxyURL, err := url.Parse(strings.Replace(proxy.URL, "http://", "http://user:password@", 1))
	if err != nil {
		t.Fatal(err)
	}
	transport := feather.NewTransport()
	transport.Proxy = http.ProxyURL(proxyURL)
	for _, base := range []string{"http://LOCALHOST:8000", "http://127.0.0.1:8000", "http://[::1]:8000"} {
		client := newClient(
			t,
			base,
			over(transport),
			feather.WithMiddleware(
				func(next http.RoundTripper) http.RoundTripper { return roundTripper(next.RoundTrip) },
			),
		)
		err := ask(client)
		want := "in clear text through the proxy " + strings.TrimPrefix(proxy.URL, "http://")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "password") {
			t.Errorf("%s: error %v, want %s", base, err, want)
		}
	}
}

// TestProxyThatIsNamedEveryOtherTime: the proxy of a request is decided once, by the
// transport, and the key goes nowhere else.
func TestProxyThatIsNamedEveryOtherTime(t *testing.T) {
	var mu sync.Mutex
	var atProxy []string
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		atProxy = append(atProxy, r.Header.Get("x-api-key"))
	})
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	for start := range 2 {
		asked := start
		transport := feather.NewTransport()
		transport.Proxy = func(*http.Request) (*url.URL, error) {
			if asked++; asked%2 == 0 {
				return proxyURL, nil
			}
			return nil, nil
		}
		client := newClient(t, server.URL, over(transport))
		for range 4 {
			err := ask(client)
			if err != nil &&
				(!strings.Contains(err.Error(), "through the proxy") || !errors.Is(err, feather.ErrNotSent)) {
				t.Errorf("error %v", err)
			}
		}
		transport.CloseIdleConnections()
	}
	if len(atProxy) > 0 {
		t.Errorf("the proxy saw %q", atProxy)
	}
}

// TestKeyInClearTextOnPurpose is the way that SECURITY.md names for plain http
// inside a cluster.
func TestKeyInClearTextOnPurpose(t *testing.T) {
	var sent string
	network := roundTripper(func(req *http.Request) (*http.Response, error) {
		sent = req.Header.Get("x-api-key")
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	withKey := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Set("x-api-key", testKey)
			return next.RoundTrip(req)
		})
	}
	client, err := feather.New(feather.WithBaseURL("http://feather.internal"),
		over(network), feather.WithMiddleware(withKey),
		feather.WithRequestEditorFn(func(context.Context, *http.Request) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(client); err != nil || sent != testKey {
		t.Errorf("key %q, error %v", sent, err)
	}
}

// escaped writes each character as JSON may.
func escaped(key string) string {
	var b strings.Builder
	for i, c := range key {
		fmt.Fprintf(&b, []string{"%c", `\u%04x`, `\u%04X`}[i%3], c)
	}
	return strings.ReplaceAll(b.String(), "/", `\/`)
}

func TestKeyIsInNoErrorAndNoFormattedValue(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("x-api-key")
		w.Header().Set("X-Request-Id", "request of "+key)
		w.Header().Set("X-Echo", key)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(
			w,
			`{"title": "bad key %[1]s", "error": "%[2]s", "detail": [{"loc": ["header", "x-api-key"], "msg": "no such key %[1]s", "type": "x", "input": "%[2]s"}]}`,
			key,
			escaped(key),
		)
	})
	client := newClient(t, server.URL)
	err := ask(client)
	var apiErr *feather.APIError
	if !errors.As(err, &apiErr) {
		t.Fatal(err)
	}
	_, streamErr := events(send(context.Background(), client))
	values := []any{
		client,
		client.Client,
		err,
		*apiErr,
		apiErr.Validation,
		apiErr.LogValue(),
		string(apiErr.Body),
		streamErr,
	}
	for _, value := range values {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if got := fmt.Sprintf(format, value); strings.Contains(got, testKey) {
				t.Errorf("%s of %T has the key: %s", format, value, got)
			}
		}
	}
	if !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("error %v", err)
	}
}

func TestEditorReplacesTheKeyHoweverItSpellsTheHeader(t *testing.T) {
	var got []string
	client := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header.Values("X-Api-Key")
	}).URL)
	err := ask(client, func(_ context.Context, req *http.Request) error {
		req.Header["x-api-key"] = []string{"another key"}
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != "another key" {
		t.Errorf("keys %q, error %v", got, err)
	}
}
