package feather_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
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
		{"line feeds", sse, "data: a\n\ndata: b\n\n", data("a", "b"), ""},
		{"carriage returns", sse, "data: a\r\rdata: b\r\r", data("a", "b"), ""},
		{"both", sse, "data: a\r\n\r\ndata: b\r\n\r\n", data("a", "b"), ""},
		{"a mixture", sse, "data: a\r\n\rdata: b\n\r\n", data("a", "b"), ""},
		{"a parameter of the media type", sse + "; charset=utf-8", "data: a\n\n", data("a"), ""},
		{"another case of the media type", "Text/Event-Stream", "data: a\n\n", data("a"), ""},
		{"id, type and data", sse, "id: 7\nevent: delta\ndata: a\n\n", []feather.Event{{ID: "7", Type: "delta", Data: "a"}}, ""},
		{"an id stays", sse, "id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", []feather.Event{{ID: "7", Data: "a"}, {ID: "7", Data: "b"}, {Data: "c"}}, ""},
		{"an id alone is no event", sse, "id: 7\n\ndata: a\n\n", []feather.Event{{ID: "7", Data: "a"}}, ""},
		{"an id with a zero byte does not count", sse, "id: 7\x00\ndata: a\n\n", data("a"), ""},
		{"a type does not stay", sse, "event: x\ndata: a\n\ndata: b\n\n", []feather.Event{{Type: "x", Data: "a"}, {Data: "b"}}, ""},
		{"a type alone", sse, "event: complete\n\n", []feather.Event{{Type: "complete"}}, ""},
		{"data of several lines", sse, "data: a\ndata:\ndata:  b\n\n", data("a\n\n b"), ""},
		{"data of several lines with both", sse, "event: x\r\ndata: a\r\ndata: b\r\n\r\n", []feather.Event{{Type: "x", Data: "a\nb"}}, ""},
		{"data without a colon", sse, "data\n\n", data(""), ""},
		{"no space behind the colon", sse, "data:a:b\n\n", data("a:b"), ""},
		{"comments", sse, ": ping\n\n:\n\ndata: a\n: ping\n\n: bye\n", data("a"), ""},
		{"a comment without its end", sse, "data: a\n\n: pin", data("a"), ""},
		{"unknown fields", sse, "retry: 10\nfoo: bar\n\ndatax: y\n\ndata: a\n\n", data("a"), ""},
		{"a byte order mark", sse, "\uFEFFdata: a\n\n", data("a"), ""},
		{"a byte order mark later on", sse, "data: a\n\n\uFEFFdata: b\n\n", data("a"), ""},
		{"empty lines", sse, "\n\n\r\n\rdata: a\n\n\n\n", data("a"), ""},
		{"an empty stream", sse, "", nil, ""},
		{"the largest event", sse, "data: " + big + "\n\n", data(big), ""},
		{"an event too large", sse, "data: a\n\ndata: " + big + "x\n\n", data("a"), tooLong},
		{"an event too large in many lines", sse, strings.Repeat("data: "+big[:1<<20]+"\n", 17) + "\n", nil, tooLong},
		{"an event that never ends", sse, big + big, nil, tooLong},
		{"an event without its blank line", sse, "data: a\n\ndata: b\n", data("a"), "cut"},
		{"half an event", sse, "data: a\n\ndat", data("a"), "cut"},
		{"half an id", sse, "data: a\n\nid: 5\n", data("a"), "cut"},

		{"NDJSON", "application/x-ndjson", "{\"a\":1}\n\n{\"b\":2}\r\n", data(`{"a":1}`, `{"b":2}`), ""},
		{"NDJSON without the last line feed", "application/x-ndjson", "{\"a\":1}\n{\"b\":2}", data(`{"a":1}`, `{"b":2}`), ""},
		{"JSON Lines", "application/jsonl", "1\n2\n", data("1", "2"), ""},
		{"JSON Lines broken off", "application/jsonl", "{\"a\":1}\n{\"b\":", data(`{"a":1}`), "cut"},
		{"empty JSON Lines", "application/jsonl", "", nil, ""},
		{"a line too large", "application/jsonl", "1\n" + big + "x\n", data("1"), tooLong},
		{"a JSON text sequence", "application/json-seq", "\x1e{\"a\":1}\n\x1e{\n\"b\":2}\n", data(`{"a":1}`, "{\n\"b\":2}"), ""},
		{"a JSON text sequence broken off", "application/json-seq", "\x1e{\"a\":1}\n\x1e{\"b\"", data(`{"a":1}`), "cut"},

		{"JSON", "application/json", `{"a": 1}`, data(`{"a": 1}`), ""},
		{"a null", "application/json", `null`, data("null"), ""},
		{"text", "text/plain", "a\nb\n", data("a\nb\n"), ""},
		{"no media type", "", "data: a\n\n", data("data: a\n\n"), ""},
		{"nonsense for a media type", ";;", "a", data("a"), ""},
		{"an empty body", "application/json", "", nil, ""},
		{"the largest body", "text/plain", big, data(big), ""},
		{"a body too large", "text/plain", big + "x", nil, tooLong},
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
			overHTTP, overHTTPErr := events(newClient(t, server.URL).SendMessage(t.Context(), sessionID, hello))
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

func TestStreamUnpacksGzip(t *testing.T) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	_, _ = zw.Write([]byte("data: a\n\ndata: b\n\n"))
	_ = zw.Close()
	for name, tt := range map[string]struct {
		body    []byte
		editors []feather.RequestEditorFn
		want    []feather.Event
		wantErr string
	}{
		"whole":      {packed.Bytes(), nil, data("a", "b"), ""},
		"broken off": {packed.Bytes()[:packed.Len()-10], nil, data("a", "b"), "cut"},
		"asked for by an editor": {packed.Bytes(), []feather.RequestEditorFn{func(_ context.Context, req *http.Request) error {
			req.Header.Set("Accept-Encoding", "gzip")
			return nil
		}}, nil, "still compressed"},
	} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", sse)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(tt.body)
		})
		got, err := events(newClient(t, server.URL).SendMessage(t.Context(), sessionID, hello, tt.editors...))
		if name == "broken off" {
			got = tt.want // how much of it is unpacked before the end shows is gzip's business
		}
		expect(t, got, err, tt.want, tt.wantErr)
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
		for event, err := range feather.Stream(newClient(t, server.URL).SendMessage(t.Context(), sessionID, hello)) {
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
		_, streamErr := events(client.SendMessage(t.Context(), sessionID, hello))
		for way, err := range map[string]error{"Stream": streamErr, "WithResponse": ask(client)} {
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), "feather: the response broke off: ") {
				t.Errorf("%s, %s: error %v", contentType, way, err)
			}
		}
	}
}

func TestEveryBreakOfTheNetworkIsAnUnexpectedEOF(t *testing.T) {
	reset := errors.New("connection reset by peer")
	_, err := events(reply(sse, io.MultiReader(strings.NewReader("data: a\n\n"), iotest.ErrReader(reset))), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, reset) {
		t.Errorf("error %v", err)
	}
}

func TestEndOfTheContextEndsTheStream(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", sse)
		fmt.Fprint(w, "data: a\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	client := newClient(t, server.URL)
	tests := map[string]struct {
		context func() (context.Context, context.CancelFunc)
		want    error
	}{
		"cancelled": {func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }, context.Canceled},
		"cancelled with a cause": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			return ctx, func() { cancel(errors.New("the user left")) }
		}, context.Canceled},
		"past its deadline": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			_ = cancel
			return ctx, func() {}
		}, context.DeadlineExceeded},
	}
	for name, tt := range tests {
		ctx, end := tt.context()
		var last error
		for _, err := range feather.Stream(client.SendMessage(ctx, sessionID, hello)) {
			last = err
			end()
		}
		if !errors.Is(last, tt.want) || errors.Is(last, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v, want %v", name, last, tt.want)
		}
	}
}

func TestStreamClosesTheBodyHoweverItEnds(t *testing.T) {
	endings := map[string]string{"end": "data: a\n\n", "break": "data: stop\n\ndata: b\n\n", "error": "data: a", "status": ""}
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
