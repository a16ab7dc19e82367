package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

const session = "0190a5b4-0000-7000-8000-00000000000a"

// newServer starts a fake that the environment names as the real API.
func newServer(t *testing.T) *feathertest.Server {
	t.Helper()
	server := feathertest.Start(t)
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	t.Setenv("FEATHER_SESSION_ID", session)
	return server
}

func pipe(in string) (term *terminal, out, stderr *bytes.Buffer) {
	out, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &terminal{out: out, err: stderr, readLine: plainLines(strings.NewReader(in), io.Discard)}, out, stderr
}

func TestPipedChatShowsOnlyTheReplies(t *testing.T) {
	server := newServer(t)
	server.Reply(feather.Event{Type: "delta", Data: `{"text":"Hello"}`}, feather.Event{Type: "complete"})
	term, out, stderr := pipe("hi\n\n  \r\nwhere is it?")
	status := run(nil, term)
	if want := "Hello\nYour order is on its way.\n"; status != 0 || out.String() != want || stderr.Len() > 0 {
		t.Errorf("status %d, stdout %q, stderr %q; want 0, %q", status, out, stderr, want)
	}
	if requests := server.Requests(); len(requests) != 2 || string(requests[1].Body) != `{"content":"where is it?"}` {
		t.Errorf("requests %+v", requests)
	}
}

func TestChatCreatesASession(t *testing.T) {
	server := newServer(t)
	t.Setenv("FEATHER_SESSION_ID", "")
	term, _, stderr := pipe("hi\nagain\n")
	if status := run(nil, term); status != 0 || !strings.HasPrefix(stderr.String(), "session 0190a5b4") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	if got := len(server.Requests()); got != 3 {
		t.Errorf("%d requests, want one for the session and two for the messages", got)
	}
}

func TestALineMayBeLong(t *testing.T) {
	server := newServer(t)
	term, _, _ := pipe(strings.Repeat("x", 5000))
	if status := run(nil, term); status != 0 ||
		!strings.Contains(string(server.Requests()[0].Body), strings.Repeat("x", 5000)) {
		t.Errorf("status %d, requests %d bytes", status, len(server.Requests()[0].Body))
	}
	line, pos, ok := anyLength(strings.Repeat("ä", 4096), 2, 'ö')
	if !ok || pos != 4 || !strings.HasPrefix(line, "äöä") {
		t.Errorf("%.10q, %d, %t", line, pos, ok)
	}
	if _, _, ok := anyLength("short", 0, 'x'); ok {
		t.Error("a short line is the editor's")
	}
}

func TestChatSurvivesAnError(t *testing.T) {
	server := newServer(t)
	server.ReplyStatus(500, "boom")
	server.ReplyCut(feather.Event{Type: "delta", Data: "half"})
	term, out, stderr := pipe("one\ntwo\nthree\n")
	status := run(nil, term)
	if status != 1 || out.String() != "half\nYour order is on its way.\n" ||
		strings.Count(stderr.String(), "chat: feather: ") != 2 {
		t.Errorf("status %d, stdout %q, stderr %q", status, out, stderr)
	}
}

func TestInterruptEndsOnlyTheReply(t *testing.T) {
	server := newServer(t)
	server.ReplyStall(feather.Event{Type: "delta", Data: "first"})
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	interrupt := sync.OnceFunc(func() { _ = self.Signal(os.Interrupt) })
	term, out, stderr := pipe("hi\nagain\n")
	term.out = writerFunc(func(p []byte) (int, error) {
		interrupt() // as soon as something arrives
		return out.Write(p)
	})
	status := run(nil, term)
	if status != 1 || stderr.String() != "chat: stopped\n" || out.String() != "first\nYour order is on its way.\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, out, stderr)
	}
}

// TestSpinnerTurnsUntilTheFirstWords has a notice while it turns.
func TestSpinnerTurnsUntilTheFirstWords(t *testing.T) {
	server := newServer(t)
	turned := make(chan struct{})
	turn := sync.OnceFunc(func() { close(turned) })
	server.ReplyError(429, "rate_limited", "Slow down").WithHeader("Retry-After", "0")
	server.HandleFunc(
		"POST /v1/ask-feather/sessions/{session_id}/messages",
		func(w http.ResponseWriter, _ *http.Request) {
			<-turned
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: late\n\n")
		},
	)
	term, shown, _ := pipe("hi\n")
	term.spins, term.err = true, shown
	term.out = writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "⠙") {
			turn()
		}
		return shown.Write(p)
	})
	if status := run(nil, term); status != 0 {
		t.Errorf("status %d", status)
	}
	got := shown.String()
	if !strings.Contains(got, "Too Many Requests; trying again in 0s\n") || !strings.Contains(got, "\r⠙") ||
		!strings.HasSuffix(got, "\r\033[Klate\n") {
		t.Errorf("shown %q", got)
	}
}

func TestUsage(t *testing.T) {
	newServer(t)
	for _, tt := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"-h"}, 0, "FEATHER_API_KEY"},
		{[]string{"-x"}, 2, "not defined"},
		{[]string{"hi"}, 2, "usage: chat"},
		{[]string{"hi", "-session", session}, 2, "the flag -session must come before the words"},
		{[]string{"-session", "x"}, 2, `the session "x" is not a UUID`},
	} {
		term, _, stderr := pipe("")
		if status := run(tt.args, term); status != tt.status || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%q: status %d, stderr %q", tt.args, status, stderr)
		}
	}
}
