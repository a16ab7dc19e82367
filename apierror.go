package feather

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/featherhq/feather-go/internal/oapi"
)

const (
	// maxMessage is how many characters of a server's words an error's message
	// repeats.
	maxMessage = 300
	// maxErrorTime is how long the body of an error may take to arrive.
	maxErrorTime = 5 * time.Second
)

// APIError is a response outside 2xx. Every call of a client from [New] returns one for
// such a response. Find it with errors.As:
//
//	var apiErr *feather.APIError
//	if errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusNotFound { … }
//
// A 2xx with a page of HTML that the request did not ask for is an APIError as well: it
// comes from a proxy or a login page. If the server repeats the API key, [redacted]
// replaces it.
type APIError struct {
	// StatusCode is the HTTP status code, such as 422.
	StatusCode int

	// Method and Path are those of the request. The path is escaped, and has
	// no query.
	Method, Path string

	// Code is Feather's error code, such as rate_limited; empty without one.
	Code string

	// Title is the title of an RFC 9457 problem document; empty without one.
	Title string

	// Detail is what the server says is wrong: Feather's message, the text of
	// FastAPI's detail or of RFC 9457's, or the entries of Validation in one
	// line. It is empty when the body has none, as a page of HTML.
	Detail string

	// Validation has an entry for each part of the request that FastAPI found
	// wrong. It is empty when the detail is a text.
	Validation ValidationErrors

	// Retryable is what the server says of another try; nil when it does not.
	Retryable *bool

	// RetryAfter is how long the server asks to wait before another try: the
	// Retry-After header (RFC 9110, section 10.2.3), else the body's
	// retry_after; 0 without either.
	RetryAfter time.Duration

	// RequestID is the response's X-Request-Id, or else one of Request-Id,
	// X-Correlation-Id, X-Amzn-Requestid and Cf-Ray; empty without any. Quote it
	// when you ask Feather's support about a call.
	RequestID string

	// Attempts is how often the request was sent, 1 without a retry. What
	// net/http repeats by itself does not count; see [MaxRetries].
	Attempts int

	// Header holds the headers of the response.
	Header http.Header

	// Body is the response's body as it came, up to 1 MiB and for up to 5
	// seconds.
	Body []byte

	saysRetryAfter bool // perhaps 0
}

// Error returns one line: the request, the status, and the first 300 characters of what
// the server said.
func (e *APIError) Error() string {
	var said []string
	for _, part := range []string{e.Code, e.Title, e.Detail} {
		if part != "" && (len(said) == 0 || !strings.HasPrefix(part, said[len(said)-1])) {
			said = append(said, part)
		}
	}
	message := strings.Join(said, ": ")
	if message == "" {
		message = string(e.Body)
	}
	text := strings.TrimLeft(e.Method+" "+e.Path, " ")
	for _, part := range []string{oapi.StatusText(e.StatusCode), e.pageNote(), oneLine(message)} {
		if text != "" && part != "" {
			text += ": "
		}
		text += part
	}
	return "feather: " + text
}

func (e *APIError) pageNote() string {
	if oapi.IsSuccess(e.StatusCode) {
		return "a page of HTML from a proxy or a login, not from Feather"
	}
	return ""
}

// LogValue is for package slog: method, path, status, code, detail (at most 300
// characters), request id and attempts. It has neither headers nor the body.
func (e *APIError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("method", e.Method), slog.String("path", e.Path), slog.Int("status", e.StatusCode),
		textAttr("code", e.Code), textAttr("detail", oneLine(e.Detail)), textAttr("request_id", e.RequestID),
		slog.Int("attempts", e.Attempts))
}

// Decode decodes Body, as json.Unmarshal does, most often into a generated type that the
// API document declares for the status. It wraps the error of json.Unmarshal.
func (e *APIError) Decode(v any) error {
	if err := json.Unmarshal(e.Body, v); err != nil {
		return failf("decoding the body of a %s: %w", oapi.StatusText(e.StatusCode), err)
	}
	return nil
}

// refuseErrors turns a response that is none of the API's successes into an
// *APIError.
func refuseErrors(next HttpRequestDoer) HttpRequestDoer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		rsp, err := next.Do(req)
		if err != nil || oapi.IsSuccess(rsp.StatusCode) && !isStrayPage(req, rsp) {
			return rsp, err
		}
		return nil, readAPIError(req, rsp)
	})
}

func isStrayPage(req *http.Request, rsp *http.Response) bool {
	isEmpty := rsp.StatusCode == http.StatusNoContent || rsp.StatusCode == http.StatusResetContent ||
		req.Method == http.MethodHead
	return !isEmpty && strings.HasPrefix(strings.ToLower(rsp.Header.Get("Content-Type")), "text/html") &&
		!strings.Contains(req.Header.Get("Accept"), "text/html")
}

// readAPIError also closes the body. What a broken connection or a slow one
// leaves of it still tells more than its end.
func readAPIError(req *http.Request, rsp *http.Response) *APIError {
	defer closeBody(rsp.Body)
	defer time.AfterFunc(maxErrorTime, func() { closeBody(rsp.Body) }).Stop()
	return newAPIError(req, rsp, readErrorBody(rsp))
}

func readErrorBody(rsp *http.Response) []byte {
	content := io.LimitReader(rsp.Body, maxErrorBody)
	var body bytes.Buffer
	if b, ok := rsp.Body.(*responseBody); ok && rsp.StatusCode == 500 && rsp.ProtoMajor == 1 && rsp.ContentLength > 0 {
		// uvicorn closes the connection after an unhandled exception and does not
		// say so. While a byte is unread no other call can have got it.
		_, _ = body.ReadFrom(io.LimitReader(content, rsp.ContentLength-1))
		b.giveUpConnection()
	}
	_, _ = body.ReadFrom(content)
	return body.Bytes()
}

func newAPIError(req *http.Request, rsp *http.Response, body []byte) *APIError {
	e := &APIError{
		StatusCode: rsp.StatusCode,
		RequestID:  RequestID(rsp),
		Attempts:   1,
		Header:     rsp.Header,
		Body:       body,
	}
	if req != nil {
		e.Method, e.Path = req.Method, req.URL.EscapedPath()
		for _, key := range secretsOf(req) {
			e.redact(key)
		}
	}
	e.readBody()
	if wait, ok := retryAfter(rsp.Header, time.Now()); ok {
		e.RetryAfter, e.saysRetryAfter = wait, true
	}
	return e
}

// redact removes the API key from what the server sent back.
func (e *APIError) redact(key string) {
	e.Body = redactText(e.Body, key)
	e.RequestID = strings.ReplaceAll(e.RequestID, key, redacted)
	e.Path = strings.ReplaceAll(e.Path, key, redacted)
	e.Header = redactHeader(e.Header, key)
}

const redacted = "[redacted]"

// redactHeader changes a copy, and makes one only if the key is there.
func redactHeader(header http.Header, key string) http.Header {
	var changed http.Header
	for name, values := range header {
		for i, value := range values {
			if !strings.Contains(value, key) {
				continue
			}
			if changed == nil {
				changed = header.Clone()
			}
			changed[name][i] = strings.ReplaceAll(value, key, redacted)
		}
	}
	if changed == nil {
		return header
	}
	return changed
}

// secretsOf are the API keys of a request. Something as short as a few characters is no
// secret, but would be found everywhere.
func secretsOf(req *http.Request) []string {
	isTooShort := func(key string) bool { return len(key) < 8 }
	return slices.DeleteFunc(slices.Clone(req.Header.Values(keyHeader)), isTooShort)
}

// redactText also finds the key where JSON escapes it.
func redactText(text []byte, key string) []byte {
	if bytes.Contains(text, []byte(key)) {
		text = bytes.ReplaceAll(text, []byte(key), []byte(redacted))
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		text = replaceEscaped(text, key, redacted)
	}
	return text
}

// replaceEscaped replaces a key in JSON, where each character may be escaped.
func replaceEscaped(data []byte, key, by string) []byte {
	var replaced []byte
	for len(data) > 0 {
		if n := escapedPrefix(data, key); n > 0 {
			replaced = append(replaced, by...)
			data = data[n:]
		} else {
			replaced = append(replaced, data[0])
			data = data[1:]
		}
	}
	return replaced
}

// escapedPrefix returns how many bytes of data are the key, and 0 if it begins with
// something else.
func escapedPrefix(data []byte, key string) (n int) {
	for _, c := range []byte(key) {
		rest := data[n:]
		isEscape := len(rest) > 1 && rest[0] == '\\'
		switch {
		case isEscape && len(rest) > 5 && strings.EqualFold(string(rest[:6]), fmt.Sprintf("\\u%04x", c)):
			n += 6
		case isEscape && rest[1] == c:
			n += 2
		case len(rest) > 0 && rest[0] == c:
			n++
		default:
			return 0
		}
	}
	return n
}

// readBody takes over what the JSON of the body says.
func (e *APIError) readBody() {
	said := readErrorJSON(e.Body)
	e.Code, e.Title, e.Detail, e.Validation = said.code, said.title, said.message, said.validation
	e.Retryable, e.RetryAfter, e.saysRetryAfter = said.retryable, said.retryAfter, said.retryAfter > 0
}

// errorJSON is what the JSON of an error says.
type errorJSON struct {
	code, title, message string
	validation           ValidationErrors
	retryable            *bool
	retryAfter           time.Duration
}

// readErrorJSON reads what such JSON has at its top, whatever the media type says:
// Feather's error and message, FastAPI's detail, RFC 9457's title and detail, a
// gateway's error object or message.
func readErrorJSON(data []byte) (said errorJSON) {
	var body struct {
		Error, Code    json.RawMessage
		Detail         []ValidationError
		Title, Message string
		Retryable      any
		RetryAfter     float64 `json:"retry_after"`
	}
	err := json.Unmarshal(data, &body) // A member of another type stays empty.
	var inner struct {
		Code    json.RawMessage
		Message string
	}
	if bytes.HasPrefix(body.Error, []byte("{")) {
		_ = json.Unmarshal(body.Error, &inner)
	}
	said.code = firstText(body.Error, inner.Code, body.Code)
	said.title, said.message = body.Title, cmp.Or(body.Message, inner.Message)
	said.retryAfter = seconds(max(body.RetryAfter, 0))
	if retryable, ok := body.Retryable.(bool); ok {
		said.retryable = &retryable
	}
	said.validation = body.Detail
	detail := said.validation
	if err != nil {
		said.validation, detail = readDetail(data)
	}
	said.message = cmp.Or(detail.String(), said.message)
	return said
}

// readDetail is for a detail that may be no list of validation errors: it can be a text,
// or any JSON.
func readDetail(data []byte) (validation, detail ValidationErrors) {
	var body struct{ Detail json.RawMessage }
	if _ = json.Unmarshal(data, &body); len(body.Detail) == 0 {
		return nil, nil
	}
	_ = detail.UnmarshalJSON(body.Detail)
	if body.Detail[0] == '[' {
		validation = detail
	}
	return validation, detail
}

// firstText returns the first member that is a text or a number.
func firstText(members ...json.RawMessage) string {
	for _, member := range members {
		if len(member) == 0 {
			continue // An error of Unmarshal would cost several allocations.
		}
		var text string
		var number json.Number
		if json.Unmarshal(member, &text) == nil && text != "" {
			return text
		}
		if json.Unmarshal(member, &number) == nil && number != "" {
			return number.String()
		}
	}
	return ""
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

// oneLine makes a server's words fit for a log and a terminal.
func oneLine(s string) string {
	// Cut first: the rest of a page of a megabyte is not worth cleaning.
	if len(s) > 8*maxMessage {
		s = s[:8*maxMessage]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return string(runes)
}
