// Command chat keeps a session open in a terminal: each line is a message, and each
// reply is shown as it arrives.
//
//	go run ./examples/chat
//
// It creates a session, unless -session or FEATHER_SESSION_ID names one to go on with,
// and says its id on stderr. Ctrl-C ends the reply that is running; at the prompt it
// leaves, as Ctrl-D does. Without FEATHER_API_KEY it talks to a fake in its own
// process. In a pipe it shows neither prompt nor spinner, with TERM=dumb no spinner;
// it uses no colour.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/internal/demo"
	"github.com/google/uuid"
)

func main() {
	os.Exit(run(os.Args[1:], openTerminal()))
}

// run returns the exit status: 0, 1 when a message failed, 2 for wrong usage.
func run(args []string, term *terminal) int {
	flags := demo.Flags("chat [-session id]", term.err)
	session := flags.String("session", os.Getenv("FEATHER_SESSION_ID"), "`id` of the session to go on with, a UUID")
	if status, ok := demo.Parse(flags, args); !ok {
		return status
	}
	if flags.NArg() > 0 {
		flags.Usage()
		return 2
	}
	sessionID, err := demo.SessionID(*session)
	if err != nil {
		fmt.Fprintln(term.err, "chat:", err)
		return 2
	}
	client, sessionID, disconnect, err := demo.Connect(context.Background(), sessionID, term.err)
	defer disconnect()
	if err != nil {
		fmt.Fprintln(term.err, "chat:", demo.Clean(err.Error()))
		return 1
	}
	return chat(client, sessionID, term)
}

func chat(client *feather.ClientWithResponses, sessionID uuid.UUID, term *terminal) (status int) {
	for {
		line, err := term.readLine()
		if strings.TrimSpace(line) != "" {
			if err := send(client, sessionID, line, term); err != nil {
				fmt.Fprintln(term.err, "chat:", demo.Clean(err.Error()))
				status = 1
			}
		}
		if err == io.EOF {
			return status
		}
		if err != nil {
			fmt.Fprintln(term.err, "chat: reading the input:", err)
			return 1
		}
	}
}

// send sends a message and shows the reply, which Ctrl-C ends.
func send(client *feather.ClientWithResponses, sessionID uuid.UUID, line string, term *terminal) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	spinner := newSpinner(term)
	defer spinner.stop()
	ctx = demo.WithNotice(ctx, spinner.notice())
	body := feather.SendMessageRequest{Content: line}
	err := demo.Print(spinner, spinner.notice(), feather.Stream(client.SendMessage(ctx, sessionID, body)))
	if ctx.Err() != nil {
		return errors.New("stopped")
	}
	return err
}
