// Command ask sends one message to Feather and prints the reply as it arrives:
//
//	go run ./examples/ask "Where is order 12345?"
//
// With FEATHER_API_KEY set it asks the real API, in the session that -session or
// FEATHER_SESSION_ID names. Without a key it asks a fake in its own process.
package main

import (
	"context"
	"errors"
	"flag"
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
	flags := flag.NewFlagSet("ask", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: ask [-session id] [-workflow name] question")
		flags.PrintDefaults()
	}
	session := flags.String("session", os.Getenv("FEATHER_SESSION_ID"), "`id` of the session, a UUID (default FEATHER_SESSION_ID)")
	workflow := flags.String("workflow", "", "`name` of the workflow to run")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	message := feather.SendMessageRequest{Content: strings.Join(flags.Args(), " ")}
	if *workflow != "" {
		message.Workflow = workflow
	}
	if message.Content == "" {
		flags.Usage()
		return 2
	}
	client, sessionID, disconnect, err := demo.Connect(*session, stderr)
	if errors.Is(err, demo.ErrSession) {
		fmt.Fprintln(stderr, "ask:", err)
		return 2
	}
	if err != nil {
		return report(ctx, err, stderr)
	}
	defer disconnect()
	reply := feather.Stream(client.SendMessage(ctx, sessionID, message))
	return report(ctx, demo.Print(stdout, reply), stderr)
}

func report(ctx context.Context, err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(stderr)
		return 130
	}
	fmt.Fprintln(stderr, "ask:", err)
	return 1
}
