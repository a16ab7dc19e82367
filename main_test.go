package feather_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/featherhq/feather-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// What the developer has set is not what the tests are about.
	os.Unsetenv("FEATHER_API_KEY")
	os.Unsetenv("FEATHER_BASE_URL")
	goleak.VerifyTestMain(closing{m})
}

// atEnd runs after the tests, and before it is checked what is left.
var atEnd []func()

type closing struct{ *testing.M }

func (m closing) Run() int {
	code := m.M.Run()
	for _, f := range atEnd {
		f()
	}
	return code
}

const testKey = "sk-test-0123456789abcdef"

const hello = `{"content":"hello"}`

type clientT = *feather.ClientWithResponses

type editorT = feather.RequestEditorFn

// send makes a call that returns the response as it begins.
func send(ctx context.Context, client clientT, editors ...feather.RequestEditorFn) (*http.Response, error) {
	return feather.Send(ctx, client, strings.NewReader(hello), editors...)
}

// sendWithResponse makes a call that reads the response to its end.
func sendWithResponse(ctx context.Context, client clientT, editors ...editorT) (*feather.Message, error) {
	return feather.SendWithResponse(ctx, client, strings.NewReader(hello), editors...)
}

// serve starts a server for one test.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// connections counts those of a server.
type connections struct{ made, open atomic.Int64 }

// serveCounting is serve, and counts the connections.
func serveCounting(t testing.TB, handler http.HandlerFunc) (*httptest.Server, *connections) {
	t.Helper()
	var count connections
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			count.made.Add(1)
			count.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			count.open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, &count
}

// newClient makes a client for a server, with a key.
func newClient(t testing.TB, baseURL string, opts ...feather.ClientOption) *feather.ClientWithResponses {
	t.Helper()
	defaults := []feather.ClientOption{feather.WithBaseURL(baseURL), feather.WithAPIKey(testKey)}
	client, err := feather.New(append(defaults, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ask makes the one call that the tests need and returns only its error.
func ask(client *feather.ClientWithResponses, editors ...feather.RequestEditorFn) error {
	_, err := sendWithResponse(context.Background(), client, editors...)
	return err
}

// events reads a stream to its end.
func events(rsp *http.Response, err error) ([]feather.Event, error) {
	var all []feather.Event
	for event, err := range feather.Stream(rsp, err) {
		if err != nil {
			return all, err
		}
		all = append(all, event)
	}
	return all, nil
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// header is an editor that sets a header.
func header(name, value string) feather.RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		req.Header.Set(name, value)
		return nil
	}
}

// serveConns gives each connection to a function, and closes it after that.
func serveConns(t testing.TB, serve func(conn net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go acceptAll(t, listener, serve)
	return listener.Addr().String()
}

func acceptAll(t testing.TB, listener net.Listener, serve func(conn net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		go func() {
			defer conn.Close()
			serve(conn)
		}()
	}
}

// over lets a client send through a transport.
func over(transport http.RoundTripper) feather.ClientOption {
	return feather.WithHTTPClient(&http.Client{Transport: transport})
}
