// Command batch sends each file to Feather and writes the reply beside it, as FILE.reply:
//
//	go run ./examples/batch questions/*.txt
//
// It never sends a file twice, if one batch runs at a time. After an error, Ctrl-C or a crash,
// start it again. A file that may have been sent but has no reply is left alone, until you
// delete its lines in the journal.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // A second Ctrl-C ends it at once.
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

// run returns the exit status: 0, 1 if a file has no reply, 2 for wrong usage, 130 after Ctrl-C.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	flags := demo.Flags("batch [-journal file] [-parallel n] file...", stderr)
	name := flags.String("journal", "batch.journal", "the `file` that says what happened")
	parallel := flags.Int("parallel", 8, "how many messages are on their way at once")
	if status, ok := demo.Parse(flags, args); !ok {
		return status
	}
	if flags.NArg() == 0 || *parallel < 1 {
		flags.Usage()
		return 2
	}
	files := demo.Files(flags.Args())
	client, disconnect, err := demo.Client(stderr)
	defer disconnect()
	b := batch{client: client, stderr: stderr, total: len(files), states: map[string]string{}}
	if err = errors.Join(err, b.openJournal(*name)); err != nil {
		fmt.Fprintln(stderr, "batch:", err)
		return 1
	}
	if b.sendAll(ctx, files, *parallel); ctx.Err() != nil {
		return 130
	}
	return min(b.failed, 1)
}

type batch struct {
	client        *feather.ClientWithResponses
	stderr        io.Writer
	total         int
	mu            sync.Mutex // of the journal and the counts
	count, failed int
	journal       *os.File
	states        map[string]string // by file: begun, open (it can be sent again) or done
}

// openJournal reads what happened before. A line without its end does not count.
func (b *batch) openJournal(name string) (err error) {
	if b.journal, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
		return err
	}
	content, err := io.ReadAll(b.journal)
	for line := range strings.Lines(string(content)) {
		if state, file, ok := strings.Cut(line, " "); ok && strings.HasSuffix(file, "\n") {
			b.states[file[:len(file)-1]] = state
		}
	}
	_, lineErr := b.journal.WriteString("\n") // ends what a crash has cut
	return errors.Join(err, lineErr)
}

func (b *batch) record(file, state string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := fmt.Fprintf(b.journal, "%s %q\n", state, file)
	return errors.Join(err, b.journal.Sync())
}

// sendAll starts no more messages when ctx ends, and waits for those on their way.
func (b *batch) sendAll(ctx context.Context, files []string, parallel int) {
	slots := make(chan struct{}, parallel)
	var workers sync.WaitGroup
	for _, file := range files {
		slots <- struct{}{}
		if ctx.Err() != nil {
			fmt.Fprintln(b.stderr, "\nwaiting for the messages on their way; Ctrl-C ends it at once")
			break
		}
		workers.Go(func() {
			b.report(file, b.send(context.WithoutCancel(ctx), file))
			<-slots
		})
	}
	workers.Wait()
	fmt.Fprintf(b.stderr, "\n%d of %d files, %d without a reply\n", b.count, b.total, b.failed)
}

// send sends one file, unless it may have been sent before.
func (b *batch) send(ctx context.Context, file string) error {
	switch b.states[fmt.Sprintf("%q", file)] {
	case "done":
		return nil
	case "begun":
		return errors.New("it may have been sent before, and has no reply")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	session, err := b.client.CreateSessionWithResponse(ctx, feather.CreateSessionRequest{})
	if err != nil {
		return err
	}
	if err := b.record(file, "begun"); err != nil {
		return err
	}
	var reply strings.Builder
	stream := feather.Stream(b.client.SendMessage(ctx, session.JSON201.ID,
		feather.SendMessageRequest{Content: string(text)}, feather.RequireEvent("complete")))
	if err = demo.Print(&reply, io.Discard, stream); err == nil {
		err = os.WriteFile(file+".reply", []byte(reply.String()), 0o644)
	}
	switch {
	case err == nil:
		return b.record(file, "done")
	case feather.SafeToRepeat(err):
		return errors.Join(err, b.record(file, "open"))
	}
	return err
}

// report names a file without a reply, and shows a bar on a terminal.
func (b *batch) report(file string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count++; err != nil {
		b.failed++
		fmt.Fprintf(b.stderr, "%s: %s\n", demo.Clean(file), demo.Clean(err.Error()))
	}
	demo.Bar(b.stderr, b.count, b.total)
}
