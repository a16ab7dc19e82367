package feather_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

// TestErrNotSentIsCertain has what must not be repeated blindly, and what may be.
func TestErrNotSentIsCertain(t *testing.T) {
	tests := []struct {
		name string
		make fault
		want bool
	}{
		{"a refused connection", dialFault("http://127.0.0.1", refusedDial), true},
		{"a failed lookup", dialFault("http://feather.invalid", failedLookup), true},
		{"a broken TLS handshake", brokenHandshake, true},
		{"a certificate that is not trusted", untrusted, true},
		{"the key in clear text", dialFault("http://feather.example", refusedDial), true},
		{"a status", statusFault(500), false},
		{"a broken connection", handlerFault(func(w http.ResponseWriter, _ *http.Request) { reset(w) }), false},
		{"a response broken off", handlerFault(streamThenReset("data: a\n\n")), false},
		{"a refused redirect", redirectFault, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tries atomic.Int64
			base, transport := tt.make(t, &tries)
			defer transport.CloseIdleConnections()
			err := ask(newClient(t, base, once(), over(transport)))
			if err == nil || errors.Is(err, feather.ErrNotSent) != tt.want {
				t.Errorf("error %v, ErrNotSent: %t", err, !tt.want)
			}
		})
	}
	foreign := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("who knows") })
	err := ask(newClient(t, "http://localhost", over(foreign)))
	if err == nil || errors.Is(err, feather.ErrNotSent) {
		t.Errorf("an error of somebody else's transport: %v", err)
	}
}

// TestRequestThatArrivedOnceIsNotErrNotSent has a PUT whose first try breaks after it was
// sent, and whose others find no connection.
func TestRequestThatArrivedOnceIsNotErrNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, syscall.ECONNREFUSED
			}
			near, far := net.Pipe()
			go func() { _, _ = far.Read(make([]byte, 10)); _ = far.Close() }()
			return near, nil
		}}
		client := newClient(t, "http://localhost", over(transport))
		_, err := client.Request(t.Context(), "PUT", "/", strings.NewReader("{}"))
		if dials != 3 || !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%d dials, error %v", dials, err)
		}
	})
}

// TestEndOfTheContextIsFoundWhereverItEndsTheCall makes a call wait in each place
// where one can, and ends its context there in each way.
func TestEndOfTheContextIsFoundWhereverItEndsTheCall(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	responses := map[string]string{
		"for a connection":     "",
		"for the response":     "",
		"for the first event":  head,
		"for the second event": head + "data: a\n\n",
		"for a retry":          "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n",
	}
	gone := errors.New("the user has gone")
	after := func(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(d, func() { cancel(cause) })
		return ctx, func() { cancel(nil) }
	}
	ways := map[string]struct {
		end  func(context.Context, time.Duration, error) (context.Context, context.CancelFunc)
		want error
	}{
		"cancelled":         {after, context.Canceled},
		"past its deadline": {context.WithTimeoutCause, context.DeadlineExceeded},
	}
	for place, response := range responses {
		for way, tt := range ways {
			if place == "for a retry" && tt.want == context.DeadlineExceeded {
				continue // A wait that would outlast the deadline does not begin.
			}
			for _, cause := range []error{nil, gone} {
				synctest.Test(t, func(t *testing.T) {
					transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
						if place == "for a connection" {
							<-ctx.Done()
							return nil, ctx.Err()
						}
						near, far := net.Pipe()
						go func() {
							_, _ = far.Read(make([]byte, 4096))
							_, _ = io.WriteString(far, response)
							_, _ = io.Copy(io.Discard, far)
						}()
						return near, nil
					}}
					defer transport.CloseIdleConnections()
					client := newClient(t, "http://localhost", over(transport))
					ctx, cancel := tt.end(t.Context(), time.Second, cause)
					defer cancel()
					_, err := events(send(ctx, client))
					if !errors.Is(err, tt.want) || cause != nil && !errors.Is(err, cause) {
						t.Errorf("waiting %s, %s with the cause %v: error %v", place, way, cause, err)
					}
					if errors.Is(err, io.ErrUnexpectedEOF) ||
						errors.Is(err, feather.ErrNotSent) != (place == "for a connection") {
						t.Errorf("waiting %s, %s: error %v", place, way, err)
					}
				})
			}
		}
	}
}

// TestContextOfSomebodyElseIsNotTheCallers has errors of a transport's own context
// and timers. Callers must not take them for their own.
func TestContextOfSomebodyElseIsNotTheCallers(t *testing.T) {
	failing := func(err error) *http.Client {
		return &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })}
	}
	never := roundTripper(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	tests := []struct {
		name    string
		client  *http.Client
		timeout bool
	}{
		{name: "a RoundTripper's cancel", client: failing(context.Canceled)},
		{name: "a RoundTripper's deadline", client: failing(context.DeadlineExceeded), timeout: true},
		{
			name:    "the http.Client's timeout",
			client:  &http.Client{Transport: never, Timeout: time.Millisecond},
			timeout: true,
		},
	}
	for _, tt := range tests {
		err := ask(newClient(t, "http://localhost", feather.WithHTTPClient(tt.client)))
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) != tt.timeout {
			t.Errorf("%s: error %v, os.ErrDeadlineExceeded: %t", tt.name, err, !tt.timeout)
		}
		if urlErr, ok := errors.AsType[*url.Error](err); !ok || urlErr.Timeout() != tt.timeout {
			t.Errorf("%s: error %v has lost its *url.Error", tt.name, err)
		}
	}
}

func TestConnectionBrokenBeforeTheResponse(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { reset(w) })
	err := ask(newClient(t, server.URL))
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want io.ErrUnexpectedEOF and ECONNRESET", err)
	}
	if want := "/messages: the connection broke before the response: "; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("error %v", err)
	}
}

// secure starts an HTTPS server that counts the connections.
func secure(t *testing.T, tries *atomic.Int64, config *tls.Config) (string, *http.Transport) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			tries.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, server.Client().Transport.(*http.Transport)
}

func untrusted(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
	base, _ := secure(t, tries, nil)
	return base, &http.Transport{}
}

func oldProtocol(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
	return secure(t, tries, &tls.Config{MaxVersion: tls.VersionTLS11})
}

func otherHost(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
	base, transport := secure(t, tries, nil)
	transport.TLSClientConfig.ServerName = "other.invalid"
	return base, transport
}

// httpForHTTPS is a server of plain http whose base URL has https.
func httpForHTTPS(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			tries.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http:", "https:", 1), &http.Transport{}
}

// proxyThatSays is a proxy that refuses to connect.
func proxyThatSays(status int) fault {
	return func(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
		proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			tries.Add(1)
			w.WriteHeader(status)
		})
		proxyURL, _ := url.Parse(proxy.URL)
		proxyURL.User = url.UserPassword("user", "secret-of-the-proxy")
		transport := feather.NewTransport()
		transport.Proxy = http.ProxyURL(proxyURL)
		return "https://feather.example", transport
	}
}

// TestPermanentErrorsAreNotRetried is tried once, and the error says whose fault
// it is.
func TestPermanentErrorsAreNotRetried(t *testing.T) {
	tests := []struct {
		name  string
		make  fault
		want  string
		tries int64
	}{
		{name: "an unknown authority", make: untrusted, want: "the certificate of https://127.0.0.1:", tries: 1},
		{
			name: "a certificate of another host", make: otherHost,
			want: "the certificate of https://127.0.0.1:", tries: 1,
		},
		{
			name: "another protocol version", make: oldProtocol,
			want: "the TLS handshake with https://127.0.0.1:", tries: 1,
		},
		{
			name: "http on an https port", make: httpForHTTPS,
			want: "speaks http, not https; correct the base URL", tries: 1,
		},
		{
			name: "a proxy with another password", make: proxyThatSays(407),
			want: "refused the connection: 407 Proxy Authentication Required", tries: 1,
		},
		{
			name: "a proxy that forbids it", make: proxyThatSays(403),
			want: "refused the connection: 403 Forbidden", tries: 1,
		},
		{
			name: "a proxy that finds no way for now", make: proxyThatSays(503),
			want: "refused the connection: 503 Service Unavailable", tries: 3,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // The last one waits.
			var tries atomic.Int64
			base, transport := tt.make(t, &tries)
			t.Cleanup(transport.CloseIdleConnections)
			err := ask(newClient(t, base, over(transport)))
			if tries.Load() != tt.tries || !errors.Is(err, feather.ErrNotSent) {
				t.Errorf("%d tries, error %v", tries.Load(), err)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), "secret-of-the-proxy") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestErrorsOfOtherCallsDecideNothing has a middleware, a body and a GetBody that fail with the
// error of a call of their own, or of their own context.
func TestErrorsOfOtherCallsDecideNothing(t *testing.T) {
	others := map[string]error{
		"a 403":            &feather.APIError{StatusCode: 403},
		"ErrNotSent":       fmt.Errorf("token: %w", feather.ErrNotSent),
		"a canceled one":   fmt.Errorf("token: %w", context.Canceled),
		"one out of time":  fmt.Errorf("token: %w", context.DeadlineExceeded),
		"a body's of disk": errors.New("disk"),
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for name, other := range others {
		afterwards := feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				if rsp, err := next.RoundTrip(req); err == nil {
					rsp.Body.Close()
				}
				return nil, other
			})
		})
		failing := func(_ context.Context, req *http.Request) error {
			req.GetBody = func() (io.ReadCloser, error) { return nil, other }
			return nil
		}
		calls := map[string]func() error{
			"middleware": func() error {
				_, err := send(t.Context(), newClient(t, server.URL, afterwards))
				return err
			},
			"body": func() error {
				body := io.MultiReader(strings.NewReader("{"), iotest.ErrReader(other))
				_, err := feather.Send(t.Context(), newClient(t, server.URL), body)
				return err
			},
			"GetBody": func() error {
				_, err := send(t.Context(), newClient(t, server.URL), feather.Idempotent(), failing)
				return err
			},
		}
		for where, call := range calls {
			err := call()
			if err == nil || errors.Is(err, feather.ErrNotSent) || feather.SafeToRepeat(err) ||
				errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, %s: %v is taken for this call's", name, where, err)
			}
		}
	}
}

// TestFailingBodyOverHTTP2 fails in the first POST of a client, whose body is made twice.
func TestFailingBodyOverHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	broken := errors.New("disk failed")
	body := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken))), nil
	}
	client := newClient(t, server.URL, feather.WithHTTPClient(server.Client()))
	for range 2 {
		_, err := send(t.Context(), client, func(_ context.Context, req *http.Request) error {
			req.Body, _ = body()
			req.GetBody, req.ContentLength = body, -1
			return nil
		})
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "reading the request body: disk failed") {
			t.Errorf("error %v", err)
		}
	}
}
