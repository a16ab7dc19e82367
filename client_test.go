package feather_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

func TestNewRefuses(t *testing.T) {
	key := feather.WithAPIKey(testKey)
	tests := []struct {
		name string
		env  map[string]string
		opts []feather.ClientOption
		want string
	}{
		{name: "neither key nor editor", want: "feather: no API key; set FEATHER_API_KEY or pass WithAPIKey"},
		{name: "an empty key", opts: []feather.ClientOption{feather.WithAPIKey("")}, want: "the API key is empty"},
		{name: "a space before the key", opts: []feather.ClientOption{feather.WithAPIKey(" " + testKey)}, want: "white space around it"},
		{name: "a newline behind the key", opts: []feather.ClientOption{feather.WithAPIKey(testKey + "\n")}, want: "white space around it"},
		{name: "a newline in the key", opts: []feather.ClientOption{feather.WithAPIKey(testKey + "\n" + testKey)}, want: "a byte at offset 24 that a header may not carry"},
		{name: "a bad key in the environment", env: map[string]string{"FEATHER_API_KEY": testKey + "\x01"}, want: "it comes from FEATHER_API_KEY"},
		{name: "a base URL without a scheme", opts: []feather.ClientOption{key, feather.WithBaseURL("api.featherhq.com")}, want: `"api.featherhq.com/" is not an absolute http or https URL`},
		{name: "a base URL without a host", opts: []feather.ClientOption{key, feather.WithBaseURL("https:///v1")}, want: "not an absolute http or https URL"},
		{name: "a base URL of another scheme", opts: []feather.ClientOption{key, feather.WithBaseURL("ftp://host")}, want: "not an absolute http or https URL"},
		{name: "a base URL with a query", opts: []feather.ClientOption{key, feather.WithBaseURL("https://host/?a=b")}, want: "not an absolute http or https URL"},
		{name: "a base URL that is none", opts: []feather.ClientOption{key, feather.WithBaseURL("https://[")}, want: "feather: parse "},
		{name: "a bad base URL in the environment", env: map[string]string{"FEATHER_BASE_URL": "nonsense"}, opts: []feather.ClientOption{key}, want: `"nonsense/" is not an absolute`},
		{name: "a nil http.Client", opts: []feather.ClientOption{key, feather.WithHTTPClient((*http.Client)(nil))}, want: "a nil *http.Client"},
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

	client, err = feather.New(feather.WithAPIKey("key-of-the-option"))
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(client); err != nil {
		t.Fatal(err)
	}
	if key := got.Get("X-Api-Key"); key != "key-of-the-option" {
		t.Errorf("with an option, key %q", key)
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
		if want := "/feather/v1/ask-feather/sessions/" + sessionID.String() + "/messages"; got != want {
			t.Errorf("base URL path %s: request path %s, want %s", suffix, got, want)
		}
	}
}

func TestParallelCallersReuseTheirConnections(t *testing.T) {
	const callers, calls = 64, 10
	server, connections := serveCounting(t, func(http.ResponseWriter, *http.Request) {})
	client := newClient(t, server.URL)
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
		t.Errorf("%d connections for %d callers", n, callers)
	}
}

// pipeClient returns a client with New's own transport, whose network is a pipe
// to the function given, so that synctest's clock holds for it.
func pipeClient(t *testing.T, serve func(net.Conn)) *feather.ClientWithResponses {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	go serve(far)
	transport := feather.NewTransport(http.DefaultTransport.(*http.Transport))
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	return newClient(t, "http://localhost", feather.WithHTTPClient(&http.Client{Transport: transport}))
}

func TestServerThatNeverAnswersEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, func(far net.Conn) { _, _ = io.Copy(io.Discard, far) })
		start := time.Now()
		err := ask(client)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 5*time.Minute {
			t.Errorf("error %v after %v, want a timeout after 5 minutes", err, time.Since(start))
		}
	})
}

func TestStreamOnceBegunHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, func(far net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(far)); err != nil {
				return
			}
			_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
			for range 24 {
				time.Sleep(time.Hour)
				_, _ = io.WriteString(far, "data: still here\n\n")
			}
			_ = far.Close()
		})
		start := time.Now()
		got, err := events(client.SendMessage(t.Context(), sessionID, hello))
		if len(got) != 24 || err != nil || time.Since(start) != 24*time.Hour {
			t.Errorf("%d events, %v, after %v", len(got), err, time.Since(start))
		}
	})
}

// doer is a HttpRequestDoer of somebody else's.
type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(req *http.Request) (*http.Response, error) { return f(req) }

func TestDoerThatBreaksTheRulesIsNoPanic(t *testing.T) {
	nothing := newClient(t, "http://localhost", feather.WithHTTPClient(doer(func(*http.Request) (*http.Response, error) { return nil, nil })))
	if err := ask(nothing); err == nil || !strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("neither a response nor an error: %v", err)
	}
	for _, status := range []int{200, 429, 500} {
		bodyless := newClient(t, "http://localhost", feather.WithHTTPClient(doer(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"0"}}}, nil
		})))
		if err := ask(bodyless); (err == nil) != (status == 200) {
			t.Errorf("a %d without a body: %v", status, err)
		}
	}
}

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

func TestSpecCostsOnlyThoseWhoCallIt(t *testing.T) {
	for name, use := range map[string]bool{"_ = feather.Version": false, "println(len(feather.Spec()))": true} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"github.com/featherhq/feather-go\"\n\nfunc main() {\n\t_, _ = feather.New()\n\t"+name+"\n}\n")
		binary := filepath.Join(dir, "program")
		goCommand(t, ".", "build", "-o", binary, filepath.Join(dir, "main.go"))
		if has := strings.Contains(readFile(t, binary), `"operationId": "`); has != use {
			t.Errorf("with %s: document in the binary: %t", name, has)
		}
	}
}
