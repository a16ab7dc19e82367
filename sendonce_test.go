package feather_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Server speaks HTTP/2 by hand. For each request that it has read whole, respond gets
// the number of the request, from 1.
func http2Server(
	t *testing.T, requests *atomic.Int64, respond func(n int64, f *http2.Framer, stream uint32),
) (string, *http.Transport) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	config := certified.TLS.Clone()
	config.NextProtos = []string{"h2"}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go acceptAll(t, listener, func(conn net.Conn) { serveHTTP2(conn, requests, respond) })
	transport := feather.NewTransport()
	transport.TLSClientConfig = certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return "https://" + listener.Addr().String(), transport
}

func serveHTTP2(conn net.Conn, requests *atomic.Int64, respond func(int64, *http2.Framer, uint32)) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(conn, conn)
	_ = f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		ended := false
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			ended = frame.StreamEnded()
		case *http2.DataFrame:
			ended = frame.StreamEnded()
		}
		if ended {
			respond(requests.Add(1), f, frame.Header().StreamID)
		}
	}
}

func writeOK(f *http2.Framer, stream uint32) {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true,
	})
}

// bodies are the kinds of request bodies.
var bodies = map[string]func() io.Reader{
	"without a body":          func() io.Reader { return nil },
	"with a body":             func() io.Reader { return strings.NewReader(hello) },
	"streamed":                func() io.Reader { return io.MultiReader(strings.NewReader(hello)) },
	"with an idempotency key": func() io.Reader { return strings.NewReader(hello) },
}

// TestPOSTIsSentOnceOverHTTP2 resets the stream of a request that the server has read, with
// each code that HTTP/2 knows. haproxy does so with REFUSED_STREAM for a request on which the
// service has acted.
func TestPOSTIsSentOnceOverHTTP2(t *testing.T) {
	for code := http2.ErrCodeNo; code <= http2.ErrCodeHTTP11Required; code++ {
		for name, body := range bodies {
			t.Run(fmt.Sprint(code, " ", name), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				base, transport := http2Server(t, &requests, func(_ int64, f *http2.Framer, stream uint32) {
					_ = f.WriteRSTStream(stream, code)
				})
				client := newClient(t, base, over(transport))
				var editors []feather.RequestEditorFn
				if strings.Contains(name, "key") {
					editors = append(editors, header("Idempotency-Key", "1"))
				}
				for call := range int64(2) { // over a new connection, and over one that is kept
					_, err := client.Request(t.Context(), "POST", "/", body(), editors...)
					if err == nil || errors.Is(err, feather.ErrNotSent) || !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("error %v", err)
					}
					if got := requests.Load(); got != call+1 {
						t.Fatalf("%d requests for %d calls", got, call+1)
					}
				}
			})
		}
	}
}

// TestIdempotentMethodIsRepeatedWithinMaxRetries: net/http would go on by itself.
func TestIdempotentMethodIsRepeatedWithinMaxRetries(t *testing.T) {
	for _, code := range []http2.ErrCode{http2.ErrCodeRefusedStream, http2.ErrCodeProtocol, http2.ErrCodeInternal} {
		for _, retries := range []int{0, 1} {
			t.Run(fmt.Sprint(code, retries), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				base, transport := http2Server(t, &requests, func(_ int64, f *http2.Framer, stream uint32) {
					_ = f.WriteRSTStream(stream, code)
				})
				client := newClient(t, base, over(transport), feather.WithMaxRetries(retries))
				for _, method := range []string{"GET", "PUT", "DELETE"} {
					before := requests.Load()
					var body any
					if method == "PUT" {
						body = strings.NewReader(hello)
					}
					_, err := client.Request(t.Context(), method, "/", body)
					if got := requests.Load() - before; got != int64(retries+1) ||
						!errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%s: %d requests, error %v", method, got, err)
					}
				}
			})
		}
	}
}

// TestRequestThatGOAWAYDidNotTakeIsSentAgain has a server that shuts down with a last stream
// below that of the request.
func TestRequestThatGOAWAYDidNotTakeIsSentAgain(t *testing.T) {
	for name, body := range bodies {
		for _, retries := range []int{0, 2} {
			t.Run(fmt.Sprint(name, retries), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				base, transport := http2Server(t, &requests, func(n int64, f *http2.Framer, stream uint32) {
					if n == 1 || n == 3 {
						writeOK(f, stream)
						return
					}
					_ = f.WriteGoAway(stream-2, http2.ErrCodeNo, nil)
				})
				client := newClient(t, base, over(transport), feather.WithMaxRetries(retries))
				post := func() error {
					rsp, err := client.Request(t.Context(), "POST", "/", body())
					if err == nil {
						_ = rsp.Body.Close()
					}
					return err
				}
				if err := post(); err != nil {
					t.Fatal(err)
				}
				err := post()
				if canRepeat := name != "streamed" && retries > 0; canRepeat {
					if err != nil || requests.Load() != 3 {
						t.Errorf("%d requests, error %v", requests.Load(), err)
					}
				} else if !errors.Is(err, feather.ErrNotSent) || requests.Load() != 2 {
					t.Errorf("%d requests, error %v", requests.Load(), err)
				}
			})
		}
	}
}

// TestGracefulRestartLosesNoCall shuts a server of net/http down under load, and starts the
// next one on the same port.
func TestGracefulRestartLosesNoCall(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	var served atomic.Int64
	start := func(listener net.Listener) *http.Server {
		server := &http.Server{
			TLSConfig: &tls.Config{Certificates: certified.TLS.Certificates},
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				served.Add(1)
				if r.ProtoMajor != 2 {
					t.Errorf("the request came over %s", r.Proto)
				}
			}),
		}
		go func() { _ = server.ServeTLS(listener, "", "") }()
		return server
	}
	server := start(listener)
	transport := feather.NewTransport()
	transport.TLSClientConfig = certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	defer transport.CloseIdleConnections()
	client := newClient(t, "https://"+address, over(transport), feather.WithMaxRetries(5))

	var calls, failed atomic.Int64
	done := make(chan bool)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				calls.Add(1)
				if err := ask(client); err != nil {
					failed.Add(1)
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		for before := served.Load(); served.Load() < before+100; {
			time.Sleep(time.Millisecond)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if listener, err = net.Listen("tcp", address); err != nil {
			t.Fatal(err)
		}
		server = start(listener)
	}
	close(done)
	callers.Wait()
	_ = server.Close()
	if failed.Load() > 0 || served.Load() != calls.Load() {
		t.Errorf("%d calls, %d failed, %d served", calls.Load(), failed.Load(), served.Load())
	}
}

// TestRedirectOverHTTP2KeepsTheBody: http.Client needs what the transport must not have.
func TestRedirectOverHTTP2KeepsTheBody(t *testing.T) {
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		var got []string
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = append(got, r.Proto+" "+string(body))
			if !strings.HasSuffix(r.URL.Path, "/moved") {
				http.Redirect(w, r, "/moved", status)
			}
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
		client := newClient(t, server.URL, feather.WithHTTPClient(server.Client()))
		for range 2 {
			got = nil
			if err := ask(client); err != nil || fmt.Sprint(got) != "[HTTP/2.0 "+hello+" HTTP/2.0 "+hello+"]" {
				t.Errorf("%d: %q, error %v", status, got, err)
			}
		}
	}
}

// TestErrNotSentAfterARedirect has a server that takes a message, redirects, and closes its
// port and the connection.
func TestErrNotSentAfterARedirect(t *testing.T) {
	var server *httptest.Server
	server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
		_ = server.Listener.Close()
	})
	if err := ask(newClient(t, server.URL, once())); err == nil || errors.Is(err, feather.ErrNotSent) {
		t.Errorf("error %v", err)
	}
}

// TestErrNotSentThroughATransportThatFallsBack has one that tries a host that refuses, and
// then another one with a context of its own, which acts and breaks.
func TestErrNotSentThroughATransportThatFallsBack(t *testing.T) {
	var acted atomic.Int64
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		acted.Add(1)
		reset(w)
	})
	refusing := refusingTransport()
	fallBack := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if rsp, err := next.RoundTrip(req); err == nil {
				return rsp, nil
			}
			again := req.Clone(context.Background())
			again.Body, _ = req.GetBody()
			again.URL.Host = strings.TrimPrefix(other.URL, "http://")
			return http.DefaultTransport.RoundTrip(again)
		})
	}
	for name, opts := range map[string][]feather.ClientOption{
		"a middleware": {over(refusing), feather.WithMiddleware(fallBack)},
		"a transport":  {over(fallBack(refusing))},
	} {
		acted.Store(0)
		err := ask(newClient(t, "http://127.0.0.1:1", opts...))
		if err == nil || errors.Is(err, feather.ErrNotSent) || acted.Load() != 1 {
			t.Errorf("%s: acted %d times, error %v", name, acted.Load(), err)
		}
	}
}

// TestErrNotSentWhereNothingCanHaveBeenSent is true of what net/http refuses.
func TestErrNotSentWhereNothingCanHaveBeenSent(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	client := newClient(t, server.URL)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, endedErr := sendWithResponse(ended, client)
	edit := func(change func(*http.Request)) error {
		return ask(client, func(_ context.Context, req *http.Request) error { change(req); return nil })
	}
	for name, err := range map[string]error{
		"a context that has ended": endedErr,
		"a header":                 edit(func(r *http.Request) { r.Header.Set("X-Bad", "a\nb") }),
		"a header's name":          edit(func(r *http.Request) { r.Header["Bad Name"] = []string{"a"} }),
		"a method":                 edit(func(r *http.Request) { r.Method = "BAD METHOD" }),
		"a scheme":                 edit(func(r *http.Request) { r.URL.Scheme = "ftp" }),
		"no host":                  edit(func(r *http.Request) { r.URL.Host = "" }),
	} {
		if !errors.Is(err, feather.ErrNotSent) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if !errors.Is(endedErr, context.Canceled) {
		t.Errorf("error %v", endedErr)
	}
}

// TestProofOfNetHTTPIsTaken has the errors with which net/http says that nothing was written;
// which of them a real connection meets is a matter of luck.
func TestProofOfNetHTTPIsTaken(t *testing.T) {
	for text, tries := range map[string]int{
		"http: server closed idle connection":                               2,
		"http2: client conn not usable":                                     2,
		"net/http: cannot rewind body after connection loss":                2,
		"http2: Transport: cannot retry err [stream error: REFUSED_STREAM]": 1,
		"http: server closed the connection":                                1,
	} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			network := roundTripper(func(req *http.Request) (*http.Response, error) {
				httptrace.ContextClientTrace(req.Context()).GotConn(httptrace.GotConnInfo{Conn: &net.TCPConn{}})
				if sent++; sent == 1 {
					return nil, errors.New(text)
				}
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
			})
			client := newClient(t, "http://localhost", over(network))
			if err := ask(client); (err == nil) != (tries == 2) || sent != tries {
				t.Errorf("%s: sent %d times, error %v", text, sent, err)
			}
			sent = 0
			err := ask(client, feather.MaxRetries(0))
			if errors.Is(err, feather.ErrNotSent) != (tries == 2) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: error %v", text, err)
			}
		})
	}
}

// TestServerThatClosesItsConnections closes each one after a response without saying so. A POST
// that meets the close may fail, but none is sent twice.
func TestServerThatClosesItsConnections(t *testing.T) {
	var served atomic.Int64
	address := serveConns(t, func(conn net.Conn) { serveOne(conn, &served) })
	transport := feather.NewTransport()
	defer transport.CloseIdleConnections()
	client := newClient(t, "http://"+address, over(transport))
	for range 50 {
		before := served.Load()
		err := ask(client)
		if got := served.Load() - before; got > 1 || got == 1 && err != nil ||
			got == 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("served %d times, error %v", got, err)
		}
	}
}

// TestSettingsOfOneCallDoNotReachAnother has a middleware that makes a call with the context
// of the request.
func TestSettingsOfOneCallDoNotReachAnother(t *testing.T) {
	var inner atomic.Int64
	other := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		inner.Add(1)
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	}).URL)
	nested := feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			_, _ = sendWithResponse(req.Context(), other)
			return next.RoundTrip(req)
		})
	})
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	if err := ask(newClient(t, server.URL, nested), feather.MaxRetries(0)); err != nil || inner.Load() != 3 {
		t.Errorf("%d tries inside, error %v", inner.Load(), err)
	}
}

// serveOne responds to one request.
func serveOne(conn net.Conn, served *atomic.Int64) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	served.Add(1)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

// TestDoerThatGoesOnOverHTTP2 is somebody else's, which sends a POST over HTTP/1.1 and then,
// after a 503, over HTTP/2 to another server. That server sees it once.
func TestDoerThatGoesOnOverHTTP2(t *testing.T) {
	var first, second atomic.Int64
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		first.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	encrypted := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		second.Add(1)
	}))
	encrypted.EnableHTTP2 = true
	encrypted.StartTLS()
	defer encrypted.Close()
	own := doer(func(req *http.Request) (*http.Response, error) {
		before := req.Clone(req.Context())
		before.URL.Scheme, before.URL.Host = "http", strings.TrimPrefix(plain.URL, "http://")
		rsp, err := http.DefaultClient.Do(before)
		if err != nil {
			return nil, err
		}
		_ = rsp.Body.Close()
		after := req.Clone(req.Context())
		after.Body = io.NopCloser(strings.NewReader(hello))
		after.RequestURI = ""
		return encrypted.Client().Do(after)
	})
	err := ask(newClient(t, encrypted.URL, feather.WithHTTPClient(own)))
	if first.Load() != 1 || second.Load() > 1 || second.Load() == 0 && err == nil {
		t.Errorf("%d and %d requests, error %v", first.Load(), second.Load(), err)
	}
}

// TestFailingRequestBodyIsNoBrokenConnection: another try would fail as well.
func TestFailingRequestBodyIsNoBrokenConnection(t *testing.T) {
	broken := errors.New("the disk is broken")
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	client := newClient(t, server.URL)
	opened := 0
	file := feather.File{Open: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))), nil
	}}
	_, ofFile := feather.Upload(t.Context(), client, file)
	_, ofReader := client.Request(t.Context(), "PUT", "/",
		io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
	for name, err := range map[string]error{"a file": ofFile, "a reader": ofReader} {
		if !errors.Is(err, broken) || errors.Is(err, io.ErrUnexpectedEOF) ||
			!strings.HasSuffix(err.Error(), ": reading the request body: the disk is broken") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if opened != 1 {
		t.Errorf("the file was opened %d times", opened)
	}
}

// TestHiddenHTTP2SendsOnce has transports that speak HTTP/2 where nobody can see it.
func TestHiddenHTTP2SendsOnce(t *testing.T) {
	standard := &http.Transport{Protocols: new(http.Protocols)}
	standard.Protocols.SetUnencryptedHTTP2(true)
	defer standard.CloseIdleConnections()
	for name, opt := range map[string]feather.ClientOption{
		"a RoundTripper": feather.WithHTTPClient(&http.Client{Transport: roundTripper(standard.RoundTrip)}),
		"a Doer":         feather.WithHTTPClient(doer((&http.Client{Transport: standard}).Do)),
		"http.Transport": over(standard),
	} {
		for kind, body := range bodies {
			var requests atomic.Int64
			address := serveConns(t, func(conn net.Conn) {
				serveHTTP2(conn, &requests, func(_ int64, f *http2.Framer, stream uint32) {
					_ = f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
				})
			})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			_, err := newClient(t, "http://"+address, opt).Request(ctx, "POST", "/", body())
			cancel()
			if err == nil || errors.Is(err, feather.ErrNotSent) || requests.Load() != 1 {
				t.Errorf("%s, %s: %d requests, error %v", name, kind, requests.Load(), err)
			}
		}
	}
}

// TestTransportThatMaySpeakBothOverPlainHTTP speaks HTTP/1.1.
func TestTransportThatMaySpeakBothOverPlainHTTP(t *testing.T) {
	var requests atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	client := newClient(t, server.URL, over(transport))
	for call := range int64(100) {
		if _, err := feather.SendWithResponse(t.Context(), client, nil); err != nil || requests.Load() != call+1 {
			t.Fatalf("%d requests for %d calls, error %v", requests.Load(), call+1, err)
		}
	}
}

// TestWordsOfAServerProveNothing has texts of net/http in what the server sends.
func TestWordsOfAServerProveNothing(t *testing.T) {
	var requests atomic.Int64
	plain := rawServer(t, func(string) string {
		requests.Add(1)
		return "HTTP/1.1 200 OK\r\nContent-Length: http: server closed idle connection\r\n\r\n"
	})
	encrypted, transport := http2Server(t, &requests, func(_ int64, f *http2.Framer, stream uint32) {
		_ = f.WriteGoAway(stream, http2.ErrCodeInternal, []byte("http2: client conn not usable"))
		_ = f.WriteRSTStream(stream, http2.ErrCodeInternal)
	})
	for name, client := range map[string]clientT{
		"a header": newClient(t, plain),
		"a GOAWAY": newClient(t, encrypted, over(transport)),
	} {
		requests.Store(0)
		if err := ask(client); err == nil || errors.Is(err, feather.ErrNotSent) || requests.Load() != 1 {
			t.Errorf("%s: %d requests, error %v", name, requests.Load(), err)
		}
	}
}

// TestErrNotSentOfAMiddlewaresOwnCallProvesNothing has one that sends the request, and then
// returns the error of a call that found no connection.
func TestErrNotSentOfAMiddlewaresOwnCallProvesNothing(t *testing.T) {
	var requests atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	refusing := refusingTransport()
	other := newClient(t, "http://localhost", over(refusing), once())
	for _, format := range []string{"", "asking for a token: %w"} {
		requests.Store(0)
		failing := feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				rsp, err := next.RoundTrip(req)
				if err == nil {
					_ = rsp.Body.Close()
				}
				if err = ask(other); format != "" {
					err = fmt.Errorf(format, err)
				}
				return nil, err
			})
		})
		if err := ask(newClient(t, server.URL, failing)); err == nil || errors.Is(err, feather.ErrNotSent) ||
			requests.Load() != 1 {
			t.Errorf("%q: %d requests, error %v", format, requests.Load(), err)
		}
	}
}

// TestErrNotSentOfARegisteredProtocol: it asks net/http for no connection.
func TestErrNotSentOfARegisteredProtocol(t *testing.T) {
	transport := &http.Transport{}
	transport.RegisterProtocol("http",
		roundTripper(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }))
	err := ask(newClient(t, "http://localhost", over(transport)))
	if err == nil || errors.Is(err, feather.ErrNotSent) {
		t.Errorf("error %v", err)
	}
}
