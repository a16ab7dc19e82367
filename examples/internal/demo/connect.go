// Package demo has what the examples share: whom they talk to, and how they show a
// reply.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

// Environment ends the usage text of an example.
const Environment = `
Environment:
  FEATHER_API_KEY     the API key; without one, a fake server in this process replies
  FEATHER_BASE_URL    the base URL (default the sandbox, ` + feather.BaseURLSandbox + `)
  FEATHER_SESSION_ID  the session to go on with, a UUID (default a new one)
`

// SessionID parses the session that a user names: none, or a UUID.
func SessionID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, fmt.Errorf("the session %q is not a UUID; leave it out for a new one", text)
	}
	return id, nil
}

// Connect returns a client, and the session given or else a new one. With
// FEATHER_API_KEY set they are those of the real API; without, those of a fake in this
// process. What happens meanwhile, such as the wait before a retry, is said on notice.
// The caller calls disconnect at the end, after an error too.
func Connect(ctx context.Context, session uuid.UUID,
	notice io.Writer) (client *feather.ClientWithResponses, id uuid.UUID, disconnect func(), err error) {
	client, disconnect, err = Client(notice)
	if err != nil {
		return nil, uuid.Nil, disconnect, err
	}
	if session != uuid.Nil {
		return client, session, disconnect, nil
	}
	created, err := client.CreateSessionWithResponse(ctx, feather.CreateSessionRequest{})
	if err != nil {
		return nil, uuid.Nil, disconnect, err
	}
	fmt.Fprintf(notice, "session %s\n", created.JSON201.ID)
	return client, created.JSON201.ID, disconnect, nil
}

// Client is Connect without a session.
func Client(notice io.Writer) (client *feather.ClientWithResponses, disconnect func(), err error) {
	logRetries := feather.WithLogger(slog.New(retryNotice{notice}))
	if os.Getenv("FEATHER_API_KEY") == "" {
		fmt.Fprintln(notice, "FEATHER_API_KEY is not set; a fake server in this process replies")
		server := NewServer()
		return server.Client(logRetries), server.Close, nil
	}
	client, err = feather.New(logRetries)
	return client, func() {}, err
}

// WithNotice lets what a call says, such as the wait before a retry, go to w.
func WithNotice(ctx context.Context, w io.Writer) context.Context {
	return context.WithValue(ctx, noticeKey{}, w)
}

type noticeKey struct{}

// retryNotice is a slog.Handler that says in words what the client logs of a retry.
type retryNotice struct{ w io.Writer }

func (h retryNotice) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (h retryNotice) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h retryNotice) WithGroup(string) slog.Handler      { return h }

func (h retryNotice) Handle(ctx context.Context, record slog.Record) error {
	if record.Message != "feather: retry" {
		return nil // The program says itself how the call ended.
	}
	w, ok := ctx.Value(noticeKey{}).(io.Writer)
	if !ok {
		w = h.w
	}
	reason, wait := "the server was not reached", time.Duration(0)
	record.Attrs(func(attr slog.Attr) bool {
		switch attr.Key {
		case "status":
			reason = http.StatusText(int(attr.Value.Int64()))
		case "wait_seconds":
			wait = time.Duration(attr.Value.Float64() * float64(time.Second))
		}
		return true
	})
	_, err := fmt.Fprintf(w, "%s; trying again in %s\n", reason, wait.Round(100*time.Millisecond))
	return err
}

// NewServer starts a fake that streams each reply word by word, as a model speaks.
func NewServer() *feathertest.Server {
	server := feathertest.NewServer()
	server.HandleFunc("POST /v1/ask-feather/sessions/{session_id}/messages", speak)
	return server
}

const speech = "Your order has left the warehouse and arrives tomorrow, before noon."

func speak(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(eventType, text string) {
		data, _ := json.Marshal(map[string]string{"text": text})
		_, _ = feather.Event{Type: eventType, Data: string(data)}.WriteTo(w)
		_ = http.NewResponseController(w).Flush()
	}
	for word := range strings.SplitAfterSeq(speech, " ") {
		send("delta", word)
		select {
		case <-time.After(70 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
	send("complete", speech)
}
