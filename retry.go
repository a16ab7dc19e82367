package feather

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/featherhq/feather-go/internal/oapi"
)

const (
	maxRetryAfter = time.Minute
	minBackoff    = 500 * time.Millisecond
	maxBackoff    = 8 * time.Second
	// returnGap is between the callers of a client that come back after a 429. It
	// is a tenth of Feather's limit, which an organization's other programs share.
	returnGap = 100 * time.Millisecond
)

// WithMaxRetries is [MaxRetries] for all calls of a client.
func WithMaxRetries(n int) ClientOption {
	return func(c *Client) error {
		if n < 0 {
			return negativeRetries(n)
		}
		return forNew("WithMaxRetries", func(o *newOptions) { o.maxRetries = n })(c)
	}
}

// MaxRetries sets how often one call of a client from [New] sends its request again: 2 by
// default, 0 for never. Pass it as the last argument of the call. A negative n fails the
// call.
//
// A request is sent again only if the server cannot act on it twice:
//
//   - any method: if no connection could be made (DNS, dial, TLS handshake), if the server
//     had closed the connection before anything was sent, after a 429, and after any
//     other 4xx with "retryable": true in the body;
//   - GET, HEAD, PUT, DELETE and OPTIONS: also after a 502, 503 or 504, and if the
//     connection broke before the response began;
//   - no method: after "retryable": false, and if another try would fail in the same way,
//     such as with a certificate that is not trusted or a proxy that refuses.
//
// Before a retry the client waits as long as the server asks, in Retry-After (RFC 9110,
// section 10.2.3) or retry_after in the body, and up to a quarter longer. If the server does
// not ask, it waits 0.5 to 8 seconds, twice as long each time, with jitter. After a 429 the
// callers that share a client and a key come back one after another, a tenth of a second
// apart: Feather allows an organization 6,000 requests a minute. If the server asks for more
// than a minute, if others would make it wait a minute longer, or if the wait would outlast
// the deadline of the context, the call returns its error at once. A context that ends during the wait ends the call.
//
// A body that cannot be read again (http.Request.GetBody is nil) is sent once. A retry has
// its number, from 1, in the header X-Retry-Count.
//
// net/http repeats some requests itself, and MaxRetries(0) does not turn that off: if a
// connection that it kept open turns out to be closed, it sends a GET, HEAD, OPTIONS or
// TRACE again, and any request with an Idempotency-Key header.
func MaxRetries(n int) RequestEditorFn {
	if n < 0 {
		return func(context.Context, *http.Request) error { return negativeRetries(n) }
	}
	return setting(func(s *settings) { s.maxRetries = n })
}

func negativeRetries(n int) error {
	return failf("MaxRetries(%d): a number of retries cannot be negative; 0 means none", n)
}

// retrier sends the request of a call until it succeeds or must not be sent again.
type retrier struct {
	next     HttpRequestDoer
	settings *settings
	logger   *slog.Logger

	mu   sync.Mutex
	rows map[string][]time.Time // by API key, when callers come back after a 429, sorted
}

func newRetrier(next HttpRequestDoer, o *newOptions) *retrier {
	return &retrier{next: next, settings: &o.settings, logger: o.logger, rows: map[string][]time.Time{}}
}

func (r *retrier) Do(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	budget := r.budget(req)
	var growing *backoff.ExponentialBackOff
	arrived := false
	for attempt := 1; ; attempt++ {
		try, err := numbered(req, attempt)
		if err != nil {
			return nil, err
		}
		rsp, err := r.next.Do(try)
		if err == nil {
			return rsp, nil
		}
		arrived = arrived || !errors.Is(err, ErrNotSent)
		again := attempt <= budget && ctx.Err() == nil && mayRepeat(req.Method, err)
		err = afterAttempts(err, attempt, arrived)
		if !again {
			return nil, err
		}
		if growing == nil {
			growing = newBackoff()
		}
		wait, ok := r.waitBeforeRetry(req, err, growing.NextBackOff())
		if !ok {
			return nil, err
		}
		logRetry(ctx, r.logger, req, attempt, wait, err)
		if !sleep(ctx, wait) {
			return nil, endedWaiting(req, err)
		}
	}
}

func (r *retrier) budget(req *http.Request) int {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return 0
	}
	return r.settings.of(req).maxRetries
}

// numbered returns the request of one attempt.
func numbered(req *http.Request, attempt int) (*http.Request, error) {
	if attempt == 1 {
		return req, nil
	}
	again := req.Clone(req.Context())
	again.Header.Set("X-Retry-Count", strconv.Itoa(attempt-1))
	if req.GetBody == nil {
		return again, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, failf("reading the request body again for a retry: %w", err)
	}
	again.Body = body
	return again, nil
}

// afterAttempts completes the error of the last attempt: what arrived in an
// earlier one has arrived.
func afterAttempts(err error, attempt int, arrived bool) error {
	switch err := err.(type) {
	case *APIError:
		err.Attempts = attempt
	case *failure:
		err.notSent = !arrived
	}
	return err
}

// mayRepeat reads from the error of a try whether the server cannot have acted on
// the request, or may act on it again.
func mayRepeat(method string, err error) bool {
	switch e := err.(type) {
	case *APIError:
		if e.Retryable != nil && !*e.Retryable {
			return false
		}
		switch e.StatusCode {
		case http.StatusTooManyRequests:
			return true
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return isIdempotent(method)
		}
		return e.StatusCode/100 == 4 && e.Retryable != nil
	case *failure:
		return !e.lasting && (e.notSent || isIdempotent(method) && errors.Is(e, io.ErrUnexpectedEOF))
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

func newBackoff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     minBackoff * 4 / 3, // so that the bounds hold
		MaxInterval:         maxBackoff * 4 / 5, // after the jitter, too
		Multiplier:          2,
		RandomizationFactor: 0.25,
	}
}

// waitBeforeRetry is what the server asks for, with jitter on top, else growing. It
// is not ok where the server asks for too much, or the context has no time for it.
func (r *retrier) waitBeforeRetry(req *http.Request, err error, growing time.Duration) (wait time.Duration, ok bool) {
	wait = growing
	apiErr, isAPIError := err.(*APIError)
	if isAPIError && apiErr.saysRetryAfter {
		if apiErr.RetryAfter > maxRetryAfter {
			return 0, false
		}
		wait = apiErr.RetryAfter + rand.N(apiErr.RetryAfter/4+1)
	}
	if isAPIError && apiErr.StatusCode == http.StatusTooManyRequests {
		return r.takePlace(req, wait)
	}
	return wait, !outlastsDeadline(req.Context(), wait)
}

// takePlace puts the callers with one API key in a row. Without it all that were
// refused come back at the moment that the server names, and most are refused again.
func (r *retrier) takePlace(req *http.Request, wait time.Duration) (time.Duration, bool) {
	key := req.Header.Get(keyHeader)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for key, row := range r.rows {
		if r.rows[key] = slices.DeleteFunc(row, now.After); len(r.rows[key]) == 0 {
			delete(r.rows, key)
		}
	}
	place, at := freePlace(r.rows[key], now.Add(wait))
	inRow := place.Sub(now)
	if inRow-wait > maxRetryAfter || outlastsDeadline(req.Context(), inRow) {
		return 0, false
	}
	r.rows[key] = slices.Insert(r.rows[key], at, place)
	return inRow, true
}

// freePlace returns the first place from a time on that is far enough from all others,
// and its index in the row.
func freePlace(row []time.Time, place time.Time) (time.Time, int) {
	for i, taken := range row {
		switch {
		case taken.Sub(place) >= returnGap:
			return place, i
		case place.Sub(taken) < returnGap:
			place = taken.Add(returnGap)
		}
	}
	return place, len(row)
}

// retryAfter reads the Retry-After header: seconds, or a date (RFC 9110, section
// 10.2.3).
func retryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := header.Get("Retry-After")
	if value == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return seconds(float64(n)), true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	// The server's own clock counts, unless its Date is only a few seconds old:
	// uvicorn sends one that it has kept.
	serverNow, err := http.ParseTime(header.Get("Date"))
	if age := now.Sub(serverNow); err == nil && (age < 0 || age > 10*time.Second) {
		now = serverNow
	}
	return max(date.Sub(now), 0), true
}

func seconds(n float64) time.Duration {
	return time.Duration(min(n, 1<<33) * float64(time.Second)) // 1<<33 is 272 years
}

func outlastsDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

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

// endedWaiting is the error of a context that ended before the next attempt.
func endedWaiting(req *http.Request, last error) error {
	text, causes := endOf(req.Context(), nil)
	request := oapi.DescribeRequest(req) + ": "
	reason := strings.TrimPrefix(last.Error(), "feather: "+request)
	return &failure{
		text:    request + text + ", while waiting to retry after " + reason,
		causes:  causes,
		notSent: errors.Is(last, ErrNotSent),
	}
}
