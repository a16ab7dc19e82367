package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"github.com/featherhq/feather-go"
)

// Print shows the words of a reply on out as they arrive, and on notice a line for
// each event that has none. What the events hold is not documented for every stream:
// it knows the names of the documented ones, and looks for words in the others.
func Print(out, notice io.Writer, reply iter.Seq2[feather.Event, error]) error {
	p := printer{out: out, notice: notice}
	for event, err := range reply {
		if err != nil {
			p.endLine()
			return err
		}
		if p.show(event); p.err != nil {
			break
		}
	}
	p.endLine()
	return p.err
}

type printer struct {
	out, notice io.Writer
	err         error // of out
	midLine     bool  // something stands on the line
	spoken      bool  // words have been shown piece by piece
}

func (p *printer) show(event feather.Event) {
	text := words(event.Data)
	switch {
	case event.Type == "complete" && p.spoken: // It repeats the words.
	case text == "":
		p.endLine()
		fmt.Fprintf(p.notice, "[%s: %d bytes without words]\n", oneLine(typeOf(event)), len(event.Data))
	case event.Type == "delta", event.Type == "":
		p.spoken = true
		p.write(text)
	case event.Type == "complete":
		p.write(text)
	default:
		p.endLine()
		fmt.Fprintf(p.notice, "[%s] %s\n", oneLine(event.Type), oneLine(text))
	}
}

func typeOf(event feather.Event) string {
	if event.Type == "" {
		return "an event"
	}
	return event.Type
}

func (p *printer) write(text string) {
	text = Clean(text)
	_, p.err = fmt.Fprint(p.out, text)
	p.midLine = !strings.HasSuffix(text, "\n")
}

func (p *printer) endLine() {
	if p.midLine {
		_, err := fmt.Fprintln(p.out)
		p.err = cmp.Or(p.err, err)
		p.midLine = false
	}
}

// words are the text of a payload: what is no JSON as it is, or what JSON holds under
// one of the usual keys.
func words(data string) string {
	var value any
	if json.Unmarshal([]byte(data), &value) != nil {
		return data
	}
	return wordsIn(value)
}

func wordsIn(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		for _, key := range []string{"text", "content", "message", "turn"} {
			if text := wordsIn(value[key]); text != "" {
				return text
			}
		}
	case []any:
		var all strings.Builder
		for _, part := range value {
			all.WriteString(wordsIn(part))
		}
		return all.String()
	}
	return ""
}

// oneLine is Clean for a notice, of which text must not make two.
func oneLine(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// Clean makes text safe to show: in a terminal a control character can clear the
// screen or set the window's title, and a bidirectional one can make words look like
// others. What has no width is left out.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r':
			return -1
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), unicode.In(r, unicode.Zl, unicode.Zp):
			return unicode.ReplacementChar
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}
