package feather

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
)

// A stream that is slow keeps the small buffer, one that is fast gets the large one.
const (
	smallBuffer   = 1 << 10
	mediumBuffer  = 4 << 10
	largeBuffer   = 16 << 10
	maxEmptyReads = 100 // in a row, as bufio has it
)

var largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// eventReader reads text/event-stream, as WHATWG HTML, section 9.2.6, has it.
type eventReader struct {
	lines    splitter
	inside   bool // the first line, which may have a byte order mark, is read
	lastID   string
	lastType string // most events have the type of the one before

	// Of the event being read:
	data    []byte
	hasData bool
	begun   bool // there was a line that belongs to an event
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{lines: newSplitter(r, "\n\r")}
}

// next has hardly a variable, as its frame is on the stack of every stream that waits.
func (e *eventReader) next(event *Event) error {
	e.data, e.hasData, e.begun = e.data[:0], false, false
	for {
		line, err := e.lines.next(maxEvent + len("data: "))
		if whole, err := e.line(event, line, err); whole || err != nil {
			return err
		}
	}
}

// line takes a line in, and says whether the event is whole.
func (e *eventReader) line(event *Event, line []byte, err error) (whole bool, _ error) {
	if !e.inside {
		e.inside = true
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	switch {
	case err == io.EOF && (e.begun || isCut(line)):
		// The standard drops an event that lacks its blank line; then a
		// response cut short would look like a whole one.
		return false, io.ErrUnexpectedEOF
	case err != nil:
		return false, err
	case len(line) > 0:
		return false, e.field(event, line)
	case e.hasData || event.Type != "":
		return true, e.finish(event)
	}
	e.begun = false
	return false, nil
}

// finish makes the lines of an event one.
func (e *eventReader) finish(event *Event) error {
	event.ID = e.lastID
	event.Data = string(bytes.TrimSuffix(e.data, []byte("\n")))
	if event.Type == "error" {
		return newStreamError(*event)
	}
	return nil
}

// isCut tells a last line without its end from one that no event needs: a comment,
// or the time that a browser waits before it connects again.
func isCut(line []byte) bool {
	return len(line) > 0 && line[0] != ':' && !bytes.HasPrefix(line, []byte("retry:"))
}

func (e *eventReader) field(event *Event, line []byte) error {
	name, value := line, []byte(nil)
	if colon := bytes.IndexByte(line, ':'); colon >= 0 {
		name, value = line[:colon], line[colon+1:]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	switch string(name) {
	case "data":
		e.data = append(append(e.data, value...), '\n')
		e.hasData = true
		if len(e.data) > maxEvent+len("\n") {
			return errEventTooLarge
		}
	case "event":
		if string(value) != e.lastType {
			e.lastType = string(value)
		}
		event.Type = e.lastType
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			e.lastID = string(value)
		}
	default:
		return nil
	}
	e.begun = true
	return nil
}

// recordReader reads texts of JSON that stand apart by a delimiter.
type recordReader struct{ records splitter }

func newRecordReader(r io.Reader, delimiter string) *recordReader {
	return &recordReader{newSplitter(r, delimiter)}
}

func (r *recordReader) next(event *Event) error {
	for {
		record, err := r.records.next(maxEvent)
		record = bytes.TrimSpace(record)
		if len(record) == 0 && err == nil {
			continue
		}
		// The last record needs nothing after it, if it is whole.
		if err == io.EOF && len(record) > 0 {
			err = nil
			if !json.Valid(record) {
				err = io.ErrUnexpectedEOF
			}
		}
		if err != nil {
			return err
		}
		event.Data = string(record)
		return nil
	}
}

// wholeBody is one event.
type wholeBody struct{ r io.Reader }

func (b wholeBody) next(event *Event) error {
	body, err := io.ReadAll(io.LimitReader(b.r, maxEvent+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxEvent:
		return errEventTooLarge
	case len(body) == 0:
		return io.EOF
	}
	event.Data = string(body)
	return nil
}

// splitter cuts a stream at any of its delimiters. It looks at every byte once,
// however the network slices the stream, and never waits for the byte after a
// delimiter.
type splitter struct {
	r          io.Reader
	delimiters string
	buffer     []byte
	large      *[largeBuffer]byte // the buffer, if it is from the pool
	unread     []byte             // the rest of what the last read brought
	occurring  []byte             // the delimiters that it has
	readErr    error              // what came with it
	piece      []byte
	afterCR    bool // where a line feed belongs to the delimiter before it
}

func newSplitter(r io.Reader, delimiters string) splitter {
	return splitter{r: r, delimiters: delimiters, buffer: make([]byte, smallBuffer)}
}

// next returns the bytes up to the next delimiter, good until the call after.
// With an error, io.EOF at the end, come those after the last delimiter.
func (s *splitter) next(most int) ([]byte, error) {
	if len(s.occurring) == 1 && !s.afterCR { // as in most streams: no detour
		if end := bytes.IndexByte(s.unread, s.occurring[0]); end >= 0 {
			s.afterCR = s.unread[end] == '\r'
			return s.take(end + 1)[:end], nil
		}
	}
	s.piece = s.piece[:0]
	for {
		if len(s.unread) == 0 {
			if err := s.fill(); err != nil {
				return s.piece, err
			}
		}
		if piece, whole, err := s.cut(most); whole || err != nil {
			return piece, err
		}
	}
}

// cut takes from what is unread up to the next delimiter.
func (s *splitter) cut(most int) (piece []byte, whole bool, err error) {
	if s.afterCR {
		s.afterCR = false
		if s.unread[0] == '\n' {
			s.take(1)
			return nil, false, nil
		}
	}
	end, found := indexAny(s.unread, s.occurring)
	if len(s.piece)+end > most {
		return nil, false, errEventTooLarge
	}
	if !found {
		s.piece = append(s.piece, s.take(end)...)
		return nil, false, nil
	}
	s.afterCR = s.unread[end] == '\r'
	line := s.take(end + 1)[:end]
	if len(s.piece) == 0 {
		return line, true, nil // The next fill is the first to overwrite it.
	}
	s.piece = append(s.piece, line...)
	return s.piece, true, nil
}

// fill waits for more of the stream.
func (s *splitter) fill() error {
	for range maxEmptyReads {
		if s.readErr != nil {
			s.giveBack()
			return s.readErr
		}
		if s.took(s.r.Read(s.buffer)) {
			return nil
		}
	}
	return io.ErrNoProgress
}

// took says whether a read brought anything. After one that filled the buffer comes a
// larger buffer.
func (s *splitter) took(n int, err error) bool {
	s.unread, s.readErr, s.occurring = s.buffer[:n], err, s.occurring[:0]
	for _, d := range []byte(s.delimiters) {
		if bytes.IndexByte(s.unread, d) >= 0 {
			s.occurring = append(s.occurring, d)
		}
	}
	if n == len(s.buffer) {
		s.enlarge()
	}
	return n > 0
}

func (s *splitter) enlarge() {
	switch {
	case len(s.buffer) == smallBuffer:
		s.buffer = make([]byte, mediumBuffer)
	case s.large == nil:
		s.large = largeBuffers.Get().(*[largeBuffer]byte)
		s.buffer = s.large[:]
	}
}

// giveBack is for the end of a stream. The large buffer of one that is given up is
// garbage.
func (s *splitter) giveBack() {
	if s.large != nil {
		largeBuffers.Put(s.large)
		s.large, s.buffer = nil, nil
	}
}

func (s *splitter) take(n int) []byte {
	taken := s.unread[:n]
	s.unread = s.unread[n:]
	return taken
}

// indexAny is bytes.IndexAny, several times as fast for a byte or two, and ends
// at the end.
func indexAny(b, chars []byte) (end int, found bool) {
	end = len(b)
	for _, c := range chars {
		if at := bytes.IndexByte(b[:end], c); at >= 0 {
			end, found = at, true
		}
	}
	return end, found
}
