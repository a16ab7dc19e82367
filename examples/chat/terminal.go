package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal is what the user sits at, or a pipe.
type terminal struct {
	out, err io.Writer
	readLine func() (string, error) // without its end; io.EOF with or after the last
	spins    bool
}

func openTerminal() *terminal {
	isTerminal := term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
	switch {
	case !isTerminal:
		return &terminal{out: os.Stdout, err: os.Stderr, readLine: plainLines(os.Stdin, io.Discard)}
	case os.Getenv("TERM") == "dumb":
		return &terminal{out: os.Stdout, err: os.Stderr, readLine: plainLines(os.Stdin, os.Stdout)}
	}
	return &terminal{out: os.Stdout, err: os.Stderr, readLine: editedLines(), spins: true}
}

const prompt = "> "

// plainLines reads lines of any length.
func plainLines(in io.Reader, prompts io.Writer) func() (string, error) {
	reader := bufio.NewReader(in)
	return func() (string, error) {
		fmt.Fprint(prompts, prompt)
		line, err := reader.ReadString('\n')
		if err == io.EOF {
			fmt.Fprintln(prompts)
		}
		return strings.TrimRight(line, "\r\n"), err
	}
}

// editedLines reads lines with editing and history. The terminal is raw only while it
// reads: during a reply Ctrl-C is a signal.
func editedLines() func() (string, error) {
	stdin := int(os.Stdin.Fd())
	editor := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, prompt)
	editor.AutoCompleteCallback = anyLength
	return func() (string, error) {
		before, err := term.MakeRaw(stdin)
		if err != nil {
			return "", err
		}
		if width, height, err := term.GetSize(stdin); err == nil {
			_ = editor.SetSize(width, height)
		}
		line, err := editor.ReadLine()
		_ = term.Restore(stdin, before)
		if err == io.EOF {
			fmt.Println()
		}
		return line, err
	}
}

// anyLength lets a line grow beyond the 4,096 characters at which package term drops
// what is typed.
func anyLength(line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	if utf8.RuneCountInString(line) < 4096 || !unicode.IsPrint(key) {
		return "", 0, false
	}
	return line[:pos] + string(key) + line[pos:], pos + utf8.RuneLen(key), true
}

// spinner turns in a terminal until the first words of a reply are written to it.
type spinner struct {
	terminal *terminal
	stopped  chan struct{}
	turned   sync.WaitGroup

	mu     sync.Mutex
	drawn  bool // a frame stands on the line
	spoken bool // there are words, and nothing to wait for
}

func newSpinner(term *terminal) *spinner {
	s := &spinner{terminal: term, stopped: make(chan struct{})}
	if term.spins {
		s.turned.Go(s.turn)
	}
	return s
}

func (s *spinner) turn() {
	ticker := time.NewTicker(80 * time.Millisecond)
	defer ticker.Stop()
	for frame := 0; ; frame++ {
		select {
		case <-s.stopped:
			return
		case <-ticker.C:
			s.draw([]rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")[frame%10])
		}
	}
}

func (s *spinner) draw(frame rune) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.spoken {
		fmt.Fprintf(s.terminal.out, "\r%c", frame)
		s.drawn = true
	}
}

// stop must be called at the end of the reply.
func (s *spinner) stop() {
	close(s.stopped)
	s.turned.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *spinner) clear() {
	if s.drawn {
		fmt.Fprint(s.terminal.out, "\r\033[K")
		s.drawn = false
	}
}

// Write writes words of the reply.
func (s *spinner) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.spoken = true
	return s.terminal.out.Write(p)
}

// notice writes lines for which the spinner makes room.
func (s *spinner) notice() io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clear()
		return s.terminal.err.Write(p)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
