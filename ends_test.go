package feather_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

// format is how a media type writes events.
type format struct {
	contentType             string
	event, half, last, fail string
}

var formats = map[string]format{
	"server-sent events": {
		contentType: sse,
		event:       "event: delta\ndata: {\"n\": 1}\n\n",
		half:        "event: delta\ndata: {\"n\"",
		last:        "event: complete\ndata: {}\n\n",
		fail:        "event: error\ndata: {\"error\": \"internal\"}\n\n",
	},
	"lines": {
		contentType: "application/x-ndjson",
		event:       "{\"n\": 1}\n",
		half:        "{\"n\"",
		last:        "{}\n",
		fail:        "{\"error\": \"internal\"}\n",
	},
	"records": {
		contentType: "application/json-seq",
		event:       "\x1e{\"n\": 1}\n",
		half:        "\x1e{\"n\"",
		last:        "\x1e{}\n",
		fail:        "\x1e{\"error\": \"internal\"}\n",
	},
}

// ends are the ways in which a stream can end, each with what the caller gets.
var ends = []struct {
	name  string
	serve func(s *sender, f format)
	call  []feather.RequestEditorFn

	want         error // nil for a whole stream
	wantIfLying  error // through a proxy that makes a cut stream look whole
	onlyForNamed bool  // it needs the names of events
}{
	{
		name:  "whole",
		serve: func(s *sender, f format) { s.send(f.event, f.last) },
	},
	{
		name:  "whole, with the event that is required",
		serve: func(s *sender, f format) { s.send(f.event, f.last) },
		call:  []feather.RequestEditorFn{feather.RequireEvent("complete")}, onlyForNamed: true,
	},
	{
		name:  "cut within an event",
		serve: func(s *sender, f format) { s.send(f.event, f.half); s.cut() },
		want:  io.ErrUnexpectedEOF, wantIfLying: io.ErrUnexpectedEOF,
	},
	{
		name:  "cut between two events",
		serve: func(s *sender, f format) { s.send(f.event); s.cut() },
		want:  io.ErrUnexpectedEOF, // Through a lying proxy nothing shows it.
	},
	{
		name:  "cut between two events, with an event that is required",
		serve: func(s *sender, f format) { s.send(f.event); s.cut() },
		call:  []feather.RequestEditorFn{feather.RequireEvent("complete")},
		want:  io.ErrUnexpectedEOF, wantIfLying: io.ErrUnexpectedEOF,
	},
	{
		name:  "cut before the first event",
		serve: func(s *sender, _ format) { s.send(""); s.cut() },
		want:  io.ErrUnexpectedEOF,
	},
	{
		name:  "ended in order without the event that is required",
		serve: func(s *sender, f format) { s.send(f.event) },
		call:  []feather.RequestEditorFn{feather.RequireEvent("complete")},
		want:  io.ErrUnexpectedEOF, wantIfLying: io.ErrUnexpectedEOF,
	},
	{
		name:  "ended by an error event",
		serve: func(s *sender, f format) { s.send(f.event, f.fail, f.event) },
		want:  errStreamError, wantIfLying: errStreamError, onlyForNamed: true,
	},
	{
		name:  "cancelled",
		serve: func(s *sender, f format) { s.send(f.event); s.cancel(); s.stall() },
		want:  context.Canceled, wantIfLying: context.Canceled,
	},
	{
		name:  "ended by a restart of the server",
		serve: func(s *sender, f format) { s.send(f.event); go s.server.CloseClientConnections(); s.stall() },
		want:  io.ErrUnexpectedEOF,
	},
}

var errStreamError = errors.New("a *StreamError")

// sender is the server's side of one stream.
type sender struct {
	w      http.ResponseWriter
	r      *http.Request
	server *httptest.Server
	cancel context.CancelFunc // the caller's
}

func (s *sender) send(pieces ...string) {
	for _, piece := range pieces {
		_, _ = io.WriteString(s.w, piece)
		_ = http.NewResponseController(s.w).Flush()
	}
}

func (s *sender) cut()   { panic(http.ErrAbortHandler) }
func (s *sender) stall() { <-s.r.Context().Done(); panic(http.ErrAbortHandler) }

// way is what a response passes on its way to the client.
type way struct {
	name    string
	http2   bool
	proxy   func(*httputil.ReverseProxy)
	wrap    func(http.HandlerFunc) http.HandlerFunc
	editors []feather.RequestEditorFn
	lying   bool
}

var waysToTheClient = []way{
	{name: "HTTP/1.1"},
	{name: "HTTP/2", http2: true},
	{name: "a proxy that flushes", proxy: func(p *httputil.ReverseProxy) { p.FlushInterval = -1 }},
	{name: "a proxy that flushes, HTTP/2", http2: true, proxy: func(p *httputil.ReverseProxy) { p.FlushInterval = -1 }},
	{name: "a proxy that buffers and lies", proxy: bufferAndLie, lying: true},
	{name: "a server that compresses when asked", wrap: compressing},
	{name: "a server that compresses, asked", wrap: compressing, editors: []feather.RequestEditorFn{askForGzip}},
}

// bufferAndLie passes on what it got as if it were whole, as nginx and caddy do with
// the HTTP/1.1 of a server that ends a response by closing the connection.
func bufferAndLie(p *httputil.ReverseProxy) {
	p.ModifyResponse = func(rsp *http.Response) error {
		content, _ := io.ReadAll(rsp.Body)
		_ = rsp.Body.Close()
		rsp.Body = io.NopCloser(strings.NewReader(string(content)))
		return nil
	}
}

// start returns the server's URL, or that of the proxy before it, and a transport.
func (w way) start(t *testing.T,
	handler http.HandlerFunc) (server *httptest.Server, base string, transport *http.Transport) {
	if w.wrap != nil {
		handler = w.wrap(handler)
	}
	listen := func(handler http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(handler)
		s.EnableHTTP2 = w.http2
		if w.http2 {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s
	}
	server = listen(handler)
	front := server
	if w.proxy != nil {
		target, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: server.Client().Transport,
			ErrorLog:  log.New(io.Discard, "", 0),
		}
		w.proxy(proxy)
		front = listen(withWholeBody(proxy))
	}
	transport = feather.NewTransport()
	transport.TLSClientConfig = front.Client().Transport.(*http.Transport).TLSClientConfig.Clone() // httptest uses it as well
	t.Cleanup(transport.CloseIdleConnections)
	return server, front.URL, transport
}

// withWholeBody reads a request's body before the proxy does: one that the proxy
// streams now and then ends the response too soon, with net/http on both sides.
func withWholeBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// TestEveryEndOfAStream holds, for each media type, way to the client and way to
// end, what the caller gets.
func TestEveryEndOfAStream(t *testing.T) {
	for _, way := range waysToTheClient {
		for _, tt := range ends {
			for name, f := range formats {
				if tt.onlyForNamed && f.contentType != sse {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, %s", way.name, name, tt.name), func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var server *httptest.Server
					server, base, transport := way.start(t, func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.Copy(io.Discard, r.Body) // net/http sees the client leave only after it
						w.Header().Set("Content-Type", f.contentType)
						tt.serve(&sender{w, r, server, cancel}, f)
					})
					client := newClient(t, base, over(transport))
					_, err := events(send(ctx, client, append(way.editors, tt.call...)...))
					want := tt.want
					if way.lying {
						want = tt.wantIfLying
					}
					checkEnd(t, err, want)
				})
			}
		}
	}
}

func checkEnd(t *testing.T, err, want error) {
	t.Helper()
	for _, known := range []error{io.ErrUnexpectedEOF, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) != (known == want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if _, isStreamError := err.(*feather.StreamError); isStreamError != (want == errStreamError) {
		t.Errorf("error %v, want %v", err, want)
	}
}
