package feather_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

func TestNewRefuses(t *testing.T) {
	key := feather.WithAPIKey(testKey)
	good := func(opts ...feather.ClientOption) []feather.ClientOption { return append(opts, key) }
	base := func(url string) []feather.ClientOption { return good(feather.WithBaseURL(url)) }
	tests := []struct {
		name string
		env  map[string]string
		opts []feather.ClientOption
		want string
	}{
		{name: "neither key nor editor", want: "no API key; set FEATHER_API_KEY or pass WithAPIKey"},
		{name: "retries and no key", opts: []feather.ClientOption{feather.WithMaxRetries(1)}, want: "no API key"},
		{name: "an empty key", opts: []feather.ClientOption{feather.WithAPIKey("")}, want: "the API key is empty"},
		{
			name: "a space before the key",
			opts: []feather.ClientOption{feather.WithAPIKey(" " + testKey)},
			want: "white space around it",
		},
		{
			name: "a newline after the key",
			opts: []feather.ClientOption{feather.WithAPIKey(testKey + "\n")},
			want: "white space around it",
		},
		{
			name: "a newline in the key",
			opts: []feather.ClientOption{feather.WithAPIKey(testKey + "\n" + testKey)},
			want: "a byte at offset 24 that a header cannot carry",
		},
		{
			name: "a bad key in the environment",
			env:  map[string]string{"FEATHER_API_KEY": testKey + "\x01"},
			want: "FEATHER_API_KEY: the API key has a byte at offset 24",
		},
		{
			name: "a base URL without a scheme",
			opts: base("api.featherhq.com"),
			want: `the base URL "api.featherhq.com" is not an absolute http or https URL such as https://`,
		},
		{name: "a base URL without a host", opts: base("https:///v1"), want: "not an absolute http or https URL"},
		{name: "a base URL of another scheme", opts: base("ftp://host"), want: "not an absolute http or https URL"},
		{name: "an empty base URL", opts: base(""), want: "not an absolute http or https URL"},
		{
			name: "a base URL with an empty query",
			opts: base("https://host?"),
			want: "not an absolute http or https URL",
		},
		{
			name: "a base URL with an empty fragment",
			opts: base("https://host/#"),
			want: "not an absolute http or https URL",
		},
		{name: "a base URL with a query", opts: base("https://host/?a=b"), want: "not an absolute http or https URL"},
		{name: "a base URL that is none", opts: base("https://["), want: "the base URL is not an absolute"},
		{
			name: "a password in the base URL",
			opts: base("ftp://user:" + testKey + "@host"),
			want: `"ftp://user:xxxxx@host"`,
		},
		{
			name: "a password in a base URL that is none",
			opts: base("https://user:" + testKey + "@[:"),
			want: "the base URL is not an absolute",
		},
		{
			name: "a bad base URL in the environment",
			env:  map[string]string{"FEATHER_BASE_URL": "nonsense"},
			opts: good(),
			want: `FEATHER_BASE_URL: the base URL "nonsense" is not an absolute`,
		},
		{name: "a negative number of retries", opts: good(feather.WithMaxRetries(-1)), want: "MaxRetries(-1): "},
		{name: "a nil option", opts: good(nil), want: "a client option is nil"},
		{name: "a nil editor", opts: good(feather.WithRequestEditorFn(nil)), want: "WithRequestEditorFn was given nil"},
		{name: "a nil doer", opts: good(feather.WithHTTPClient(nil)), want: "WithHTTPClient was given nil"},
		{
			name: "a nil http.Client",
			opts: good(feather.WithHTTPClient((*http.Client)(nil))),
			want: "WithHTTPClient was given nil",
		},
		{
			name: "a nil function for a doer",
			opts: good(feather.WithHTTPClient(doer(nil))),
			want: "WithHTTPClient was given nil",
		},
		{
			name: "a nil source of keys",
			opts: []feather.ClientOption{feather.WithAPIKeyFunc(nil)},
			want: "the function that returns the API key is nil",
		},
		{name: "a nil logger", opts: good(feather.WithLogger(nil)), want: "WithLogger was given nil"},
		{name: "a nil middleware", opts: good(feather.WithMiddleware(nil)), want: "WithMiddleware was given nil"},
		{
			name: "a middleware that returns nil",
			opts: good(feather.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return nil })),
			want: "a wrapper of WithMiddleware returned nil",
		},
		{
			name: "a middleware for a doer without a transport",
			opts: good(feather.WithHTTPClient(doer(http.DefaultClient.Do)),
				feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return next })),
			want: "WithMiddleware needs an *http.Client, and WithHTTPClient was given a feather_test.doer",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			client, err := feather.New(tt.opts...)
			if err == nil {
				t.Fatal("New returned no error")
			}
			if client != nil {
				t.Error("New returned a client with the error")
			}
			if !strings.HasPrefix(err.Error(), "feather: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), testKey) {
				t.Errorf("the key is in the error %q", err)
			}
		})
	}
}

func TestNewReadsTheEnvironment(t *testing.T) {
	var got http.Header
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	t.Setenv("FEATHER_API_KEY", "key-of-the-environment")
	t.Setenv("FEATHER_BASE_URL", server.URL)

	client, err := feather.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(client); err != nil {
		t.Fatal(err)
	}
	if key := got.Get("X-Api-Key"); key != "key-of-the-environment" {
		t.Errorf("key %q", key)
	}

}

func TestOptionsWinOverTheEnvironment(t *testing.T) {
	var got http.Header
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	t.Setenv("FEATHER_API_KEY", "unusable\n")
	t.Setenv("FEATHER_BASE_URL", "unusable")
	source := func(context.Context) (string, error) { return "key-of-the-option", nil }
	for name, key := range map[string]feather.ClientOption{
		"WithAPIKey":     feather.WithAPIKey("key-of-the-option"),
		"WithAPIKeyFunc": feather.WithAPIKeyFunc(source),
	} {
		client, err := feather.New(key, feather.WithBaseURL(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(client); err != nil {
			t.Fatal(err)
		}
		if key := got.Values("X-Api-Key"); len(key) != 1 || key[0] != "key-of-the-option" {
			t.Errorf("%s: key %q", name, key)
		}
	}
}

func TestNilOfACallIsAnError(t *testing.T) {
	client := newClient(t, "http://localhost")
	var noContext context.Context
	_, contextErr := send(noContext, client)
	tests := map[string]error{
		"a request editor is nil":                      ask(client, nil),
		"the function that returns the API key is nil": ask(client, feather.APIKeyFunc(nil)),
		"the context is nil":                           contextErr,
	}
	for want, err := range tests {
		if err == nil || !strings.HasPrefix(err.Error(), "feather: "+want) || !errors.Is(err, feather.ErrNotSent) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestBodyIsClosedWhereTheCallFailsEarly: a writer into a pipe waits for that.
func TestBodyIsClosedWhereTheCallFailsEarly(t *testing.T) {
	client := newClient(t, "http://localhost")
	var noContext context.Context
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	failing := func(context.Context, *http.Request) error { return io.ErrClosedPipe }
	calls := map[string]func(body io.Reader) error{
		"a nil context":            func(body io.Reader) error { _, err := feather.Send(noContext, client, body); return err },
		"a context that has ended": func(body io.Reader) error { _, err := feather.Send(ended, client, body); return err },
		"a nil editor":             func(body io.Reader) error { _, err := feather.Send(t.Context(), client, body, nil); return err },
		"an editor that fails":     func(body io.Reader) error { _, err := feather.Send(t.Context(), client, body, failing); return err },
		"a path of dots": func(body io.Reader) error {
			_, err := client.Request(t.Context(), "POST", "/v1/../x", body)
			return err
		},
		"a path without a slash": func(body io.Reader) error { _, err := client.Request(t.Context(), "POST", "v1", body); return err },
		"a bad method":           func(body io.Reader) error { _, err := client.Request(t.Context(), "B AD", "/v1", body); return err },
		"a key in clear text": func(body io.Reader) error {
			_, err := feather.Send(t.Context(), newClient(t, "http://feather.example"), body)
			return err
		},
	}
	for name, call := range calls {
		reader, writer := io.Pipe()
		if err := call(reader); !errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := writer.Write([]byte("x")); err != io.ErrClosedPipe {
			t.Errorf("%s: the writer has %v", name, err)
		}
	}
}

func TestRequestTakesAMethodInAnyCase(t *testing.T) {
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, "%q", r.Method)
	}).URL)
	if got, err := feather.JSON[string](client.Request(t.Context(), "delete", "/v1", nil)); got != "DELETE" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestRequestChecksItsPath(t *testing.T) {
	var got string
	client := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.String() }).URL)
	for _, path := range []string{"", "v1", "//evil.example/x", "/v1//x", "/v1/./x", "/v1/../x", "/v1/%2e%2e/x", "/v1/..", "/v1/x#y", "http://x/", "/%zz"} {
		if _, err := client.Request(t.Context(), "GET", path, nil); !errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%q: error %v, sent %s", path, err, got)
		}
	}
	for _, path := range []string{"/v1/agents?limit=5&q=a/../b", "/v1/a%2Fb", "/", "/v1/agents/"} {
		rsp, err := client.Request(t.Context(), "GET", path, nil)
		if err != nil || got != path {
			t.Errorf("%q: sent %s, error %v", path, got, err)
			continue
		}
		_ = rsp.Body.Close()
	}
}

func TestUserAgentNamesTheVersionUnlessAnEditorSetsIt(t *testing.T) {
	var got string
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.UserAgent() })
	client := newClient(t, server.URL)

	if err := ask(client); err != nil {
		t.Fatal(err)
	}
	if want := "feather-go/" + feather.Version; got != want {
		t.Errorf("user agent %q, want %q", got, want)
	}
	own := func(_ context.Context, req *http.Request) error {
		req.Header.Set("User-Agent", "shop/2")
		return nil
	}
	if err := ask(client, own); err != nil {
		t.Fatal(err)
	}
	if got != "shop/2" {
		t.Errorf("user agent %q, want the editor's", got)
	}
}

func TestBaseURLKeepsItsPath(t *testing.T) {
	for _, suffix := range []string{"/feather", "/feather/"} {
		var got string
		server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path })
		if err := ask(newClient(t, server.URL+suffix)); err != nil {
			t.Fatal(err)
		}
		if want := "/feather/v1/messages"; got != want {
			t.Errorf("base URL path %s: request path %s, want %s", suffix, got, want)
		}
	}
}

func TestParallelCallersReuseTheirConnections(t *testing.T) {
	const callers, calls = 64, 10
	passOn := func(next http.RoundTripper) http.RoundTripper { return roundTripper(next.RoundTrip) }
	for name, opts := range map[string][]feather.ClientOption{
		"New's transport":             nil,
		"with a middleware around it": {feather.WithMiddleware(passOn)},
	} {
		server, connections := serveCounting(t, func(http.ResponseWriter, *http.Request) {})
		client := newClient(t, server.URL, opts...)
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range calls {
					if err := ask(client); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		// The transport may dial for a caller whom a freed connection serves first;
		// the connection then waits for the next one.
		if n := connections.made.Load(); n > 2*callers {
			t.Errorf("%s: %d connections for %d callers", name, n, callers)
		}
	}
}

// pipeClient returns a client with New's own transport, whose network is a pipe
// to the function given, so that synctest's clock holds for it.
func pipeClient(t *testing.T, serve func(net.Conn), opts ...feather.ClientOption) *feather.ClientWithResponses {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	go serve(far)
	transport := feather.NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	return newClient(t, "http://localhost", append(opts, over(transport))...)
}

func TestStreamThatGoesOnHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, func(far net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(far)); err != nil {
				return
			}
			_, _ = io.WriteString(far,
				"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
			for range 24 * 15 {
				time.Sleep(4 * time.Minute)
				_, _ = io.WriteString(far, "data: still here\n\n")
			}
			_ = far.Close()
		})
		start := time.Now()
		got, err := events(send(t.Context(), client))
		if len(got) != 24*15 || err != nil || time.Since(start) != 24*time.Hour {
			t.Errorf("%d events, %v, after %v", len(got), err, time.Since(start))
		}
	})
}

// doer is a Doer of somebody else's.
type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestErrorsOfTheNetworkAreNamedAndWrapped(t *testing.T) {
	server := serve(t, nil)
	server.Close()
	err := ask(newClient(t, server.URL), feather.MaxRetries(0))
	var opErr *net.OpError
	if !errors.As(err, &opErr) || !strings.HasPrefix(err.Error(), "feather: ") {
		t.Errorf("error %v, want one that begins with feather: and wraps a *net.OpError", err)
	}
}

func TestSpecIsTheVendoredDocument(t *testing.T) {
	spec := feather.Spec()
	if string(spec) != readFile(t, "openapi.json") {
		t.Error("Spec differs from openapi.json")
	}
	spec[0] = 'x'
	if feather.Spec()[0] != '{' {
		t.Error("a caller can change what Spec returns to others")
	}
}

func TestJSONTakesOnlyJSON(t *testing.T) {
	get := func(r response) (any, error) {
		client := newClient(t, serve(t, r.ServeHTTP).URL, once())
		return feather.JSON[any](client.Request(t.Context(), "GET", "/v1/agents", nil))
	}
	if got, err := get(response{200, "application/json", nil, `{"n": 9007199254740993}`}); err != nil ||
		fmt.Sprint(got) != "map[n:9007199254740993]" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := get(response{200, "application/json", nil, "null"}); got != nil || err != nil {
		t.Errorf("null: %v, %v", got, err)
	}
	for _, r := range []response{{200, "text/plain", nil, "x"}, {200, "application/json", nil, "{"}, {200, "application/json", nil, ""}, {204, "", nil, ""}} {
		_, err := get(r)
		if decodeErr, ok := err.(*feather.DecodeError); !ok || decodeErr.StatusCode != r.status ||
			string(decodeErr.Body) != r.body {
			t.Errorf("%v: error %v", r, err)
		}
	}
	mocks := map[string]*http.Response{"nothing": nil, "no body": {StatusCode: 200}, "a 404": {StatusCode: 404}}
	for name, rsp := range mocks {
		if got, err := feather.JSON[any](rsp, nil); err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestEditorMayReplaceTheContext does so as tracing libraries do. The call keeps its settings.
func TestEditorMayReplaceTheContext(t *testing.T) {
	type key struct{}
	var tries int
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		tries++
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	}).URL, feather.WithRequestEditorFn(func(_ context.Context, req *http.Request) error {
		*req = *req.WithContext(context.WithValue(context.Background(), key{}, 1))
		return nil
	}))
	_, err := send(t.Context(), client, feather.MaxRetries(1))
	if apiErr, ok := err.(*feather.APIError); !ok || tries != 2 || apiErr.Operation != "SendMessage" {
		t.Errorf("%d tries, error %v", tries, err)
	}
}
