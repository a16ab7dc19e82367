package feather_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

// subscriptions are what a server sends, one after another. One that ends with cut breaks off.
type subscriptions []string

const cut = "CUT"

// serveSubscriptions returns the Last-Event-ID of each request. After the last subscription
// it responds with a 204.
func serveSubscriptions(t *testing.T, s subscriptions) (client clientT, ids func() []string) {
	t.Helper()
	seen := make(chan string, 100)
	client = newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		at := len(seen)
		seen <- strings.Join(r.Header.Values("Last-Event-ID"), ",")
		switch {
		case at >= len(s):
			w.WriteHeader(http.StatusNoContent)
			return
		case s[at] == "404":
			http.Error(w, "gone", http.StatusNotFound)
			return
		case strings.HasPrefix(s[at], "{"):
			w.Header().Set("Content-Type", "application/json")
		default:
			w.Header().Set("Content-Type", "text/event-stream")
		}
		text, isCut := strings.CutSuffix(s[at], cut)
		_, _ = io.WriteString(w, text)
		if isCut {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}).URL)
	return client, func() (ids []string) {
		for range len(seen) {
			ids = append(ids, <-seen)
		}
		return ids
	}
}

func TestResume(t *testing.T) {
	const first = "retry: 1\n\nid: 1\ndata: a\n\n"
	tests := []struct {
		name   string
		sent   subscriptions
		events []string // as data:id
		ids    []string // in the header Last-Event-ID
		err    string
	}{
		{
			name: "a cut goes on after the last whole event",
			sent: subscriptions{
				first + "id: 2\ndata: half" + cut,
				"id: 2\ndata: b\n\n",
			}, events: []string{"a:1", "b:2"}, ids: []string{"", "1", "2"},
		},
		{
			name: "an id alone counts", sent: subscriptions{first + "id: 7\n\n" + cut, "data: b\n\n"},
			events: []string{"a:1", "b:7"}, ids: []string{"", "7", "7"},
		},
		{
			name: "without ids they come again", sent: subscriptions{"retry: 1\n\ndata: a\n\n" + cut, "data: a\n\ndata: b\n\n"},
			events: []string{"a:", "a:", "b:"}, ids: []string{"", "", ""},
		},
		{
			name: "an empty id forgets the last", sent: subscriptions{first + "id:\ndata: b\n\n" + cut},
			events: []string{"a:1", "b:"}, ids: []string{"", ""},
		},
		{name: "no content from the start", ids: []string{""}},
		{
			name: "the required event ends", sent: subscriptions{first, "event: complete\ndata: b\n\n", "data: c\n\n"},
			events: []string{"a:1", "b:1"}, ids: []string{"", "1"},
		},
		{
			name: "an error of the stream ends", sent: subscriptions{first, "event: error\ndata: broken\n\n", first},
			events: []string{"a:1"}, ids: []string{"", "1"}, err: "the server ended the stream with an error: broken",
		},
		{
			name: "an error of a later call ends", sent: subscriptions{first, "404", first},
			events: []string{"a:1"}, ids: []string{"", "1"}, err: "404 Not Found",
		},
		{
			name: "an error of the first call ends",
			sent: subscriptions{"404", first},
			ids:  []string{""},
			err:  "404 Not Found",
		},
		{
			name: "five without an event end", sent: subscriptions{first, ": x\n\n", "", ": x\n\n", cut, ": x\n\n", first},
			events: []string{
				"a:1",
			}, ids: []string{"", "1", "1", "1", "1", "1"}, err: "feather: GET /v1/events: gave up after 5 subscriptions without an event",
		},
		{
			name: "another media type ends", sent: subscriptions{"{}", first}, ids: []string{""},
			err: `the content type is "application/json", not text/event-stream`,
		},
		{
			name: "another media type ends later", sent: subscriptions{first, "{}", first}, events: []string{"a:1"},
			ids: []string{"", "1"}, err: `the content type is "application/json", not text/event-stream`,
		},
		{
			name: "a wait of nothing", sent: subscriptions{"retry: 5000\nretry: 0\n\nid: 1\ndata: a\n\n", "data: b\n\n"},
			events: []string{"a:1", "b:1"}, ids: []string{"", "1", "1"},
		},
		{
			name: "an id that no header can carry", sent: subscriptions{first + "id: \x01\ndata: b\n\n"},
			events: []string{"a:1", "b:\x01"}, ids: []string{"", ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, ids := serveSubscriptions(t, tt.sent)
			var events []string
			var last error
			for event, err := range feather.Resume(t.Context(), func(id string) (*http.Response, error) {
				editors := []editorT{feather.LastEventID(id)}
				if tt.name == "the required event ends" {
					editors = append(editors, feather.RequireEvent("complete"))
				}
				return client.Request(t.Context(), "GET", "/v1/events", nil, append(editors, feather.MaxRetries(0))...)
			}) {
				if last = err; err == nil {
					events = append(events, event.Data+":"+event.ID)
				}
			}
			if !reflect.DeepEqual(events, tt.events) {
				t.Errorf("events %q, want %q", events, tt.events)
			}
			if got := ids(); !reflect.DeepEqual(got, tt.ids) {
				t.Errorf("Last-Event-ID %q, want %q", got, tt.ids)
			}
			if (tt.err == "") != (last == nil) || !strings.Contains(fmt.Sprint(last), tt.err) {
				t.Errorf("error %v, want %s", last, tt.err)
			}
		})
	}
}

func TestResumeEndsWithTheLoop(t *testing.T) {
	client, ids := serveSubscriptions(t, subscriptions{"data: a\n\ndata: b\n\n"})
	for range feather.Resume(t.Context(), func(string) (*http.Response, error) {
		return client.Request(t.Context(), "GET", "/v1/events", nil)
	}) {
		break
	}
	if got := ids(); len(got) != 1 {
		t.Errorf("%d subscriptions", len(got))
	}
}

// silent is a body that sends a text and then nothing.
type silent struct {
	io.Reader
	ctx context.Context
}

func (s silent) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err == io.EOF {
		<-s.ctx.Done()
		err = s.ctx.Err()
	}
	return n, err
}

func (s silent) Close() error { return nil }

// faulty returns a stream of one event, in turn silent, and connections that are refused.
func faulty(calls *int) feather.ClientOption {
	return over(roundTripper(func(req *http.Request) (*http.Response, error) {
		*calls++
		if *calls%2 == 0 {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: req,
			Body: silent{strings.NewReader("data: a\n\n"), req.Context()}}, nil
	}))
}

// TestResumeAfterSilence meets a server that is silent or refuses connections, and a context
// that ends during a wait.
func TestResumeAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		calls, events := 0, 0
		client := newClient(t, "https://api.example", faulty(&calls), feather.WithMaxRetries(0))
		var last error
		for _, err := range feather.Resume(ctx, func(string) (*http.Response, error) {
			return client.Request(ctx, "GET", "/v1/events", nil)
		}) {
			events++
			last = err
		}
		if errors.Is(last, feather.ErrNotSent) || feather.SafeToRepeat(last) {
			t.Errorf("events have come, and the error says that nothing was sent: %v", last)
		}
		if !errors.Is(last, context.DeadlineExceeded) || events < 10 || calls < events {
			t.Errorf("%d calls, %d events, error %v", calls, events, last)
		}
	})
}

// TestEventTimeout has a stream that comments keep alive.
func TestEventTimeout(t *testing.T) {
	var log bytes.Buffer
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: a\n\n")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, ": alive\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	}).URL, feather.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	count := 0
	var last error
	for _, err := range feather.Stream(send(t.Context(), client, feather.EventTimeout(100*time.Millisecond))) {
		last = err
		count++
	}
	if count == 0 || !errors.Is(last, os.ErrDeadlineExceeded) ||
		!strings.Contains(last.Error(), "the stream sent no event for 100ms") {
		t.Errorf("%d events, error %v", count, last)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "the stream sent no event") {
		t.Errorf("the log has\n%s", got)
	}
	if _, err := send(t.Context(), client, feather.EventTimeout(-1)); err == nil ||
		!errors.Is(err, feather.ErrNotSent) {
		t.Errorf("a negative time: error %v", err)
	}
}

// TestResumeGivesUp has a server that is gone after one event.
func TestResumeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		client := newClient(t, "https://api.example", over(roundTripper(func(req *http.Request) (*http.Response, error) {
			if calls++; calls > 1 {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: req,
				Body: io.NopCloser(strings.NewReader("data: a\n\n"))}, nil
		})), feather.WithMaxRetries(0))
		var last error
		for _, err := range feather.Resume(t.Context(), func(string) (*http.Response, error) {
			rsp, err := client.Request(t.Context(), "GET", "/v1/events", nil)
			if err != nil {
				err = fmt.Errorf("subscribing: %w", err)
			}
			return rsp, err
		}) {
			last = err
		}
		if calls != 6 || last == nil || errors.Is(last, feather.ErrNotSent) || feather.SafeToRepeat(last) {
			t.Errorf("%d calls, error %v, not sent: %t", calls, last, errors.Is(last, feather.ErrNotSent))
		}
	})
}

// TestResumeEndsWithItsContext has a context of its own for the calls.
func TestResumeEndsWithItsContext(t *testing.T) {
	client, _ := serveSubscriptions(t, subscriptions{"data: a\n\ndata: b\n\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := 0
	var last error
	for _, err := range feather.Resume(ctx, func(string) (*http.Response, error) {
		return client.Request(t.Context(), "GET", "/v1/events", nil)
	}) {
		count++
		last = err
		cancel()
	}
	if count != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d events, error %v", count, last)
	}
}
