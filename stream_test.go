package feather_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/featherhq/feather-go"
)

const (
	sse     = "text/event-stream"
	tooLong = "larger than the limit of 16 MiB"
)

// data makes events that have nothing but data.
func data(all ...string) []feather.Event {
	var made []feather.Event
	for _, d := range all {
		made = append(made, feather.Event{Data: d})
	}
	return made
}

// reply is a reply as a transport hands it over.
func reply(contentType string, body io.Reader) *http.Response {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(body)}
}

func TestStreamReadsEveryMediaType(t *testing.T) {
	big := strings.Repeat("x", 16<<20)
	tests := []struct {
		name        string
		contentType string
		body        string
		want        []feather.Event
		wantErr     string // "cut" for io.ErrUnexpectedEOF
	}{
		{name: "line feeds", contentType: sse, body: "data: a\n\ndata: b\n\n", want: data("a", "b")},
		{name: "carriage returns", contentType: sse, body: "data: a\r\rdata: b\r\r", want: data("a", "b")},
		{name: "both", contentType: sse, body: "data: a\r\n\r\ndata: b\r\n\r\n", want: data("a", "b")},
		{name: "a mixture", contentType: sse, body: "data: a\r\n\rdata: b\n\r\n", want: data("a", "b")},
		{
			name: "a parameter of the media type", contentType: sse + "; charset=utf-8", body: "data: a\n\n",
			want: data("a"),
		},
		{
			name: "another case of the media type", contentType: "Text/Event-Stream", body: "data: a\n\n",
			want: data("a"),
		},
		{
			name: "id, type and data", contentType: sse, body: "id: 7\nevent: delta\ndata: a\n\n",
			want: []feather.Event{{ID: "7", Type: "delta", Data: "a"}},
		},
		{
			name: "an id stays", contentType: sse, body: "id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
			want: []feather.Event{{ID: "7", Data: "a"}, {ID: "7", Data: "b"}, {Data: "c"}},
		},
		{
			name: "only an id is no event", contentType: sse, body: "id: 7\n\ndata: a\n\n",
			want: []feather.Event{{ID: "7", Data: "a"}},
		},
		{
			name: "an id with a zero byte does not count", contentType: sse, body: "id: 7\x00\ndata: a\n\n",
			want: data("a"),
		},
		{
			name: "a type does not stay", contentType: sse, body: "event: x\ndata: a\n\ndata: b\n\n",
			want: []feather.Event{{Type: "x", Data: "a"}, {Data: "b"}},
		},
		{
			name: "only a type", contentType: sse, body: "event: complete\n\n",
			want: []feather.Event{{Type: "complete"}},
		},
		{
			name: "data of several lines", contentType: sse, body: "data: a\ndata:\ndata:  b\n\n",
			want: data("a\n\n b"),
		},
		{
			name: "data of several lines with both", contentType: sse,
			body: "event: x\r\ndata: a\r\ndata: b\r\n\r\n", want: []feather.Event{{Type: "x", Data: "a\nb"}},
		},
		{name: "data without a colon", contentType: sse, body: "data\n\n", want: data("")},
		{name: "no space after the colon", contentType: sse, body: "data:a:b\n\n", want: data("a:b")},
		{name: "comments", contentType: sse, body: ": ping\n\n:\n\ndata: a\n: ping\n\n: bye\n", want: data("a")},
		{name: "a comment without its end", contentType: sse, body: "data: a\n\n: pin", want: data("a")},
		{
			name: "unknown fields", contentType: sse, body: "retry: 10\nfoo: bar\n\ndatax: y\n\ndata: a\n\n",
			want: data("a"),
		},
		{name: "a byte order mark", contentType: sse, body: "\uFEFFdata: a\n\n", want: data("a")},
		{name: "a byte order mark later on", contentType: sse, body: "data: a\n\n\uFEFFdata: b\n\n", want: data("a")},
		{name: "empty lines", contentType: sse, body: "\n\n\r\n\rdata: a\n\n\n\n", want: data("a")},
		{name: "an empty stream", contentType: sse},
		{name: "the largest event", contentType: sse, body: "data: " + big + "\n\n", want: data(big)},
		{
			name: "an event too large", contentType: sse, body: "data: a\n\ndata: " + big + "x\n\n",
			want: data("a"), wantErr: tooLong,
		},
		{
			name: "an event too large in many lines", contentType: sse,
			body: strings.Repeat("data: "+big[:1<<20]+"\n", 17) + "\n", wantErr: tooLong,
		},
		{name: "an event that never ends", contentType: sse, body: big + big, wantErr: tooLong},
		{
			name: "an event without its blank line", contentType: sse, body: "data: a\n\ndata: b\n",
			want: data("a"), wantErr: "cut",
		},
		{name: "half an event", contentType: sse, body: "data: a\n\ndat", want: data("a"), wantErr: "cut"},
		{name: "half an id", contentType: sse, body: "data: a\n\nid: 5\n", want: data("a"), wantErr: "cut"},
		{name: "a retry at the end", contentType: sse, body: "data: a\n\nretry: 10\n", want: data("a")},
		{name: "a retry without its end", contentType: sse, body: "data: a\n\nretry: 1", want: data("a")},
		{name: "an unknown field at the end", contentType: sse, body: "data: a\n\nfoo: bar\n", want: data("a")},
		{
			name: "a retry within an event that is cut", contentType: sse,
			body: "data: a\n\ndata: b\nretry: 10\n", want: data("a"), wantErr: "cut",
		},
		{
			name: "a comment within an event that is cut", contentType: sse,
			body: "data: a\n\ndata: b\n: ping\n", want: data("a"), wantErr: "cut",
		},
		{
			name: "an empty type is no event", contentType: sse, body: "event:\n\nevent\n\ndata: a\n\n",
			want: data("a"),
		},
		{
			name: "a type that is taken back", contentType: sse, body: "event: x\nevent:\n\ndata: a\n\n",
			want: data("a"),
		},
		{name: "an empty name is no event", contentType: sse, body: ":x\n:\n\n: :\n\ndata: a\n\n", want: data("a")},

		{
			name: "NDJSON", contentType: "application/x-ndjson", body: "{\"a\":1}\n\n{\"b\":2}\r\n",
			want: data(`{"a":1}`, `{"b":2}`),
		},
		{
			name: "NDJSON without the last line feed", contentType: "application/x-ndjson",
			body: "{\"a\":1}\n{\"b\":2}", want: data(`{"a":1}`, `{"b":2}`),
		},
		{name: "JSON Lines", contentType: "application/jsonl", body: "1\n2\n", want: data("1", "2")},
		{name: "ndjson", contentType: "application/ndjson", body: "1\n2\n", want: data("1", "2")},
		{name: "jsonlines", contentType: "application/jsonlines", body: "1\n2\n", want: data("1", "2")},
		{
			name: "x-jsonlines", contentType: "application/x-jsonlines; charset=utf-8", body: "1\n2\n",
			want: data("1", "2"),
		},
		{name: "stream+json", contentType: "application/stream+json", body: "1\n2\n", want: data("1", "2")},
		{
			name: "a kind of JSON text sequence", contentType: "application/geo+json-seq",
			body: "\x1e1\n\x1e2\n", want: data("1", "2"),
		},
		{
			name: "JSON Lines broken off", contentType: "application/jsonl", body: "{\"a\":1}\n{\"b\":",
			want: data(`{"a":1}`), wantErr: "cut",
		},
		{name: "empty JSON Lines", contentType: "application/jsonl"},
		{
			name: "a line too large", contentType: "application/jsonl", body: "1\n" + big + "x\n",
			want: data("1"), wantErr: tooLong,
		},
		{
			name: "a JSON text sequence", contentType: "application/json-seq",
			body: "\x1e{\"a\":1}\n\x1e{\n\"b\":2}\n", want: data(`{"a":1}`, "{\n\"b\":2}"),
		},
		{
			name: "a JSON text sequence broken off", contentType: "application/json-seq",
			body: "\x1e{\"a\":1}\n\x1e{\"b\"", want: data(`{"a":1}`), wantErr: "cut",
		},

		{
			name: "a number that may be cut", contentType: "application/x-ndjson", body: "1234\n12",
			want: data("1234"), wantErr: "cut",
		},
		{
			name:        "a number before white space",
			contentType: "application/x-ndjson",
			body:        "1234\n12 ",
			want:        data("1234", "12"),
		},
		{name: "a word that may be cut", contentType: "application/jsonl", body: "true", wantErr: "cut"},
		{name: "a number in a JSON text sequence", contentType: "application/json-seq", body: "\x1e12", wantErr: "cut"},
		{
			name:        "a record that has only begun",
			contentType: "application/json-seq",
			body:        "\x1e{}\n\x1e",
			want:        data("{}"),
			wantErr:     "cut",
		},
		{name: "the same with its line feed", contentType: "application/json-seq", body: "\x1e12\n", want: data("12")},
		{
			name: "a doubled header", contentType: "text/event-stream, text/event-stream", body: "data: a\n\ndata: b\n\n",
			want: data("a", "b"),
		},

		{name: "JSON", contentType: "application/json", body: `{"a": 1}`, want: data(`{"a": 1}`)},
		{name: "a null", contentType: "application/json", body: `null`, want: data("null")},
		{name: "text", contentType: "text/plain", body: "a\nb\n", want: data("a\nb\n")},
		{name: "no media type", body: "data: a\n\n", want: data("data: a\n\n")},
		{name: "nonsense for a media type", contentType: ";;", body: "a", want: data("a")},
		{name: "an empty body", contentType: "application/json"},
		{name: "the largest body", contentType: "text/plain", body: big, want: data(big)},
		{name: "a body too large", contentType: "text/plain", body: big + "x", wantErr: tooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{tt.contentType}
				if tt.contentType == "" {
					w.Header()["Content-Type"] = nil
				}
				_, _ = io.WriteString(w, tt.body)
			})
			overHTTP, overHTTPErr := events(send(t.Context(), newClient(t, server.URL)))
			expect(t, overHTTP, overHTTPErr, tt.want, tt.wantErr)
			if len(tt.body) < 1<<20 {
				oneByte, err := events(reply(tt.contentType, iotest.OneByteReader(strings.NewReader(tt.body))), nil)
				expect(t, oneByte, err, tt.want, tt.wantErr)
			}
		})
	}
}

func expect(t *testing.T, got []feather.Event, err error, want []feather.Event, wantErr string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("events %.200q, want %.200q", got, want)
	}
	switch {
	case wantErr == "cut":
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error %v, want io.ErrUnexpectedEOF", err)
		}
	case wantErr == "" && err != nil, wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("error %v, want %q", err, wantErr)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "feather: ") {
		t.Errorf("error %v does not begin with feather:", err)
	}
}

// gzipped packs content as a server does that compresses.
func gzipped(content string) []byte {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	_, _ = zw.Write([]byte(content))
	_ = zw.Close()
	return packed.Bytes()
}

// askForGzip lets net/http ask for gzip and undo it.
func askForGzip(_ context.Context, req *http.Request) error {
	req.Header.Del("Accept-Encoding")
	return nil
}

// compressing is a server that compresses a response when asked, and keeps it until
// it is whole, as FastAPI's GZipMiddleware does with short events.
func compressing(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			handler(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		handler(unflushed{w, zw}, r)
		_ = zw.Close()
	}
}

type unflushed struct {
	http.ResponseWriter
	zw *gzip.Writer
}

func (u unflushed) Write(p []byte) (int, error) { return u.zw.Write(p) }

// TestNoEventIsHeldBackByCompression has a server that sends the second event when
// the first has arrived.
func TestNoEventIsHeldBackByCompression(t *testing.T) {
	for name, opts := range map[string][]feather.ClientOption{
		"New's transport": nil,
		"another":         {feather.WithHTTPClient(http.DefaultClient)},
	} {
		arrived := make(chan bool)
		server := serve(t, compressing(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", sse)
			_, _ = io.WriteString(w, "data: a\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-arrived:
			case <-r.Context().Done():
				t.Errorf("%s: the first event has not arrived", name)
			}
			_, _ = io.WriteString(w, "data: b\n\n")
		}))
		client := newClient(t, server.URL, append(opts, feather.WithSilenceTimeout(time.Minute))...)
		for event, err := range feather.Stream(send(t.Context(), client)) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if event.Data == "a" {
				arrived <- true
			}
		}
	}
}

func TestCompressedResponseForThoseWhoAskForIt(t *testing.T) {
	const content = "data: a\n\ndata: b\n\n"
	whole := gzipped(content)
	tests := []struct {
		name, encoding string
		body           []byte
		wantErr        string
	}{
		{name: "whole", encoding: "gzip", body: whole},
		{name: "broken off", encoding: "gzip", body: whole[:len(whole)-10], wantErr: "cut"},
		{name: "not gzip at all", encoding: "gzip", body: []byte(content), wantErr: "gzip: invalid header"},
		{
			name:     "another encoding",
			encoding: "br",
			body:     whole,
			wantErr:  `200 OK: the response is compressed with "br", which is not`,
		},
	}
	for _, tt := range tests {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", sse)
			w.Header().Set("Content-Encoding", tt.encoding)
			_, _ = w.Write(tt.body)
		})
		client := newClient(t, server.URL)
		got, err := events(send(t.Context(), client, askForGzip))
		if tt.name == "whole" {
			expect(t, got, err, data("a", "b"), "")
		} else {
			expect(t, nil, err, nil, tt.wantErr)
		}
		rsp, err := sendWithResponse(t.Context(), client, askForGzip)
		if tt.name == "whole" &&
			(err != nil || string(rsp.Body) != content || rsp.HTTPResponse.Header.Get("Content-Encoding") != "") {
			t.Errorf("buffered: %v", err)
		}
	}
}

func TestEventsArriveOneByOne(t *testing.T) {
	for _, body := range []string{"data: %d\n\n", "data: %d\r\r", "data: %d\r\n\r\n"} {
		received := make(chan bool)
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", sse)
			for i := range 3 {
				fmt.Fprintf(w, body, i)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-received: // The next is not sent before this one has arrived.
				case <-time.After(time.Minute):
					t.Errorf("event %d of %q has not arrived", i, body)
					return
				}
			}
		})
		for event, err := range feather.Stream(send(t.Context(), newClient(t, server.URL))) {
			if err != nil {
				t.Fatal(err, event)
			}
			received <- true
		}
	}
}

func TestBrokenOffStreamIsAnError(t *testing.T) {
	for _, contentType := range []string{sse, "application/x-ndjson", "application/json"} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			fmt.Fprint(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		client := newClient(t, server.URL)
		_, streamErr := events(send(t.Context(), client))
		for way, err := range map[string]error{"Stream": streamErr, "WithResponse": ask(client)} {
			if !errors.Is(err, io.ErrUnexpectedEOF) ||
				!strings.HasPrefix(err.Error(), "feather: POST /v1/messages: the response was cut off: ") {
				t.Errorf("%s, %s: error %v", contentType, way, err)
			}
		}
	}
}

func TestStreamClosesTheBodyHoweverItEnds(t *testing.T) {
	endings := map[string]string{
		"end":    "data: a\n\n",
		"break":  "data: stop\n\ndata: b\n\n",
		"error":  "data: a",
		"status": "",
	}
	for name, body := range endings {
		closed := false
		rsp := reply(sse, strings.NewReader(body))
		rsp.Body = closer{rsp.Body, &closed}
		if name == "status" {
			rsp.StatusCode = http.StatusTeapot
		}
		for event, err := range feather.Stream(rsp, nil) {
			if event.Data == "stop" && err == nil {
				break
			}
		}
		if !closed {
			t.Errorf("%s: the body is open", name)
		}
	}
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

func TestRangingTwiceIsAnError(t *testing.T) {
	stream := feather.Stream(reply(sse, strings.NewReader("data: a\n\n")), nil)
	for _, err := range stream {
		if err != nil {
			t.Fatal(err)
		}
	}
	var second error
	for _, err := range stream {
		second = err
	}
	if second == nil || !strings.Contains(second.Error(), "has been read already") {
		t.Errorf("the second time: error %v", second)
	}
}

func TestStreamTakesWhatAMockReturns(t *testing.T) {
	if got, err := events(nil, io.ErrClosedPipe); got != nil || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("an error: %v, %v", got, err)
	}
	if got, err := events(nil, nil); got != nil || err == nil {
		t.Errorf("nothing: %v, %v", got, err)
	}
	if got, err := events(&http.Response{StatusCode: http.StatusOK}, nil); got != nil || err != nil {
		t.Errorf("no body: %v, %v", got, err)
	}
}

func TestEventDecode(t *testing.T) {
	var v struct{ Text string }
	if err := (feather.Event{Data: `{"text": "hi"}`}).Decode(&v); err != nil || v.Text != "hi" {
		t.Errorf("%v, %v", v, err)
	}
	err := feather.Event{Type: "delta", Data: "secret"}.Decode(&v)
	if err == nil || !strings.HasPrefix(err.Error(), `feather: decoding the data of event "delta": `) {
		t.Errorf("error %v", err)
	}
}

func TestErrorEventEndsTheStream(t *testing.T) {
	yes := true
	tests := []struct {
		data    string
		want    feather.StreamError
		message string
	}{
		{`{"error": "rate_limited", "message": "Slow down", "retryable": true}`,
			feather.StreamError{
				Code:      "rate_limited",
				Message:   "Slow down",
				Retryable: &yes,
			}, "rate_limited: Slow down"},
		{`{"error": "internal"}`, feather.StreamError{Code: "internal"}, "internal"},
		{`{"message": "Oops"}`, feather.StreamError{Message: "Oops"}, "Oops"},
		{"out of\ndata: \x1b[2Jluck", feather.StreamError{}, "out of [2Jluck"},
		{"", feather.StreamError{}, ""},
	}
	for _, tt := range tests {
		body := "data: a\n\nid: 7\nevent: error\ndata: " + tt.data + "\n\ndata: b\n\n"
		got, err := events(reply(sse, strings.NewReader(body)), nil)
		streamErr, ok := err.(*feather.StreamError)
		if !ok || !reflect.DeepEqual(got, data("a")) {
			t.Fatalf("%s: %v, error %v", tt.data, got, err)
		}
		tt.want.Event = feather.Event{ID: "7", Type: "error", Data: strings.ReplaceAll(tt.data, "data: ", "")}
		if !reflect.DeepEqual(*streamErr, tt.want) {
			t.Errorf("%s: %#v, want %#v", tt.data, *streamErr, tt.want)
		}
		if want := strings.TrimSuffix("feather: the server ended the stream with an error: "+tt.message, ": "); err.Error() != want {
			t.Errorf("message %q, want %q", err, want)
		}
	}
}

func TestRequiredEvent(t *testing.T) {
	const complete = "event: delta\ndata: a\n\nevent: complete\n\n"
	tests := []struct {
		name, contentType, body string
		types                   []string
		events                  int
		wantErr                 string
	}{
		{name: "there", contentType: sse, body: complete, types: []string{"complete"}, events: 2},
		{name: "one of two there", contentType: sse, body: complete, types: []string{"done", "complete"}, events: 2},
		{
			name:        "what comes after it",
			contentType: sse,
			body:        complete + "data: b\n\n",
			types:       []string{"complete"},
			events:      2,
		},
		{
			name:        "half an event after it",
			contentType: sse,
			body:        complete + "data: b",
			types:       []string{"complete"},
			events:      2,
		},
		{
			name:        "missing",
			contentType: sse,
			body:        "event: delta\ndata: a\n\n",
			types:       []string{"done", "complete"},
			events:      1,
			wantErr:     "the stream ended without an event of type done or complete",
		},
		{name: "an empty stream", contentType: sse, types: []string{"complete"}, wantErr: "cut"},
		{
			name:        "a media type without event names",
			contentType: "application/x-ndjson",
			body:        "1\n",
			types:       []string{"complete"},
			events:      1,
			wantErr:     "cut",
		},
		{name: "no type at all", contentType: sse, body: complete, wantErr: "RequireEvent was given no event type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				_, _ = io.WriteString(w, tt.body)
			})
			got, err := events(send(t.Context(), newClient(t, server.URL), feather.RequireEvent(tt.types...)))
			if len(got) != tt.events {
				t.Errorf("events %v", got)
			}
			expect(t, nil, err, nil, tt.wantErr)
			if tt.wantErr != "" && tt.types != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRequiredEventEndsTheStreamOfAConnectionThatStaysOpen also has the option of
// the client.
func TestRequiredEventEndsTheStreamOfAConnectionThatStaysOpen(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", sse)
		_, _ = io.WriteString(w, "event: complete\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	client := newClient(t, server.URL, feather.WithRequireEvent("complete"))
	if got, err := events(send(t.Context(), client)); len(got) != 1 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestEventIsWrittenAsItIsRead(t *testing.T) {
	tests := []struct {
		event feather.Event
		wire  string
		read  feather.Event
	}{
		{
			event: feather.Event{ID: "7", Type: "delta", Data: "a"}, wire: "id: 7\nevent: delta\ndata: a\n\n",
			read: feather.Event{ID: "7", Type: "delta", Data: "a"},
		},
		{
			event: feather.Event{Type: "complete"}, wire: "event: complete\ndata: \n\n",
			read: feather.Event{Type: "complete"},
		},
		{event: feather.Event{}, wire: "data: \n\n", read: feather.Event{}},
		{
			event: feather.Event{Data: " a\n\nb\n"}, wire: "data:  a\ndata: \ndata: b\ndata: \n\n",
			read: feather.Event{Data: " a\n\nb\n"},
		},
		{
			event: feather.Event{Data: "a\r\nb\rc"}, wire: "data: a\ndata: b\ndata: c\n\n",
			read: feather.Event{Data: "a\nb\nc"},
		},
		{
			event: feather.Event{Data: "a\n\nevent: x\rid: 9"},
			wire:  "data: a\ndata: \ndata: event: x\ndata: id: 9\n\n",
			read:  feather.Event{Data: "a\n\nevent: x\nid: 9"},
		},
		{
			event: feather.Event{ID: "7\ndata: x", Type: "a\r\nid: 9\x00", Data: "d"},
			wire:  "id: 7 data: x\nevent: a id: 9 \ndata: d\n\n",
			read:  feather.Event{ID: "7 data: x", Type: "a id: 9 ", Data: "d"},
		},
	}
	for _, tt := range tests {
		var wire strings.Builder
		n, err := tt.event.WriteTo(&wire)
		if err != nil || wire.String() != tt.wire || n != int64(len(tt.wire)) {
			t.Errorf("%q: wrote %d, %q, %v; want %q", tt.event, n, &wire, err, tt.wire)
		}
		got, err := events(reply(sse, strings.NewReader(wire.String())), nil)
		expect(t, got, err, []feather.Event{tt.read}, "")
	}
	if _, err := (feather.Event{}).WriteTo(brokenWriter{}); err != io.ErrClosedPipe {
		t.Errorf("error %v of the writer", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzEventWriteTo writes any event, and reads one event again and no more.
func FuzzEventWriteTo(f *testing.F) {
	f.Add("7", "delta", "a\nb")
	f.Add("\n\n", "\r", "\r\n\x00")
	f.Add("\uFEFF", "error", ":")
	f.Fuzz(func(t *testing.T, id, name, content string) {
		var wire bytes.Buffer
		_, _ = feather.Event{ID: id, Type: name, Data: content}.WriteTo(&wire)
		wire.WriteString("data: next\n\n")
		got, err := events(reply(sse, &wire), nil)
		if streamErr, ok := err.(*feather.StreamError); ok && name == "error" {
			got, err = []feather.Event{streamErr.Event, {}}, nil
		}
		lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(content)
		if err != nil || len(got) != 2 || got[0].Data != lines ||
			strings.ContainsAny(got[0].ID+got[0].Type, "\r\n\x00") {
			t.Errorf("%q, %q, %q: read %q, %v", id, name, content, got, err)
		}
	})
}

// TestEveryErrorOfTheBodyIsKept has a body that fails once, and then says that it
// has ended.
func TestEveryErrorOfTheBodyIsKept(t *testing.T) {
	broken := errors.New("broken")
	for _, contentType := range []string{sse, "application/x-ndjson", "application/json-seq", "text/plain"} {
		for _, start := range []string{"", "d", "data: a\n\n"} {
			body := &failsOnce{start: start, err: broken}
			_, err := events(reply(contentType, body), nil)
			if !errors.Is(err, broken) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s, after %q: error %v", contentType, start, err)
			}
		}
	}
}

type failsOnce struct {
	start string
	err   error
}

func (f *failsOnce) Read(p []byte) (int, error) {
	n := copy(p, f.start)
	f.start = f.start[n:]
	if n > 0 {
		return n, nil
	}
	err := cmp.Or(f.err, io.EOF)
	f.err = nil
	return 0, err
}

// TestRequiredEventKeepsTheConnection has a server that ends the response a moment after the
// last event, as servers do.
func TestRequiredEventKeepsTheConnection(t *testing.T) {
	for _, leave := range []bool{false, true} {
		server, connections := serveCounting(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", sse)
			_, _ = io.WriteString(w, "event: delta\n\nevent: complete\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		})
		client := newClient(t, server.URL, feather.WithRequireEvent("complete"))
		for range 20 {
			for event, err := range feather.Stream(send(t.Context(), client)) {
				if err != nil {
					t.Fatal(err)
				}
				if leave && event.Type == "complete" {
					break
				}
			}
		}
		if n := connections.made.Load(); n > 10 { // a busy machine may take longer than the drain
			t.Errorf("left at the last event: %t: %d connections for 20 streams", leave, n)
		}
	}
}

// TestNoEventComesAfterTheEndOfTheContext ends it in the body of the loop.
func TestNoEventComesAfterTheEndOfTheContext(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", sse)
		_, _ = io.WriteString(w, strings.Repeat("data: a\n\n", 100))
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count, last := 0, error(nil)
	for _, err := range feather.Stream(send(ctx, newClient(t, server.URL))) {
		if last = err; err == nil {
			count++
		}
		cancel()
	}
	if count != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d events, error %v", count, last)
	}
}

// TestLargeEventDoesNotStayInMemory reads on after an event of 15 MiB.
func TestLargeEventDoesNotStayInMemory(t *testing.T) {
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // what a sync.Pool has kept
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	before, after := inUse(), uint64(0)
	large := io.MultiReader(strings.NewReader("data: "), io.LimitReader(endless('x'), 15<<20),
		strings.NewReader("\n\n"))
	for event, err := range feather.Stream(reply(sse, io.MultiReader(large, strings.NewReader("data: a\n\ndata: b\n\n"))), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Data == "b" {
			after = inUse()
		}
	}
	if after > before+4<<20 {
		t.Errorf("%d MiB more are in use", (after-before)>>20)
	}
}

// endless reads one byte again and again.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// TestErrorEventOfBackslashes has one of the largest size.
func TestErrorEventOfBackslashes(t *testing.T) {
	body := "event: error\ndata: {\"error\": \"" + strings.Repeat("\\", 15<<20) + "\"}\n\n"
	_, err := events(reply(sse, strings.NewReader(body)), nil)
	if streamErr, ok := err.(*feather.StreamError); !ok || len(streamErr.Event.Data) < 15<<20 ||
		len(err.Error()) > 1000 {
		t.Errorf("error of %T", err)
	}
}

func FuzzStream(f *testing.F) {
	for _, contentType := range []string{sse, "application/x-ndjson", "application/json-seq", "text/plain", ""} {
		for _, body := range []string{"", "data: a\n\n", "data: a\r\rid: 1\r\n\r\n", ": ping\n\n", "{}\n[]", "\x1e{}\n\x1e", "\uFEFF", "\xff\x00"} {
			f.Add(contentType, []byte(body), uint8(7))
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte, slice uint8) {
		read := func(r io.Reader) ([]feather.Event, string) {
			var all []feather.Event
			var last error
			for event, err := range feather.Stream(reply(contentType, r), nil) {
				if last != nil {
					t.Fatalf("%v after the error %v", event, last)
				}
				if err != nil && event != (feather.Event{}) {
					t.Fatalf("%v with the error %v", event, err)
				}
				if last = err; err == nil {
					all = append(all, event)
				}
			}
			return all, fmt.Sprint(last)
		}
		whole, wholeErr := read(bytes.NewReader(body))
		sliced, slicedErr := read(&slicer{bytes.NewReader(body), int(slice) + 1})
		if !reflect.DeepEqual(whole, sliced) || wholeErr != slicedErr {
			t.Errorf("in one piece %q, %s; in slices %q, %s", whole, wholeErr, sliced, slicedErr)
		}
	})
}

// slicer hands out a few bytes at a time, as a network may.
type slicer struct {
	r io.Reader
	n int
}

func (s *slicer) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func TestKeyIsInNoStreamError(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", sse)
		key := r.Header.Get("X-Api-Key")
		_, _ = io.WriteString(w, "event: error\ndata: {\"error\": \"bad_key\", \"message\": \"no "+key+"\"}\n\n")
	})
	_, err := events(send(t.Context(), newClient(t, server.URL)))
	streamErr, ok := err.(*feather.StreamError)
	if !ok || streamErr.Code != "bad_key" || streamErr.Message != "no [redacted]" ||
		strings.Contains(fmt.Sprintf("%v %+v", err, *streamErr), testKey) {
		t.Errorf("error %+v", err)
	}
}
