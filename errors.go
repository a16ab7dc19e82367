package feather

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// maxMessage is how many characters of a server's words an error's message
// repeats.
const maxMessage = 300

// APIError is an answer of the server outside 2xx. Stream and Check return it;
// find it with errors.As:
//
//	var apiErr *feather.APIError
//	if errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusNotFound { … }
//
// Where the server repeats the API key in its answer, it reads [redacted] here.
type APIError struct {
	// StatusCode is the HTTP status code, such as 422.
	StatusCode int

	// Method and Path are those of the request. The path is escaped, and has
	// no query.
	Method, Path string

	// Title is the title of an RFC 9457 problem document, else empty.
	Title string

	// Detail is what the server says is wrong: the text of FastAPI's detail, of
	// RFC 9457's, or the entries of Validation in one line. It is empty when
	// the answer holds no detail, as a proxy's page of HTML does not.
	Detail string

	// Validation has an entry for each part of the request that FastAPI found
	// wrong. It is empty when the detail is a text.
	Validation ValidationErrors

	// RequestID is the answer's X-Request-Id, or else one of Request-Id,
	// X-Correlation-Id, X-Amzn-Requestid and Cf-Ray; empty without any. Quote it
	// when you ask Feather's support about a call.
	RequestID string

	// RetryAfter is how long the server asks to wait before the next try (RFC
	// 9110, section 10.2.3), 0 when it does not say.
	RetryAfter time.Duration

	// Header holds the headers of the answer.
	Header http.Header

	// Body is the answer's body as it came, up to 1 MiB.
	Body []byte
}

// Error returns one line: the request, the status and what the server said of
// it, cut short after 300 characters.
func (e *APIError) Error() string {
	request := strings.TrimLeft(e.Method+" "+e.Path, " ")
	if request != "" {
		request += ": "
	}
	status := strings.TrimRight(fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode)), " ")
	message := e.Detail
	if e.Title != "" && !strings.HasPrefix(message, e.Title) {
		message = strings.TrimSuffix(e.Title+": "+message, ": ")
	}
	if message == "" {
		message = string(e.Body)
	}
	if message = oneLine(message); message != "" {
		message = ": " + message
	}
	return "feather: " + request + status + message
}

// Response is what the generated …Response types have in common.
type Response interface {
	StatusCode() int
	GetBody() []byte
}

// Check turns every answer outside 2xx of a generated …WithResponse call into
// an *APIError, and passes on the error of a call that had no answer:
//
//	rsp, err := feather.Check(client.SendMessageWithResponse(ctx, sessionID, body))
//
// Along with an *APIError it returns the response, for those who want the
// generated fields for an error status.
func Check[R Response](rsp R, err error) (R, error) {
	if err != nil {
		return rsp, ourError(err)
	}
	if v := reflect.ValueOf(rsp); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return rsp, errors.New("feather: neither a response nor an error; a mock of the client must return one of them")
	}
	if isSuccess(rsp.StatusCode()) {
		return rsp, nil
	}
	httpResponse := httpResponse(rsp)
	if httpResponse == nil {
		return rsp, errors.New("feather: the response has no HTTPResponse; a mock of the client must set it, with its StatusCode")
	}
	return rsp, newAPIError(httpResponse, rsp.GetBody())
}

// httpResponse reads the field that every generated wrapper has and no method
// of it returns. The wrappers share no type, so it takes reflection.
func httpResponse(rsp any) *http.Response {
	v := reflect.Indirect(reflect.ValueOf(rsp))
	if v.Kind() != reflect.Struct {
		return nil
	}
	field := v.FieldByName("HTTPResponse")
	if !field.IsValid() {
		return nil
	}
	r, _ := field.Interface().(*http.Response)
	return r
}

func isSuccess(statusCode int) bool { return statusCode >= 200 && statusCode <= 299 }

// readAPIError is newAPIError for a response whose body nobody has read yet.
// What a broken connection leaves of the body still tells more than its break.
func readAPIError(rsp *http.Response) *APIError {
	body, _ := io.ReadAll(io.LimitReader(unlimited(rsp.Body), maxErrorBody))
	return newAPIError(rsp, body)
}

func newAPIError(rsp *http.Response, body []byte) *APIError {
	e := &APIError{
		StatusCode: rsp.StatusCode,
		Header:     rsp.Header.Clone(),
		Body:       bytes.Clone(body[:min(len(body), maxErrorBody)]),
		RequestID:  requestID(rsp.Header),
	}
	e.RetryAfter, _ = retryAfter(rsp.Header, time.Now())
	if rsp.Request != nil {
		e.Method = rsp.Request.Method
		e.Path = rsp.Request.URL.EscapedPath()
		e.redact(rsp.Request.Header.Get(keyHeader))
	}
	e.readDetail()
	return e
}

// redact removes the API key from what the server sent back. Something as short
// as a few characters is no secret, but would be found everywhere.
func (e *APIError) redact(key string) {
	if len(key) < 8 {
		return
	}
	const redacted = "[redacted]"
	e.Body = bytes.ReplaceAll(e.Body, []byte(key), []byte(redacted))
	e.RequestID = strings.ReplaceAll(e.RequestID, key, redacted)
	e.Path = strings.ReplaceAll(e.Path, key, redacted)
	for _, values := range e.Header {
		for i, value := range values {
			values[i] = strings.ReplaceAll(value, key, redacted)
		}
	}
}

// readDetail reads FastAPI's and RFC 9457's members, whatever the media type
// says: both put a detail at the top of a JSON object.
func (e *APIError) readDetail() {
	var members struct{ Title, Detail json.RawMessage }
	if json.Unmarshal(e.Body, &members) != nil {
		return
	}
	_ = json.Unmarshal(members.Title, &e.Title)
	if len(members.Detail) == 0 || string(members.Detail) == "null" {
		return
	}
	var entries ValidationErrors
	_ = json.Unmarshal(members.Detail, &entries)
	e.Detail = entries.String()
	if members.Detail[0] == '[' {
		e.Validation = entries
	}
}

func requestID(header http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "Cf-Ray"} {
		if id := header.Get(name); id != "" {
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

// ValidationErrors is FastAPI's detail of a 422: an entry for each part of the
// request that is wrong. Where the server sends a text in its place, as FastAPI
// does for an HTTPException, there is one entry with that text as its Msg.
type ValidationErrors []ValidationError

// UnmarshalJSON accepts every JSON value. What is neither null nor a list of
// validation errors becomes the Msg of one entry: a text as it is, any other
// value as its JSON.
func (v *ValidationErrors) UnmarshalJSON(data []byte) error {
	var entries []ValidationError
	if json.Unmarshal(data, &entries) == nil {
		*v = entries
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*v = ValidationErrors{{Msg: text}}
	return nil
}

// String returns the entries in one line, as path: message, with a semicolon
// between them.
func (v ValidationErrors) String() string {
	entries := make([]string, len(v))
	for i, entry := range v {
		entries[i] = entry.Msg
		if path := entry.Path(); path != "" {
			entries[i] = path + ": " + entry.Msg
		}
	}
	return strings.Join(entries, "; ")
}

// Path returns Loc as one writes it in code: body.items[3].name.
func (v ValidationError) Path() string {
	var path strings.Builder
	for _, part := range v.Loc {
		name, err := part.AsValidationErrorLoc0()
		switch {
		case err != nil:
			fmt.Fprintf(&path, "[%s]", part)
		case path.Len() > 0:
			path.WriteString("." + name)
		default:
			path.WriteString(name)
		}
	}
	return path.String()
}

// String returns the name of a member without its quotes, or the index in a
// list.
func (t LocationPart) String() string {
	if name, err := t.AsValidationErrorLoc0(); err == nil {
		return name
	}
	return string(t.union)
}
