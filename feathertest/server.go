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
// A request without a key gets 401, one that the document does not allow 422 in
// FastAPI's shape, an unknown path 404 and a wrong method 405. What passes gets
// the next scripted reply (Reply and its kin), else the answer of the handler set
// with Handle, else a short stream where the server has one to give, else 501.
//
// # Where it differs from the real service
//
//   - It keeps no state and knows no session, workflow or customer: every UUID is
//     a session that exists.
//   - It takes any key. Roles, quotas and the limit of 6,000 requests a minute
//     for an organization are not there; script a 429 with ReplyStatus.
//   - What a reply holds is made up. The document does not say what a stream
//     carries; the delta and complete events follow Feather's other streams.
//   - The msg and type of a 422 are FastAPI's own for missing fields, types,
//     lengths, UUIDs and broken JSON, and come close for the rest. It checks the
//     request alone, never what a handler answers.
//   - It speaks HTTP/1.1 without TLS, and does not redirect a path with a slash
//     too many, as FastAPI does.
package feathertest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Server is a fake Feather on a loopback address. Its methods may be called at
// any time and from any goroutine.
type Server struct {
	// URL is the base URL, such as http://127.0.0.1:34567, without a slash at
	// the end.
	URL string

	t      testing.TB // or panicking
	http   *httptest.Server
	router routers.Router
	closed chan struct{}

	mu       sync.Mutex
	handlers map[string]http.Handler
	mux      *http.ServeMux // of the handlers
	replies  []*Reply
	requests []Request
}

// Request is what one request brought.
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
	s := newServer(t, router())
	t.Cleanup(func() {
		s.Close()
		if n := len(s.replies); n > 0 {
			t.Errorf("feathertest: no request took the last %d of the scripted replies", n)
		}
	})
	return s
}

// NewServer starts a server outside of a test, for a demonstration or a main. The
// caller closes it. Its methods panic on an argument that cannot be.
func NewServer() *Server { return newServer(panicking{}, router()) }

func newServer(t testing.TB, router routers.Router) *Server {
	s := &Server{
		t:        t,
		router:   router,
		closed:   make(chan struct{}),
		handlers: map[string]http.Handler{},
		mux:      http.NewServeMux(),
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	return s
}

// panicking stands for the test of a server that has none.
type panicking struct{ testing.TB }

func (panicking) Helper() {}

func (panicking) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Close ends the replies that stall, waits for the others, and stops the server.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	s.http.Close()
}

// Client returns a client for the server, made by feather.New with a key that
// the server takes and the options given. It fails on options that New refuses.
func (s *Server) Client(opts ...feather.ClientOption) *feather.ClientWithResponses {
	s.t.Helper()
	defaults := []feather.ClientOption{feather.WithBaseURL(s.URL), feather.WithAPIKey("feathertest-key")}
	client, err := feather.New(append(defaults, opts...)...)
	if err != nil {
		s.t.Fatalf("feathertest: %v", err)
	}
	return client
}

// Handle lets handler answer the requests that match pattern, which is written
// as for http.ServeMux: "GET /v1/things/{id}". A handler for the same pattern
// takes the place of the one before. It sees only requests that have passed the
// checks, and none that a scripted reply takes. Handle fails on a pattern that
// http.ServeMux cannot read or that conflicts with another one.
func (s *Server) Handle(pattern string, handler http.Handler) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	handlers := maps.Clone(s.handlers)
	handlers[pattern] = handler
	mux, err := newMux(handlers)
	if err != nil {
		s.t.Fatalf("feathertest: %v", err)
	}
	s.mux, s.handlers = mux, handlers
}

// HandleFunc is Handle for a function.
func (s *Server) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	s.t.Helper()
	s.Handle(pattern, http.HandlerFunc(handler))
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
	route, params, err := s.router.FindRoute(r)
	if err != nil {
		writeRouteError(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if problem := check(r, body, route, params); problem != nil {
		writeProblem(w, problem.statusCode, problem.detail)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.answer(r, route).ServeHTTP(w, r)
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

// answer returns the handler for a request that has passed the checks.
func (s *Server) answer(r *http.Request, route *routers.Route) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.replies) > 0 {
		next := s.replies[0]
		s.replies = s.replies[1:]
		return *next
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		return s.defaultReply(route.Method + " " + route.Path)
	}
	return s.mux
}

// newMux returns what http.ServeMux panics with.
func newMux(handlers map[string]http.Handler) (mux *http.ServeMux, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%v", reason)
		}
	}()
	mux = http.NewServeMux()
	for pattern, handler := range handlers {
		mux.Handle(pattern, handler)
	}
	return mux, nil
}

// router knows the operations of the client's own document.
var router = sync.OnceValue(func() routers.Router {
	router, err := newRouter(feather.Spec())
	if err != nil { // The package ships the document.
		panic(fmt.Sprintf("feathertest: reading the OpenAPI document: %v", err))
	}
	return router
})

func newRouter(spec []byte) (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // The server answers at its own address.
	return gorillamux.NewRouter(doc)
}
