package feather

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/featherhq/feather-go/internal/oapi"
)

const (
	maxErrorBody = 1 << 20
	// maxErrorTime is how long the body of an error may take to arrive.
	maxErrorTime = 5 * time.Second
)

// APIError is a response outside 2xx. Every call returns one for such a response. Find it
// with errors.As:
//
//	var apiErr *feather.APIError
//	if errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusNotFound { … }
//
// If the server repeats the API key, [redacted] replaces it.
type APIError struct {
	// StatusCode is the HTTP status code, such as 422.
	StatusCode int

	CallInfo

	// Code is Feather's error code, such as rate_limited; empty without one.
	Code string

	// Title is the title of an RFC 9457 problem document; empty without one.
	Title string

	// Message is what the server says is wrong: Feather's message, the text of
	// FastAPI's detail or of RFC 9457's, or the entries of Validation in one
	// line. It is empty when the body has none, as a page of HTML.
	Message string

	// Validation has an entry for each part of the request that FastAPI found
	// wrong. It is empty when the detail is a text.
	Validation ValidationErrors

	// Retryable is what the server says of another try; nil when it does not.
	Retryable *bool

	// RetryAfter is how long the server asks to wait before another try: the Retry-After header
	// (RFC 9110, section 10.2.3), else the body's retry_after, in whole seconds; 0 without either.
	RetryAfter time.Duration

	// Attempts is how often the request was tried, 1 without a retry.
	Attempts int

	// Header contains the headers of the response.
	Header http.Header

	// Body is the response's body as it came, up to 1 MiB and for up to 5 seconds.
	Body []byte

	saysRetryAfter bool // perhaps 0
	mayHaveActed   bool // on an earlier try
}

// Error returns one line: the request, the status, the first 300 characters of what the
// server said, how long it asks to wait, and how often the request was tried.
func (e *APIError) Error() string {
	text := oapi.StatusText(e.StatusCode) + ": " + oneLine(e.said(e.Code, e.Title, e.Message))
	text = after(e.request(), strings.TrimSuffix(text, ": "))
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (retry after %v)", e.RetryAfter)
	}
	return "feather: " + text + tried(e.Attempts)
}

// said joins parts of the error, without what one repeats of another. It is the body if the
// error has no parts.
func (e *APIError) said(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" && (len(said) == 0 || !strings.HasPrefix(part, said[len(said)-1])) {
			said = append(said, part)
		}
	}
	if len(said) > 0 || e.Code != "" {
		return strings.Join(said, ": ")
	}
	if err := oapi.CheckEncoding(e.Header); err != nil {
		return err.Error()
	}
	return string(e.Body)
}

// LogValue is for package slog: the method, path, status, code, request id and attempts, and
// what the server said (at most 300 characters). It has no headers.
func (e *APIError) LogValue() slog.Value {
	wait := slog.Attr{}
	if e.RetryAfter > 0 {
		wait = secondsAttr("retry_after_seconds", e.RetryAfter)
	}
	return e.logValue(append(e.attrs(), wait, slog.Int("attempts", e.Attempts))...)
}

func (e *APIError) attrs() []slog.Attr {
	return []slog.Attr{
		slog.Int("status", e.StatusCode), textAttr("code", oneLine(e.Code)),
		textAttr("detail", oneLine(e.said(e.Title, e.Message))),
	}
}

// Decode decodes Body into v, as [Event.Decode] does, most often into a generated type that
// the API document declares for the status.
func (e *APIError) Decode(v any) error {
	return decode("the body of a "+oapi.StatusText(e.StatusCode), e.Body, v)
}

// refuseErrors turns a response outside 2xx into an *APIError, and a page of HTML into a
// *DecodeError.
func refuseErrors(next, network Doer) Doer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		rsp, err := next.Do(req)
		switch {
		case err != nil:
			return nil, err
		case !oapi.IsSuccess(rsp.StatusCode):
			apiErr := readAPIError(rsp)
			if client, ok := network.(*http.Client); ok && rsp.StatusCode == 500 && rsp.ProtoMajor == 1 {
				// uvicorn closes the connection after an unhandled exception and does not say so.
				client.CloseIdleConnections()
			}
			return nil, apiErr
		case isStrayPage(req, rsp):
			return nil, newDecodeError(rsp, readErrorBody(rsp),
				failf("a page of HTML, which comes from a proxy or a login and not from Feather"))
		}
		return rsp, nil
	})
}

func isStrayPage(req *http.Request, rsp *http.Response) bool {
	isEmpty := rsp.StatusCode == http.StatusNoContent || rsp.StatusCode == http.StatusResetContent ||
		req.Method == http.MethodHead
	isWanted := strings.Contains(req.Header.Get("Accept"), "text/html")
	return !isEmpty && !isWanted && strings.HasPrefix(oapi.MediaType(rsp.Header), "text/html")
}

// readErrorBody also closes the body. A partial one is better than none.
func readErrorBody(rsp *http.Response) []byte {
	defer closeBody(rsp.Body)
	defer time.AfterFunc(maxErrorTime, func() { closeBody(rsp.Body) }).Stop()
	body, _ := io.ReadAll(io.LimitReader(rsp.Body, maxErrorBody))
	return body
}

func readAPIError(rsp *http.Response) *APIError {
	c := callOf(rsp.Request)
	body := []byte(c.redact(string(readErrorBody(rsp))))
	e := c.readErrorJSON(body)
	e.StatusCode, e.CallInfo, e.Attempts = rsp.StatusCode, c.info(rsp), 1
	e.Header, e.Body = c.redactHeader(rsp.Header), body
	if wait, ok := retryAfter(rsp.Header, time.Now()); ok {
		e.RetryAfter, e.saysRetryAfter = wait, true
	}
	return e
}

// readErrorJSON reads what such JSON has at its top, whatever the media type says:
// Feather's error and message, FastAPI's detail, RFC 9457's title and detail, a gateway's
// error object or message. FastAPI's detail may be an object with an error and a message.
func (c *call) readErrorJSON(data []byte) *APIError {
	e, members := &APIError{}, membersOf(data)
	inner, detail := membersOf(members["error"]), membersOf(members["detail"])
	e.Code = cmp.Or(text(members["error"]), text(inner["code"]), text(members["code"]))
	e.Title = text(members["title"])
	e.Message = cmp.Or(text(members["message"]), text(inner["message"]))
	if message := text(detail["message"]); message != "" {
		e.Code, e.Message = cmp.Or(e.Code, text(detail["error"]), text(detail["code"])), message
	} else if list := bytes.TrimSpace(members["detail"]); len(list) > 0 {
		var entries ValidationErrors
		_ = entries.UnmarshalJSON(list)
		if list[0] == '[' {
			e.Validation = entries
		}
		e.Message = cmp.Or(entries.String(), e.Message)
	}
	e.Retryable = boolean(cmp.Or(string(members["retryable"]), string(detail["retryable"])))
	e.RetryAfter, _ = seconds(cmp.Or(text(members["retry_after"]), text(detail["retry_after"])))
	e.saysRetryAfter = e.RetryAfter > 0
	if bytes.IndexByte(data, '\\') >= 0 {
		c.redactEscaped(e)
	}
	return e
}

// redactEscaped is for a key that JSON has escaped.
func (c *call) redactEscaped(e *APIError) {
	e.Code, e.Title, e.Message = c.redact(e.Code), c.redact(e.Title), c.redact(e.Message)
	if data, err := json.Marshal(e.Validation); err == nil {
		clean := []byte(c.redact(string(data)))
		e.Validation = nil
		_ = json.Unmarshal(clean, &e.Validation)
	}
}

// membersOf returns nil for JSON that is no object.
func membersOf(data []byte) (members map[string]json.RawMessage) {
	_ = json.Unmarshal(data, &members)
	return members
}

// text returns a text or a number, and "" for other JSON.
func text(data json.RawMessage) (s string) {
	switch {
	case len(data) == 0:
	case data[0] == '"':
		_ = json.Unmarshal(data, &s)
	case data[0] == '-' || '0' <= data[0] && data[0] <= '9':
		s = string(data)
	}
	return s
}

// boolean returns nil for other JSON.
func boolean(data string) *bool {
	if is, err := strconv.ParseBool(data); err == nil && len(data) > 1 {
		return &is
	}
	return nil
}

// RequestID returns the id that the server gave to the request, for a log or for Feather's
// support: the header X-Request-Id, or else Request-Id, X-Correlation-Id, X-Amzn-Requestid
// or Cf-Ray. It is empty if there is none, and for nil.
func RequestID(rsp *http.Response) string {
	if rsp == nil {
		return ""
	}
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "Cf-Ray"} {
		if id := rsp.Header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// retryAfter reads the Retry-After header: seconds, or a date (RFC 9110, section 10.2.3).
func retryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := header.Get("Retry-After")
	if wait, ok := seconds(value); ok {
		return wait, true
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

// seconds reads a number of seconds, and rounds it up.
func seconds(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return time.Duration(min(math.Ceil(n), 1<<33)) * time.Second, err == nil // 1<<33 is 272 years
}
