package feather

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
)

// maxEvent is how much of a stream is in memory at a time. A stream as a whole has no limit.
const maxEvent = 16 << 20

var errEventTooLarge = failf("an event is larger than the limit of 16 MiB")

// place is where a reader of text/event-stream is, for a subscription that goes on there.
type place struct {
	isServerSent bool   // there was a text/event-stream
	lastID       string // of the last whole event
	hasRetry     bool
	retry        time.Duration // which the server wants before another subscription, at most a minute
}

// eventReader reads text/event-stream, as WHATWG HTML, section 9.2.6, has it.
type eventReader struct {
	*place
	lines    *pieces
	id       string // of the event that is being read
	lastType string // kept, as most events have the type of the one before
	isInside bool   // past the first line, which may begin with a byte order mark
	data     []byte // of the event that is being read
}

func newEventReader(r io.Reader, at *place) *eventReader {
	at.isServerSent = true
	return &eventReader{place: at, id: at.lastID, lines: newPieces(r, "\n\r", maxEvent+len("data: "))}
}

func (e *eventReader) next() (Event, error) {
	var event Event
	e.data = reused(e.data)
	hasData, begun := false, false // begun: there was a line that belongs to an event
	for {
		line, err := e.lines.next()
		if !e.isInside {
			e.isInside = true
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		switch {
		case err == io.EOF && (begun || isCut(line)):
			// The standard drops an event that lacks its blank line; then a
			// response cut short would look like a whole one.
			return Event{}, io.ErrUnexpectedEOF
		case err != nil:
			return Event{}, err
		case len(line) == 0 && (hasData || event.Type != ""):
			e.lastID = e.id
			event.ID, event.Data = e.id, string(bytes.TrimSuffix(e.data, []byte("\n")))
			return event, nil
		case len(line) == 0:
			e.lastID = e.id
			begun = false
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "data":
			e.data = append(append(e.data, value...), '\n')
			hasData = true
			if len(e.data) > maxEvent+len("\n") {
				return Event{}, errEventTooLarge
			}
		case "event":
			if string(value) != e.lastType {
				e.lastType = string(value)
			}
			event.Type = e.lastType
		case "id":
			if bytes.IndexByte(value, 0) < 0 {
				e.id = string(value)
			}
		case "retry":
			ms, err := strconv.ParseUint(string(value), 10, 64)
			if err == nil || errors.Is(err, strconv.ErrRange) {
				e.retry = time.Duration(min(ms, uint64(maxRetryAfter/time.Millisecond))) * time.Millisecond
				e.hasRetry = true
			}
			continue
		default: // a comment, or a field of no event
			continue
		}
		begun = true
	}
}

// isCut reports whether a last line without its end matters. A comment does not, nor the time
// that a browser waits before it connects again.
func isCut(line []byte) bool {
	return len(line) > 0 && line[0] != ':' && !bytes.HasPrefix(line, []byte("retry:"))
}

// recordReader reads JSON texts between delimiters.
type recordReader struct {
	records    *pieces
	isSequence bool // the delimiter comes before a record, not after it
	begun      bool
}

func (r *recordReader) next() (Event, error) {
	for {
		record, err := r.records.next()
		text := bytes.TrimSpace(record)
		switch {
		case err == io.EOF && len(text) == 0 && r.begun, err == io.EOF && len(text) > 0 && !isWhole(record):
			return Event{}, io.ErrUnexpectedEOF
		case err != nil && (err != io.EOF || len(text) == 0):
			return Event{}, err
		}
		r.begun = r.isSequence && err == nil
		if len(text) > 0 { // The last one needs no delimiter.
			return Event{Data: string(text)}, nil
		}
	}
}

// isWhole says whether a last record without its delimiter may be taken for whole: a number
// may be the beginning of a longer one (RFC 7464, section 2.4).
func isWhole(record []byte) bool {
	return json.Valid(record) && bytes.IndexByte([]byte("}]\" \t\r\n"), record[len(record)-1]) >= 0
}

// wholeBody is one event.
type wholeBody struct{ r io.Reader }

func (b wholeBody) next() (Event, error) {
	body, err := io.ReadAll(io.LimitReader(b.r, maxEvent+1))
	switch {
	case err != nil:
		return Event{}, err
	case len(body) > maxEvent:
		return Event{}, errEventTooLarge
	case len(body) == 0:
		return Event{}, io.EOF
	}
	return Event{Data: string(body)}, nil
}

// pieces cuts a stream at any of its delimiters. It looks at every byte once, and never
// waits for the byte after a delimiter.
type pieces struct {
	r          *bufio.Reader
	delimiters string
	most       int // bytes of a piece
	pending    []byte
	afterCR    bool // a line feed belongs to the delimiter before it
}

func newPieces(r io.Reader, delimiters string, most int) *pieces {
	return &pieces{r: bufio.NewReader(r), delimiters: delimiters, most: most}
}

// next returns the bytes up to the next delimiter, good until the call after. With an error,
// io.EOF at the end, come those after the last delimiter.
func (p *pieces) next() ([]byte, error) {
	p.pending = reused(p.pending)
	for {
		if _, err := p.r.Peek(1); err != nil {
			return p.pending, err
		}
		unread, _ := p.r.Peek(p.r.Buffered())
		if p.afterCR && unread[0] == '\n' {
			unread = unread[1:]
			_, _ = p.r.Discard(1)
		}
		p.afterCR = false
		end, found := indexAny(unread, p.delimiters)
		if len(p.pending)+end > p.most {
			return nil, errEventTooLarge
		}
		piece := unread[:end]
		if !found || len(p.pending) > 0 {
			p.pending = append(p.pending, piece...)
			piece = p.pending
		}
		if !found {
			_, _ = p.r.Discard(end)
			continue
		}
		p.afterCR = unread[end] == '\r'
		_, _ = p.r.Discard(end + 1)
		return piece, nil
	}
}

// reused empties a buffer. One large event must not stay in memory for the rest of a stream.
func reused(buffer []byte) []byte {
	if cap(buffer) > maxErrorBody {
		return nil
	}
	return buffer[:0]
}

// indexAny is bytes.IndexAny, several times as fast for a byte or two.
func indexAny(b []byte, chars string) (end int, found bool) {
	end = len(b)
	for _, c := range []byte(chars) {
		if at := bytes.IndexByte(b[:end], c); at >= 0 {
			end, found = at, true
		}
	}
	return end, found
}
