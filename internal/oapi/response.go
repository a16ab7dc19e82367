package oapi

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// Content is a body that the API document declares for a response: its status
// and media type, and the field of the generated wrapper that takes it. Without
// a media type the response has no body; without a field only Body has it.
type Content struct {
	Status, MediaType string
	Field             any // a pointer to the wrapper's pointer
	Unmarshal         func([]byte, any) error
}

// Read reads a response to its end, and its body into the field for it.
// Every generated Parse function calls it.
func Read(rsp *http.Response, body *[]byte, declared ...Content) (err error) {
	defer func() { _ = rsp.Body.Close() }()
	if *body, err = readAll(rsp.Body, rsp.ContentLength); err != nil {
		return err
	}
	found, ok := findContent(declared, rsp)
	switch {
	case !ok && IsSuccess(rsp.StatusCode) && hasTypedSuccess(declared):
		return fmt.Errorf("%s is a response that the API document does not declare for this operation", Describe(rsp))
	case found.Field == nil || len(*body) == 0 && rsp.Request != nil && rsp.Request.Method == http.MethodHead:
		return nil
	}
	field := reflect.ValueOf(found.Field).Elem()
	value := reflect.New(field.Type().Elem())
	if err := found.Unmarshal(*body, value.Interface()); err != nil {
		return fmt.Errorf("%s has a body that does not match the API document: %w", Describe(rsp), err)
	}
	field.Set(value)
	return nil
}

// readAll is io.ReadAll with as much room as a small body needs: most are a few hundred
// bytes.
func readAll(r io.Reader, size int64) ([]byte, error) {
	if size <= 0 || size > 32<<10 {
		return io.ReadAll(r)
	}
	body := make([]byte, 0, size+1) // and one, to see the end
	for len(body) < cap(body) {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
	rest, err := io.ReadAll(r)
	return append(body, rest...), err
}

// findContent looks for the most specific status first: 200, 2XX, default.
func findContent(declared []Content, rsp *http.Response) (found Content, ok bool) {
	mediaType, _, _ := strings.Cut(rsp.Header.Get("Content-Type"), ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	for _, isFor := range []func(status string, code int) bool{isCode, isClass, isDefault} {
		known := false
		for _, c := range declared {
			if !isFor(c.Status, rsp.StatusCode) {
				continue
			}
			known = true
			if c.MediaType == mediaType || c.MediaType == "" || strings.Contains(c.MediaType, "*") {
				return c, true
			}
			if syntax(c.MediaType) == syntax(mediaType) { // application/problem+json for application/json
				found, ok = c, true
			}
		}
		if known {
			return found, ok
		}
	}
	return Content{}, false
}

func isCode(status string, code int) bool {
	return len(status) == 3 && int(status[0]-'0')*100+int(status[1]-'0')*10+int(status[2]-'0') == code
}

func isClass(status string, code int) bool {
	return len(status) == 3 && status[1:] == "XX" && int(status[0]-'0') == code/100
}

func isDefault(status string, _ int) bool { return status == "default" }

func syntax(mediaType string) string {
	for _, name := range []string{"json", "yaml", "xml"} {
		if strings.Contains(mediaType, name) {
			return name
		}
	}
	return mediaType
}

func hasTypedSuccess(declared []Content) bool {
	for _, c := range declared {
		if c.Field != nil && (c.Status[0] == '2' || c.Status == "default") {
			return true
		}
	}
	return false
}

// OrEmpty is for a wrapper of a mock's, which may lack its HTTPResponse.
func OrEmpty(rsp *http.Response) *http.Response {
	if rsp == nil {
		return &http.Response{}
	}
	return rsp
}

// Describe names a response in an error.
func Describe(rsp *http.Response) string {
	text := StatusText(rsp.StatusCode) + " with content type " + strconv.Quote(rsp.Header.Get("Content-Type"))
	if rsp.Request != nil {
		text = DescribeRequest(rsp.Request) + ": " + text
	}
	return text
}

func DescribeRequest(req *http.Request) string { return req.Method + " " + req.URL.EscapedPath() }

func IsSuccess(statusCode int) bool { return statusCode >= 200 && statusCode <= 299 }

// StatusText is 404 Not Found, and 599 where the code has no name.
func StatusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
