package feather

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/featherhq/feather-go/internal/oapi"
)

// DecodeError is a response within 2xx that is not what the API document declares: a page of
// HTML from a proxy, another media type, a value that does not fit its field, no body where
// one is declared, one of more than 64 MiB, or a compressed one. The server has acted on the
// request, so do not simply make the call again. A call that ends in WithResponse also
// returns its response, with Body and HTTPResponse set.
type DecodeError struct {
	// StatusCode is the HTTP status code, such as 201.
	StatusCode int

	CallInfo

	// Header contains the response headers. Body contains the unchanged response body, up to 64 MiB,
	// or up to 1 MiB for a page of HTML. Both may contain secrets; Error and LogValue show neither.
	Header http.Header
	Body   []byte

	response *http.Response
	text     string
	cause    error
}

func newDecodeError(rsp *http.Response, body []byte, cause error) *DecodeError {
	c := callOf(rsp.Request)
	text := c.clean(textOf(cause))
	if text != textOf(cause) { // It contained the key.
		cause = errors.New(text)
	}
	e := &DecodeError{
		StatusCode: rsp.StatusCode,
		CallInfo:   c.info(rsp),
		Header:     c.redactHeader(rsp.Header),
		Body:       body,
		response:   rsp,
		text:       text,
		cause:      cause,
	}
	c.logFailure(rsp, e)
	return e
}

// Error returns one line: the request, the status, and what is wrong. It contains neither the
// body nor the API key.
func (e *DecodeError) Error() string {
	return "feather: " + after(e.request(), oapi.StatusText(e.StatusCode)+": "+e.text)
}

// Unwrap returns what is wrong with the response.
func (e *DecodeError) Unwrap() error { return e.cause }

// Decode decodes Body into v, as [Event.Decode] does.
func (e *DecodeError) Decode(v any) error {
	return decode("the body of a "+oapi.StatusText(e.StatusCode), e.Body, v)
}

// LogValue is for package slog: the method, path, status, request id and what is wrong.
func (e *DecodeError) LogValue() slog.Value {
	return e.logValue(slog.Int("status", e.StatusCode), textAttr("detail", e.text))
}
