package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

const sendMessage = "POST /v1/ask-feather/sessions/{session_id}/messages"

// TestNothingIsSentTwice runs the same batch three times: with a reply, a message that the
// server refuses and a reply that is cut; again; and after the cut one was looked at.
func TestNothingIsSentTwice(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"a": "one", "b": "two", "c c": "three"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := feathertest.Start(t)
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	sent := func() (texts []string) {
		for _, r := range server.Requests() {
			if strings.HasSuffix(r.Path, "/messages") {
				texts = append(texts, string(r.Body))
			}
		}
		return texts
	}
	batch := func(wantStatus int, wantNotice ...string) {
		t.Helper()
		var stderr bytes.Buffer
		status := run(t.Context(), []string{"-parallel", "1", "a", "./a", "b", "c c"}, &stderr)
		if status != wantStatus {
			t.Errorf("status %d, want %d", status, wantStatus)
		}
		for _, want := range wantNotice {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("no %q in\n%s", want, &stderr)
			}
		}
	}

	server.Reply(feather.Event{Type: "complete", Data: "first"}).For(sendMessage)
	server.ReplyError(404, "not_found", "gone").For(sendMessage)
	server.ReplyCut(feather.Event{Type: "delta", Data: "half"}).For(sendMessage)
	batch(1, "/b: feather: POST", "404 Not Found", "c c: feather: POST", "3 of 3 files, 2 without a reply")

	server.Reply(feather.Event{Type: "complete", Data: "second"}).For(sendMessage)
	batch(1, "c c: it may have been sent before", "3 of 3 files, 1 without a reply")
	if got := sent(); len(got) != 4 {
		t.Errorf("sent %q", got)
	}

	journal, err := os.ReadFile("batch.journal")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c c")
	torn := strings.ReplaceAll(string(journal), fmt.Sprintf("begun %q\n", file), "") + fmt.Sprintf("begun %q", file) // as after a crash
	if err := os.WriteFile("batch.journal", []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Reply(feather.Event{Type: "complete", Data: "third"}).For(sendMessage)
	batch(0, "0 without a reply")
	batch(0, "0 without a reply")
	if got := sent(); len(got) != 5 {
		t.Errorf("sent %q", got)
	}
	for file, want := range map[string]string{"a": "first", "b": "second", "c c": "third"} {
		if got, _ := os.ReadFile(filepath.Join(dir, file+".reply")); strings.TrimSpace(string(got)) != want {
			t.Errorf("%s.reply: %q, want %q", file, got, want)
		}
	}
}

func TestCtrlCWaitsForWhatIsOnItsWay(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	server := feathertest.Start(t)
	server.HandleFunc(sendMessage, func(w http.ResponseWriter, r *http.Request) {
		interrupt()
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = feather.Event{Type: "complete", Data: "done"}.WriteTo(w)
	})
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	if err := os.WriteFile("a", []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if status := run(ctx, []string{"a"}, &stderr); status != 130 {
		t.Errorf("status %d: %s", status, &stderr)
	}
	if _, err := os.Stat("a.reply"); err != nil {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-parallel", "0", "a"}, {"a", "-parallel", "2"}} {
		if status := run(t.Context(), args, &bytes.Buffer{}); status != 2 {
			t.Errorf("%q: status %d", args, status)
		}
	}
}
