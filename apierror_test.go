package feather_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/featherhq/feather-go"
)

// response is what a server sends.
type response struct {
	status      int
	contentType string
	header      http.Header
	body        string
}

func (r response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", r.contentType)
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, r.body)
}

// apiErrors makes both kinds of calls and returns their errors.
func apiErrors(t *testing.T, client *feather.ClientWithResponses) map[string]*feather.APIError {
	t.Helper()
	rsp, rawErr := send(t.Context(), client)
	if rsp != nil {
		t.Errorf("a response with the error: %v", rsp)
	}
	_, streamErr := events(nil, rawErr)
	found := map[string]*feather.APIError{}
	for name, err := range map[string]error{"WithResponse": ask(client), "raw": rawErr, "Stream": streamErr} {
		apiErr, ok := err.(*feather.APIError)
		if !ok {
			t.Fatalf("%s: error %v of %[2]T, want an *APIError", name, err)
		}
		found[name] = apiErr
	}
	return found
}

func once() feather.ClientOption { return feather.WithMaxRetries(0) }

func TestAPIErrorSaysWhatTheServerSaid(t *testing.T) {
	request := "feather: POST /v1/messages: "
	tests := []struct {
		name     string
		response response
		want     string // the message, after the request
		check    func(*feather.APIError) bool
	}{
		{
			name:     "FastAPI's HTTPException",
			response: response{404, "application/json", nil, `{"detail": "Session not found"}`},
			want:     "404 Not Found: Session not found",
			check:    func(e *feather.APIError) bool { return e.Message == "Session not found" && e.Validation == nil },
		},
		{
			name: "FastAPI's validation error",
			response: response{422, "application/json", nil, `{"detail": [
				{"loc": ["body", "content"], "msg": "String should have at least 1 character", "type": "string_too_short", "input": "", "ctx": {"min_length": 1}},
				{"loc": ["body", "items", 3, "name"], "msg": "Field required", "type": "missing"}]}`},
			want: "422 Unprocessable Entity: body.content: String should have at least 1 character; body.items[3].name: Field required",
			check: func(e *feather.APIError) bool {
				return len(e.Validation) == 2 && e.Validation[0].Type == "string_too_short" &&
					e.Validation[0].Ctx["min_length"] == json.Number("1") &&
					e.Validation[1].Path() == "body.items[3].name"
			},
		},
		{
			name:     "a 422 with a text",
			response: response{422, "application/json", nil, `{"detail": "No such workflow"}`},
			want:     "422 Unprocessable Entity: No such workflow",
			check:    func(e *feather.APIError) bool { return e.Message == "No such workflow" && e.Validation == nil },
		},
		{
			name:     "a detail of another shape",
			response: response{422, "application/json", nil, `{"detail": {"code": 7}}`},
			want:     `422 Unprocessable Entity: {"code": 7}`,
		},
		{
			name:     "entries of another shape",
			response: response{422, "application/json", nil, `{"detail": [{"loc": "body"}]}`},
			want:     `422 Unprocessable Entity: {"loc": "body"}`,
		},
		{
			name: "an RFC 9457 problem",
			response: response{
				403,
				"application/problem+json",
				nil,
				`{"type": "about:blank", "title": "Forbidden zone", "detail": "Your plan ends here", "status": 403}`,
			},
			want: "403 Forbidden: Forbidden zone: Your plan ends here",
			check: func(e *feather.APIError) bool {
				return e.Title == "Forbidden zone" && e.Message == "Your plan ends here"
			},
		},
		{
			name:     "a problem with only a title",
			response: response{403, "application/problem+json", nil, `{"title": "Forbidden zone"}`},
			want:     "403 Forbidden: Forbidden zone",
		},
		{
			name: "Feather's code and message",
			response: response{
				401,
				"application/json",
				nil,
				`{"error": "authentication_required", "message": "No key"}`,
			},
			want: "401 Unauthorized: authentication_required: No key",
			check: func(e *feather.APIError) bool {
				return e.Code == "authentication_required" && e.Message == "No key" && e.Retryable == nil &&
					e.RetryAfter == 0
			},
		},
		{
			name: "Feather's code with its word on retries",
			response: response{429, "application/json", nil,
				`{"error": "rate_limited", "message": "Slow down", "retryable": true, "retry_after": 3}`},
			want:  "429 Too Many Requests: rate_limited: Slow down (retry after 3s)",
			check: func(e *feather.APIError) bool { return *e.Retryable && e.RetryAfter == 3*time.Second },
		},
		{
			name: "nulls in place of that word",
			response: response{400, "application/json", nil,
				`{"error": "bad_request", "message": "No", "retryable": null, "retry_after": null}`},
			want:  "400 Bad Request: bad_request: No",
			check: func(e *feather.APIError) bool { return e.Retryable == nil && e.RetryAfter == 0 },
		},
		{
			name: "members of another type",
			response: response{400, "application/json", nil,
				`{"error": "bad_request", "message": 7, "title": [], "retryable": "no", "retry_after": "soon", "detail": "x"}`},
			want:  "400 Bad Request: bad_request: x",
			check: func(e *feather.APIError) bool { return e.Retryable == nil && e.RetryAfter == 0 },
		},
		{
			name: "Retry-After, and another time in the body",
			response: response{409, "application/json", http.Header{"Retry-After": {"7"}},
				`{"error": "busy", "retry_after": 3}`},
			want:  "409 Conflict: busy (retry after 7s)",
			check: func(e *feather.APIError) bool { return e.Code == "busy" && e.RetryAfter == 7*time.Second },
		},
		{
			name:     "a gateway's message",
			response: response{403, "application/json", nil, `{"message": "Forbidden by policy"}`},
			want:     `403 Forbidden: Forbidden by policy`,
			check:    func(e *feather.APIError) bool { return e.Message == "Forbidden by policy" && e.Code == "" },
		},
		{
			name: "a gateway's error object",
			response: response{403, "application/json", nil,
				`{"error": {"code": 403, "message": "Forbidden by policy", "status": "PERMISSION_DENIED"}}`},
			want:  `403 Forbidden: 403: Forbidden by policy`,
			check: func(e *feather.APIError) bool { return e.Message == "Forbidden by policy" && e.Code == "403" },
		},
		{
			name:     "an error object with a name for its code",
			response: response{502, "application/json", nil, `{"error": {"code": "internal", "message": "Oops"}}`},
			want:     `502 Bad Gateway: internal: Oops`,
			check:    func(e *feather.APIError) bool { return e.Code == "internal" },
		},
		{
			name:     "plain text in lines",
			response: response{400, "text/plain", nil, "upstream\n\n  says \x1b[31mno\x00\n"},
			want:     "400 Bad Request: upstream says [31mno",
		},
		{
			name:     "an empty body",
			response: response{500, "", nil, ""},
			want:     "500 Internal Server Error",
		},
		{
			name:     "a status without a name",
			response: response{599, "", nil, ""},
			want:     "599",
		},
		{
			name:     "a page of HTML",
			response: response{400, "text/html", nil, "<html>" + strings.Repeat("<p>é</p>", 10_000)},
			want:     "400 Bad Request: <html>" + strings.Repeat("<p>é</p>", 36) + "<p>é</…",
			check:    func(e *feather.APIError) bool { return len(e.Body) == 6+9*10_000 && e.Message == "" },
		},
		{
			name:     "HTML that claims to be JSON",
			response: response{422, "application/json", nil, "<html>"},
			want:     "422 Unprocessable Entity: <html>",
		},
		{
			name:     "a JSON list at the top",
			response: response{422, "application/json", nil, `["no"]`},
			want:     `422 Unprocessable Entity: ["no"]`,
		},
		{
			name: "headers",
			response: response{
				400,
				"application/json",
				http.Header{"X-Request-Id": {"req-1"}, "Retry-After": {"7"}, "X-Other": {"o"}},
				`{"detail": "x"}`,
			},
			want: "400 Bad Request: x (retry after 7s)",
			check: func(e *feather.APIError) bool {
				return e.RequestID == "req-1" && e.RetryAfter == 7*time.Second && e.Header.Get("X-Other") == "o"
			},
		},
		{
			name:     "another header for the request id",
			response: response{400, "", http.Header{"Cf-Ray": {"8a"}}, ""},
			want:     "400 Bad Request",
			check:    func(e *feather.APIError) bool { return e.RequestID == "8a" && e.RetryAfter == 0 },
		},
		{
			name:     "a redirect that leads nowhere",
			response: response{304, "", nil, ""},
			want:     "304 Not Modified",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for way, apiErr := range apiErrors(t, newClient(t, serve(t, tt.response.ServeHTTP).URL, once())) {
				if got := apiErr.Error(); got != request+tt.want {
					t.Errorf("%s: message\n%q, want\n%q", way, got, request+tt.want)
				}
				if apiErr.StatusCode != tt.response.status || apiErr.Method != "POST" || apiErr.Attempts != 1 ||
					string(apiErr.Body) != tt.response.body && tt.response.status != 304 {
					t.Errorf("%s: %#v", way, apiErr)
				}
				if tt.check != nil && !tt.check(apiErr) {
					t.Errorf("%s: %#v", way, apiErr)
				}
			}
		})
	}
}

// TestDeclaredErrorThatDoesNotFitIsAnAPIError has bodies that the generated Parse
// function of a declared 422 cannot read.
func TestDeclaredErrorThatDoesNotFitIsAnAPIError(t *testing.T) {
	for _, body := range []string{`{"code": "seven"}`, `{"detail": 7}`, `[]`, `"x"`, `{"detail": "half`, ``} {
		client := newClient(t, serve(t, response{422, "application/json", nil, body}.ServeHTTP).URL)
		for way, apiErr := range apiErrors(t, client) {
			if apiErr.StatusCode != 422 || string(apiErr.Body) != body {
				t.Errorf("%s, %s: %#v", body, way, apiErr)
			}
		}
	}
}

func TestPageOfHTMLIsADecodeError(t *testing.T) {
	const page = "<html><title>Sign in</title>"
	server := serve(t,
		response{200, "text/html; charset=utf-8", http.Header{"X-Request-Id": {"req-1"}}, page}.ServeHTTP)
	client := newClient(t, server.URL)
	rsp, whole := sendWithResponse(t.Context(), client)
	if rsp == nil || string(rsp.Body) != page || rsp.StatusCode() != 200 {
		t.Errorf("the response beside the error: %+v", rsp)
	}
	_, raw := send(t.Context(), client)
	for way, err := range map[string]error{"WithResponse": whole, "raw": raw} {
		decodeErr, ok := err.(*feather.DecodeError)
		if !ok || decodeErr.StatusCode != 200 || string(decodeErr.Body) != page || decodeErr.RequestID != "req-1" ||
			err.Error() != "feather: POST /v1/messages: 200 OK: a page of HTML, which comes from a proxy or a login and not from Feather" {
			t.Errorf("%s: error %v", way, err)
		}
	}
	wanted := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Accept", "text/html")
		return nil
	}
	if err := ask(client, wanted); err != nil {
		t.Errorf("HTML that was asked for: error %v", err)
	}
}

func TestEmptySuccessMayHaveTheTypeHTML(t *testing.T) {
	if err := ask(newClient(t, serve(t, response{204, "text/html", nil, ""}.ServeHTTP).URL)); err != nil {
		t.Error(err)
	}
}

func TestBodyOfAnAPIErrorEndsAtOneMebibyte(t *testing.T) {
	for _, contentType := range []string{"text/plain", "application/json"} {
		large := response{500, contentType, nil, `"` + strings.Repeat("x", 3<<20) + `"`}
		for way, apiErr := range apiErrors(t, newClient(t, serve(t, large.ServeHTTP).URL)) {
			if len(apiErr.Body) != 1<<20 {
				t.Errorf("%s, %s: %d bytes", way, contentType, len(apiErr.Body))
			}
		}
	}
}

func TestBodyOfAnAPIErrorThatStallsIsWaitedForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, func(far net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(far))
			_, _ = io.WriteString(far, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 100\r\n\r\n{\"error\": ")
		})
		start := time.Now()
		err := ask(client, feather.MaxRetries(0))
		apiErr, ok := err.(*feather.APIError)
		if !ok || apiErr.StatusCode != 429 || string(apiErr.Body) != `{"error": ` ||
			time.Since(start) != 5*time.Second {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
	})
}

func TestResponseBrokenOffIsStillAnAPIError(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"detail": "half`)
	})
	for way, apiErr := range apiErrors(t, newClient(t, server.URL)) {
		if apiErr.StatusCode != http.StatusConflict || string(apiErr.Body) != `{"detail": "half` {
			t.Errorf("%s: error %v", way, apiErr)
		}
	}
}

// TestResponseOfADoerThatBreaksTheRules has no Request, as those of mocks and
// caches, no Body, or is not there.
func TestResponseOfADoerThatBreaksTheRules(t *testing.T) {
	network := func(rsp *http.Response) feather.ClientOption {
		return feather.WithHTTPClient(doer(func(*http.Request) (*http.Response, error) { return rsp, nil }))
	}
	if err := ask(newClient(t, "http://localhost", network(nil))); err == nil ||
		!strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("neither a response nor an error: %v", err)
	}
	if err := ask(newClient(t, "http://localhost", network(&http.Response{StatusCode: 200}))); err != nil {
		t.Errorf("a 200 without a body: %v", err)
	}
	err := ask(newClient(t, "http://localhost", once(), network(&http.Response{
		StatusCode: 403,
		Body:       io.NopCloser(strings.NewReader(`{"error": "` + testKey + `"}`)),
	})))
	if want := "/messages: 403 Forbidden: [redacted]"; err == nil || !strings.HasSuffix(err.Error(), want) ||
		!strings.Contains(err.Error(), "POST /v1/") {
		t.Errorf("without a request: error %v, want %s", err, want)
	}
}

func TestAPIErrorDecode(t *testing.T) {
	err := &feather.APIError{StatusCode: 409, Body: []byte(`{"turn": 7}`)}
	var declared struct{ Turn int }
	if err := err.Decode(&declared); err != nil || declared.Turn != 7 {
		t.Errorf("%v, %v", declared, err)
	}
	var other []int
	want := "feather: decoding the body of a 409 Conflict: the body is an object, not []int"
	if err := err.Decode(&other); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v", err)
	}
}

func TestAPIErrorForTheLog(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req-1")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error": "no_access", "message": "`+r.Header.Get("x-api-key")+`"}`)
	})
	err := ask(newClient(t, server.URL))
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Error("failed", "err", err)
	host := strings.TrimPrefix(server.URL, "http://")
	want := "err.operation=SendMessage err.method=POST err.host=" + host + " err.path=/v1/messages err.status=403 " +
		"err.code=no_access err.detail=[redacted] err.attempts=1 err.request_id=req-1\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("logged %s, want %s", &out, want)
	}
}

func TestRequestID(t *testing.T) {
	tests := []struct {
		header http.Header
		want   string
	}{
		{http.Header{"X-Request-Id": {"a"}, "Cf-Ray": {"b"}}, "a"},
		{http.Header{"Cf-Ray": {"b"}}, "b"},
		{nil, ""},
	}
	for _, tt := range tests {
		if got := feather.RequestID(&http.Response{Header: tt.header}); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.header, got, tt.want)
		}
	}
	if got := feather.RequestID(nil); got != "" {
		t.Errorf("nil: %q", got)
	}
}

// FuzzAPIError sends any response through the whole client, in every way.
func FuzzAPIError(f *testing.F) {
	bodies := []string{
		"",
		"null",
		"{}",
		`{"detail": "x"}`,
		`{"detail": [{"loc": ["body", 1], "msg": "m", "type": "t"}]}`,
		`{"detail": [1]}`,
		`{"detail": {"a": []}, "title": 5}`,
		`[`,
		"\xff\xfe",
		"<html>",
		`{"title": "t", "detail": "d"}`,
	}
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
		client := newClient(
			t,
			"http://localhost",
			once(),
			feather.WithHTTPClient(
				&http.Client{
					Transport:     network,
					CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
				},
			),
		)
		_, streamErr := events(send(t.Context(), client))
		for way, err := range map[string]error{"WithResponse": ask(client), "Stream": streamErr} {
			apiErr, ok := err.(*feather.APIError)
			if success := status <= 299; ok && success && apiErr.StatusCode == status {
				continue // a page of HTML
			} else if ok == success {
				if redirect := status/100 == 3; redirect && err != nil {
					continue // net/http refuses one without a Location
				}
				t.Fatalf("%s: status %d gives error %v of %[3]T", way, status, err)
			}
			if !ok {
				continue
			}
			if apiErr.StatusCode != status || !bytes.Equal(apiErr.Body, body) && len(body) < 1<<20 && len(body) > 0 {
				t.Errorf("%s: %#v", way, apiErr)
			}
			message := apiErr.Error()
			if strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }) ||
				!utf8.ValidString(message) {
				t.Errorf("%s: message %q is not one printable line", way, message)
			}
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
