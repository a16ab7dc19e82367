package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

const session = "0190a5b4-0000-7000-8000-00000000000a"

const path = "/v1/ask-feather/sessions/" + session + "/messages"

func TestAsk(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		key    string
		script func(*feathertest.Server)

		status int
		stdout string
		stderr string // a part of it
	}{
		{
			name:   "without a key it asks the fake",
			args:   []string{"Where is", "my order?"},
			stdout: "Your order has left the warehouse and arrives tomorrow, before noon.\n",
			stderr: "FEATHER_API_KEY is not set; a fake server in this process replies\nsession ",
		},
		{
			name:   "without a session it creates one",
			args:   []string{"-workflow", "w", "hi"},
			key:    "key",
			stdout: "Your order is on its way.\n",
			stderr: "session 0190a5b4-0000-7000-8000-000000000001\n",
		},
		{
			name:   "with a session it goes on",
			args:   []string{"-session", session, "-workflow", "w", "hi"},
			key:    "key",
			script: func(s *feathertest.Server) { s.Reply(feather.Event{Data: "on"}) },
			stdout: "on\n",
		},
		{
			name: "a wait before a retry",
			args: []string{"-session", session, "-workflow", "w", "hi"},
			key:  "key",
			script: func(s *feathertest.Server) {
				s.ReplyError(429, "rate_limited", "Slow down").WithHeader("Retry-After", "0")
			},
			stdout: "Your order is on its way.\n",
			stderr: "Too Many Requests; trying again in 0s\n",
		},
		{
			name:   "an error of the API",
			args:   []string{"-session", session, "hi"},
			key:    "key",
			script: func(s *feathertest.Server) { s.ReplyStatus(404, "Session not found") },
			status: 1,
			stderr: "ask: feather: POST " + path + ": 404 Not Found: Session not found\n",
		},
		{
			name:   "an error event",
			args:   []string{"-session", session, "hi"},
			key:    "key",
			script: func(s *feathertest.Server) { s.Reply(feather.Event{Type: "error", Data: "boom"}) },
			status: 1,
			stderr: "ask: feather: POST /v1/ask-feather/sessions/0190a5b4-0000-7000-8000-00000000000a/messages: the server ended the stream with an error: boom\n",
		},
		{
			name:   "a stream cut short",
			args:   []string{"-session", session, "hi"},
			key:    "key",
			script: func(s *feathertest.Server) { s.ReplyCut(feather.Event{Data: "half"}) },
			status: 1,
			stdout: "half\n",
			stderr: "ask: feather: POST /v1/ask-feather/sessions/0190a5b4-0000-7000-8000-00000000000a/messages: the response was cut off: unexpected EOF\n",
		},
		{name: "no question", status: 2, stderr: "usage: ask"},
		{name: "help", args: []string{"-h"}, stderr: "FEATHER_SESSION_ID  the session to go on with"},
		{name: "an unknown flag", args: []string{"-x"}, status: 2, stderr: "flag provided but not defined"},
		{
			name:   "a flag after the question",
			args:   []string{"hi", "-workflow", "x"},
			status: 2,
			stderr: "the flag -workflow must come before the words",
		},
		{
			name:   "words with a dash",
			args:   []string{"--", "what", "is", "-session"},
			stdout: "Your order has left the warehouse and arrives tomorrow, before noon.\n",
		},
		{
			name:   "a session that is no UUID",
			args:   []string{"-session", "x", "hi"},
			key:    "key",
			status: 2,
			stderr: `ask: the session "x" is not a UUID`,
		},
		{
			name:   "a bad key",
			args:   []string{"hi"},
			key:    "a key ",
			status: 1,
			stderr: "ask: feather: FEATHER_API_KEY: the API key has white space",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := feathertest.Start(t)
			if tt.script != nil {
				tt.script(server)
			}
			t.Setenv("FEATHER_API_KEY", tt.key)
			t.Setenv("FEATHER_BASE_URL", server.URL)
			t.Setenv("FEATHER_SESSION_ID", "")
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), tt.args, &stdout, &stderr)
			if strings.Contains(stderr.String(), "OK; trying again") {
				t.Errorf("a retry is announced that there is not: %s", &stderr)
			}
			if status != tt.status || stdout.String() != tt.stdout || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("status %d, stdout %q, stderr %q; want %d, %q, %q", status, &stdout, &stderr, tt.status,
					tt.stdout, tt.stderr)
			}
			if requests := server.Requests(); tt.status == 0 && len(requests) > 0 {
				if got, want := string(requests[len(requests)-1].Body), `{"content":"hi","workflow":"w"}`; got != want {
					t.Errorf("request %s, want %s", got, want)
				}
			}
		})
	}
}

func TestInterruptEndsTheReply(t *testing.T) {
	server := feathertest.Start(t)
	server.ReplyStall(feather.Event{Data: "first"})
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	ctx, interrupt := context.WithCancel(t.Context())
	var stdout strings.Builder
	status := run(ctx, []string{"-session", session, "hi"}, writerFunc(func(p []byte) (int, error) {
		interrupt() // as soon as something arrives
		return stdout.Write(p)
	}), &strings.Builder{})
	if status != 130 || stdout.String() != "first\n" {
		t.Errorf("status %d, stdout %q", status, stdout.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
