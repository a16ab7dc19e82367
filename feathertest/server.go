// Package feathertest is a fake Feather for tests of code that uses package
// feather. It runs in the test's own process and checks every request against
// the OpenAPI document that the client was generated from:
//
//	server := feathertest.Start(t)
//	server.Reply(feather.Event{Type: "complete", Data: `{"text": "It is on its way."}`})
//
//	client := server.Client()
//	… call the code under test with the client …
//
//	requests := server.Requests()
//
// A request without a key gets 401, one that the document does not allow 422 in FastAPI's
// shape, an unknown path 404 (see HandleUnlisted) and a wrong method 405. A request that passes
// gets the next scripted reply (Reply and the methods like it), else the response of the handler
// for its operation (Handle), else a small valid response that the server makes from the
// document: a stream of four events where the document declares no content.
//
// StartInMemory does the same in a testing/synctest bubble, where waits take no time.
//
// # Where it differs from the real service
//
//   - It keeps no state and knows no session, workflow or customer: every UUID is
//     a session that exists.
//   - It takes any key. Roles, quotas and the limit of 6,000 requests a minute
//     for an organization are not there; script a 429 with ReplyStatus.
//   - What a response holds is made up: an example of the document or an enum's first
//     value where there is one, only required members, empty lists, and null where it
//     is allowed. The document does not say what a stream carries; the delta and
//     complete events follow Feather's other streams.
//   - The msg and type of a 422 are FastAPI's own for missing fields, types,
//     lengths, UUIDs and broken JSON, and come close for the rest.
//   - It speaks HTTP/1.1 without TLS, and unlike FastAPI it does not redirect a path
//     with a slash too many.
package feathertest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/getkin/kin-openapi/routers"
)

// Server is a fake Feather on a loopback address. Its methods may be called at
// any time and from any goroutine.
type Server struct {
	// URL is the base URL, such as http://127.0.0.1:34567, without a slash at
	// the end. If the server is in memory, nothing listens there.
	URL string

	t        testing.TB // or panicking
	http     *httptest.Server
	memory   *memory // or nil
	document *document
	closed   chan struct{}
	unlisted *http.ServeMux

	mu       sync.Mutex
	handlers map[string]http.Handler // by operation
	replies  []*Reply
	requests []Request
}

// Request is a request that the server received.
type Request struct {
	// Method is the HTTP method, such as POST.
	Method string

	// Path is the path of the URL, unescaped; Query holds its query.
	Path  string
	Query url.Values

	// Header holds the headers, with the API key and, for a retry, its number in
	// X-Retry-Count.
	Header http.Header

	// Body is the whole body.
	Body []byte
}

// Start starts a server for a test. When the test ends it is closed, and a scripted
// reply that no request has taken fails the test; so does what NewServer's methods
// panic on.
func Start(t testing.TB) *Server {
	t.Helper()
	return ended(t, newServer(t, vendored(), nil))
}

// StartInMemory is Start without a network, for a test in a testing/synctest bubble. There the
// clock jumps ahead when every goroutine waits, so five minutes of silence and the waits between
// retries take no time. Call it in the bubble. Only clients made by [Server.Client], or with
// [Server.Options], reach the server, and only in this bubble.
func StartInMemory(t testing.TB) *Server {
	t.Helper()
	return ended(t, newServer(t, vendored(), newMemory()))
}

// ended closes the server when the test ends, and fails a test that has left a reply.
func ended(t testing.TB, s *Server) *Server {
	t.Cleanup(func() {
		s.Close()
		if n := len(s.replies); n > 0 {
			t.Errorf("feathertest: scripted replies that no request has taken: %d", n)
		}
	})
	return s
}

// NewServer starts a server outside of a test, for a demonstration or a main. The
// caller closes it. Its methods panic on an invalid argument.
func NewServer() *Server { return newServer(panicking{}, vendored(), nil) }

// newServer makes a server on a loopback address, or in memory.
func newServer(t testing.TB, document *document, memory *memory) *Server {
	s := &Server{
		t:        t,
		document: document,
		memory:   memory,
		closed:   make(chan struct{}),
		unlisted: http.NewServeMux(),
		handlers: map[string]http.Handler{},
	}
	if memory == nil {
		s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	} else {
		s.http = &httptest.Server{Listener: memory, Config: &http.Server{Handler: http.HandlerFunc(s.serve)}}
		s.http.Start()
	}
	s.URL = s.http.URL
	return s
}

// panicking stands for the test of a server that has none.
type panicking struct{ testing.TB }

func (panicking) Helper() {}

func (panicking) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (panicking) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Close ends the replies that wait or stall, waits for the others, and stops the server.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	s.http.Close()
	if s.memory != nil {
		s.memory.transport.CloseIdleConnections()
	}
}

// Options are those with which feather.New makes a client for the server: for code under test
// that calls New itself. They set the base URL, a key and, in memory, the http.Client.
func (s *Server) Options() []feather.ClientOption {
	opts := []feather.ClientOption{feather.WithBaseURL(s.URL), feather.WithAPIKey("feathertest-key")}
	if s.memory != nil {
		opts = append(opts, feather.WithHTTPClient(&http.Client{Transport: s.memory.transport}))
	}
	return opts
}

// Client returns a client for the server, made by feather.New with [Server.Options] and the
// options given. It fails on options that New refuses. In memory, WithHTTPClient would cut the
// client off from the server; use WithMiddleware.
func (s *Server) Client(opts ...feather.ClientOption) *feather.ClientWithResponses {
	s.t.Helper()
	client, err := feather.New(append(s.Options(), opts...)...)
	if err != nil {
		s.t.Fatalf("feathertest: %v", err)
	}
	return client
}

// Handle lets handler respond to the requests for one operation, which is written as
// in the document: "GET /v1/things/{thing_id}". The names of the parameters do not
// matter; Request.PathValue has the values under the document's names. A second
// handler for an operation takes the place of the first. A handler sees only requests
// that have passed the checks, and none that a scripted reply takes.
//
// What the handler sends is checked as well, and so are scripted replies: a status of 2xx
// that the document does not declare, and a media type or JSON that it does not allow, fail
// the test with the place. Statuses outside 2xx, and what a handler aborts with
// http.ErrAbortHandler, are free.
//
// Handle fails on an operation that the document does not have.
func (s *Server) Handle(operation string, handler http.Handler) {
	s.t.Helper()
	known := s.operation(operation)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[known] = handler
}

// HandleUnlisted lets handler respond to requests for which the document has no operation, such
// as those of feather.Client.Request. pattern is one of http.ServeMux. Neither the requests nor
// the responses are checked. It panics as http.ServeMux.Handle does.
func (s *Server) HandleUnlisted(pattern string, handler http.Handler) {
	s.unlisted.Handle(pattern, handler)
}

// operation returns an operation as the document has it.
func (s *Server) operation(operation string) string {
	s.t.Helper()
	method, path, _ := strings.Cut(operation, " ")
	known, ok := s.document.operations[method+" "+withoutNames(path)]
	if !ok {
		s.t.Fatalf("feathertest: the document has no operation %q; write one as METHOD /path/{parameter}", operation)
	}
	return known
}

// HandleFunc is Handle for a function.
func (s *Server) HandleFunc(operation string, handler func(http.ResponseWriter, *http.Request)) {
	s.t.Helper()
	s.Handle(operation, http.HandlerFunc(handler))
}

// Requests returns the requests that came in, in the order of their arrival and
// with those that failed the checks.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // The client is gone.
	}
	s.record(r, body)
	route, params, err := s.document.find(r)
	if err != nil {
		if _, pattern := s.unlisted.Handler(r); pattern != "" {
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.unlisted.ServeHTTP(w, r)
			return
		}
		writeRouteError(w, err)
		return
	}
	for name, value := range params {
		if unescaped, err := url.PathUnescape(value); err == nil {
			params[name] = unescaped
		}
		r.SetPathValue(name, params[name])
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if problem := check(r, body, route, params); problem != nil {
		writeProblem(w, problem.statusCode, problem.detail)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.responseTo(r, route).ServeHTTP(w, r)
}

func (s *Server) record(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Method: r.Method,
		Path:   r.URL.Path,
		Query:  r.URL.Query(),
		Header: r.Header.Clone(),
		Body:   body,
	})
}

// responseTo returns the handler for a request that has passed the checks.
func (s *Server) responseTo(r *http.Request, route *routers.Route) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	operation := route.Method + " " + route.Path
	if i := slices.IndexFunc(s.replies, func(r *Reply) bool { return r.route == "" || r.route == operation }); i >= 0 {
		next := *s.replies[i]
		next.header = next.header.Clone()
		s.replies = slices.Delete(s.replies, i, i+1)
		s.checkScript(next, r, route)
		return http.HandlerFunc(next.send)
	}
	if handler, ok := s.handlers[operation]; ok {
		return s.checked(handler, route)
	}
	return s.defaultReply(route.Operation)
}
