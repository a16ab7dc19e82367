package oapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/featherhq/feather-go/internal/json"
)

// maxBody is how much of a response is read into memory. Nothing else buffers one.
const maxBody = 64 << 20

// Content is what the API document declares for a success.
type Content struct {
	status   int
	nullable bool
	is       reflect.Type // nil for a body without a type
	decode   func(data []byte) error
}

func (c Content) isAny() bool { return c.is == reflect.TypeFor[any]() }

// JSON declares a body that is decoded into a field. A nullable one may be null.
func JSON[T any](status int, field **T, nullable bool) Content {
	return Content{
		status: status, nullable: nullable, is: reflect.TypeFor[T](),
		decode: func(data []byte) error {
			value := new(T)
			if err := json.Unmarshal(data, value); err != nil {
				return fmt.Errorf("the response does not fit the declared type: %s",
					json.Mismatch(data, reflect.TypeFor[T]()))
			}
			*field = value
			return nil
		},
	}
}

// Untyped declares a status whose body may be anything, or nothing.
func Untyped(status int) Content { return Content{status: status} }

// Read reads a response to its end, and its JSON into the field that is declared for
// it. With an error it returns what came.
func Read(rsp *http.Response, declared ...Content) ([]byte, error) {
	defer func() { _ = rsp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(rsp.Body, maxBody+1))
	switch {
	case err != nil:
		return body, err
	case len(body) > maxBody:
		return body[:maxBody], errors.New("the response is larger than the limit of 64 MiB; " +
			"make the call without WithResponse, and read its body")
	}
	return body, decode(rsp, body, declared)
}

func decode(rsp *http.Response, body []byte, declared []Content) error {
	if err := CheckEncoding(rsp.Header); err != nil && len(body) > 0 {
		return err
	}
	content, ok := find(declared, rsp.StatusCode)
	isTyped := func(c Content) bool { return c.is != nil && !c.isAny() }
	isHead := rsp.Request != nil && rsp.Request.Method == http.MethodHead
	isNull := string(bytes.TrimSpace(body)) == "null" && isJSON(rsp)
	switch {
	case isHead, ok && content.is == nil, !ok && !slices.ContainsFunc(declared, isTyped):
		return nil
	case !ok:
		return errors.New("the API document does not declare this status for the operation")
	case content.isAny() && !isJSON(rsp), (content.isAny() || content.nullable) && (len(body) == 0 || isNull):
		return nil
	case len(body) == 0:
		return errors.New("the response has no body, and one is declared")
	case !isJSON(rsp):
		return fmt.Errorf("the content type is %q, and JSON is declared", rsp.Header.Get("Content-Type"))
	case isNull:
		return errors.New("the response is null, which the API document does not allow")
	}
	return content.decode(body)
}

// TypeOf is the type that is declared for the body of a response, or nil.
func TypeOf(rsp *http.Response, declared ...Content) reflect.Type {
	content, _ := find(declared, rsp.StatusCode)
	return content.is
}

func find(declared []Content, status int) (Content, bool) {
	i := slices.IndexFunc(declared, func(c Content) bool { return c.status == status })
	if i < 0 {
		return Content{}, false
	}
	return declared[i], true
}

// isJSON takes a body without a media type for JSON, and a vendor's kind of it.
func isJSON(rsp *http.Response) bool {
	mediaType := MediaType(rsp.Header)
	return mediaType == "" || mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// MediaType is that of a body, without its parameters. A proxy that doubles the header joins
// both with a comma.
func MediaType(header http.Header) string {
	mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	mediaType, _, _ = strings.Cut(mediaType, ",")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// IsLines is true of the media types of a stream with a text of JSON in each line.
func IsLines(mediaType string) bool {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
		"application/x-jsonlines", "application/stream+json":
		return true
	}
	return false
}

// CheckEncoding refuses a compressed body. net/http has undone the gzip that it asked for.
func CheckEncoding(header http.Header) error {
	encoding := header.Get("Content-Encoding")
	if encoding == "" || strings.EqualFold(encoding, "identity") {
		return nil
	}
	return fmt.Errorf("the response is compressed with %q, which is not decoded; "+
		"to receive gzip, delete the header Accept-Encoding in a request editor", encoding)
}

// IsSuccess is true of a 2xx.
func IsSuccess(statusCode int) bool { return statusCode >= 200 && statusCode <= 299 }

// StatusText is 404 Not Found, and 599 where the code has no name.
func StatusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
