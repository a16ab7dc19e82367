package feather_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

func TestBufferedResponseEndsAt64Mebibytes(t *testing.T) {
	const limit = 64 << 20
	mebibyte := bytes.Repeat([]byte("x"), 1<<20)
	send := func(w io.Writer, size int) {
		for ; size > 0; size -= len(mebibyte) {
			_, _ = w.Write(mebibyte[:min(size, len(mebibyte))])
		}
	}
	tests := []struct {
		name    string
		size    int
		handler http.HandlerFunc
	}{
		{"as large as allowed", limit, func(w http.ResponseWriter, _ *http.Request) { send(w, limit) }},
		{"of unknown length", limit + 1, func(w http.ResponseWriter, _ *http.Request) { send(w, limit+1) }},
		{"of a length that it tells", limit + 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(limit+1))
			send(w, limit+1)
		}},
	}
	for _, tt := range tests {
		rsp, err := sendWithResponse(t.Context(), newClient(t, serve(t, tt.handler).URL))
		if tt.size <= limit {
			if err != nil || len(rsp.Body) != tt.size {
				t.Errorf("%s: error %v", tt.name, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "200 OK: the response is larger than the limit of 64 MiB") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestStreamAsAWholeHasNoLimit(t *testing.T) {
	event := "data: " + strings.Repeat("x", 1<<20) + "\n\n"
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", sse)
		for range 70 {
			_, _ = io.WriteString(w, event)
		}
	})
	count := 0
	for _, err := range feather.Stream(send(t.Context(), newClient(t, server.URL))) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != 70 {
		t.Errorf("%d events", count)
	}
}

// silence is a server on a pipe: it reads the request, writes the pieces with a
// pause before each, and then nothing until the client hangs up.
func silence(closed *time.Duration, pause time.Duration, pieces ...string) func(net.Conn) {
	return func(far net.Conn) {
		start := time.Now()
		r := bufio.NewReader(far)
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		for _, piece := range pieces {
			time.Sleep(pause)
			_, _ = io.WriteString(far, piece)
		}
		_, _ = r.ReadByte()
		*closed = time.Since(start)
	}
}

func TestSilentServerEndsTheCall(t *testing.T) {
	const (
		stream   = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
		buffered = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	)
	minute := feather.SilenceTimeout(time.Minute)
	tests := []struct {
		name   string
		pieces []string // 40 seconds apart
		opts   []feather.ClientOption
		call   []feather.RequestEditorFn
		raw    bool
		events int
		want   time.Duration // when the call ends
	}{
		{name: "by default after five minutes", want: 5 * time.Minute},
		{name: "before the head", call: []feather.RequestEditorFn{minute}, want: time.Minute},
		{
			name: "a client's limit",
			opts: []feather.ClientOption{feather.WithSilenceTimeout(time.Minute)},
			want: time.Minute,
		},
		{
			name: "a call's over a client's",
			opts: []feather.ClientOption{feather.WithSilenceTimeout(time.Second)},
			call: []feather.RequestEditorFn{minute},
			want: time.Minute,
		},
		{
			name:   "before the first event",
			raw:    true,
			pieces: []string{stream},
			call:   []feather.RequestEditorFn{minute},
			want:   100 * time.Second,
		},
		{
			name:   "between two events",
			raw:    true,
			pieces: []string{stream, "data: a\n\n"},
			call:   []feather.RequestEditorFn{minute},
			events: 1,
			want:   140 * time.Second,
		},
		{
			name:   "after comments",
			raw:    true,
			pieces: []string{stream, ":\n", ":\n", ":"},
			call:   []feather.RequestEditorFn{minute},
			want:   220 * time.Second,
		},
		{
			name:   "in a buffered response",
			pieces: []string{buffered, "half"},
			call:   []feather.RequestEditorFn{minute},
			want:   140 * time.Second,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var closed time.Duration
				client := pipeClient(t, silence(&closed, 40*time.Second, tt.pieces...), tt.opts...)
				start := time.Now()
				var got []feather.Event
				var err error
				if tt.raw {
					got, err = events(send(t.Context(), client, tt.call...))
				} else {
					err = ask(client, tt.call...)
				}
				if took := time.Since(start); took != tt.want || len(got) != tt.events {
					t.Errorf("%d events, %v after %v, want the end after %v", len(got), err, took, tt.want)
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
					errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("error %v", err)
				}
				synctest.Wait()
				if closed != tt.want {
					t.Errorf("the connection was closed after %v", closed)
				}
			})
		})
	}
}

// TestOnlyTheServersSilenceCounts has a caller who takes his time between events, and
// a limit that is off.
func TestOnlyTheServersSilenceCounts(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 18\r\n\r\n"
	synctest.Test(t, func(t *testing.T) {
		var closed time.Duration
		client := pipeClient(t, silence(&closed, 0, head, "data: a\n\ndata: b\n\n"))
		count := 0
		for _, err := range feather.Stream(send(t.Context(), client, feather.SilenceTimeout(time.Second))) {
			if err != nil {
				t.Fatal(err)
			}
			count++
			time.Sleep(time.Hour)
		}
		if count != 2 {
			t.Errorf("%d events", count)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var closed time.Duration
		client := pipeClient(t, silence(&closed, 24*time.Hour, head, "data: a\n\ndata: b\n\n"))
		if got, err := events(send(t.Context(), client, feather.SilenceTimeout(0))); len(got) != 2 || err != nil {
			t.Errorf("without a limit: %v, %v", got, err)
		}
	})
	if err := ask(newClient(t, "http://localhost"), feather.SilenceTimeout(-1)); err == nil ||
		!strings.HasPrefix(err.Error(), "feather: SilenceTimeout(-1ns)") {
		t.Errorf("a negative time: error %v", err)
	}
}

// TestServerThatStopsReadingEndsTheCall sends 20 MB to a server that reads some of
// it: at once, or a piece every 40 seconds.
func TestServerThatStopsReadingEndsTheCall(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 20_000_000)
	for name, open := range map[string]func() io.Reader{
		"of a known length":    func() io.Reader { return bytes.NewReader(body) },
		"of an unknown length": func() io.Reader { return io.MultiReader(bytes.NewReader(body)) },
	} {
		for _, pieces := range []int{1, 5} {
			synctest.Test(t, func(t *testing.T) {
				client := pipeClient(t, func(far net.Conn) {
					for range pieces {
						_, _ = io.ReadFull(far, make([]byte, 1_000_000))
						time.Sleep(40 * time.Second)
					}
				})
				start := time.Now()
				_, err := feather.Send(t.Context(), client, open(), feather.SilenceTimeout(time.Minute))
				want := time.Duration(pieces-1)*40*time.Second + time.Minute
				if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) ||
					errors.Is(err, feather.ErrNotSent) ||
					took != want {
					t.Errorf("%s, %d pieces: error %v after %v, want %v", name, pieces, err, took, want)
				}
			})
		}
	}
}

// TestSlowBodyOfTheCallerIsNoSilentServer has a body that takes longer to read than
// the server may be silent.
func TestSlowBodyOfTheCallerIsNoSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed time.Duration
		client := pipeClient(t, silence(&closed, 0, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		slow := &slowReader{pieces: 5, pause: 40 * time.Second}
		_, err := feather.SendWithResponse(t.Context(), client, slow, feather.SilenceTimeout(time.Minute))
		if err != nil {
			t.Error(err)
		}
	})
}

type slowReader struct {
	pieces int
	pause  time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.pieces--; r.pieces < 0 {
		return 0, io.EOF
	}
	time.Sleep(r.pause)
	return copy(p, "piece"), nil
}
