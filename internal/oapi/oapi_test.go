package oapi_test

import (
	"encoding/json"
	"errors"
	"io"
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
	r := oapi.New("/v1/files/{name}/of/{day}")
	r.Param(runtime.ParamLocationPath, "name", "simple", false, "string", "", "a/b {day}")
	r.Param(
		runtime.ParamLocationPath,
		"day",
		"simple",
		false,
		"string",
		"date-time",
		time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC),
	)
	r.Param(runtime.ParamLocationQuery, "limit", "form", true, "integer", "", &limit)
	r.Param(runtime.ParamLocationQuery, "cursor", "form", true, "integer", "", absent)
	r.Param(runtime.ParamLocationQuery, "tags", "form", true, "array", "", []string{"a", "b c"})
	r.Param(runtime.ParamLocationQuery, "states", "form", true, "array", "", &[]string{})
	r.Param(runtime.ParamLocationQuery, "filter", "form", true, "string", "", oapi.AsJSON(map[string]int{"a": 1}))
	r.Param(runtime.ParamLocationQuery, "other", "form", true, "string", "", oapi.AsJSON(map[string]int(nil)))
	r.Param(runtime.ParamLocationHeader, "X-Tenant", "simple", false, "string", "", "acme")
	r.Param(runtime.ParamLocationCookie, "session", "form", true, "string", "", "s1")
	r.Param(runtime.ParamLocationCookie, "theme", "simple", false, "string", "", "dark")
	req, err := r.Build("POST", "https://user:secret@host/base", "application/json", oapi.Encoded(json.Marshal("x")))
	if err != nil {
		t.Fatal(err)
	}
	want := "https://user:secret@host/base/v1/files/a%2Fb%20%7Bday%7D/of/2026-11-25T10:00:00Z?limit=10&tags=a&tags=b+c&filter=%7B%22a%22%3A1%7D"
	if got := req.URL.String(); got != want {
		t.Errorf("URL\n%s, want\n%s", got, want)
	}
	if got := req.Header.Get("X-Tenant"); got != "acme" {
		t.Errorf("header %q", got)
	}
	for name, want := range map[string]string{"session": "s1", "theme": "dark"} {
		if cookie, err := req.Cookie(name); err != nil || cookie.Value != want {
			t.Errorf("cookie %s: %v, %v", name, cookie, err)
		}
	}
	if body, _ := io.ReadAll(req.Body); string(body) != `"x"` || req.Header.Get("Content-Type") != "application/json" ||
		req.GetBody == nil {
		t.Errorf("body %s of type %s", body, req.Header.Get("Content-Type"))
	}
}

// TestPathParameterCannotMakeAnotherOperation has what url.Parse would resolve:
// DeleteFile(session, "..") would delete the session.
func TestPathParameterCannotMakeAnotherOperation(t *testing.T) {
	for _, value := range []string{"", ".", ".."} {
		r := oapi.New("/v1/sessions/{id}/files/{name}")
		r.Param(runtime.ParamLocationPath, "id", "simple", false, "string", "", "a")
		r.Param(runtime.ParamLocationPath, "name", "simple", false, "string", "", value)
		if _, err := r.Build("DELETE", "http://localhost", "", nil); err == nil ||
			!strings.Contains(err.Error(), "the path parameter name is ") {
			t.Errorf("%q: error %v", value, err)
		}
	}
	for value, want := range map[string]string{"...": "...", "a..b": "a..b", "../x": "..%2Fx", "%2e%2e": "%252e%252e", " ": "%20"} {
		r := oapi.New("/v1/files/{name}")
		r.Param(runtime.ParamLocationPath, "name", "simple", false, "string", "", value)
		req, err := r.Build("GET", "http://localhost", "", nil)
		if err != nil || req.URL.EscapedPath() != "/v1/files/"+want {
			t.Errorf("%q: %v, %v", value, req, err)
		}
	}
}

// unencodable is a value that JSON has no form for.
type unencodable struct{}

func (unencodable) MarshalJSON() ([]byte, error) { return nil, errors.New("no JSON for it") }

func TestRequestThatCannotBeBuiltIsAnError(t *testing.T) {
	body := oapi.Encoded(json.Marshal(unencodable{}))
	if _, err := oapi.New("/").Build("POST", "http://localhost", "", body); err == nil ||
		!strings.Contains(err.Error(), "the request body cannot be encoded: ") {
		t.Errorf("a body: error %v", err)
	}
	r := oapi.New("/{x}")
	r.Param(runtime.ParamLocationPath, "x", "simple", false, "string", "", oapi.AsJSON(unencodable{}))
	if _, err := r.Build("GET", "http://localhost", "", nil); err == nil ||
		!strings.Contains(err.Error(), "the parameter x cannot be sent: ") {
		t.Errorf("a parameter: error %v", err)
	}
	if _, err := oapi.New("/").Build("GET", "http://user:secret@[:", "", nil); err == nil ||
		strings.Contains(err.Error(), "secret") {
		t.Errorf("a base URL: error %v", err)
	}
}

func TestEmptyPathParameterIsAnError(t *testing.T) {
	for _, value := range []any{[]string(nil), []string{}, (*string)(nil)} {
		r := oapi.New("/v1/{ids}/things")
		r.Param(runtime.ParamLocationPath, "ids", "simple", false, "array", "", value)
		if _, err := r.Build("GET", "http://localhost", "", nil); err == nil ||
			!strings.Contains(err.Error(), "the path parameter ids is empty") {
			t.Errorf("%#v: error %v", value, err)
		}
	}
}

func TestCookiesAreOneHeader(t *testing.T) {
	r := oapi.New("/")
	for _, name := range []string{"a", "b"} {
		r.Param(runtime.ParamLocationCookie, name, "form", true, "string", "", "1")
	}
	req, err := r.Build("GET", "http://localhost", "", nil)
	if err != nil || len(req.Header["Cookie"]) != 1 || req.Header.Get("Cookie") != "a=1; b=1" {
		t.Errorf("%v, %v", req, err)
	}
}

type model struct{ A int }

// read gives a response to an operation that declares a 200 and any 4XX as JSON, a
// 204 without content and a 203 of any text.
func read(method string, status int, contentType, body string) (ok, failed *model, err error) {
	rsp := &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {contentType}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
	if method != "" {
		rsp.Request, _ = http.NewRequest(method, "http://localhost/v1/models?key=secret", nil)
	}
	var raw []byte
	err = oapi.Read(rsp, &raw,
		oapi.Content{Status: "200", MediaType: "application/json", Field: &ok, Unmarshal: json.Unmarshal},
		oapi.Content{Status: "204"},
		oapi.Content{Status: "203", MediaType: "text/*"},
		oapi.Content{Status: "4XX", MediaType: "application/json", Field: &failed, Unmarshal: json.Unmarshal})
	if string(raw) != body {
		err = errors.Join(err, errors.New("the body is "+string(raw)))
	}
	return ok, failed, err
}

// TestDeclaredResponseIsNeverANilField has responses of each status and type, and
// what the caller of an operation gets.
func TestDeclaredResponseIsNeverANilField(t *testing.T) {
	tests := []struct {
		name, method      string
		status            int
		contentType, body string
		ok, failed        bool
		want              string // the error
	}{
		{
			name:        "as declared",
			method:      "GET",
			status:      200,
			contentType: "application/json; charset=utf-8",
			body:        `{"A": 1}`,
			ok:          true,
		},
		{
			name:        "a kind of JSON",
			method:      "GET",
			status:      200,
			contentType: "application/hal+json",
			body:        `{"A": 1}`,
			ok:          true,
		},
		{
			name:        "a range of statuses",
			method:      "GET",
			status:      418,
			contentType: "application/json",
			body:        `{"A": 1}`,
			failed:      true,
		},
		{name: "no content", method: "DELETE", status: 204},
		{name: "a range of types", method: "GET", status: 203, contentType: "text/csv", body: "a,b"},
		{name: "an error that is not declared", method: "GET", status: 500, contentType: "text/plain", body: "oops"},
		{name: "an error of another type", method: "GET", status: 404, contentType: "text/plain", body: "oops"},
		{name: "a HEAD", method: "HEAD", status: 200, contentType: "application/json"},

		{name: "another status", method: "GET", status: 202, contentType: "application/json", body: `{"A": 1}`,
			want: `GET /v1/models: 202 Accepted with content type "application/json" is a response that the API document does not declare`},
		{name: "another type", method: "GET", status: 200, contentType: "text/plain", body: "{}",
			want: `GET /v1/models: 200 OK with content type "text/plain" is a response that the API document does not declare`},
		{name: "no type", method: "GET", status: 200, body: "{}",
			want: `GET /v1/models: 200 OK with content type "" is a response that the API document does not declare`},
		{name: "an empty body", method: "GET", status: 200, contentType: "application/json",
			want: `GET /v1/models: 200 OK with content type "application/json" has a body that does not match the API document: unexpected end of JSON input`},
		{name: "another shape", method: "GET", status: 200, contentType: "application/json", body: `{"A": "x"}`,
			want: `GET /v1/models: 200 OK with content type "application/json" has a body that does not match the API document: json: cannot unmarshal`},
		{name: "without a request", status: 200, contentType: "application/json", body: `[`,
			want: `200 OK with content type "application/json" has a body that does not match the API document: unexpected end of JSON input`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, failed, err := read(tt.method, tt.status, tt.contentType, tt.body)
			if (ok != nil) != tt.ok || (failed != nil) != tt.failed {
				t.Errorf("fields %v and %v", ok, failed)
			}
			if tt.want == "" && err != nil ||
				tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestBodyIsReadWholeWhateverItsLengthIsSaidToBe has lengths that a mock may get wrong.
func TestBodyIsReadWholeWhateverItsLengthIsSaidToBe(t *testing.T) {
	broken := errors.New("broken")
	for _, length := range []int64{-1, 0, 1, 4, 5, 6, 100, 1 << 40} {
		for _, end := range []error{io.EOF, broken} {
			text := io.MultiReader(strings.NewReader("he"), strings.NewReader("llo"), iotest.ErrReader(end))
			rsp := &http.Response{StatusCode: http.StatusOK, ContentLength: length, Body: io.NopCloser(text)}
			var body []byte
			err := oapi.Read(rsp, &body)
			if string(body) != "hello" || errors.Is(err, broken) != (end == broken) {
				t.Errorf("%d bytes, end %v: body %q, error %v", length, end, body, err)
			}
		}
	}
}
