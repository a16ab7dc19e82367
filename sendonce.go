package feather

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// account records what happened to the requests of a call on the network. sendOnce keeps it,
// for requests whose context is the call's.
type account struct {
	sent      int   // requests that may have reached the server
	unsent    error // the last error of a request that certainly did not
	refused   bool  // unsent is net/http's refusal, which another try would meet again
	connected bool  // the last request had a connection
	status    int   // of the last response, 0 after an error
}

// sendOnce is the last layer before the transport. It keeps net/http from sending a request
// again by itself, and proves of a request that failed that nothing was sent.
//
// Over HTTP/2 net/http sends a request again after REFUSED_STREAM and PROTOCOL_ERROR, although the
// server may have acted on it: haproxy refuses a stream whose server hung up. It cannot do so where
// a body has been read and GetBody is nil. Over HTTP/1.1 it needs GetBody to replace a connection
// that was closed before anything was written, so the protocol must be known.
type sendOnce struct {
	next            http.RoundTripper
	isHTTPTransport bool // an *http.Transport, which sends nothing without a connection
	isDoer          bool // somebody else's, which follows redirects by itself
	cleartextHTTP2  bool // it may speak HTTP/2 over plain http

	http2 atomic.Bool // what the last connection spoke
}

func (s *sendOnce) RoundTrip(req *http.Request) (*http.Response, error) {
	call := callOf(req)
	call.mu.Lock()
	call.sent++ // until the contrary is proved
	call.addKeys(req)
	call.mu.Unlock()
	rsp, a, err := s.send(call, req)
	a.mu.Lock() // A transport that hedges may still be at work.
	defer a.mu.Unlock()
	call.mu.Lock()
	defer call.mu.Unlock()
	call.connected, call.status = a.connected, 0
	switch {
	case err != nil && a.isUnsent(s, err):
		call.sent--
		call.unsent, call.refused = err, !a.wanted && !a.connected
	case err == nil && rsp != nil:
		call.status = rsp.StatusCode
		s.http2.Store(rsp.ProtoMajor == 2)
	}
	return rsp, err
}

// CloseIdleConnections is for http.Client.
func (s *sendOnce) CloseIdleConnections() {
	if t, ok := s.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// send sends a request in one of four ways: as it is, where net/http cannot repeat it; watched
// for repeats, if its method is idempotent; with GetBody, as long as the connection does not
// speak HTTP/2; and without it. Somebody else's transport may hide which protocol it speaks;
// it gets a GetBody that fails as soon as the request has been written.
func (s *sendOnce) send(call *call, req *http.Request) (*http.Response, *attempt, error) {
	canBeRepeated := req.GetBody != nil || !hasBody(req)
	mayBeHTTP2 := req.URL.Scheme == "https" || s.cleartextHTTP2
	a := &attempt{endsRepeats: !s.isDoer && mayBeHTTP2}
	if isIdempotent(req.Method) || !canBeRepeated {
		return s.roundTrip(call, req, a)
	}
	req = hideIdempotencyKey(req)
	if !s.isHTTPTransport {
		return s.roundTrip(call, a.guardBody(req), a)
	}
	if !mayBeHTTP2 {
		return s.roundTrip(call, req, &attempt{})
	}
	if !s.http2.Load() {
		rsp, a, err := s.roundTrip(call, req, &attempt{refusesHTTP2: true})
		if err != errHTTP2 {
			return rsp, a, err
		}
		s.http2.Store(true)
		if req, err = withNewBody(req); err != nil {
			return nil, a, err
		}
	}
	once := *withBody(req)
	once.GetBody = nil
	return s.roundTrip(call, &once, &attempt{})
}

// withBody gives a request a body that is empty: net/http repeats what has none.
func withBody(req *http.Request) *http.Request {
	if hasBody(req) {
		return req
	}
	with := *req
	with.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }
	with.Body, _ = with.GetBody()
	return &with
}

// guardBody lets GetBody fail between the head of the request and that of the response.
func (a *attempt) guardBody(req *http.Request) *http.Request {
	guarded := *withBody(req)
	getBody := guarded.GetBody
	guarded.GetBody = func() (io.ReadCloser, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.wroteHeaders {
			return nil, errors.New("the request has been sent, and must not be sent twice")
		}
		return getBody()
	}
	return &guarded
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// hideIdempotencyKey keeps net/http from taking a POST with such a header for one that it
// may repeat: it looks for the canonical name.
func hideIdempotencyKey(req *http.Request) *http.Request {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := req.Header[name]; ok {
			req = req.Clone(req.Context())
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = values
		}
	}
	return req
}

// withNewBody returns the request with a body that is unread.
func withNewBody(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	again := *req
	again.Body = body
	return &again, err
}

// attempt follows one request through net/http.
type attempt struct {
	cleartextHTTP2 bool
	refusesHTTP2   bool // it ends before anything is written to an HTTP/2 connection
	endsRepeats    bool // it ends where net/http begins to send it again

	mu           sync.Mutex
	wanted       bool // net/http has asked for a connection
	connected    bool
	isHTTP2      bool
	wroteHeaders bool
	isRepeated   bool
	proxy        string  // to which a key was about to go in clear text
	failures     []error // of looking up, dialling and shaking hands
}

// errHTTP2 means that nothing was written because the connection speaks HTTP/2.
var errHTTP2 = errors.New("the connection speaks HTTP/2")

func (s *sendOnce) roundTrip(call *call, req *http.Request, a *attempt) (*http.Response, *attempt, error) {
	// An HTTP/2 request whose context has ended is not written. The context of a response ends
	// with the call's.
	ctx, cancel := context.WithCancel(req.Context())
	a.cleartextHTTP2 = s.cleartextHTTP2 && req.URL.Scheme == "http"
	target := ""
	if call.keyPlain.Load() {
		target = net.JoinHostPort(req.URL.Hostname(), portOf(req.URL))
	}
	rsp, err := s.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, a.trace(target, cancel))))
	if err == nil {
		return rsp, a, nil
	}
	cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.proxy != "":
		err = notSent(failf("refusing to send the API key in clear text through the proxy %s; "+
			"use https, or no proxy for %s", a.proxy, origin(req.URL)))
	case a.refusesHTTP2 && a.isHTTP2 && !a.connected:
		err = errHTTP2
	case a.isRepeated:
		err = fmt.Errorf("the server refused or reset the HTTP/2 stream: %w", io.ErrUnexpectedEOF)
	}
	return nil, a, err
}

// trace watches the connections. A target is the only address that they may go to.
func (a *attempt) trace(target string, cancel func()) *httptrace.ClientTrace {
	note := func(change func()) {
		a.mu.Lock()
		defer a.mu.Unlock()
		change()
	}
	failed := func(err error) {
		if err != nil {
			note(func() { a.failures = append(a.failures, err) })
		}
	}
	return &httptrace.ClientTrace{
		GetConn: func(address string) {
			note(func() {
				a.wanted = true
				if target != "" && !strings.EqualFold(address, target) {
					a.proxy = address
				}
			})
		},
		GotConn: func(info httptrace.GotConnInfo) {
			if !a.mayWrite(info.Conn) {
				cancel()
			}
		},
		WroteHeaders:         func() { note(func() { a.wroteHeaders = true }) },
		GotFirstResponseByte: func() { note(func() { a.wroteHeaders = false }) },
		DNSDone:              func(info httptrace.DNSDoneInfo) { failed(info.Err) },
		ConnectDone:          func(_, _ string, err error) { failed(err) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { failed(err) },
	}
}

func (a *attempt) mayWrite(conn net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	encrypted, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	a.isHTTP2 = ok && encrypted.ConnectionState().NegotiatedProtocol == "h2" || a.cleartextHTTP2
	switch {
	case a.proxy != "":
		_ = conn.Close() // Nothing can be written then.
		return false
	case a.isHTTP2 && a.refusesHTTP2 && !a.connected:
		return false
	case a.isHTTP2 && a.endsRepeats && a.wroteHeaders:
		a.isRepeated = true
		return false
	}
	a.connected, a.wroteHeaders = true, false
	return true
}

// unsentTexts are errors of net/http that prove that the server has not seen the request, and
// refusals the beginnings of those for which it asks for no connection. Their types are unexported.
var unsentTexts = []string{
	"http: server closed idle connection",                         // nothing was written
	"http2: client conn not usable",                               // nothing was written
	"net/http: cannot rewind body after connection loss",          // follows the one above
	"http2: Transport received Server's graceful shutdown GOAWAY", // its last stream is below ours
}

var refusals = []string{
	"net/http: invalid ", "unsupported protocol scheme", "http: no Host in request URL", "http: nil Request.",
}

// isUnsentText compares whole texts, as a server's words may be part of one.
func isUnsentText(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		text := strings.TrimPrefix(err.Error(), "http2: Transport: cannot retry err [")
		text, _, _ = strings.Cut(text, "] after Request.Body was written; define Request.GetBody to avoid this error")
		if slices.Contains(unsentTexts, text) {
			return true
		}
	}
	return false
}

// isUnsent says whether the server certainly has not seen the request.
func (a *attempt) isUnsent(s *sendOnce, err error) bool {
	isRefusal := func(text string) bool { return strings.HasPrefix(err.Error(), text) }
	isFailure := func(failure error) bool { return errors.Is(err, failure) }
	switch {
	case a.connected:
		return isUnsentText(err)
	case s.isHTTPTransport:
		// A protocol that was registered with it asks for no connection.
		return a.wanted || slices.ContainsFunc(refusals, isRefusal)
	}
	// A transport that falls back to another host may have sent it there.
	return a.proxy != "" || slices.ContainsFunc(a.failures, isFailure)
}
