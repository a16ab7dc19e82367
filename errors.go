package feather

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/featherhq/feather-go/internal/oapi"
)

// ErrNotSent is found by errors.Is in the error of a call that certainly did not reach the
// server: it was refused before anything was sent, or no connection was made. Such a call
// can be made again, whatever its method. Any other call that failed may have reached the
// server.
var ErrNotSent = errors.New("feather: nothing was sent")

// failure is an error of this package: each of them is one, or an *APIError or a
// *StreamError.
type failure struct {
	text    string
	causes  []error
	notSent bool
	lasting bool // another try would fail in the same way
}

func (f *failure) Error() string { return "feather: " + f.text }

func (f *failure) Unwrap() []error { return f.causes }

func (f *failure) Is(target error) bool { return target == ErrNotSent && f.notSent }

func failf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &failure{text: err.Error(), causes: []error{err}}
}

// named makes an error of somebody else's one of this package.
func named(err error) error {
	switch err.(type) {
	case *failure, *APIError, *StreamError:
		return err
	}
	return &failure{text: err.Error(), causes: []error{err}}
}

// notSent is named for what keeps a request from being sent at all.
func notSent(err error) error {
	ours := named(err)
	if f, ok := ours.(*failure); ok {
		refused := *f
		refused.notSent, refused.lasting = true, true
		return &refused
	}
	return ours
}

// explain says of a try without a response what happened, whose fault it is, and
// whether anything was sent. A redirect that was refused has both a response and
// an error.
func (t *try) explain(req *http.Request, rsp *http.Response, err error) error {
	cause := err
	if urlErr, ok := err.(*url.Error); ok {
		cause = urlErr.Err // its own text is method and URL once more
	}
	f := &failure{text: cause.Error(), causes: []error{err}}
	ours, isOurs := cause.(*failure)
	connected := t.connected.Load()
	switch text := handshakeFault(req.URL, cause); {
	case t.expired.Load():
		*f = *t.idleFailure()
	case contextError(t.ctx) != nil:
		f.text, f.causes = endOf(t.ctx, cause)
	case isOurs:
		*f = *ours
	case rsp != nil:
		f.lasting = true
	case text != "" && !connected:
		f.text, f.lasting = text, true
	default:
		_, f.causes = endOf(t.ctx, err)
		if connected && !isTimeout(err) {
			f.text = "the connection broke before the response: " + cause.Error()
			f.causes = append(f.causes, io.ErrUnexpectedEOF)
		}
	}
	f.text = oapi.DescribeRequest(req) + ": " + f.text
	f.notSent = f.notSent || t.wantsConnection.Load() && !connected || cause.Error() == closedIdle
	return f
}

// closedIdle is net/http's error for a connection that the server had closed before
// the request took it. Nothing can have been written: net/http closes its own half
// first. Its type is unexported.
const closedIdle = "http: server closed idle connection"

// handshakeFault names what keeps a connection from being made until somebody
// changes it, or is empty.
func handshakeFault(u *url.URL, err error) string {
	server := origin(u)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the certificate of %s is not trusted: %v", server, err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Sprintf("%s speaks http, not https; correct the base URL", server)
	}
	root := err
	for errors.Unwrap(root) != nil {
		root = errors.Unwrap(root)
	}
	// An alert of either side has a type that package tls keeps to itself.
	if strings.HasPrefix(root.Error(), "tls: ") {
		return fmt.Sprintf("the TLS handshake with %s failed: %v", server, err)
	}
	return ""
}

// proxyResponded names the proxy that refuses a connection, where net/http has
// only the text of its status.
func proxyResponded(_ context.Context, proxy *url.URL, _ *http.Request, rsp *http.Response) error {
	if rsp.StatusCode == http.StatusOK {
		return nil
	}
	return &failure{
		text:    fmt.Sprintf("the proxy %s refused the connection: %s", origin(proxy), rsp.Status),
		lasting: rsp.StatusCode < 500,
	}
}

// endOf says how a request or a response ended before its time: for the caller's
// context with its error and its cause, for a timeout with os.ErrDeadlineExceeded.
// A context of somebody else's, such as a RoundTripper's, must not be taken for
// the caller's.
func endOf(ctx context.Context, err error) (text string, causes []error) {
	ctxErr, cause := contextError(ctx), context.Cause(ctx)
	switch {
	case ctxErr != nil && (cause == nil || cause == ctxErr):
		return ctxErr.Error(), []error{ctxErr}
	case ctxErr != nil:
		return fmt.Sprintf("%v: %v", ctxErr, cause), []error{ctxErr, cause}
	case isTimeout(err):
		return err.Error(), []error{os.ErrDeadlineExceeded, foreign{err}}
	case errors.Is(err, context.Canceled):
		return err.Error(), []error{foreign{err}}
	}
	return err.Error(), []error{err}
}

// contextError also sees a deadline that has passed where the context has not
// noticed yet: a dialer that was given it may be first.
func contextError(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// foreign hides an error from errors.Is, and not from errors.As.
type foreign struct{ err error }

func (f foreign) Error() string { return f.err.Error() }

func (f foreign) As(target any) bool { return errors.As(f.err, target) }

// brokenOff is the error of a body that ends before its end.
func brokenOff(ctx context.Context, err error) error {
	switch err.(type) {
	case *failure, *StreamError: // a limit, or an event
		return err
	}
	text, causes := endOf(ctx, err)
	if contextError(ctx) == nil {
		causes = append(causes, io.ErrUnexpectedEOF)
	}
	return &failure{text: "the response broke off: " + text, causes: causes}
}
