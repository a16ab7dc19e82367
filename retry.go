package feather

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRetryAfter = time.Minute
	minBackoff    = time.Second // without jitter, which takes up to half of it away
	maxBackoff    = 8 * time.Second
)

// WithMaxRetries is [MaxRetries] for all calls of a client.
func WithMaxRetries(n int) ClientOption {
	return forAll(maxRetries(n))
}

// MaxRetries sets how often one call sends its request again: 2 by default, 0 for never. Pass
// it as the last argument of the call. A negative n fails the call.
//
// A request is sent again only if the server cannot act on it twice:
//
//   - any method: if no connection could be made (DNS, dial, TLS handshake), if the server
//     had closed the connection before anything was written, or says over HTTP/2 that it has
//     not taken the request (GOAWAY), after a 429, and after any other 4xx with
//     "retryable": true in the body;
//   - GET, HEAD, PUT, DELETE and OPTIONS: also after a 502, 503 or 504, and if the
//     connection broke before the response began;
//   - no method: after "retryable": false, and if another try would fail in the same way,
//     such as with a certificate that is not trusted or a proxy that refuses with a 4xx.
//
// Before a retry the client waits as long as the server asks, in Retry-After (RFC 9110,
// section 10.2.3) or retry_after in the body, and up to a quarter longer. If the server does
// not ask, it waits 0.5 to 8 seconds, longer each time, with jitter. If the server asks for
// more than a minute, or if the wait would outlast the deadline of the context, the call
// returns its error at once. A context that ends during the wait ends the call.
//
// Feather allows an organization 6,000 requests a minute. A program that makes more than 300 calls
// at once needs a limiter, such as golang.org/x/time/rate in a request editor.
//
// A body that cannot be read again (http.Request.GetBody is nil) is sent once. A retry has
// its number, from 1, in the header X-Retry-Count.
//
// net/http repeats nothing by itself that may have been sent, but for a GET, HEAD or OPTIONS
// over HTTP/1.1 whose connection turns out to be closed.
func MaxRetries(n int) RequestEditorFn {
	return setting(maxRetries(n))
}

func maxRetries(n int) change {
	return func(s *settings) error {
		if n < 0 {
			return failf("MaxRetries(%d): a number of retries cannot be negative; 0 means none", n)
		}
		s.maxRetries = n
		return nil
	}
}

// Idempotent lets one call be sent again as a PUT is, although it is a POST or a PATCH: after a
// 502, 503 or 504, and if the connection broke before the response began. Pass it as the last
// argument of a call on which the server does not act twice, such as one whose body contains
// an idempotency key.
func Idempotent() RequestEditorFn {
	return setting(func(s *settings) error {
		s.idempotent = true
		return nil
	})
}

// SafeToRepeat reports whether a call that failed certainly had no effect: nothing was sent
// ([ErrNotSent]), or the server refused it, with any 4xx except 408. It is false for every other
// error, such as a 5xx, a broken connection, a [*DecodeError] and an error of a stream that had
// begun, and for nil. It is also false if an earlier try of the same call may have had an effect.
//
// It says that repeating the call does no harm, not that it helps: a key that is wrong, a 404 or
// a 422 fails again. Bound a loop that repeats.
func SafeToRepeat(err error) bool {
	if ours, ok := errors.AsType[callError](err); ok {
		return ours.safeToRepeat()
	}
	return errors.Is(err, ErrNotSent)
}

// callError is one of this package's. The first in a chain counts: one that it wraps may be of
// another call.
type callError interface {
	error
	safeToRepeat() bool
}

func (f *failure) safeToRepeat() bool     { return f.notSent }
func (e *DecodeError) safeToRepeat() bool { return false }
func (e *StreamError) safeToRepeat() bool { return false }

func (e *APIError) safeToRepeat() bool {
	return e.StatusCode/100 == 4 && e.StatusCode != http.StatusRequestTimeout && !e.mayHaveActed
}

// retrier sends the request of a call until it succeeds or must not be sent again.
type retrier struct{ next Doer }

func (r *retrier) Do(req *http.Request) (*http.Response, error) {
	call := callOf(req)
	var last error
	for attempt := 1; ; attempt++ {
		again, err := requestOf(req, attempt)
		if err != nil {
			return nil, call.cannotRepeat(req, err, last)
		}
		rsp, err := r.next.Do(again)
		if err == nil {
			return rsp, nil
		}
		isIdempotent := call.idempotent || isIdempotent(req.Method)
		canGoOn := attempt <= call.maxRetries && (!hasBody(req) || req.GetBody != nil)
		mayGoOn := canGoOn && mayRepeat(isIdempotent, err)
		err = call.afterAttempts(err, attempt, last)
		wait, ok := waitBeforeRetry(call.ctx, err, attempt)
		if key := call.otherKey(req, err); key != "" && canGoOn {
			req = req.Clone(req.Context())
			req.Header.Set(keyHeader, key)
			mayGoOn, wait, ok = true, 0, true
		}
		if last = err; !mayGoOn || !ok || call.ctx.Err() != nil {
			return nil, err
		}
		call.logRetry(req, attempt, wait, err)
		if !sleep(call.ctx, wait) {
			return nil, call.endedWaiting(req, err)
		}
	}
}

// requestOf returns the request of one attempt.
func requestOf(req *http.Request, attempt int) (*http.Request, error) {
	if attempt == 1 {
		return req, nil
	}
	again, err := withNewBody(req.Clone(req.Context()))
	if err == nil {
		again.Header.Set("X-Retry-Count", strconv.Itoa(attempt-1))
	}
	return again, err
}

// afterAttempts completes the error of the last attempt. It is ErrNotSent only if no earlier
// attempt reached the server.
func (c *call) afterAttempts(err error, attempt int, last error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch err := err.(type) {
	case *APIError:
		err.Attempts, err.mayHaveActed = attempt, last != nil && !SafeToRepeat(last)
	case *failure:
		err.notSent = err.notSent && c.sent == 0
		err.hideNotSent()
		err.tries = attempt
	}
	return err
}

// mayRepeat reads from the error of a try whether the server cannot have acted on
// the request, or may act on it again.
func mayRepeat(isIdempotent bool, err error) bool {
	switch e := err.(type) {
	case *APIError:
		if e.Retryable != nil && !*e.Retryable {
			return false
		}
		switch e.StatusCode {
		case http.StatusTooManyRequests:
			return true
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return isIdempotent
		}
		return e.StatusCode/100 == 4 && e.Retryable != nil
	case *failure:
		return !e.permanent && (e.notSent || isIdempotent && errors.Is(e, io.ErrUnexpectedEOF))
	}
	return false
}

// otherKey asks the source of the key once more after a 401, which says that nothing
// happened. It returns "" if the key is still the same.
func (c *call) otherKey(req *http.Request, err error) string {
	apiErr, ok := err.(*APIError)
	if !ok || apiErr.StatusCode != http.StatusUnauthorized || c.keySource == nil {
		return ""
	}
	source := c.keySource
	c.keySource = nil
	key, err := source(c.ctx)
	if err != nil || checkKey(key) != nil || key == req.Header.Get(keyHeader) {
		return ""
	}
	return key
}

// isIdempotent follows RFC 9110, section 9.2.2.
func isIdempotent(method string) bool {
	return slices.Contains([]string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}, method)
}

// waitBeforeRetry is what the server asks for, with jitter on top, else growing. It
// is not ok where the server asks for too much, or the context has no time for it.
func waitBeforeRetry(ctx context.Context, err error, attempt int) (wait time.Duration, ok bool) {
	wait = backoff(attempt)
	if apiErr, ok := err.(*APIError); ok && apiErr.saysRetryAfter {
		if apiErr.RetryAfter > maxRetryAfter {
			return 0, false
		}
		wait = later(apiErr.RetryAfter)
	}
	deadline, ok := ctx.Deadline()
	return wait, !ok || time.Until(deadline) > wait
}

// backoff grows with each attempt; half of it is jitter.
func backoff(attempt int) time.Duration {
	longest := min(minBackoff<<min(attempt-1, 10), maxBackoff)
	return longest/2 + rand.N(longest/2+1)
}

// later adds jitter to the wait that the server asks for.
func later(wait time.Duration) time.Duration { return wait + rand.N(wait/4+1) }

// sleep reports whether it was not the context that ended it.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// cannotRepeat is the error of a request body that cannot be read again.
func (c *call) cannotRepeat(req *http.Request, err, last error) error {
	text := "reading the request body again for a retry: " + err.Error() + ", after: " + textOf(last)
	f := &failure{info: c.infoOf(req), text: c.clean(text), causes: []error{notTheCallers(err), last}}
	f.notSent = errors.Is(last, ErrNotSent)
	f.hideNotSent()
	return f
}

// endedWaiting is the error of a context that ended before the next attempt.
func (c *call) endedWaiting(req *http.Request, last error) error {
	text, causes := endOf(c.ctx, nil)
	info := c.infoOf(req)
	return &failure{
		info: info,
		text: c.clean(text + ", while waiting to retry after " +
			strings.TrimPrefix(textOf(last), info.request()+": ")),
		causes:  causes,
		notSent: errors.Is(last, ErrNotSent),
	}
}
