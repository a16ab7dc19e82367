package feather

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"
)

// watchedBody is the size from which a request body shows whether the server reads it. A
// smaller one may wait in the buffers of the network.
const watchedBody = 64 << 10

// WithSilenceTimeout is [SilenceTimeout] for all calls of a client.
func WithSilenceTimeout(d time.Duration) ClientOption {
	return forAll(silence(d))
}

// SilenceTimeout sets how long the server may be silent during one call: 5 minutes by
// default, 0 for no limit. Pass it as the last argument of the call. The server is silent
// while the client waits for its next byte, or for it to read the request body. The comments
// that keep a stream alive count as bytes. A negative d fails the call.
//
// After d the call ends with an error for which errors.Is(err, os.ErrDeadlineExceeded) is
// true; it is not an error of the context. The connection is closed, and there is no retry.
func SilenceTimeout(d time.Duration) RequestEditorFn {
	return setting(silence(d))
}

func silence(d time.Duration) change {
	return timeLimit("SilenceTimeout", d, func(s *settings) { s.silence = cmp.Or(d, math.MaxInt64) })
}

// limitSilence ends a try whose server is silent for too long, and says what went wrong with
// one that fails.
func limitSilence(next Doer) Doer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		if contextError(call.ctx) != nil {
			closeBody(req.Body)
			text, causes := endOf(call.ctx, nil)
			return nil, &failure{info: call.infoOf(req), text: call.clean(text), causes: causes, notSent: true}
		}
		t := newTry(call, req)
		rsp, err := next.Do(t.req)
		bodyErr := t.headArrived()
		switch {
		case err != nil:
			t.end()
			return nil, t.explain(req, err, bodyErr)
		case rsp == nil:
			t.end()
			return nil, &failure{info: call.infoOf(req), text: "the Doer returned neither a response nor an error"}
		case rsp.Body == nil:
			rsp.Body = http.NoBody
		}
		if rsp.Request == nil || callOf(rsp.Request) != call { // a mock's, or a cache's
			rsp.Request = req
		}
		rsp.Body = &responseBody{rsp.Body, rsp, t}
		return rsp, nil
	})
}

// try is one request on its way, and how long its server has been silent.
type try struct {
	*call
	req        *http.Request
	cancel     context.CancelFunc
	sentBefore int

	timer *time.Timer // runs while the server is waited for

	sending sync.Mutex // between the request body and the head of the response
	hasHead bool
	bodyErr error // with which the request body failed
}

func newTry(c *call, req *http.Request) *try {
	ctx, cancel := context.WithCancel(req.Context())
	t := &try{call: c, req: req.WithContext(ctx), cancel: cancel}
	c.mu.Lock()
	t.sentBefore = c.sent
	c.account = account{sent: c.sent}
	c.limit.Store(nil)
	c.addKeys(req)
	c.mu.Unlock()
	t.watchBody()
	t.timer = time.AfterFunc(t.silence, func() {
		t.passed("the server was silent for %v, the silence timeout", t.silence)
		cancel()
	})
	return t
}

// watchBody lets every read of a large request body show that the server reads it.
func (t *try) watchBody() {
	if isSmall := 0 < t.req.ContentLength && t.req.ContentLength <= watchedBody; isSmall || !hasBody(t.req) {
		return
	}
	t.req.Body = &requestBody{ReadCloser: t.req.Body, try: t}
	if getBody := t.req.GetBody; getBody != nil {
		t.req.GetBody = func() (io.ReadCloser, error) {
			body, err := getBody()
			return &requestBody{ReadCloser: body, try: t}, err
		}
	}
}

// wait begins to wait for the server, pause lets the caller take its time.
func (t *try) wait()  { t.timer.Reset(t.silence) }
func (t *try) pause() { t.timer.Stop() }

// headArrived leaves the timer to the response. The request body may still be read; if it has
// failed, its error is returned.
func (t *try) headArrived() error {
	t.sending.Lock()
	defer t.sending.Unlock()
	t.hasHead = true
	t.pause()
	return t.bodyErr
}

func (t *try) end() {
	t.pause()
	t.cancel()
}

// passed notes that a limit of ours has passed, before it ends the try.
func (c *call) passed(format string, limit time.Duration) {
	text := fmt.Sprintf(format, limit)
	c.limit.Store(&text)
}

// requestBody waits for the server between reads, when it is being written. A
// response may come before its end.
type requestBody struct {
	io.ReadCloser
	try      *try
	isClosed bool // by the transport; what fails after that is not the fault of the body
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.around(b.try.pause, nil)
	n, err := b.ReadCloser.Read(p)
	b.around(b.try.wait, err)
	return n, err
}

// around turns the timer off or on around a read.
func (b *requestBody) around(turn func(), err error) {
	b.try.sending.Lock()
	defer b.try.sending.Unlock()
	if !b.try.hasHead {
		turn()
	}
	if err != nil && err != io.EOF && !b.isClosed {
		b.try.bodyErr = err
	}
}

func (b *requestBody) Close() error {
	b.try.sending.Lock()
	b.isClosed = true
	b.try.sending.Unlock()
	return b.ReadCloser.Close()
}

// responseBody waits for the server while it is being read.
type responseBody struct {
	io.ReadCloser
	rsp *http.Response
	try *try
}

func (b *responseBody) Read(p []byte) (int, error) {
	b.try.wait()
	n, err := b.ReadCloser.Read(p)
	b.try.pause()
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		err = b.try.brokenOff(b.rsp, err)
	}
	b.try.end()
	return n, err
}

func (b *responseBody) Close() error {
	b.try.end()
	return b.ReadCloser.Close()
}
