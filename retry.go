package feather

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	defaultRetries = 2
	maxRetryAfter  = time.Minute
	minBackoff     = 500 * time.Millisecond
	maxBackoff     = 8 * time.Second
	maxDrain       = 64 << 10
)

type maxRetriesKey struct{}

// MaxRetries sets how often a client from New sends a request again after the
// first try: 2 by default, 0 for never. It applies to one call, as that call's
// last argument, or to all calls of a client, through WithRequestEditorFn; the
// editor applied last wins. A negative n fails the call.
//
// A request is sent again only where that cannot make the server act twice:
//
//   - every method: after a 429, and after a failure to connect (DNS, dial, TLS
//     handshake);
//   - GET, HEAD, PUT, DELETE and OPTIONS also after a 502, 503 or 504, and after
//     a connection that broke before the head of the reply.
//
// The wait before it is what Retry-After says (RFC 9110, section 10.2.3), else
// 0.5 to 8 seconds, growing twofold, with jitter. Where Retry-After exceeds a
// minute, or the wait would outlast the context's deadline, the caller gets the
// response or the error at once, as it is after the last try. The end of the
// context ends a wait, and is the error. A body that cannot be read anew
// (http.Request.GetBody is nil) is sent once. A retry carries its number, from 1,
// in the header X-Retry-Count.
func MaxRetries(n int) RequestEditorFn {
	return func(_ context.Context, req *http.Request) error {
		if n < 0 {
			return fmt.Errorf("feather: MaxRetries(%d): a number of retries cannot be negative; 0 means none", n)
		}
		*req = *req.WithContext(context.WithValue(req.Context(), maxRetriesKey{}, n))
		return nil
	}
}

func retry(next HttpRequestDoer) HttpRequestDoer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		budget := retryBudget(req)
		if budget == 0 {
			return next.Do(req)
		}
		var growing *backoff.ExponentialBackOff
		for count := 0; ; count++ {
			var conn connection
			try, err := prepare(req, count, &conn)
			if err != nil {
				return nil, err
			}
			rsp, err := next.Do(try)
			if count == budget || !mayRepeat(req, rsp, err, &conn) {
				return rsp, err
			}
			if growing == nil {
				growing = newBackoff()
			}
			wait := waitBeforeRetry(rsp, growing)
			if wait > maxRetryAfter || outlastsDeadline(req.Context(), wait) {
				return rsp, err
			}
			discard(rsp)
			if sleep(req.Context(), wait) != nil {
				return nil, fmt.Errorf("%w, while waiting to retry after %s", req.Context().Err(), outcome(rsp, err))
			}
		}
	})
}

func retryBudget(req *http.Request) int {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return 0
	}
	if n, ok := req.Context().Value(maxRetriesKey{}).(int); ok {
		return n
	}
	return defaultRetries
}

// prepare returns the request of one try, which conn watches.
func prepare(req *http.Request, count int, conn *connection) (*http.Request, error) {
	ctx := conn.watch(req.Context())
	if count == 0 {
		return req.WithContext(ctx), nil
	}
	again := req.Clone(ctx)
	again.Header.Set("X-Retry-Count", strconv.Itoa(count))
	if req.GetBody == nil {
		return again, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("reading the request body anew for a retry: %w", err)
	}
	again.Body = body
	return again, nil
}

// mayRepeat decides for one try whether the server cannot have acted on it, or
// may act on it again.
func mayRepeat(req *http.Request, rsp *http.Response, err error, conn *connection) bool {
	switch {
	case req.Context().Err() != nil:
		return false
	case err == nil:
		return repeatableStatus(req.Method, rsp.StatusCode)
	case rsp != nil: // net/http returns both for a redirect that was refused
		return false
	case conn.established.Load():
		return isIdempotent(req.Method) && !isTimeout(err)
	}
	return conn.wanted.Load()
}

func repeatableStatus(method string, statusCode int) bool {
	switch statusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isIdempotent(method)
	}
	return false
}

// isIdempotent follows RFC 9110, section 9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// connection is what became of one try's connection. The transport's own account
// is the only sure sign that nothing was sent: its errors look alike before and
// after. A doer that gives no account gets no retry on an error.
type connection struct {
	trace               httptrace.ClientTrace
	wanted, established atomic.Bool
}

func (c *connection) watch(ctx context.Context) context.Context {
	c.trace.GetConn = func(string) { c.wanted.Store(true) }
	c.trace.GotConn = func(httptrace.GotConnInfo) { c.established.Store(true) }
	return httptrace.WithClientTrace(ctx, &c.trace)
}

func newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     minBackoff * 4 / 3, // so that the bounds hold
		MaxInterval:         maxBackoff * 4 / 5, // after the jitter, too
		Multiplier:          2,
		RandomizationFactor: 0.25,
	}
}

func waitBeforeRetry(rsp *http.Response, growing *backoff.ExponentialBackOff) time.Duration {
	next := growing.NextBackOff()
	if rsp != nil {
		if wait, ok := retryAfter(rsp.Header, time.Now()); ok {
			return wait
		}
	}
	return next
}

// retryAfter reads the Retry-After header: seconds, or a date (RFC 9110, section
// 10.2.3). A date counts from the server's own clock, where the answer shows it.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := header.Get("Retry-After")
	if value == "" {
		return 0, false
	}
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second, true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if serverNow, err := http.ParseTime(header.Get("Date")); err == nil {
		now = serverNow
	}
	return max(date.Sub(now), 0), true
}

func outlastsDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

// discard makes the connection of an answer that nobody will see fit for use
// again, unless too much is left on it.
func discard(rsp *http.Response) {
	if rsp != nil {
		_, _ = io.CopyN(io.Discard, rsp.Body, maxDrain)
		closeBody(rsp.Body)
	}
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func outcome(rsp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return rsp.Status
}
