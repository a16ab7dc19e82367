package oapi_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/featherhq/feather-go/internal/oapi"
	"github.com/oapi-codegen/runtime"
)

func TestParametersAreWrittenInTheirStyle(t *testing.T) {
	limit, absent := 10, (*int)(nil)
	type filter struct {
		State *string `json:"state,omitempty"`
	}
	state := "open"
	r := oapi.NewRequest("ReadFile", "POST", "/v1/files/{name}/of/{day}")
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	r.Param(runtime.ParamLocationPath, "name", "simple", false, "string", "", "a/b {day}")
	r.Param(runtime.ParamLocationPath, "day", "simple", false, "string", "date-time", at)
	r.Param(runtime.ParamLocationQuery, "limit", "form", true, "integer", "", &limit)
	r.Param(runtime.ParamLocationQuery, "cursor", "form", true, "integer", "", absent)
	r.Param(runtime.ParamLocationQuery, "tags", "form", true, "array", "", []string{"a", "b c"})
	r.Param(runtime.ParamLocationQuery, "states", "form", true, "array", "", &[]string{})
	r.Param(runtime.ParamLocationQuery, "most", "form", true, "number", "", 16777217.5)
	r.Param(runtime.ParamLocationQuery, "filter", "form", true, "object", "", &filter{State: &state})
	r.Param(runtime.ParamLocationQuery, "other", "form", true, "object", "", (*filter)(nil))
	r.Param(runtime.ParamLocationHeader, "X-Tenant", "simple", false, "string", "", "acme")
	req, err := r.JSON("application/json", "x").Build(t.Context(), "https://user:secret@host/base")
	if err != nil {
		t.Fatal(err)
	}
	want := "https://user:secret@host/base/v1/files/a%2Fb%20%7Bday%7D/of/2026-11-25T10:00:00Z?limit=10&tags=a&tags=b+c&most=16777217.5&state=open"
	if got := req.URL.String(); got != want {
		t.Errorf("URL\n%s, want\n%s", got, want)
	}
	if got := req.Header.Get("X-Tenant"); got != "acme" {
		t.Errorf("header %q", got)
	}
	if body, _ := io.ReadAll(req.Body); string(body) != `"x"` || req.Header.Get("Content-Type") != "application/json" ||
		req.GetBody == nil {
		t.Errorf("body %s of type %s", body, req.Header.Get("Content-Type"))
	}
}

// TestPathParameterCannotMakeAnotherOperation tries what servers resolve:
// DeleteFile(session, "..") would delete the session.
func TestPathParameterCannotMakeAnotherOperation(t *testing.T) {
	build := func(value any) (*http.Request, error) {
		r := oapi.NewRequest("DeleteFile", "DELETE", "/v1/files/{name}")
		r.Param(runtime.ParamLocationPath, "name", "simple", false, "string", "", value)
		return r.Build(t.Context(), "http://localhost")
	}
	for _, value := range []any{"", ".", "..", []string(nil), []string{}, (*string)(nil)} {
		if _, err := build(value); err == nil || !strings.Contains(err.Error(), "the path parameter name is ") {
			t.Errorf("%#v: error %v", value, err)
		}
	}
	for value, want := range map[string]string{"...": "...", "a..b": "a..b", "../x": "..%2Fx", "%2e%2e": "%252e%252e", " ": "%20"} {
		req, err := build(value)
		if err != nil || req.URL.EscapedPath() != "/v1/files/"+want {
			t.Errorf("%q: %v, %v", value, req, err)
		}
	}
}

// unencodable is a value for which JSON has no form.
type unencodable struct{}

func (unencodable) MarshalJSON() ([]byte, error) { return nil, errors.New("no JSON for it") }

// closer is a body that notes that it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestRequestThatCannotBeBuiltClosesItsBody(t *testing.T) {
	badPath := oapi.NewRequest("X", "POST", "/v1/{x}")
	badPath.Param(runtime.ParamLocationPath, "x", "simple", false, "string", "", "..")
	tests := []struct {
		name, server, want string
		request            *oapi.Request
	}{
		{"a path parameter", "http://localhost", "the path parameter x is ", badPath},
		{"a base URL", "http://user:secret@[:", "the base URL is not a URL: ", oapi.NewRequest("X", "POST", "/")},
	}
	for _, tt := range tests {
		body := &closer{Reader: strings.NewReader("x")}
		_, err := tt.request.Body("text/plain", body).Build(t.Context(), tt.server)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") || !body.closed {
			t.Errorf("%s: error %v, closed: %t", tt.name, err, body.closed)
		}
	}
	_, err := oapi.NewRequest("X", "POST", "/").JSON("application/json", unencodable{}).Build(t.Context(), "http://localhost")
	if err == nil || !strings.Contains(err.Error(), "the request body cannot be encoded: ") {
		t.Errorf("a body: error %v", err)
	}
}

type form struct {
	File  oapi.File   `json:"file"`
	More  []oapi.File `json:"more,omitempty"`
	Note  *string     `json:"note,omitempty"`
	Tags  []string    `json:"tags,omitempty"`
	Count int         `json:"count"`
	Meta  any         `json:"meta,omitempty"`
}

func TestMultipartSendsFilesAsTheyAreRead(t *testing.T) {
	note := "a \"note\""
	pipe, writer := io.Pipe()
	go func() { _, _ = writer.Write([]byte("streamed")); _ = writer.Close() }()
	body := form{
		File: oapi.File{Name: "a\".csv", ContentType: "text/csv", Reader: pipe},
		More: []oapi.File{{Reader: strings.NewReader("one")}, {Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("two")), nil
		}}},
		Note: &note, Tags: []string{"x", "y"}, Count: 7, Meta: map[string]int{"a": 1},
	}
	req, err := oapi.NewRequest("Upload", "POST", "/").Multipart("", body).Build(t.Context(), "http://localhost")
	if err != nil {
		t.Fatal(err)
	}
	if req.GetBody != nil || req.ContentLength > 0 {
		t.Error("a pipe can be read only once")
	}
	want := "file a%22.csv text/csv streamed|more more application/octet-stream one|" +
		"more more application/octet-stream two|note   a \"note\"|tags   x|tags   y|count   7|meta   {\"a\":1}"
	if got := partsOf(t, req.Header.Get("Content-Type"), req.Body); got != want {
		t.Errorf("parts\n%s, want\n%s", got, want)
	}
}

func partsOf(t *testing.T, contentType string, body io.Reader) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err == io.EOF {
			return strings.Join(all, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(part)
		all = append(all, strings.Join([]string{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), string(data)}, " "))
	}
}

func TestMultipartIsSentAgainOnlyIfEveryFileCanBeRead(t *testing.T) {
	again := form{File: oapi.File{Reader: strings.NewReader("one")}}
	req, err := oapi.NewRequest("Upload", "POST", "/").Multipart("", again).Build(t.Context(), "http://localhost")
	if err != nil || req.GetBody == nil {
		t.Fatalf("error %v", err)
	}
	_ = partsOf(t, req.Header.Get("Content-Type"), req.Body)
	second, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if got := partsOf(t, req.Header.Get("Content-Type"), second); got != "file file application/octet-stream one|count   0" {
		t.Errorf("the second time: %s", got)
	}
	broken := errors.New("broken")
	for want, file := range map[string]oapi.File{
		"cannot be opened: broken": {Open: func() (io.ReadCloser, error) { return nil, broken }},
		"neither a Reader nor":     {},
	} {
		_, err := oapi.NewRequest("Upload", "POST", "/").Multipart("", form{File: file}).Build(t.Context(), "http://localhost")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	open := &closer{Reader: strings.NewReader("x")}
	failing := form{File: oapi.File{Reader: open}, Meta: unencodable{}}
	if _, err := oapi.NewRequest("Upload", "POST", "/").Multipart("", failing).Build(t.Context(), "http://localhost"); err == nil || !open.closed {
		t.Errorf("error %v, closed: %t", err, open.closed)
	}
}

type model struct {
	A  int        `json:"a"`
	At *time.Time `json:"at,omitempty"`
	L  []model    `json:"l,omitempty"`
}

// TestResponseIsReadAsDeclared has responses of each status and type, and what the caller of
// an operation gets: an operation that declares a 200 of a type, a 201 of a type or null, a
// 203 of any JSON and a 204 without content.
func TestResponseIsReadAsDeclared(t *testing.T) {
	const isJSON = "application/json"
	tests := []struct {
		name, method      string
		status            int
		contentType, body string
		field             bool
		want              string // the error
	}{
		{name: "as declared", status: 200, contentType: isJSON + "; charset=utf-8", body: `{"a": 1}`, field: true},
		{name: "a kind of JSON", status: 200, contentType: "application/hal+json", body: `{"a": 1}`, field: true},
		{name: "JSON without a type", status: 200, body: `{"a": 1}`, field: true},
		{name: "a HEAD", method: "HEAD", status: 200, contentType: isJSON},
		{name: "null", status: 200, contentType: isJSON, body: "null", want: "the response is null, which the API document does not allow"},
		{name: "no body", status: 200, contentType: isJSON, want: "the response has no body, and one is declared"},
		{name: "another status", status: 202, contentType: isJSON, body: "{}", want: "the API document does not declare this status"},
		{name: "another type", status: 200, contentType: "text/plain", body: "{}", want: `the content type is "text/plain"`},
		{name: "another shape", status: 200, contentType: isJSON, body: `{"l": [{"a": 1}, {"a": "x"}]}`, want: "the response does not fit the declared type: l[1].a is a string, not int"},
		{name: "no JSON", status: 200, contentType: isJSON, body: `{"a"`, want: "the response does not fit the declared type: the body is not JSON"},

		{name: "a value where null is allowed", status: 201, contentType: isJSON, body: `{"a": 1}`, field: true},
		{name: "null where it is allowed", status: 201, contentType: isJSON, body: " null "},
		{name: "no body where null is allowed", status: 201, contentType: isJSON},

		{name: "any JSON", status: 203, contentType: isJSON, body: "[1]", field: true},
		{name: "any text", status: 203, contentType: "text/csv", body: "a,b"},
		{name: "nothing", status: 203},
		{name: "any null", status: 203, contentType: isJSON, body: "null"},
		{name: "no content", method: "DELETE", status: 204},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rsp := &http.Response{
				StatusCode: tt.status,
				Header:     http.Header{"Content-Type": {tt.contentType}},
				Body:       io.NopCloser(strings.NewReader(tt.body)),
			}
			rsp.Request, _ = http.NewRequest(tt.method, "http://localhost/v1/models?key=secret", nil)
			var typed, nullable *model
			var anything *any
			body, err := oapi.Read(rsp, oapi.JSON(200, &typed, false), oapi.JSON(201, &nullable, true),
				oapi.JSON(203, &anything, false), oapi.Untyped(204))
			if got := typed != nil || nullable != nil || anything != nil; got != tt.field {
				t.Errorf("fields %v, %v and %v", typed, nullable, anything)
			}
			if string(body) != tt.body {
				t.Errorf("body %q", body)
			}
			if (err != nil) != (tt.want != "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestOperationWithoutATypeTakesAnything has a file, a stream and an empty response.
func TestOperationWithoutATypeTakesAnything(t *testing.T) {
	for _, status := range []int{200, 202, 204} {
		for _, contentType := range []string{"", "text/csv", "text/event-stream", "application/octet-stream"} {
			rsp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
				Body: io.NopCloser(strings.NewReader("x"))}
			var anything *any
			if _, err := oapi.Read(rsp, oapi.JSON(200, &anything, false)); err != nil && contentType != "" {
				t.Errorf("%d, %q: %v", status, contentType, err)
			}
		}
	}
}

func TestErrorOfTheBodyIsKeptWithWhatCame(t *testing.T) {
	broken := errors.New("broken")
	text := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))
	body, err := oapi.Read(&http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(text)})
	if string(body) != "half" || !errors.Is(err, broken) {
		t.Errorf("body %q, error %v", body, err)
	}
}
