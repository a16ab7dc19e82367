// Command chat keeps a session open in a terminal: every line is a message, and
// each reply is shown as it arrives.
//
//	go run ./examples/chat
//
// Ctrl-C ends the reply that is running; where none is, it leaves, as the end of
// the input does. With FEATHER_API_KEY set it talks to the real API, in the
// session that -session or FEATHER_SESSION_ID names; without a key, to a fake in
// its own process. In a pipe it shows neither prompt nor spinner.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/internal/demo"
	"github.com/google/uuid"
)

func main() {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	os.Exit(run(os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr, interrupts, isTerminal(os.Stdin) && isTerminal(os.Stdout)}))
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// terminal is what the user sits at.
type terminal struct {
	in          io.Reader
	out, err    io.Writer
	interrupts  <-chan os.Signal
	interactive bool
}

// run returns the exit status: 0, 1 when a message failed, 2 for wrong usage.
func run(args []string, term terminal) int {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(term.err)
	session := flags.String("session", os.Getenv("FEATHER_SESSION_ID"), "`id` of the session, a UUID (default FEATHER_SESSION_ID)")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	client, sessionID, disconnect, err := demo.Connect(*session, term.err)
	if err != nil {
		fmt.Fprintln(term.err, "chat:", err)
		if errors.Is(err, demo.ErrSession) {
			return 2
		}
		return 1
	}
	defer disconnect()
	return chat(client, sessionID, term)
}

func chat(client *feather.ClientWithResponses, sessionID uuid.UUID, term terminal) (status int) {
	lines := readLines(term.in)
	for {
		if term.interactive {
			fmt.Fprint(term.out, "> ")
		}
		select {
		case <-term.interrupts:
			fmt.Fprintln(term.out)
			return status
		case line, ok := <-lines:
			if !ok {
				return status
			}
			if strings.TrimSpace(line) == "" {
				continue
			}
			if err := answer(client, sessionID, line, term); err != nil {
				fmt.Fprintln(term.err, "chat:", err)
				if err != errStopped {
					status = 1
				}
			}
		}
	}
}

// readLines reads in a goroutine of its own, so that Ctrl-C is heard meanwhile.
// It ends with the input, or with the process.
func readLines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		reader := bufio.NewReader(in)
		for {
			line, err := reader.ReadString('\n')
			if line != "" {
				lines <- strings.TrimRight(line, "\r\n")
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

var errStopped = errors.New("stopped; Ctrl-C again leaves")

func answer(client *feather.ClientWithResponses, sessionID uuid.UUID, line string, term terminal) error {
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	go func() {
		select {
		case <-term.interrupts:
			stop(errStopped)
		case <-ctx.Done():
		}
	}()
	out := &spinner{w: term.out}
	if term.interactive {
		out.start()
	}
	err := demo.Print(out, feather.Stream(client.SendMessage(ctx, sessionID, feather.SendMessageRequest{Content: line})))
	out.stop()
	if cause := context.Cause(ctx); cause != nil {
		fmt.Fprintln(term.out)
		return cause
	}
	return err
}

// spinner turns until the first thing is written.
type spinner struct {
	w       io.Writer
	once    sync.Once
	stopped chan struct{}
	cleared chan struct{}
}

func (s *spinner) start() {
	s.stopped, s.cleared = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.cleared)
		turn := time.NewTicker(80 * time.Millisecond)
		defer turn.Stop()
		for frame := 0; ; frame++ {
			select {
			case <-s.stopped:
				fmt.Fprint(s.w, "\r\033[K")
				return
			case <-turn.C:
				fmt.Fprintf(s.w, "\r%c", []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")[frame%10])
			}
		}
	}()
}

func (s *spinner) stop() {
	if s.stopped == nil {
		return
	}
	s.once.Do(func() {
		close(s.stopped)
		<-s.cleared
	})
}

func (s *spinner) Write(p []byte) (int, error) {
	s.stop()
	return s.w.Write(p)
}
