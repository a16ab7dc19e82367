// Command ask sends one message to Feather and prints the reply as it arrives:
//
//	go run ./examples/ask "Where is order 12345?"
//
// It creates a session, unless -session or FEATHER_SESSION_ID names one to go on with,
// and says its id on stderr. Without FEATHER_API_KEY it asks a fake in its own process.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run returns the exit status: 0, 1 for an error, 2 for wrong usage, and 130, as
// shells have it, after Ctrl-C.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := demo.Flags("ask [-session id] [-workflow name] question", stderr)
	session := flags.String("session", os.Getenv("FEATHER_SESSION_ID"), "`id` of the session to go on with, a UUID")
	workflow := flags.String("workflow", "", "`name` of the workflow to run")
	if status, ok := demo.Parse(flags, args); !ok {
		return status
	}
	sessionID, err := demo.SessionID(*session)
	if err != nil {
		fmt.Fprintln(stderr, "ask:", err)
		return 2
	}
	message := feather.SendMessageRequest{Content: strings.Join(flags.Args(), " ")}
	if message.Content == "" {
		flags.Usage()
		return 2
	}
	if *workflow != "" {
		message.Workflow = workflow
	}
	client, sessionID, disconnect, err := demo.Connect(ctx, sessionID, stderr)
	defer disconnect()
	if err == nil {
		err = demo.Print(stdout, stderr, feather.Stream(client.SendMessage(ctx, sessionID, message)))
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return 130
	}
	fmt.Fprintln(stderr, "ask:", demo.Clean(err.Error()))
	return 1
}
