package feather

import (
	"compress/gzip"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What one response may put into memory. A stream as a whole has no limit.
const (
	maxResponse  = 64 << 20
	maxEvent     = 16 << 20
	maxErrorBody = 1 << 20
)

// watchedBody is the size from which a request body shows whether the server reads
// it. What is smaller, the network may buffer.
const watchedBody = 64 << 10

var (
	errResponseTooLarge = failf("the response is larger than the limit of 64 MiB; read it with Stream, event by event")
	errEventTooLarge    = failf("an event is larger than the limit of 16 MiB")
)

// WithIdleTimeout is [IdleTimeout] for all calls of a client.
func WithIdleTimeout(d time.Duration) ClientOption {
	return func(c *Client) error {
		if d < 0 {
			return negativeIdleTimeout(d)
		}
		return forNew("WithIdleTimeout", func(o *newOptions) { o.idleTimeout = d })(c)
	}
}

// IdleTimeout sets how long the server may be silent during one call of a client from
// [New]: 5 minutes by default, 0 for no limit. Pass it as the last argument of the call.
// The server is silent while the client waits for its next byte, or for it to read the
// request body. The comments that keep a stream alive count as bytes. A negative d fails
// the call.
//
// After d the call ends with an error that errors.Is finds as os.ErrDeadlineExceeded, but
// not as an error of the context. The connection is closed, and there is no retry.
func IdleTimeout(d time.Duration) RequestEditorFn {
	if d < 0 {
		return func(context.Context, *http.Request) error { return negativeIdleTimeout(d) }
	}
	return setting(func(s *settings) { s.idleTimeout = d })
}

func negativeIdleTimeout(d time.Duration) error {
	return failf("IdleTimeout(%v): a time cannot be negative; 0 means no limit", d)
}

// limit bounds each try in time, while the server is silent, and its response in
// memory, whatever the server said of the length.
func limit(next HttpRequestDoer, defaults *settings) HttpRequestDoer {
	shared := newWatch(defaults.idleTimeout)
	shared.isShared = true
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		t := newTry(req.Context(), defaults.of(req), shared)
		rsp, err := next.Do(t.request(req))
		t.returned.Store(true)
		t.waiting.Store(0)
		switch {
		case err != nil:
			t.end()
			return nil, t.explain(req, rsp, err)
		case rsp == nil:
			t.end()
			return nil, failf("the HttpRequestDoer returned neither a response nor an error")
		case rsp.Body == nil:
			rsp.Body = http.NoBody
		}
		if rsp.Request == nil { // net/http sets it, a mock or a cache may not
			rsp.Request = req
		}
		decompress(rsp)
		t.body = responseBody{ReadCloser: rsp.Body, try: t, left: maxResponse}
		rsp.Body = &t.body
		return rsp, nil
	})
}

// try is one request on its way: whether it got a connection, and how long the
// server has been silent. The transport's own account is the only sure sign that
// nothing was sent, as its errors look alike before and after.
type try struct {
	ctx    context.Context // the caller's
	cancel context.CancelFunc
	trace  httptrace.ClientTrace

	wantsConnection atomic.Bool
	connected       atomic.Bool
	mu              sync.Mutex
	conn            net.Conn     // the last one
	body            responseBody // here, as it would be allocated by itself

	settings *settings
	watch    *watch
	waiting  atomic.Int64 // since when, by the watch; 0 while nobody waits
	returned atomic.Bool  // the response's head is there
	expired  atomic.Bool
}

func newTry(ctx context.Context, s *settings, shared *watch) *try {
	t := &try{ctx: ctx, settings: s, watch: shared}
	if s.idleTimeout != shared.silence {
		t.watch = newWatch(s.idleTimeout)
	}
	t.trace.GetConn = func(string) { t.wantsConnection.Store(true) }
	t.trace.GotConn = func(info httptrace.GotConnInfo) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.conn = info.Conn
		t.connected.Store(true)
	}
	return t
}

// request returns req under the watch of the try, and starts the clock.
func (t *try) request(req *http.Request) *http.Request {
	ctx, cancel := context.WithCancel(t.ctx)
	t.cancel = cancel
	watched := req.WithContext(httptrace.WithClientTrace(ctx, &t.trace))
	isSmall := 0 < req.ContentLength && req.ContentLength <= watchedBody
	if req.Body != nil && req.Body != http.NoBody && !isSmall {
		watched.Body = requestBody{req.Body, t}
		if req.GetBody != nil {
			watched.GetBody = func() (io.ReadCloser, error) {
				body, err := req.GetBody()
				return requestBody{body, t}, err
			}
		}
	}
	t.wait()
	t.watch.add(t)
	return watched
}

// wait begins to wait for the server. It takes no timer, as it is called with
// every read.
func (t *try) wait() { t.waiting.Store(t.watch.now()) }

// left is how long the server may still be silent.
func (t *try) left() time.Duration {
	since := t.waiting.Load()
	if since == 0 {
		return t.settings.idleTimeout
	}
	return t.settings.idleTimeout - time.Duration(t.watch.now()-since)
}

func (t *try) end() {
	t.watch.remove(t)
	t.cancel()
}

func (t *try) idleFailure() *failure {
	return &failure{
		text:    "the server was silent for " + t.settings.idleTimeout.String() + ", the idle timeout",
		causes:  []error{os.ErrDeadlineExceeded},
		lasting: true,
	}
}

// watch ends the tries for which the server is silent for too long. All have the same
// limit, so whichever began to wait first is due first, and one timer serves all: one
// for each would be set and stopped with every call.
type watch struct {
	silence  time.Duration // the longest
	isShared bool          // by all calls of a client, or else one call's own
	start    time.Time

	mu    sync.Mutex
	tries map[*try]struct{}
	timer *time.Timer // nil while there is nothing to wait for
}

func newWatch(silence time.Duration) *watch {
	return &watch{silence: silence, start: time.Now(), tries: map[*try]struct{}{}}
}

// now is in ns, and never 0.
func (w *watch) now() int64 { return int64(time.Since(w.start)) + 1 }

func (w *watch) add(t *try) {
	if w.silence <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries[t] = struct{}{}
	if w.timer == nil {
		w.timer = time.AfterFunc(w.silence, w.check)
	}
}

func (w *watch) remove(t *try) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.tries, t)
	if !w.isShared && w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// check ends the tries that are due, and looks again when the next one is.
func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.silence
	for t := range w.tries {
		left := t.left()
		if left <= 0 {
			delete(w.tries, t)
			t.expired.Store(true)
			t.cancel()
			continue
		}
		next = min(next, left)
	}
	if len(w.tries) == 0 {
		w.timer = nil
		return
	}
	w.timer.Reset(next)
}

// requestBody waits for the server between reads, when it is being written. A
// response may come before its end.
type requestBody struct {
	io.ReadCloser
	try *try
}

func (b requestBody) Read(p []byte) (int, error) {
	if b.try.returned.Load() {
		return b.ReadCloser.Read(p)
	}
	b.try.waiting.Store(0)
	n, err := b.ReadCloser.Read(p)
	if b.try.wait(); b.try.returned.Load() {
		b.try.waiting.Store(0) // The response has begun meanwhile.
	}
	return n, err
}

// responseBody waits for the server while it is being read.
type responseBody struct {
	io.ReadCloser
	try  *try
	left int64
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errResponseTooLarge
	}
	b.try.wait()
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.try.waiting.Store(0)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return n - 1, errResponseTooLarge
	case err == nil:
		return n, nil
	case err != io.EOF && b.try.expired.Load():
		err = b.try.idleFailure()
	case err != io.EOF:
		err = brokenOff(b.try.ctx, err)
	}
	b.try.end()
	return n, err
}

func (b *responseBody) Close() error {
	b.try.end()
	return b.ReadCloser.Close()
}

// giveUpConnection makes an HTTP/1.1 connection unfit for another request. What is
// left of the response can still be read, and a request that takes the connection
// all the same is not written, so that net/http may send it over another one.
func (b *responseBody) giveUpConnection() {
	b.try.mu.Lock()
	defer b.try.mu.Unlock()
	if conn, ok := b.try.conn.(interface{ CloseWrite() error }); ok {
		_ = conn.CloseWrite()
	}
}

// decompress undoes the gzip that a request editor has asked for; net/http does so
// only where it has asked itself.
func decompress(rsp *http.Response) {
	encoding := rsp.Header["Content-Encoding"]
	if len(encoding) > 0 && strings.EqualFold(encoding[0], "gzip") && rsp.Request.Method != http.MethodHead {
		rsp.Body = &gzipBody{compressed: rsp.Body}
		rsp.Header.Del("Content-Encoding")
		rsp.Header.Del("Content-Length")
		rsp.ContentLength, rsp.Uncompressed = -1, true
	}
}

type gzipBody struct {
	compressed io.ReadCloser
	content    *gzip.Reader
}

func (b *gzipBody) Read(p []byte) (n int, err error) {
	if b.content == nil { // not sooner, as it waits for the first bytes
		if b.content, err = gzip.NewReader(b.compressed); err != nil {
			return 0, err
		}
	}
	return b.content.Read(p)
}

func (b *gzipBody) Close() error { return b.compressed.Close() }

// unlimited is for Stream, which has a bound for each event.
func unlimited(body io.Reader) io.Reader {
	if b, ok := body.(*responseBody); ok {
		b.left = math.MaxInt64 - 1
	}
	return body
}
