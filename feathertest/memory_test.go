package feathertest_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

// textOf is the text of a reply to the end, or to the error that ends it.
func textOf(client *feather.ClientWithResponses) (text string, err error) {
	events, err := collect(send(context.Background(), client, `{"content": "Where?"}`))
	for _, event := range events {
		text += event.Data
	}
	return text, err
}

// TestInMemory meets faults that take minutes, in a bubble whose clock passes at once.
func TestInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := feathertest.StartInMemory(t)
		client, err := feather.New(server.Options()...)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()

		server.ReplyStall(feather.Event{Data: "It is "})
		if _, err := textOf(client); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a stalled stream: error %v", err)
		}
		if d := time.Since(start); d != 5*time.Minute {
			t.Errorf("it was given up after %v", d)
		}

		start = time.Now()
		server.ReplyStatus(429, "slow down").WithHeader("Retry-After", "40")
		server.Reply(feather.Event{Data: "Here."})
		if text, err := textOf(client); text != "Here." || err != nil {
			t.Errorf("after a 429: %q, %v", text, err)
		}
		if d := time.Since(start); d < 40*time.Second || d > 2*time.Minute {
			t.Errorf("it was sent again after %v", d)
		}

		server.ReplyCut()
		if _, err := textOf(client); err == nil {
			t.Error("a connection that was cut is no error")
		}
		server.Reply(feather.Event{Data: "Here."}).WithPause(time.Hour)
		if _, err := textOf(client); err != nil {
			t.Error(err)
		}
	})
}

// TestAnEndedServerInMemory is asked in the bubble of another test.
func TestAnEndedServerInMemory(t *testing.T) {
	var client *feather.ClientWithResponses
	synctest.Test(t, func(t *testing.T) {
		server := feathertest.StartInMemory(t)
		client = server.Client(feather.WithMaxRetries(0))
		if _, err := textOf(client); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := textOf(client)
		if !errors.Is(err, feather.ErrNotSent) ||
			!strings.Contains(err.Error(), "the server of feathertest is closed") {
			t.Errorf("error %v", err)
		}
	})
}
