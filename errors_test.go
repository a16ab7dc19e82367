package feather_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/featherhq/feather-go"
)

// answer is a reply of a server with a fault.
type answer struct {
	status      int
	contentType string
	header      http.Header
	body        string
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// apiErrors gets an answer in both ways and returns both errors.
func apiErrors(t *testing.T, a answer) map[string]*feather.APIError {
	t.Helper()
	client := newClient(t, serve(t, a.ServeHTTP).URL, feather.WithRequestEditorFn(feather.MaxRetries(0)))
	_, streamErr := events(client.SendMessage(t.Context(), sessionID, hello))
	found := map[string]*feather.APIError{}
	for name, err := range map[string]error{"Check": ask(client), "Stream": streamErr} {
		apiErr, ok := errors.AsType[*feather.APIError](err)
		if !ok {
			t.Fatalf("%s: error %v of %[2]T, want an *APIError", name, err)
		}
		found[name] = apiErr
	}
	return found
}

func TestAPIErrorSaysWhatTheServerSaid(t *testing.T) {
	request := "feather: POST /v1/ask-feather/sessions/" + sessionID.String() + "/messages: "
	tests := []struct {
		name   string
		answer answer
		want   string // the message, behind the request
		check  func(*feather.APIError) bool
	}{
		{
			name:   "FastAPI's HTTPException",
			answer: answer{404, "application/json", nil, `{"detail": "Session not found"}`},
			want:   "404 Not Found: Session not found",
			check:  func(e *feather.APIError) bool { return e.Detail == "Session not found" && e.Validation == nil },
		},
		{
			name: "FastAPI's validation error",
			answer: answer{422, "application/json", nil, `{"detail": [
				{"loc": ["body", "content"], "msg": "String should have at least 1 character", "type": "string_too_short", "input": "", "ctx": {"min_length": 1}},
				{"loc": ["body", "items", 3, "name"], "msg": "Field required", "type": "missing"}]}`},
			want: "422 Unprocessable Entity: body.content: String should have at least 1 character; body.items[3].name: Field required",
			check: func(e *feather.APIError) bool {
				return len(e.Validation) == 2 && e.Validation[0].Type == "string_too_short" && e.Validation[0].Ctx["min_length"] == 1.0 &&
					e.Validation[1].Path() == "body.items[3].name"
			},
		},
		{
			name:   "a 422 with a text",
			answer: answer{422, "application/json", nil, `{"detail": "No such workflow"}`},
			want:   "422 Unprocessable Entity: No such workflow",
			check:  func(e *feather.APIError) bool { return e.Detail == "No such workflow" && e.Validation == nil },
		},
		{
			name:   "a detail of another shape",
			answer: answer{422, "application/json", nil, `{"detail": {"code": 7}}`},
			want:   `422 Unprocessable Entity: {"code": 7}`,
		},
		{
			name:   "entries of another shape",
			answer: answer{422, "application/json", nil, `{"detail": [{"loc": "body"}]}`},
			want:   `422 Unprocessable Entity: [{"loc": "body"}]`,
		},
		{
			name:   "an RFC 9457 problem",
			answer: answer{403, "application/problem+json", nil, `{"type": "about:blank", "title": "Forbidden zone", "detail": "Your plan ends here", "status": 403}`},
			want:   "403 Forbidden: Forbidden zone: Your plan ends here",
			check: func(e *feather.APIError) bool {
				return e.Title == "Forbidden zone" && e.Detail == "Your plan ends here"
			},
		},
		{
			name:   "a problem with a title alone",
			answer: answer{403, "application/problem+json", nil, `{"title": "Forbidden zone"}`},
			want:   "403 Forbidden: Forbidden zone",
		},
		{
			name:   "JSON of a gateway",
			answer: answer{403, "application/json", nil, `{"message": "Forbidden"}`},
			want:   `403 Forbidden: {"message": "Forbidden"}`,
		},
		{
			name:   "plain text in lines",
			answer: answer{400, "text/plain", nil, "upstream\n\n  says \x1b[31mno\x00\n"},
			want:   "400 Bad Request: upstream says [31mno",
		},
		{
			name:   "an empty body",
			answer: answer{500, "", nil, ""},
			want:   "500 Internal Server Error",
		},
		{
			name:   "a status without a name",
			answer: answer{599, "", nil, ""},
			want:   "599",
		},
		{
			name:   "a page of HTML",
			answer: answer{400, "text/html", nil, "<html>" + strings.Repeat("<p>é</p>", 10_000)},
			want:   "400 Bad Request: <html>" + strings.Repeat("<p>é</p>", 36) + "<p>é</…",
			check:  func(e *feather.APIError) bool { return len(e.Body) == 6+9*10_000 && e.Detail == "" },
		},
		{
			name:   "HTML that claims to be JSON",
			answer: answer{422, "application/json", nil, "<html>"},
			want:   "422 Unprocessable Entity: <html>",
		},
		{
			name:   "a JSON list at the top",
			answer: answer{422, "application/json", nil, `["no"]`},
			want:   `422 Unprocessable Entity: ["no"]`,
		},
		{
			name: "headers",
			answer: answer{400, "application/json", http.Header{"X-Request-Id": {"req-1"}, "Retry-After": {"7"}, "X-Other": {"o"}},
				`{"detail": "x"}`},
			want: "400 Bad Request: x",
			check: func(e *feather.APIError) bool {
				return e.RequestID == "req-1" && e.RetryAfter == 7*time.Second && e.Header.Get("X-Other") == "o"
			},
		},
		{
			name:   "another header for the request id",
			answer: answer{400, "", http.Header{"Cf-Ray": {"8a"}}, ""},
			want:   "400 Bad Request",
			check:  func(e *feather.APIError) bool { return e.RequestID == "8a" && e.RetryAfter == 0 },
		},
		{
			name:   "a redirect that leads nowhere",
			answer: answer{304, "", nil, ""},
			want:   "304 Not Modified",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for way, apiErr := range apiErrors(t, tt.answer) {
				if got := apiErr.Error(); got != request+tt.want {
					t.Errorf("%s: message\n%q, want\n%q", way, got, request+tt.want)
				}
				if apiErr.StatusCode != tt.answer.status || apiErr.Method != "POST" || string(apiErr.Body) != tt.answer.body && tt.answer.status != 304 {
					t.Errorf("%s: %#v", way, apiErr)
				}
				if tt.check != nil && !tt.check(apiErr) {
					t.Errorf("%s: %#v", way, apiErr)
				}
			}
		})
	}
}

func TestBodyOfAnAPIErrorEndsAtOneMebibyte(t *testing.T) {
	for _, contentType := range []string{"text/plain", "application/json"} {
		for way, apiErr := range apiErrors(t, answer{500, contentType, nil, `"` + strings.Repeat("x", 3<<20) + `"`}) {
			if len(apiErr.Body) != 1<<20 {
				t.Errorf("%s, %s: %d bytes", way, contentType, len(apiErr.Body))
			}
		}
	}
}

func TestAnswerBrokenOffIsStillAnAPIError(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"detail": "half`)
	})
	err := ask(newClient(t, server.URL))
	apiErr, ok := errors.AsType[*feather.APIError](err)
	if !ok || apiErr.StatusCode != http.StatusConflict || string(apiErr.Body) != `{"detail": "half` {
		t.Errorf("error %v", err)
	}
}

func TestCheckReturnsTheGeneratedFieldsToo(t *testing.T) {
	server := serve(t, answer{422, "application/json", nil, `{"detail": "No such workflow"}`}.ServeHTTP)
	rsp, err := feather.Check(newClient(t, server.URL).SendMessageWithResponse(t.Context(), sessionID, hello))
	if err == nil || rsp.JSON422 == nil || rsp.JSON422.Detail.String() != "No such workflow" {
		t.Errorf("response %+v, error %v", rsp, err)
	}
}

func TestCheckTellsAMockWhatItLacks(t *testing.T) {
	if _, err := feather.Check[*feather.SendMessageResponse](nil, nil); err == nil || !strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("nil response: error %v", err)
	}
	if _, err := feather.Check(&feather.SendMessageResponse{}, nil); err == nil || !strings.Contains(err.Error(), "HTTPResponse") {
		t.Errorf("without HTTPResponse: error %v", err)
	}
	ok := &feather.SendMessageResponse{HTTPResponse: &http.Response{StatusCode: http.StatusOK}}
	if rsp, err := feather.Check(ok, nil); rsp != ok || err != nil {
		t.Errorf("a success: %v, %v", rsp, err)
	}
	bare := &feather.SendMessageResponse{HTTPResponse: &http.Response{StatusCode: http.StatusTeapot}}
	if _, err := feather.Check(bare, nil); err == nil || err.Error() != "feather: 418 I'm a teapot" {
		t.Errorf("without a request: error %v", err)
	}
}

func TestValidationErrorsAcceptEveryJSON(t *testing.T) {
	tests := []struct{ json, want string }{
		{`null`, ""},
		{`[]`, ""},
		{`"text"`, "text"},
		{`{"a":1}`, `{"a":1}`},
		{`7`, "7"},
		{`[{"loc":["body",0],"msg":"m","type":"t"}]`, "body[0]: m"},
		{`[{"loc":[],"msg":"m","type":"t"}]`, "m"},
		{`[{"loc":[0,"a",null,1.5],"msg":"m","type":"t"}]`, "[0].a.[1.5]: m"},
	}
	for _, tt := range tests {
		var model feather.HTTPValidationError
		if err := json.Unmarshal([]byte(`{"detail":`+tt.json+`}`), &model); err != nil {
			t.Errorf("%s: %v", tt.json, err)
		}
		if got := model.Detail.String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.json, got, tt.want)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		{value: "0", want: 0, ok: true},
		{value: "120", want: 2 * time.Minute, ok: true},
		{value: "Mon, 23 Nov 2026 12:00:30 GMT", want: 30 * time.Second, ok: true},
		{value: "Mon, 23 Nov 2026 11:00:00 GMT", want: 0, ok: true},
		{value: "Mon, 23 Nov 2026 12:00:30 GMT", date: "Mon, 23 Nov 2026 12:00:20 GMT", want: 10 * time.Second, ok: true},
		{value: "99999999999999999999999", want: 9223372036 * time.Second, ok: true},
		{value: ""}, {value: "-1"}, {value: "+1"}, {value: "1.5"}, {value: "soon"},
	}
	for _, tt := range tests {
		header := http.Header{"Retry-After": {tt.value}, "Date": {tt.date}}
		if got, ok := feather.RetryAfter(header, now); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %v, %t; want %v, %t", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "60", "-1", "1e9", "18446744073709551616", "Mon, 23 Nov 2026 12:00:30 GMT", "Monday, 02-Jan-06 15:04:05 MST"} {
		f.Add(value, "")
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		wait, ok := feather.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Now())
		if wait < 0 || !ok && wait != 0 {
			t.Errorf("%q: %v, %t", value, wait, ok)
		}
	})
}

// FuzzAPIError sends any answer through the whole client, in both ways.
func FuzzAPIError(f *testing.F) {
	bodies := []string{"", "null", "{}", `{"detail": "x"}`, `{"detail": [{"loc": ["body", 1], "msg": "m", "type": "t"}]}`,
		`{"detail": [1]}`, `{"detail": {"a": []}, "title": 5}`, `[`, "\xff\xfe", "<html>", `{"title": "t", "detail": "d"}`}
	for i, body := range bodies {
		f.Add(400+i, "application/json", "X-Request-Id", "1", []byte(body))
		f.Add(500+i, "text/html", "Retry-After", "5", []byte(body))
	}
	f.Add(200, "application/json", "", "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, status int, contentType, name, value string, body []byte) {
		if status < 200 || status > 999 {
			return
		}
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status,
				Header:     http.Header{"Content-Type": {contentType}, name: {value}},
				Body:       readCloser{strings.NewReader(string(body))},
				Request:    req,
			}, nil
		})
		client := newClient(t, "http://localhost",
			feather.WithHTTPClient(&http.Client{Transport: network, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}),
			feather.WithRequestEditorFn(feather.MaxRetries(0)))
		_, streamErr := events(client.SendMessage(t.Context(), sessionID, hello))
		for way, err := range map[string]error{"Check": ask(client), "Stream": streamErr} {
			apiErr, ok := errors.AsType[*feather.APIError](err)
			if success := status <= 299; ok == success {
				if redirect := status/100 == 3; redirect && err != nil {
					continue // net/http refuses one without a Location
				}
				t.Fatalf("%s: status %d gives error %v of %[3]T", way, status, err)
			}
			if !ok {
				continue
			}
			if apiErr.StatusCode != status || !reflect.DeepEqual(apiErr.Body, body) && len(body) < 1<<20 && len(body) > 0 {
				t.Errorf("%s: %#v", way, apiErr)
			}
			message := apiErr.Error()
			if strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(message) {
				t.Errorf("%s: message %q is not one printable line", way, message)
			}
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
