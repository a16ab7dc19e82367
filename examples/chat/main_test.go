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

const session = "0190a5b4-0000-7000-8000-000000000001"

// newServer starts a fake that the environment names as the real API.
func newServer(t *testing.T) *feathertest.Server {
	t.Helper()
	server := feathertest.NewServer()
	t.Cleanup(server.Close)
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	t.Setenv("FEATHER_SESSION_ID", session)
	return server
}

func TestPipedChatShowsTheRepliesAlone(t *testing.T) {
	server := newServer(t)
	server.Reply(feather.Event{Type: "delta", Data: `{"text":"Hello"}`}, feather.Event{Type: "complete"})
	var out, stderr bytes.Buffer
	status := run(nil, terminal{in: strings.NewReader("hi\n\n  \r\nwhere is it?"), out: &out, err: &stderr})
	if want := "Hello\nYour order is on its way.\n"; status != 0 || out.String() != want || stderr.Len() > 0 {
		t.Errorf("status %d, stdout %q, stderr %q; want 0, %q", status, &out, &stderr, want)
	}
	if requests := server.Requests(); len(requests) != 2 || string(requests[1].Body) != `{"content":"where is it?"}` {
		t.Errorf("requests %+v", requests)
	}
}

func TestChatSurvivesAnError(t *testing.T) {
	server := newServer(t)
	server.ReplyStatus(500, "boom")
	server.ReplyCut(feather.Event{Type: "delta", Data: "half"})
	var out, stderr bytes.Buffer
	status := run(nil, terminal{in: strings.NewReader("one\ntwo\nthree\n"), out: &out, err: &stderr})
	if status != 1 || out.String() != "halfYour order is on its way.\n" || strings.Count(stderr.String(), "chat: feather: ") != 2 {
		t.Errorf("status %d, stdout %q, stderr %q", status, &out, &stderr)
	}
}

func TestFirstInterruptEndsTheReplyAndASecondLeaves(t *testing.T) {
	server := newServer(t)
	server.ReplyStall(feather.Event{Type: "delta", Data: "first"})
	interrupts := make(chan os.Signal)
	in, typed := io.Pipe()
	out, shown := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int)
	go func() {
		status <- run(nil, terminal{in: in, out: shown, err: &stderr, interrupts: interrupts})
		shown.Close()
	}()
	_, _ = typed.Write([]byte("hi\n"))
	buffer := make([]byte, 100)
	if n, _ := out.Read(buffer); string(buffer[:n]) != "first" {
		t.Fatalf("shown %q", buffer[:n])
	}
	go io.Copy(io.Discard, out)
	interrupts <- os.Interrupt
	interrupts <- os.Interrupt
	if got := <-status; got != 0 || stderr.String() != "chat: stopped; Ctrl-C again leaves\n" {
		t.Errorf("status %d, stderr %q", got, &stderr)
	}
	typed.Close()
}

func TestSpinnerTurnsUntilTheFirstEvent(t *testing.T) {
	server := newServer(t)
	turned := make(chan struct{})
	turn := sync.OnceFunc(func() { close(turned) })
	server.HandleFunc("POST /v1/ask-feather/sessions/{session_id}/messages", func(w http.ResponseWriter, _ *http.Request) {
		<-turned
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: late\n\n")
	})
	var shown strings.Builder // The spinner has ended before the reply is written.
	out := writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "⠙") {
			turn()
		}
		return shown.Write(p)
	})
	if status := run(nil, terminal{in: strings.NewReader("hi\n"), out: out, err: io.Discard, interactive: true}); status != 0 {
		t.Errorf("status %d", status)
	}
	if got := shown.String(); !strings.HasPrefix(got, "> \r⠋\r⠙") || !strings.HasSuffix(got, "\r\033[Klate\n> ") {
		t.Errorf("shown %q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestUsage(t *testing.T) {
	newServer(t)
	t.Setenv("FEATHER_SESSION_ID", "")
	for _, tt := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"-h"}, 0, "Usage of chat"},
		{[]string{"-x"}, 2, "not defined"},
		{nil, 2, "needs a session"},
	} {
		var stderr bytes.Buffer
		if status := run(tt.args, terminal{in: strings.NewReader(""), out: io.Discard, err: &stderr}); status != tt.status || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%q: status %d, stderr %q", tt.args, status, &stderr)
		}
	}
}
