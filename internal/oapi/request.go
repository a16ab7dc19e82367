// Package oapi is what the generated code calls: it builds requests from the
// arguments of a call, and reads responses into the generated types.
package oapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/google/uuid"
	"github.com/oapi-codegen/runtime"
)

// Request builds the request of a call. It keeps its first error for Build to
// return.
type Request struct {
	path    string // each {name} in it gives way to the parameter's value
	query   []string
	header  []header
	cookies []string
	err     error
}

type header struct{ name, value string }

// New begins the request of an operation.
func New(path string) *Request { return &Request{path: path} }

// Param adds a parameter, written in its style (OpenAPI 3.1, section 4.8.12.3).
// One that is nil is left out, and so is an empty list, which has no text (RFC 6570,
// section 2.3).
func (r *Request) Param(in runtime.ParamLocation, name, style string, explode bool, kind, format string, value any) {
	switch {
	case in == runtime.ParamLocationPath && (IsNil(value) || isEmptyList(value)):
		r.fail(fmt.Errorf("the path parameter %s is empty", name))
		return
	case IsNil(value), isEmptyList(value):
		return
	}
	text, err := styled(in, name, style, explode, kind, format, value)
	switch {
	case err != nil:
		r.fail(fmt.Errorf("the parameter %s cannot be sent: %w", name, err))
	case in == runtime.ParamLocationPath:
		if text == "" || text == "." || text == ".." {
			r.fail(fmt.Errorf("the path parameter %s is %q, which would make the path another operation's", name, text))
		}
		r.path = strings.Replace(r.path, "{"+name+"}", text, 1)
	case in == runtime.ParamLocationQuery:
		r.query = append(r.query, text)
	case in == runtime.ParamLocationHeader:
		r.header = append(r.header, header{name, text})
	case in == runtime.ParamLocationCookie:
		r.cookies = append(r.cookies, name+"="+strings.TrimPrefix(text, name+"=")) // style form has the name
	}
}

func styled(
	in runtime.ParamLocation, name, style string, explode bool, kind, format string, value any,
) (string, error) {
	// A UUID is written in one way everywhere. Most paths have one, and the runtime
	// takes five times as long.
	if id, ok := value.(uuid.UUID); ok && in == runtime.ParamLocationPath && style == "simple" {
		return id.String(), nil
	}
	return runtime.StyleParamWithOptions(style, explode, name, value,
		runtime.StyleParamOptions{ParamLocation: in, Type: kind, Format: format})
}

func (r *Request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *Request) Build(method, server, contentType string, body io.Reader) (*http.Request, error) {
	if unencodable, ok := body.(unencodableBody); ok {
		r.fail(fmt.Errorf("the request body cannot be encoded: %w", unencodable.err))
	}
	if r.err != nil {
		return nil, r.err
	}
	target := strings.TrimSuffix(server, "/") + r.path
	if len(r.query) > 0 {
		target += "?" + strings.Join(r.query, "&")
	}
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		return nil, badRequest(server, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for _, h := range r.header {
		req.Header.Add(h.name, h.value)
	}
	if len(r.cookies) > 0 {
		req.Header.Set("Cookie", strings.Join(r.cookies, "; "))
	}
	return req, nil
}

// badRequest shows neither the base URL, which may have a password, nor the path.
func badRequest(server string, err error) error {
	if _, badServer := url.Parse(server); badServer != nil {
		return fmt.Errorf("the base URL is not a URL: %w", errors.Unwrap(badServer)) // the error itself repeats it
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return fmt.Errorf("building the request: %w", err)
}

// Encoded makes a request body of what an encoder returns.
func Encoded(data []byte, err error) io.Reader {
	if err != nil {
		return unencodableBody{err: err}
	}
	return bytes.NewReader(data)
}

type unencodableBody struct {
	io.Reader
	err error
}

// EncodeForm is the encoder of application/x-www-form-urlencoded.
func EncodeForm(body any) ([]byte, error) {
	form, err := runtime.MarshalForm(body, nil)
	return []byte(form.Encode()), err
}

type jsonParam struct{ value any }

func (p jsonParam) MarshalText() ([]byte, error) { return json.Marshal(p.value) }

// AsJSON is for a parameter that the API document wants as JSON.
func AsJSON(value any) any {
	if IsNil(value) {
		return nil
	}
	return jsonParam{value}
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

func isEmptyList(value any) bool {
	list := reflect.Indirect(reflect.ValueOf(value))
	return list.Kind() == reflect.Slice && list.Len() == 0
}
