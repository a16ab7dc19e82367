package feathertest_test

import (
	"context"
	"encoding/json"
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

var hello = feather.SendMessageRequest{Content: "hello"}

var path = "/v1/ask-feather/sessions/" + sessionID.String() + "/messages"

const pattern = "POST /v1/ask-feather/sessions/{session_id}/messages"

func newServer(t *testing.T) *feathertest.Server {
	t.Helper()
	server := feathertest.NewServer()
	t.Cleanup(server.Close)
	return server
}

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
		{"a valid request", "POST", path, "k", "application/json", valid, 200, ""},
		{"a null for an optional text", "POST", path, "k", "application/json", `{"content": "x", "workflow": null}`, 200, ""},
		{"a member that the document does not name", "POST", path, "k", "application/json", `{"content": "x", "more": 1}`, 200, ""},
		{"no key", "POST", path, "", "application/json", valid, 401, `"Not authenticated"`},
		{"no key and nothing else right", "POST", path, "", "application/json", "{", 401, `"Not authenticated"`},
		{"an unknown path", "POST", "/v2", "k", "application/json", valid, 404, `"Not Found"`},
		{"a slash too many", "POST", path + "/", "k", "application/json", valid, 404, `"Not Found"`},
		{"a wrong method", "GET", path, "k", "", "", 405, `"Method Not Allowed"`},
		{"a session that is no UUID", "POST", "/v1/ask-feather/sessions/7/messages", "k", "application/json", valid, 422,
			`[{"type":"uuid_parsing","loc":["path","session_id"],"msg":"Input should be a valid UUID","input":"7"}]`},
		{"an empty text", "POST", path, "k", "application/json", `{"content": ""}`, 422,
			`[{"type":"string_too_short","loc":["body","content"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}]`},
		{"a missing member", "POST", path, "k", "application/json", `{}`, 422,
			`[{"type":"missing","loc":["body","content"],"msg":"Field required","input":{}}]`},
		{"two wrong types", "POST", path, "k", "application/json", `{"workflow": 4, "content": 3}`, 422,
			`[{"type":"string_type","loc":["body","content"],"msg":"Input should be a valid string","input":3},` +
				`{"type":"string_type","loc":["body","workflow"],"msg":"Input should be a valid string","input":4}]`},
		{"a list for an object", "POST", path, "k", "application/json", `[]`, 422,
			`[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[]}]`},
		{"no body", "POST", path, "k", "application/json", "", 422, `[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]`},
		{"half a body", "POST", path, "k", "application/json", `{"content": "`, 422,
			`[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":null,"ctx":{"error":"unexpected EOF"}}]`},
		{"something behind the body", "POST", path, "k", "application/json", valid + "}", 422,
			`[{"type":"json_invalid","loc":["body",0],"msg":"JSON decode error","input":null,"ctx":{"error":"extra data"}}]`},
		{"another media type", "POST", path, "k", "text/plain", "hello", 422,
			`[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":null}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newServer(t)
			handled := false
			server.Handle(pattern, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				handled = true
				if body, err := io.ReadAll(r.Body); string(body) != tt.body || err != nil {
					t.Errorf("the handler reads %q, %v", body, err)
				}
			}))
			req, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, strings.NewReader(tt.body))
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
			if got := server.Requests(); len(got) != 1 || got[0].Method != tt.method || got[0].Path != tt.path || string(got[0].Body) != tt.body || got[0].Header.Get("x-api-key") != tt.key {
				t.Errorf("Requests() %+v", got)
			}
		})
	}
}

func TestUnscriptedReplyIsAShortStream(t *testing.T) {
	events, err := collect(newServer(t).Client().SendMessage(t.Context(), sessionID, hello))
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
	server := newServer(t)
	client := server.Client()
	first := []feather.Event{{ID: "1", Type: "delta", Data: "a\nb"}, {ID: "1", Data: ""}, {ID: "2", Type: "complete", Data: `{"a":1}`}}
	server.Reply(first...)
	server.Reply()
	for i, want := range [][]feather.Event{first, nil} {
		got, err := collect(client.SendMessage(t.Context(), sessionID, hello))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("reply %d: %+v, %v; want %+v", i, got, err, want)
		}
	}
	if got, err := collect(client.SendMessage(t.Context(), sessionID, hello)); err != nil || len(got) != 4 {
		t.Errorf("behind the script: %+v, %v", got, err)
	}
}

func TestRefusedRequestTakesNoReply(t *testing.T) {
	server := newServer(t)
	server.Reply(feather.Event{Data: "scripted"})
	client := server.Client()
	if _, err := collect(client.SendMessage(t.Context(), sessionID, feather.SendMessageRequest{})); err == nil {
		t.Error("an empty message is not refused")
	}
	if got, err := collect(client.SendMessage(t.Context(), sessionID, hello)); err != nil || len(got) != 1 || got[0].Data != "scripted" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReplyStatus(t *testing.T) {
	tests := []struct {
		status     int
		detail     any
		header     http.Header
		want       string
		validation int
		wait       time.Duration
	}{
		{404, "Session not found", nil, "Session not found", 0, 0},
		{429, "Slow down", http.Header{"retry-after": {"61"}}, "Slow down", 0, 61 * time.Second},
		{422, feather.ValidationErrors{{Loc: location(t, "body", "content"), Msg: "too rude", Type: "value_error"}}, nil, "body.content: too rude", 1, 0},
	}
	for _, tt := range tests {
		server := newServer(t)
		server.ReplyStatus(tt.status, tt.detail, tt.header)
		_, err := server.Client().SendMessageWithResponse(t.Context(), sessionID, hello)
		apiErr, ok := errors.AsType[*feather.APIError](err)
		if !ok || apiErr.StatusCode != tt.status || apiErr.Detail != tt.want || len(apiErr.Validation) != tt.validation || apiErr.RetryAfter != tt.wait {
			t.Errorf("%+v: error %#v", tt, err)
		}
	}
}

func location(t *testing.T, steps ...string) []feather.LocationPart {
	t.Helper()
	data, _ := json.Marshal(steps)
	var parts []feather.LocationPart
	if err := json.Unmarshal(data, &parts); err != nil {
		t.Fatal(err)
	}
	return parts
}

func TestReplyAfterWaits(t *testing.T) {
	server := newServer(t)
	const delay = 50 * time.Millisecond
	server.ReplyAfter(delay, feather.Event{Data: "late"})
	start := time.Now()
	got, err := collect(server.Client().SendMessage(t.Context(), sessionID, hello))
	if took := time.Since(start); err != nil || len(got) != 1 || took < delay {
		t.Errorf("%+v, %v after %v", got, err, took)
	}

	server.ReplyAfter(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), delay)
	defer cancel()
	if _, err := collect(server.Client().SendMessage(ctx, sessionID, hello)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestReplyCut(t *testing.T) {
	for n := range 3 {
		server := newServer(t)
		server.ReplyCut(slices.Repeat([]feather.Event{{Data: "a"}}, n)...)
		got, err := collect(server.Client().SendMessage(t.Context(), sessionID, hello))
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
		server := newServer(t)
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
		for _, err := range feather.Stream(server.Client().SendMessage(ctx, sessionID, hello)) {
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
	for _, err := range feather.Stream(server.Client().SendMessage(t.Context(), sessionID, hello)) {
		if err != nil {
			break
		}
		go server.Close()
	}
	server.Close() // A second time does no harm.
}

func TestHandle(t *testing.T) {
	server := newServer(t)
	client := server.Client()
	for _, text := range []string{"first", "second"} { // The second takes the first one's place.
		server.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, text, " ", r.PathValue("session_id"))
		}))
		rsp, err := client.SendMessageWithResponse(t.Context(), sessionID, hello)
		if err != nil || string(rsp.Body) != text+" "+sessionID.String() {
			t.Errorf("%s: %v", text, err)
		}
	}
	server.Reply(feather.Event{Data: "scripted"})
	if rsp, err := client.SendMessageWithResponse(t.Context(), sessionID, hello); err != nil || string(rsp.Body) != "data: scripted\n\n" {
		t.Errorf("a script goes first: %v", err)
	}
}

func TestHandleTakesOverEverythingWithASlash(t *testing.T) {
	server := newServer(t)
	server.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "anything") }))
	if rsp, err := server.Client().SendMessageWithResponse(t.Context(), sessionID, hello); err != nil || string(rsp.Body) != "anything" {
		t.Error(err)
	}
}

func TestHandlerOfAnotherMethodLeavesTheDefault(t *testing.T) {
	server := newServer(t)
	server.Handle("GET "+path, http.NotFoundHandler())
	if events, err := collect(server.Client().SendMessage(t.Context(), sessionID, hello)); err != nil || len(events) != 4 {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestHandleRefusesAPatternAtOnce(t *testing.T) {
	server := newServer(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		server.Handle(pattern, http.NotFoundHandler()) // The server still works.
	}()
	server.Handle("POST /{", http.NotFoundHandler())
}

func TestClientTakesOptions(t *testing.T) {
	server := newServer(t)
	client := server.Client(feather.WithAPIKey("key-of-a-tenant"))
	if _, err := client.SendMessageWithResponse(t.Context(), sessionID, hello); err != nil {
		t.Fatal(err)
	}
	if key := server.Requests()[0].Header.Get("x-api-key"); key != "key-of-a-tenant" {
		t.Errorf("key %q", key)
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "feathertest: feather: ") {
			t.Errorf("an option that New refuses: panic %s", got)
		}
	}()
	server.Client(feather.WithAPIKey(""))
}
