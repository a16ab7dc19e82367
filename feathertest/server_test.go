package feathertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	os.Unsetenv("FEATHER_API_KEY")
	os.Unsetenv("FEATHER_BASE_URL")
	goleak.VerifyTestMain(m)
}

var sessionID = uuid.MustParse("0190a5b4-0000-7000-8000-000000000001")

const hello = `{"content": "hello"}`

// send makes a call that returns the response as it begins.
func send(
	ctx context.Context, client *feather.ClientWithResponses, body string, editors ...feather.RequestEditorFn,
) (*http.Response, error) {
	return client.Request(ctx, "POST", path, strings.NewReader(body), editors...)
}

// sendWhole reads the response to its end.
func sendWhole(ctx context.Context, client *feather.ClientWithResponses, body string) (string, error) {
	rsp, err := send(ctx, client, body)
	if err != nil {
		return "", err
	}
	defer rsp.Body.Close()
	text, err := io.ReadAll(rsp.Body)
	return string(text), err
}

var path = "/v1/ask-feather/sessions/" + sessionID.String() + "/messages"

const pattern = "POST /v1/ask-feather/sessions/{session_id}/messages"

func collect(rsp *http.Response, err error) (events []feather.Event, last error) {
	for event, err := range feather.Stream(rsp, err) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

func TestEveryRequestIsChecked(t *testing.T) {
	const valid = `{"content": "hello"}`
	tests := []struct {
		name, method, path, key, contentType, body string

		status int
		want   string // its detail
	}{
		{
			name: "a valid request", method: "POST", path: path, key: "k", contentType: "application/json",
			body: valid, status: 200,
		},
		{
			name: "a null for an optional text", method: "POST", path: path, key: "k",
			contentType: "application/json", body: `{"content": "x", "workflow": null}`, status: 200,
		},
		{
			name: "a member that the document does not name", method: "POST", path: path, key: "k",
			contentType: "application/json", body: `{"content": "x", "more": 1}`, status: 200,
		},
		{
			name: "no key", method: "POST", path: path, contentType: "application/json", body: valid,
			status: 401, want: `"Not authenticated"`,
		},
		{
			name: "no key and nothing else right", method: "POST", path: path, contentType: "application/json",
			body: "{", status: 401, want: `"Not authenticated"`,
		},
		{
			name: "an unknown path", method: "POST", path: "/v2", key: "k", contentType: "application/json",
			body: valid, status: 404, want: `"Not Found"`,
		},
		{
			name: "a slash too many", method: "POST", path: path + "/", key: "k",
			contentType: "application/json", body: valid, status: 404, want: `"Not Found"`,
		},
		{name: "a wrong method", method: "GET", path: path, key: "k", status: 405, want: `"Method Not Allowed"`},
		{
			name: "a session that is no UUID", method: "POST", path: "/v1/ask-feather/sessions/7/messages",
			key: "k", contentType: "application/json", body: valid, status: 422,
			want: `[{"type":"uuid_parsing","loc":["path","session_id"],"msg":"Input should be a valid UUID","input":"7"}]`,
		},
		{
			name: "an empty text", method: "POST", path: path, key: "k", contentType: "application/json",
			body: `{"content": ""}`, status: 422,
			want: `[{"type":"string_too_short","loc":["body","content"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}]`,
		},
		{
			name: "a missing member", method: "POST", path: path, key: "k", contentType: "application/json",
			body: `{}`, status: 422,
			want: `[{"type":"missing","loc":["body","content"],"msg":"Field required","input":{}}]`,
		},
		{
			name: "two wrong types", method: "POST", path: path, key: "k", contentType: "application/json",
			body: `{"workflow": 4, "content": 3}`, status: 422,
			want: `[{"type":"string_type","loc":["body","content"],"msg":"Input should be a valid string","input":3},` +
				`{"type":"string_type","loc":["body","workflow"],"msg":"Input should be a valid string","input":4}]`,
		},
		{
			name: "a list for an object", method: "POST", path: path, key: "k",
			contentType: "application/json", body: `[]`, status: 422,
			want: `[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[]}]`,
		},
		{
			name: "no body", method: "POST", path: path, key: "k", contentType: "application/json",
			status: 422, want: `[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]`,
		},
		{
			name: "half a body", method: "POST", path: path, key: "k", contentType: "application/json",
			body: `{"content": "`, status: 422,
			want: `[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":null,"ctx":{"error":"unexpected EOF"}}]`,
		},
		{
			name: "JSON of a vendor's type", method: "POST", path: path, key: "k",
			contentType: "application/vnd.feather+json", body: valid, status: 200,
		},
		{name: "a body without a type", method: "POST", path: path, key: "k", body: valid, status: 200},
		{
			name: "a byte order mark", method: "POST", path: path, key: "k", contentType: "application/json",
			body: "\ufeff" + valid, status: 200,
		},
		{
			name: "bytes that are no UTF-8", method: "POST", path: path, key: "k", contentType: "application/json",
			body: "{\"content\": \"\xff\"}", status: 400, want: `"There was an error parsing the body"`,
		},
		{
			name: "something after the body", method: "POST", path: path, key: "k",
			contentType: "application/json", body: valid + "}", status: 422,
			want: `[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":null,"ctx":{"error":"extra data"}}]`,
		},
		{
			name: "another media type", method: "POST", path: path, key: "k", contentType: "text/plain",
			body: "hello", status: 422,
			want: `[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":null}]`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := feathertest.Start(t)
			handled := false
			server.Handle(pattern, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				handled = true
				if body, err := io.ReadAll(r.Body); string(body) != tt.body || err != nil {
					t.Errorf("the handler reads %q, %v", body, err)
				}
			}))
			req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path,
				strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.contentType)
			req.Header.Set("x-api-key", tt.key)
			rsp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer rsp.Body.Close()
			body, _ := io.ReadAll(rsp.Body)
			want := ""
			if tt.want != "" {
				want = `{"detail":` + tt.want + `}`
			}
			if rsp.StatusCode != tt.status || string(body) != want {
				t.Errorf("status %d, body\n%s, want %d,\n%s", rsp.StatusCode, body, tt.status, want)
			}
			if handled != (tt.status == 200) {
				t.Errorf("handled: %t", handled)
			}
			if got := server.Requests(); len(got) != 1 || got[0].Method != tt.method || got[0].Path != tt.path ||
				string(got[0].Body) != tt.body ||
				got[0].Header.Get("x-api-key") != tt.key {
				t.Errorf("Requests() %+v", got)
			}
		})
	}
}

func TestUnscriptedReplyIsAShortStream(t *testing.T) {
	events, err := collect(send(t.Context(), feathertest.Start(t).Client(), hello))
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for i, event := range events {
		var payload struct{ Text string }
		if err := event.Decode(&payload); err != nil {
			t.Error(err)
		}
		if last := i == len(events)-1; last {
			if event.Type != "complete" || payload.Text != text {
				t.Errorf("last event %+v, text before %q", event, text)
			}
		} else if event.Type != "delta" {
			t.Errorf("event %+v", event)
		}
		text += payload.Text
	}
	if len(events) < 3 {
		t.Errorf("%d events", len(events))
	}
}

func TestReplyScriptsTheNextReplies(t *testing.T) {
	server := feathertest.Start(t)
	client := server.Client()
	first := []feather.Event{
		{ID: "1", Type: "delta", Data: "a\nb"},
		{ID: "1", Data: ""},
		{ID: "2", Type: "complete", Data: `{"a":1}`},
	}
	server.Reply(first...)
	server.Reply()
	for i, want := range [][]feather.Event{first, nil} {
		got, err := collect(send(t.Context(), client, hello))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("reply %d: %+v, %v; want %+v", i, got, err, want)
		}
	}
	if got, err := collect(send(t.Context(), client, hello)); err != nil || len(got) != 4 {
		t.Errorf("after the script: %+v, %v", got, err)
	}
}

func TestReplyIsForTheOperationThatItNames(t *testing.T) {
	server := feathertest.Start(t)
	server.ReplyStatus(409, "of another operation").For("POST /v1/ask-feather/sessions").WithHeader("Retry-After", "61")
	server.Reply(feather.Event{Data: "first"}).For("POST /v1/ask-feather/sessions/{id}/messages")
	server.Reply(feather.Event{Data: "second"})
	for _, want := range []string{"data: first\n\n", "data: second\n\n"} {
		if got, err := sendWhole(t.Context(), server.Client(), hello); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	rsp, err := http.Post(server.URL+"/v1/ask-feather/sessions?", "application/json", strings.NewReader("{}"))
	if err != nil || rsp.StatusCode != 401 {
		t.Errorf("without a key: %v, %v", rsp, err)
	}
	rsp.Body.Close()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/v1/ask-feather/sessions",
		strings.NewReader("{}"))
	req.Header = http.Header{"X-Api-Key": {"k"}, "Content-Type": {"application/json"}}
	if rsp, err = http.DefaultClient.Do(req); err != nil || rsp.StatusCode != 409 {
		t.Errorf("the other operation: %v, %v", rsp, err)
	}
	rsp.Body.Close()
}

func TestRefusedRequestTakesNoReply(t *testing.T) {
	server := feathertest.Start(t)
	server.Reply(feather.Event{Data: "scripted"})
	client := server.Client()
	if _, err := collect(send(t.Context(), client, "{}")); err == nil {
		t.Error("an empty message is not refused")
	}
	if got, err := collect(send(t.Context(), client, hello)); err != nil || len(got) != 1 || got[0].Data != "scripted" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReplyStatus(t *testing.T) {
	rude := feather.ValidationErrors{
		{Loc: []feather.LocationPart{{Name: "body"}, {Name: "content"}}, Msg: "too rude", Type: "value_error"},
	}
	tests := []struct {
		name   string
		script func(*feathertest.Server)
		want   feather.APIError
	}{
		{
			name:   "a text",
			script: func(s *feathertest.Server) { s.ReplyStatus(404, "Session not found") },
			want:   feather.APIError{StatusCode: 404, Message: "Session not found"},
		},
		{
			name:   "a header",
			script: func(s *feathertest.Server) { s.ReplyStatus(429, "Slow down").WithHeader("retry-after", "61") },
			want:   feather.APIError{StatusCode: 429, Message: "Slow down", RetryAfter: 61 * time.Second},
		},
		{
			name:   "validation errors",
			script: func(s *feathertest.Server) { s.ReplyStatus(422, rude) },
			want:   feather.APIError{StatusCode: 422, Message: "body.content: too rude", Validation: rude},
		},
		{
			name:   "Feather's own",
			script: func(s *feathertest.Server) { s.ReplyError(403, "no_access", "Not yours") },
			want:   feather.APIError{StatusCode: 403, Code: "no_access", Message: "Not yours"},
		},
	}
	for _, tt := range tests {
		server := feathertest.Start(t)
		tt.script(server)
		_, err := sendWhole(t.Context(), server.Client(), hello)
		got, ok := errors.AsType[*feather.APIError](err)
		if !ok || got.StatusCode != tt.want.StatusCode || got.Code != tt.want.Code || got.Message != tt.want.Message ||
			len(got.Validation) != len(tt.want.Validation) || got.RetryAfter != tt.want.RetryAfter {
			t.Errorf("%s: error %#v", tt.name, err)
		}
	}
}

func TestReplyAfterWaits(t *testing.T) {
	server := feathertest.Start(t)
	const delay = 50 * time.Millisecond
	server.ReplyAfter(delay, feather.Event{Data: "late"})
	start := time.Now()
	got, err := collect(send(t.Context(), server.Client(), hello))
	if took := time.Since(start); err != nil || len(got) != 1 || took < delay {
		t.Errorf("%+v, %v after %v", got, err, took)
	}

	server.ReplyAfter(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), delay)
	defer cancel()
	if _, err := collect(send(ctx, server.Client(), hello)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestReplyCut(t *testing.T) {
	for n := range 3 {
		server := feathertest.Start(t)
		server.ReplyCut(slices.Repeat([]feather.Event{{Data: "a"}}, n)...)
		got, err := collect(send(t.Context(), server.Client(), hello))
		if len(got) != n || !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("after %d events: %+v, %v", n, got, err)
		}
		if len(server.Requests()) != 1 {
			t.Errorf("after %d events: the message came %d times", n, len(server.Requests()))
		}
	}
}

func TestReplyStallEndsWhenTheClientLeaves(t *testing.T) {
	for n := range 2 {
		server := feathertest.Start(t)
		server.ReplyStall(slices.Repeat([]feather.Event{{Data: "a"}}, n)...)
		ctx, leave := context.WithCancel(t.Context())
		var got int
		var last error
		go func() {
			for n == 0 && len(server.Requests()) == 0 {
				runtime.Gosched()
			}
			if n == 0 {
				leave()
			}
		}()
		for _, err := range feather.Stream(send(ctx, server.Client(), hello)) {
			if last = err; err == nil {
				got++
				leave()
			}
		}
		leave()
		if got != n || !errors.Is(last, context.Canceled) {
			t.Errorf("after %d events: %d, %v", n, got, last)
		}
	}
}

func TestCloseEndsAStalledReply(t *testing.T) {
	server := feathertest.NewServer()
	server.ReplyStall(feather.Event{Data: "a"})
	for _, err := range feather.Stream(send(t.Context(), server.Client(), hello)) {
		if err != nil {
			break
		}
		go server.Close()
	}
	server.Close() // A second time does no harm.
}

func TestHandle(t *testing.T) {
	server := feathertest.Start(t)
	client := server.Client()
	for _, text := range []string{"first", "second"} { // The second takes the first one's place.
		server.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, text, " ", r.PathValue("session_id"))
		})
		got, err := sendWhole(t.Context(), client, hello)
		if err != nil || got != text+" "+sessionID.String() {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	server.Reply(feather.Event{Data: "scripted"})
	if text, err := sendWhole(t.Context(), client, hello); err != nil || text != "data: scripted\n\n" {
		t.Errorf("a script goes first: %v", err)
	}
}

func TestHandlerIsForOneOperation(t *testing.T) {
	server := feathertest.Start(t)
	server.HandleFunc("POST /v1/ask-feather/sessions", func(http.ResponseWriter, *http.Request) {
		t.Error("the handler of another operation was called")
	})
	if events, err := collect(send(t.Context(), server.Client(), hello)); err != nil || len(events) != 4 {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestNamesOfParametersDoNotMatterToHandle(t *testing.T) {
	server := feathertest.Start(t)
	server.HandleFunc("POST /v1/ask-feather/sessions/{s}/messages", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.PathValue("session_id"))
	})
	text, err := sendWhole(t.Context(), server.Client(), hello)
	if err != nil || text != sessionID.String() {
		t.Error(text, err)
	}
}

func TestUnscriptedReplyComesFromTheSchema(t *testing.T) {
	server := feathertest.Start(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/v1/ask-feather/sessions",
		strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", "k")
	req.Header.Set("Content-Type", "application/json")
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	body, _ := io.ReadAll(rsp.Body)
	want := `{"created_at":"2026-01-02T03:04:05Z","id":"0190a5b4-0000-7000-8000-000000000001","status":"text","title":null,"updated_at":"2026-01-02T03:04:05Z"}`
	if rsp.StatusCode != 201 || string(body) != want {
		t.Errorf("status %d, body\n%s, want 201,\n%s", rsp.StatusCode, body, want)
	}
}

// recorder stands for the test of a consumer.
type recorder struct {
	testing.TB
	cleanups []func()
	failed   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r.failed)
}

// TestBadArgumentsFailInTheCaller has each in both kinds of servers: one ends the
// test, the other panics, and both before a request could meet it.
func TestBadArgumentsFailInTheCaller(t *testing.T) {
	tests := []struct {
		name string
		call func(*feathertest.Server)
		want string
	}{
		{
			name: "a status", call: func(s *feathertest.Server) { s.ReplyStatus(99, "x") },
			want: "the status 99 is not one from 200 to 599",
		},
		{
			name: "a status too large", call: func(s *feathertest.Server) { s.ReplyError(600, "x", "y") },
			want: "the status 600",
		},
		{
			name: "a detail", call: func(s *feathertest.Server) { s.ReplyStatus(400, func() {}) },
			want: "a body that is not JSON",
		},
		{
			name: "an id", call: func(s *feathertest.Server) { s.Reply(feather.Event{ID: "a\nb"}) },
			want: "the id or the type of the event",
		},
		{
			name: "a type", call: func(s *feathertest.Server) { s.ReplyCut(feather.Event{Type: "a\x00"}) },
			want: "the id or the type of the event",
		},
		{
			name: "an operation",
			call: func(s *feathertest.Server) { s.Handle("POST /{", http.NotFoundHandler()) },
			want: `the document has no operation "POST /{"`,
		},
		{
			name: "an operation of a reply", call: func(s *feathertest.Server) { s.Reply().For("GET /v9") },
			want: `no operation "GET /v9"`,
		},
		{
			name: "an operation without its method",
			call: func(s *feathertest.Server) { s.Handle("/", http.NotFoundHandler()) },
			want: `no operation "/"`,
		},
		{
			name: "an option", call: func(s *feathertest.Server) { s.Client(feather.WithAPIKey("")) },
			want: "feather: the API key is empty",
		},
	}
	for _, tt := range tests {
		for kind, start := range map[string]func() *feathertest.Server{
			"Start":     func() *feathertest.Server { return feathertest.Start(&recorder{}) },
			"NewServer": feathertest.NewServer,
		} {
			server := start()
			func() {
				defer func() {
					if reason := fmt.Sprint(recover()); !strings.Contains(reason, "feathertest: ") ||
						!strings.Contains(reason, tt.want) {
						t.Errorf("%s, %s: %s", kind, tt.name, reason)
					}
				}()
				tt.call(server)
			}()
			server.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {}) // It still works.
			server.Close()
		}
	}
}

func TestScriptedRepliesThatNobodyTakesFailTheTest(t *testing.T) {
	consumer := &recorder{}
	server := feathertest.Start(consumer)
	server.Reply()
	server.ReplyStatus(404, "x")
	if _, err := collect(send(t.Context(), server.Client(), hello)); err != nil {
		t.Fatal(err)
	}
	for _, f := range consumer.cleanups {
		f()
	}
	if want := "[feathertest: scripted replies that no request has taken: 1]"; fmt.Sprint(consumer.failed) != want {
		t.Errorf("failed with %v, want %s", consumer.failed, want)
	}
}

func TestReplyWithHeadersAndPauses(t *testing.T) {
	server := feathertest.Start(t)
	const pause = 5 * time.Millisecond
	server.Reply(feather.Event{Data: "a"}, feather.Event{Data: "b"}, feather.Event{Data: "c"}).
		WithHeader("X-Request-Id", "req-1").WithPause(pause)
	start := time.Now()
	rsp, err := send(t.Context(), server.Client(), hello)
	if id := feather.RequestID(rsp); id != "req-1" {
		t.Errorf("request id %q", id)
	}
	if got, err := collect(rsp, err); len(got) != 3 || err != nil || time.Since(start) < 2*pause {
		t.Errorf("%v, %v, after %v", got, err, time.Since(start))
	}
}

// TestStreamFaults scripts what a client that never lies must see.
func TestStreamFaults(t *testing.T) {
	server := feathertest.Start(t)
	client := server.Client(feather.WithRequireEvent("complete"))
	server.Reply(feather.Event{Type: "delta"}, feather.Event{Type: "error", Data: `{"error": "internal"}`})
	_, err := collect(send(t.Context(), client, hello))
	if streamErr, ok := err.(*feather.StreamError); !ok || streamErr.Code != "internal" {
		t.Errorf("an error event: %v", err)
	}
	server.Reply(feather.Event{Type: "delta"})
	if _, err := collect(send(t.Context(), client, hello)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no complete event: %v", err)
	}
	server.ReplyStall(feather.Event{Type: "delta"})
	_, err = collect(send(t.Context(), client, hello, feather.SilenceTimeout(10*time.Millisecond)))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stall: %v", err)
	}
}

// TestReplyThatWaitsIsCutByClose is no empty success.
func TestReplyThatWaitsIsCutByClose(t *testing.T) {
	for name, script := range map[string]func(*feathertest.Server){
		"before the head":    func(s *feathertest.Server) { s.ReplyAfter(time.Hour, feather.Event{Data: "a"}) },
		"between two events": func(s *feathertest.Server) { s.Reply(feather.Event{}, feather.Event{}).WithPause(time.Hour) },
	} {
		server := feathertest.NewServer()
		script(server)
		go func() {
			for len(server.Requests()) == 0 {
				runtime.Gosched()
			}
			server.Close()
		}()
		if _, err := collect(send(t.Context(), server.Client(), hello)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

func TestClientTakesOptions(t *testing.T) {
	server := feathertest.Start(t)
	client := server.Client(feather.WithAPIKey("key-of-a-tenant"))
	if _, err := sendWhole(t.Context(), client, hello); err != nil {
		t.Fatal(err)
	}
	if key := server.Requests()[0].Header.Get("x-api-key"); key != "key-of-a-tenant" {
		t.Errorf("key %q", key)
	}
}

func TestHandlerMayUseAnHTTPFlusher(t *testing.T) {
	server := feathertest.Start(t)
	server.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		flusher, ok := w.(http.Flusher)
		if !ok {
			t.Fatal("no http.Flusher")
		}
		fmt.Fprint(w, "data: a\n\n")
		flusher.Flush()
	})
	if events, err := collect(send(t.Context(), server.Client(), hello)); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v", events, err)
	}
}

// TestCallsAheadOfTheDocument are those of feather.Client.Request.
func TestCallsAheadOfTheDocument(t *testing.T) {
	server := feathertest.Start(t)
	server.HandleUnlisted("POST /v2/agents/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id": %q, "body": %s}`, r.PathValue("id"), body)
	}))
	type agent struct{ ID, Body string }
	got, err := feather.JSON[agent](server.Client().Request(t.Context(), "POST", "/v2/agents/7", "x"))
	if want := (agent{"7", "x"}); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := server.Client().Request(t.Context(), "POST", "/v2/other", nil); err == nil {
		t.Error("a path that nothing handles is found")
	}
}
