package feather_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/featherhq/feather-go"
)

// note is a middleware that writes its name down for each try.
func note(name string, notes *[]string) feather.ClientOption {
	return feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			*notes = append(*notes, name+req.Header.Get("X-Retry-Count"))
			return next.RoundTrip(req)
		})
	})
}

func TestMiddlewareSeesEveryTryFromTheOutsideIn(t *testing.T) {
	for name, opts := range map[string][]feather.ClientOption{
		"New's transport":      nil,
		"the caller's client":  {feather.WithHTTPClient(&http.Client{})},
		"a client of its own":  {feather.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})},
		"the default's client": {feather.WithHTTPClient(http.DefaultClient)},
	} {
		var notes []string
		var seen []*http.Request
		server := serve(t, limited(1, atOnce, &seen))
		if err := ask(newClient(t, server.URL, append(opts, note("outer", &notes), note("inner", &notes))...)); err != nil {
			t.Fatal(err)
		}
		if want := []string{"outer", "inner", "outer1", "inner1"}; !slices.Equal(notes, want) {
			t.Errorf("%s: %q, want %q", name, notes, want)
		}
	}
	if http.DefaultClient.Transport != nil {
		t.Error("the caller's http.Client was modified")
	}
}

func TestNewTransportIsAnotherOneEachTime(t *testing.T) {
	first, second := feather.NewTransport(), feather.NewTransport()
	first.MaxIdleConnsPerHost = 1
	if first == second || second.MaxIdleConnsPerHost != 512 ||
		second.TLSClientConfig != nil && second.TLSClientConfig == first.TLSClientConfig {
		t.Error("two transports share their settings")
	}
}

func TestOperationOf(t *testing.T) {
	var got []string
	named := feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			name, path := feather.OperationOf(req.Context())
			got = append(got, name+" at "+path)
			return next.RoundTrip(req)
		})
	})
	client := newClient(t, serve(t, func(http.ResponseWriter, *http.Request) {}).URL, named)
	if err := ask(client); err != nil {
		t.Fatal(err)
	}
	rsp, err := client.Request(t.Context(), "GET", "/v1/agents?limit=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = rsp.Body.Close()
	if want := []string{"SendMessage at /v1/messages", "GET /v1/agents at /v1/agents"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if name, path := feather.OperationOf(t.Context()); name != "" || path != "" {
		t.Errorf("another context: %q, %q", name, path)
	}
}
