package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

const session = "0190a5b4-0000-7000-8000-000000000001"

func TestAsk(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		key    string
		script func(*feathertest.Server)

		status         int
		stdout, stderr string
	}{
		{"without a key it asks the fake", []string{"Where is", "my order?"}, "", nil, 0, "Your order is on its way.\n", "FEATHER_API_KEY is not set; asking a fake"},
		{"with a key it asks the API", []string{"-session", session, "-workflow", "w", "hi"}, "key", func(s *feathertest.Server) {
			s.Reply(feather.Event{Type: "delta", Data: "plain "}, feather.Event{Type: "delta", Data: `{"text":"text"}`}, feather.Event{Type: "complete"}, feather.Event{Data: "more"})
		}, 0, "plain text\nmore\n", ""},
		{"an error of the API", []string{"-session", session, "hi"}, "key", func(s *feathertest.Server) { s.ReplyStatus(404, "Session not found") }, 1, "", "ask: feather: POST /v1/ask-feather/sessions/" + session + "/messages: 404 Not Found: Session not found\n"},
		{"an error event", []string{"-session", session, "hi"}, "key", func(s *feathertest.Server) { s.Reply(feather.Event{Type: "error", Data: "boom"}) }, 1, "", "ask: feather: the server ended the stream with an error: boom\n"},
		{"a stream cut short", []string{"-session", session, "hi"}, "key", func(s *feathertest.Server) { s.ReplyCut(feather.Event{Data: "half"}) }, 1, "half\n", "ask: feather: the response broke off: unexpected EOF\n"},
		{"no question", nil, "", nil, 2, "", "usage: ask"},
		{"help", []string{"-h"}, "", nil, 0, "", "usage: ask"},
		{"an unknown flag", []string{"-x"}, "", nil, 2, "", "flag provided but not defined"},
		{"no session", []string{"hi"}, "key", nil, 2, "", "needs a session"},
		{"a bad key", []string{"-session", session, "hi"}, "a key ", nil, 1, "", "ask: feather: FEATHER_API_KEY: the API key has white space"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := feathertest.NewServer()
			defer server.Close()
			if tt.script != nil {
				tt.script(server)
			}
			t.Setenv("FEATHER_API_KEY", tt.key)
			t.Setenv("FEATHER_BASE_URL", server.URL)
			t.Setenv("FEATHER_SESSION_ID", "")
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), tt.args, &stdout, &stderr)
			if status != tt.status || stdout.String() != tt.stdout || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d, %q, %q", status, &stdout, &stderr, tt.status, tt.stdout, tt.stderr)
			}
			if want := `{"content":"hi","workflow":"w"}`; tt.status == 0 && tt.key != "" && string(server.Requests()[0].Body) != want {
				t.Errorf("request %s, want %s", server.Requests()[0].Body, want)
			}
		})
	}
}

func TestInterruptEndsTheReply(t *testing.T) {
	server := feathertest.NewServer()
	defer server.Close()
	server.ReplyStall(feather.Event{Data: "first"})
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	ctx, interrupt := context.WithCancel(t.Context())
	var stderr bytes.Buffer
	status := run(ctx, []string{"-session", session, "hi"}, writerFunc(func(p []byte) (int, error) {
		interrupt() // as soon as something arrives
		return len(p), nil
	}), &stderr)
	if status != 130 || stderr.String() != "\n" {
		t.Errorf("status %d, stderr %q", status, &stderr)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
