package feathertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/featherhq/feather-go"
)

// Reply scripts the next reply: a stream of events (text/event-stream), each
// flushed by itself. Calls of Reply and its kin queue up, and each request that
// passes the checks takes one, whatever operation it is for; the tries of a call
// that is retried take one each.
func (s *Server) Reply(events ...feather.Event) {
	s.next(func(w http.ResponseWriter, _ *http.Request) { writeEvents(w, events) })
}

// ReplyStatus scripts the next reply: a status with a body of {"detail": detail}
// and, where header is not nil, with these headers. A detail is a text, as that
// of FastAPI's HTTPException, or feather.ValidationErrors.
func (s *Server) ReplyStatus(statusCode int, detail any, header http.Header) {
	s.next(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		writeJSON(w, statusCode, map[string]any{"detail": detail})
	})
}

// ReplyAfter scripts the next reply: nothing for the time of delay, then the
// events, as Reply sends them.
func (s *Server) ReplyAfter(delay time.Duration, events ...feather.Event) {
	s.next(func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		if s.pause(r, timer.C) {
			writeEvents(w, events)
		}
	})
}

// ReplyCut scripts the next reply: the events, then the connection is closed in
// the middle of the stream. Without events it is closed before the status line.
func (s *Server) ReplyCut(events ...feather.Event) {
	s.next(func(w http.ResponseWriter, _ *http.Request) {
		if len(events) > 0 {
			writeEvents(w, events)
		}
		panic(http.ErrAbortHandler)
	})
}

// ReplyStall scripts the next reply: the events, then nothing more until the
// client leaves or the server is closed. Without events there is no status line
// either.
func (s *Server) ReplyStall(events ...feather.Event) {
	s.next(func(w http.ResponseWriter, r *http.Request) {
		if len(events) > 0 {
			writeEvents(w, events)
		}
		s.pause(r, nil)
		panic(http.ErrAbortHandler)
	})
}

// pause waits for the timer, and reports whether it came before the client left
// and the server was closed.
func (s *Server) pause(r *http.Request, timer <-chan time.Time) bool {
	select {
	case <-timer:
		return true
	case <-r.Context().Done():
	case <-s.closed:
	}
	return false
}

func (s *Server) next(reply http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, reply)
}

// defaultReply answers an operation for which the test has said nothing.
func defaultReply(operation string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if operation == "POST /v1/ask-feather/sessions/{session_id}/messages" {
			writeEvents(w, shortAnswer)
			return
		}
		writeJSON(w, http.StatusNotImplemented, map[string]any{"detail": fmt.Sprintf(
			"feathertest has no reply for this operation; script one with server.Reply(…), or write server.Handle(%q, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { … }))", operation)})
	})
}

var shortAnswer = []feather.Event{
	{Type: "delta", Data: `{"text":"Your order "}`},
	{Type: "delta", Data: `{"text":"is on "}`},
	{Type: "delta", Data: `{"text":"its way."}`},
	{Type: "complete", Data: `{"text":"Your order is on its way."}`},
}

func writeEvents(w http.ResponseWriter, events []feather.Event) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	controller := http.NewResponseController(w)
	_ = controller.Flush()
	for _, event := range events {
		if _, err := w.Write(encode(event)); err != nil {
			return // The client is gone.
		}
		_ = controller.Flush()
	}
}

// encode writes an event as WHATWG HTML, section 9.2, reads it.
func encode(event feather.Event) []byte {
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%s: %s\n", name, value) }
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	if event.ID != "" {
		field("id", lines.Replace(event.ID))
	}
	if event.Type != "" {
		field("event", lines.Replace(event.Type))
	}
	for line := range strings.SplitSeq(lines.Replace(event.Data), "\n") {
		field("data", line)
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

func writeJSON(w http.ResponseWriter, statusCode int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("feathertest: a detail that is not JSON: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusCode)
	_, _ = w.Write(body)
}
