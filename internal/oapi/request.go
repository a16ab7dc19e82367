// Package oapi is what the generated code calls: it builds requests from the arguments
// of a call, and reads responses into the generated types.
package oapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/featherhq/feather-go/internal/json"
	"github.com/oapi-codegen/runtime"
)

// Request builds the request of a call. It keeps its first error for Build.
type Request struct {
	// Operation is the name of the call, and PathTemplate its path with {names}.
	Operation, Method, PathTemplate string

	path    string // each {name} gives way to the parameter's value
	query   []string
	header  http.Header
	body    io.Reader
	getBody func() (io.ReadCloser, error)
	err     error
}

// NewRequest begins the request of an operation.
func NewRequest(operation, method, path string) *Request {
	return &Request{Operation: operation, Method: method, PathTemplate: path, path: path, header: http.Header{}}
}

// Param adds a parameter, written in its style (OpenAPI 3.1, section 4.8.12.3). One that is nil is
// left out, and so is an empty list, which has no text (RFC 6570, section 2.3).
func (r *Request) Param(in runtime.ParamLocation, name, style string, explode bool, kind, format string, value any) {
	v := reflect.Indirect(reflect.ValueOf(value)) // The runtime panics on a pointer to an object.
	if IsNil(value) || v.Kind() == reflect.Slice && v.Len() == 0 {
		if in == runtime.ParamLocationPath {
			r.fail(fmt.Errorf("the path parameter %s is empty", name))
		}
		return
	}
	text, err := runtime.StyleParamWithOptions(style, explode, name, v.Interface(),
		runtime.StyleParamOptions{ParamLocation: in, Type: kind, Format: format})
	switch {
	case err != nil:
		r.fail(fmt.Errorf("the parameter %s cannot be sent: %w", name, err))
	case in == runtime.ParamLocationPath:
		r.fail(CheckSegment("the path parameter "+name, text))
		r.path = strings.Replace(r.path, "{"+name+"}", text, 1)
	case in == runtime.ParamLocationQuery:
		r.query = append(r.query, text)
	case in == runtime.ParamLocationHeader:
		r.header.Add(name, text)
	}
}

// CheckSegment refuses a part of a path that a server or a proxy resolves.
func CheckSegment(name, text string) error {
	if decoded, err := url.PathUnescape(text); err == nil {
		text = decoded
	}
	if text == "" || text == "." || text == ".." {
		return fmt.Errorf("%s is %q, which would change the path", name, text)
	}
	return nil
}

// Body sets a body of any media type. Build closes it if it fails.
func (r *Request) Body(contentType string, body io.Reader) *Request {
	r.header.Set("Content-Type", contentType)
	r.body = body
	return r
}

// JSON sets a body that is encoded as JSON.
func (r *Request) JSON(contentType string, body any) *Request {
	data, err := json.Marshal(body)
	if err != nil {
		r.fail(fmt.Errorf("the request body cannot be encoded: %w", err))
	}
	return r.Body(contentType, bytes.NewReader(data))
}

// Form sets a body of application/x-www-form-urlencoded.
func (r *Request) Form(contentType string, body any) *Request {
	form, err := runtime.MarshalForm(body, nil)
	if err != nil {
		r.fail(fmt.Errorf("the request body cannot be encoded: %w", err))
	}
	return r.Body(contentType, strings.NewReader(form.Encode()))
}

// Text sets a body of text.
func (r *Request) Text(contentType, body string) *Request {
	return r.Body(contentType, strings.NewReader(body))
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Build returns the request, or closes its body.
func (r *Request) Build(ctx context.Context, server string) (*http.Request, error) {
	if r.err != nil {
		r.Close()
		return nil, r.err
	}
	target := strings.TrimSuffix(server, "/") + r.path
	if len(r.query) > 0 {
		target += "?" + strings.Join(r.query, "&")
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, r.body)
	if err != nil {
		r.Close()
		return nil, badRequest(server, err)
	}
	req.Header = r.header
	if r.getBody != nil {
		req.GetBody = r.getBody
	}
	return req, nil
}

// Close closes the body of a request that is not sent: a writer into a pipe waits for that.
func (r *Request) Close() {
	if body, ok := r.body.(io.Closer); ok {
		_ = body.Close()
	}
}

// badRequest shows neither the base URL, which may contain a password, nor the path.
func badRequest(server string, err error) error {
	if _, badServer := url.Parse(server); badServer != nil {
		return fmt.Errorf("the base URL is not a URL: %w", errors.Unwrap(badServer)) // the error itself repeats it
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return fmt.Errorf("building the request: %w", err)
}

// IsNil also finds the nil that an interface hides.
func IsNil(value any) bool {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Func:
		return v.IsNil()
	}
	return false
}
