package feather

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/featherhq/feather-go/internal/oapi"
)

// ErrNotSent means that the call certainly did not reach the server: errors.Is(err, ErrNotSent) is
// true if the call was refused before anything was sent, or if no connection was made. Such a call
// can be made again, whatever its method. Any other call that failed may have reached the server.
var ErrNotSent = errors.New("feather: nothing was sent")

// failure is this package's error type for everything but APIError, DecodeError and StreamError.
type failure struct {
	info      CallInfo // zero without a call
	text      string
	causes    []error
	notSent   bool
	permanent bool // another try would fail in the same way
	tries     int
}

func (f *failure) Error() string {
	text := "feather: " + after(f.info.request(), f.text) + tried(f.tries)
	if f.info.RequestID != "" {
		text += " (request id " + oneLine(f.info.RequestID) + ")"
	}
	return text
}

// LogValue is for package slog: the call, and the text.
func (f *failure) LogValue() slog.Value {
	if f.info == (CallInfo{}) {
		return slog.StringValue(f.Error())
	}
	return f.info.logValue(textAttr("detail", f.text+tried(f.tries)))
}

// tried says how often a call was tried, if more than once.
func tried(times int) string {
	if times < 2 {
		return ""
	}
	return fmt.Sprintf(" (tried %d times)", times)
}

func after(subject, text string) string { return strings.TrimPrefix(subject+": "+text, ": ") }

func (f *failure) Unwrap() []error { return f.causes }

func (f *failure) Is(target error) bool { return target == ErrNotSent && f.notSent }

func failf(format string, args ...any) error {
	return prefixed(fmt.Errorf(format, args...))
}

// prefixed wraps err so that its text begins with "feather: ".
func prefixed(err error) error {
	switch err.(type) {
	case *failure, *APIError, *DecodeError, *StreamError:
		return err
	}
	return &failure{text: err.Error(), causes: []error{err}}
}

// notSent wraps err as prefixed does, and marks it as never sent.
func notSent(err error) error {
	ours := prefixed(err)
	if f, ok := ours.(*failure); ok {
		refused := *f
		refused.notSent, refused.permanent = true, true
		return &refused
	}
	return ours
}

// textOf is the text of an error without its prefix.
func textOf(err error) string { return strings.TrimPrefix(err.Error(), "feather: ") }

// explain turns the error of a try without a response into a failure: what happened, and
// whether anything was sent. The order of the cases counts: a limit of ours or the caller's
// context ends a try with some error of the transport, which says less.
func (t *try) explain(req *http.Request, err, bodyErr error) error {
	cause := err
	if urlErr, ok := err.(*url.Error); ok {
		cause = urlErr.Err // its own text is method and URL once more
	}
	f := &failure{text: cause.Error()}
	_, f.causes = endOf(t.ctx, err)
	t.mu.Lock()
	account := t.account
	t.mu.Unlock()
	f.notSent = account.unsent != nil && account.sent == t.sentBefore &&
		(errors.Is(err, account.unsent) || errors.Is(err, http.ErrSchemeMismatch))
	ours, isOurs := cause.(*failure)
	handshake, limit := handshakeFault(req.URL, cause), t.limit.Load()
	switch {
	case limit != nil:
		f.text, f.causes, f.permanent = *limit, []error{os.ErrDeadlineExceeded}, true
	case contextError(t.ctx) != nil:
		f.text, f.causes = endOf(t.ctx, err)
	case bodyErr != nil:
		f.text, f.permanent = "reading the request body: "+bodyErr.Error(), true
		f.causes = []error{notTheCallers(bodyErr)}
	case isOurs:
		f.text, f.causes, f.permanent = ours.text, slices.Clone(ours.causes), ours.permanent
		for i, cause := range f.causes {
			f.causes[i] = notTheCallers(cause)
		}
		f.notSent = f.notSent || ours.notSent && account.sent == t.sentBefore
	case account.status != 0: // a redirect that was refused, or leads nowhere
		f.text, f.permanent = oapi.StatusText(account.status)+": "+f.text, true
	case handshake != "" && f.notSent:
		f.text, f.permanent = handshake, true
	case account.connected && !isTimeout(err): // perhaps before anything was written
		f.text = "the connection broke before the response: " + f.text
		f.causes = append(f.causes, io.ErrUnexpectedEOF)
	case f.notSent:
		f.permanent = account.refused
	}
	f.info, f.text = t.infoOf(req), t.clean(f.text)
	f.hideNotSent()
	return f
}

// hideNotSent is for a cause that was not sent itself, as that of a middleware's own call,
// where this request may have been.
func (f *failure) hideNotSent() {
	for i, cause := range f.causes {
		if !f.notSent && errors.Is(cause, ErrNotSent) {
			f.causes[i] = opaque{cause}
		}
	}
}

// handshakeFault describes an error of TLS that no retry can fix, or returns "".
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

// endOf says how a request or a response ended before its time: for the caller's
// context with its error and its cause, for a timeout with os.ErrDeadlineExceeded.
func endOf(ctx context.Context, err error) (text string, causes []error) {
	ctxErr, cause := contextError(ctx), context.Cause(ctx)
	switch {
	case ctxErr != nil && (cause == nil || cause == ctxErr):
		return ctxErr.Error(), []error{ctxErr}
	case ctxErr != nil:
		return fmt.Sprintf("%v: %v", ctxErr, cause), []error{ctxErr, cause}
	case isTimeout(err):
		return err.Error(), []error{os.ErrDeadlineExceeded, opaque{err}}
	}
	return err.Error(), []error{notTheCallers(err)}
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

// notTheCallers keeps the end of another context from being taken for that of the caller's.
func notTheCallers(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return opaque{err}
	}
	return err
}

// opaque hides an error from errors.Is, and not from errors.As: the context of a
// RoundTripper must not be taken for the caller's.
type opaque struct{ err error }

func (f opaque) Error() string { return f.err.Error() }

func (f opaque) As(target any) bool { return errors.As(f.err, target) }

// brokenOff is the error of a body that ends before its end.
func (c *call) brokenOff(rsp *http.Response, err error) error {
	if f, ok := err.(*failure); ok && f.info != (CallInfo{}) {
		return f
	}
	if limit := c.limit.Load(); limit != nil {
		return c.failed(rsp, *limit, os.ErrDeadlineExceeded)
	}
	text, causes := endOf(c.ctx, err)
	if contextError(c.ctx) == nil {
		causes = append(causes, io.ErrUnexpectedEOF)
	}
	return c.failed(rsp, "the response was cut off: "+text, causes...)
}

// CallInfo says which call an error is of.
type CallInfo struct {
	// Operation is the name of the call, such as SendMessage.
	Operation string

	// Method, Host and Path are those of the request. The path is escaped, and has no query.
	Method, Host, Path string

	// RequestID is the id that the server gave to the request; see [RequestID]. Quote it when
	// you ask Feather's support about a call.
	RequestID string
}

func (c *call) info(rsp *http.Response) CallInfo {
	info := c.infoOf(rsp.Request)
	info.RequestID = c.redact(RequestID(rsp))
	return info
}

// infoOf is of a request without a response. A mock's response has no request.
func (c *call) infoOf(req *http.Request) CallInfo {
	info := CallInfo{Operation: c.redact(c.operation)}
	if req != nil {
		info.Method, info.Host, info.Path = req.Method, c.redact(req.URL.Host), c.redact(req.URL.EscapedPath())
	}
	return info
}

func (i CallInfo) request() string { return oneLine(i.Method + " " + i.Path) }

// attrs name the call in a log.
func (i CallInfo) attrs() []slog.Attr {
	return []slog.Attr{
		textAttr("operation", oneLine(i.Operation)), slog.String("method", i.Method),
		textAttr("host", oneLine(i.Host)), slog.String("path", oneLine(i.Path)),
	}
}

// logValue names the call around what an error has to say.
func (i CallInfo) logValue(attrs ...slog.Attr) slog.Value {
	attrs = append(i.attrs(), attrs...)
	return slog.GroupValue(append(attrs, textAttr("request_id", oneLine(i.RequestID)))...)
}

// decode is json.Unmarshal, with an error that repeats nothing of the data.
func decode(what string, data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	text := err.Error()
	if t := reflect.TypeOf(v); t != nil && t.Kind() == reflect.Pointer {
		text = json.Mismatch(data, t.Elem())
	}
	return &failure{text: "decoding " + what + ": " + text, causes: []error{err}}
}

// failed is the error of a response that has begun.
func (c *call) failed(rsp *http.Response, text string, causes ...error) *failure {
	f := &failure{info: c.info(rsp), text: c.clean(text), causes: causes}
	c.logFailure(rsp, f)
	return f
}
