// Package demo has what the examples share: whom they talk to, and how they show
// a reply.
package demo

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

// ErrSession is Connect's error for a session that is missing or no UUID.
var ErrSession = errors.New("the real API needs a session: set -session or FEATHER_SESSION_ID to its UUID")

// Connect returns a client and a session. With FEATHER_API_KEY set they are those
// of the real API, with the session given; without, those of a fake in this
// process, and notice is told so. The caller calls disconnect at the end.
func Connect(session string, notice io.Writer) (client *feather.ClientWithResponses, sessionID uuid.UUID, disconnect func(), err error) {
	if os.Getenv("FEATHER_API_KEY") == "" {
		fmt.Fprintln(notice, "FEATHER_API_KEY is not set; asking a fake server in this process")
		server := feathertest.NewServer()
		return server.Client(), uuid.New(), server.Close, nil
	}
	if sessionID, err = uuid.Parse(session); err != nil {
		return nil, uuid.Nil, nil, ErrSession
	}
	client, err = feather.New()
	return client, sessionID, func() {}, err
}

// Print shows a reply as it arrives. What the events hold is not documented; it
// knows the names of Feather's other streams, and shows anything else as it comes.
func Print(w io.Writer, reply iter.Seq2[feather.Event, error]) error {
	for event, err := range reply {
		if err != nil {
			return err
		}
		switch event.Type {
		case "delta":
			var payload struct{ Text *string }
			if event.Decode(&payload) != nil || payload.Text == nil {
				payload.Text = &event.Data
			}
			fmt.Fprint(w, *payload.Text)
		case "complete":
			fmt.Fprintln(w)
		default:
			fmt.Fprintln(w, event.Data)
		}
	}
	return nil
}
