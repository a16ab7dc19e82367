package feathertest

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/internal/oapi"
	"github.com/getkin/kin-openapi/openapi3"
)

// Reply is a scripted response. Server.Reply and the methods like it queue replies, and each request that
// passes the checks takes the first that matches it. A reply matches every operation unless
// For names one. Each try of a call that is retried takes its own reply.
type Reply struct {
	server *Server
	route  string // the operation; empty for any
	header http.Header
	status int    // 0 for a stream
	body   []byte // of a status
	events []feather.Event
	delay  time.Duration // before the head
	pause  time.Duration // between two events
	end    end

	unchecked bool
}

// end is how a stream ends.
type end int

const (
	whole end = iota
	cut
	stalled
)

// Reply scripts the next response: a stream of events (text/event-stream), each
// flushed by itself, and its end. An event named error makes the client's error, and
// one that the client requires is missing when it is not among the events.
func (s *Server) Reply(events ...feather.Event) *Reply {
	s.t.Helper()
	return s.script(&Reply{events: events})
}

// ReplyAfter scripts the next response: nothing for the time of delay, then the
// events, as Reply sends them.
func (s *Server) ReplyAfter(delay time.Duration, events ...feather.Event) *Reply {
	s.t.Helper()
	return s.script(&Reply{events: events, delay: delay})
}

// ReplyCut scripts the next response: the events, then the connection is closed in
// the middle of the stream. Without events it is closed before the status line.
func (s *Server) ReplyCut(events ...feather.Event) *Reply {
	s.t.Helper()
	return s.script(&Reply{events: events, end: cut})
}

// ReplyStall scripts the next response: the events, then nothing more until the
// client leaves or the server is closed. Without events there is no status line
// either.
func (s *Server) ReplyStall(events ...feather.Event) *Reply {
	s.t.Helper()
	return s.script(&Reply{events: events, end: stalled})
}

// ReplyStatus scripts the next response: a status, from 200 to 599, with a body of
// {"detail": detail}. A detail is a text, as that of FastAPI's HTTPException, or
// feather.ValidationErrors, or anything that json.Marshal accepts.
func (s *Server) ReplyStatus(statusCode int, detail any) *Reply {
	s.t.Helper()
	return s.ReplyJSON(statusCode, map[string]any{"detail": detail})
}

// ReplyError scripts the next response: a status, from 200 to 599, with a body of
// {"error": code, "message": message}, as Feather's errors other than 422 have it.
func (s *Server) ReplyError(statusCode int, code, message string) *Reply {
	s.t.Helper()
	return s.ReplyJSON(statusCode, map[string]any{"error": code, "message": message})
}

// ReplyJSON scripts the next response: a status, from 200 to 599, and what json.Marshal makes
// of v, such as one of the package's types. A 2xx must be one that the document declares for
// the operation, with all required members.
func (s *Server) ReplyJSON(statusCode int, v any) *Reply {
	s.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		s.t.Fatalf("feathertest: a body that is not JSON: %v", err)
	}
	if statusCode < 200 || statusCode > 599 {
		s.t.Fatalf("feathertest: the status %d is not one from 200 to 599", statusCode)
	}
	return s.script(&Reply{status: statusCode, body: body})
}

// For lets only requests for one operation take the reply, such as
// "GET /v1/things/{thing_id}"; see Server.Handle. It fails on an operation that the
// document does not have.
func (r *Reply) For(operation string) *Reply {
	r.server.t.Helper()
	route := r.server.operation(operation)
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.route = route
	return r
}

// Unchecked lets the reply be one that the document does not allow for its operation: to see
// what your code does with it. Without it such a reply fails the test.
func (r *Reply) Unchecked() *Reply {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.unchecked = true
	return r
}

// WithHeader sets a header of the response, such as Retry-After.
func (r *Reply) WithHeader(name, value string) *Reply {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.header.Set(name, value)
	return r
}

// WithPause makes the stream pause before each event but the first.
func (r *Reply) WithPause(pause time.Duration) *Reply {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.pause = pause
	return r
}

// Response is what a method such as feather.Client.SendMessage returns for a stream of events
// that has come to its end, for your own mock:
//
//	return feathertest.Response(feather.Event{Type: "complete", Data: "…"}), nil
func Response(events ...feather.Event) *http.Response {
	var body bytes.Buffer
	for _, event := range events {
		_, _ = event.WriteTo(&body)
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}}, ContentLength: -1,
		Body: io.NopCloser(&body),
	}
}

// script queues a response, unless it could not be sent as it is.
func (s *Server) script(r *Reply) *Reply {
	s.t.Helper()
	for _, event := range r.events {
		if strings.ContainsAny(event.ID+event.Type, "\r\n\x00") {
			s.t.Fatalf(
				"feathertest: the id or the type of the event %+v has a line break or a NUL; a stream cannot carry it",
				event,
			)
		}
	}
	r.server, r.header = s, http.Header{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, r)
	return r
}

// send sends a copy of the Reply that has been taken from the queue.
func (r Reply) send(w http.ResponseWriter, req *http.Request) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	if r.status > 0 {
		writeJSON(w, r.status, r.body)
		return
	}
	r.wait(req, r.delay)
	if len(r.events) > 0 || r.end == whole {
		r.writeEvents(w, req)
	}
	switch r.end {
	case stalled:
		r.wait(req, forever)
	case cut:
		panic(http.ErrAbortHandler)
	}
}

func (r Reply) writeEvents(w http.ResponseWriter, req *http.Request) {
	setDefault(w.Header(), "Content-Type", "text/event-stream; charset=utf-8")
	setDefault(w.Header(), "Cache-Control", "no-store")
	controller := http.NewResponseController(w)
	_ = controller.Flush()
	for i, event := range r.events {
		if i > 0 {
			r.wait(req, r.pause)
		}
		if _, err := event.WriteTo(w); err != nil {
			return // The client is gone.
		}
		_ = controller.Flush()
	}
}

func setDefault(header http.Header, name, value string) {
	if header.Get(name) == "" {
		header.Set(name, value)
	}
}

const forever = time.Duration(1<<63 - 1)

// wait aborts the response when the client leaves or the server is closed meanwhile.
func (r Reply) wait(req *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return
	case <-req.Context().Done():
	case <-r.server.closed:
	}
	panic(http.ErrAbortHandler)
}

// defaultReply is a valid response to an operation of which the test has said nothing:
// what the document declares for its first status of 2xx.
func (s *Server) defaultReply(operation *openapi3.Operation) http.Handler {
	statusCode, content := declaredSuccess(operation)
	mediaType, media := jsonMedia(content)
	switch {
	case statusCode != http.StatusOK && len(content) == 0:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(statusCode) })
	case len(content) == 0, content["text/event-stream"] != nil && media == nil:
		return http.HandlerFunc(Reply{server: s, events: sampleEvents(content["text/event-stream"])}.send)
	case media != nil:
		body, err := json.Marshal(sample(media.Schema))
		if err != nil {
			s.t.Errorf("feathertest: making a response from the document: %v", err)
		}
		made := Reply{server: s, status: statusCode, body: body, header: http.Header{"Content-Type": {mediaType}}}
		return http.HandlerFunc(made.send)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mediaType := slices.Min(slices.Collect(maps.Keys(content)))
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(statusCode)
		switch schema := content[mediaType].Schema; {
		case strings.Contains(mediaType, "xml"):
			_, _ = io.WriteString(w, "<text></text>")
		case schema != nil && isStream(mediaType):
			_ = json.NewEncoder(w).Encode(sample(schema))
		}
	})
}

// jsonMedia returns what is declared as JSON, or nil.
func jsonMedia(content openapi3.Content) (mediaType string, media *openapi3.MediaType) {
	if media := content["application/json"]; media != nil {
		return "application/json", media
	}
	for _, mediaType := range slices.Sorted(maps.Keys(content)) {
		if isJSON(mediaType) {
			return mediaType, content[mediaType]
		}
	}
	return "", nil
}

// declaredSuccess returns the lowest declared status of 2xx, else 200.
func declaredSuccess(operation *openapi3.Operation) (int, openapi3.Content) {
	for _, status := range slices.Sorted(maps.Keys(operation.Responses.Map())) {
		if code, err := strconv.Atoi(strings.ReplaceAll(status, "X", "0")); err == nil && oapi.IsSuccess(code) {
			return code, operation.Responses.Value(status).Value.Content
		}
	}
	return http.StatusOK, nil
}

// sampleEvents are one with the data that the document declares, or else a short reply.
func sampleEvents(media *openapi3.MediaType) []feather.Event {
	if media == nil || media.Schema == nil {
		return shortReply
	}
	data, _ := json.Marshal(sample(media.Schema))
	return []feather.Event{{Data: string(data)}}
}

var shortReply = []feather.Event{
	{Type: "delta", Data: `{"text":"Your order "}`},
	{Type: "delta", Data: `{"text":"is on "}`},
	{Type: "delta", Data: `{"text":"its way."}`},
	{Type: "complete", Data: `{"text":"Your order is on its way."}`},
}

// writeProblem writes FastAPI's body of an error.
func writeProblem(w http.ResponseWriter, statusCode int, detail any) {
	body, _ := json.Marshal(map[string]any{"detail": detail})
	writeJSON(w, statusCode, body)
}

func writeJSON(w http.ResponseWriter, statusCode int, body []byte) {
	setDefault(w.Header(), "Content-Type", "application/json")
	w.WriteHeader(statusCode)
	_, _ = w.Write(body)
}
