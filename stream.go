package feather

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"mime"
	"net/http"
	"sync/atomic"

	"github.com/featherhq/feather-go/internal/oapi"
)

// Event is one event of a reply.
type Event struct {
	// ID is the last id that the stream has set, at this event or before it;
	// empty without any.
	ID string

	// Type is the event's name, such as delta; empty where it has none.
	Type string

	// Data is the payload, most often JSON; see Decode.
	Data string
}

// Decode reads Data as JSON into v, as json.Unmarshal does, and wraps its error.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal([]byte(e.Data), v); err != nil {
		return failf("decoding the data of event %q: %w", e.Type, err)
	}
	return nil
}

// Stream yields the events of a reply as they arrive. It takes what any
// generated call without WithResponse returns:
//
//	for event, err := range feather.Stream(client.SendMessage(ctx, sessionID, body)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(event.Type, event.Data)
//	}
//
// What an event is depends on the media type:
//
//   - text/event-stream: an event as WHATWG HTML defines it (section 9.2), with
//     its id, type and data. One that has a type but no data is yielded too,
//     where a browser would drop it: a bare "event: complete" says something.
//   - application/x-ndjson and application/jsonl: a line, blank ones left out;
//     application/json-seq (RFC 7464): a record.
//   - any other, or none: one event with the whole body, if it is not empty.
//
// An error is always the last thing yielded, with a zero Event. It is the call's
// own error; an *APIError for an answer outside 2xx; one that errors.Is finds as
// the context's error when the context ended; as io.ErrUnexpectedEOF when the
// reply broke off, be it between two events or within one. Without an error the
// reply is complete. An event may have 16 MiB; a stream may go on for ever.
//
// The loop closes the response's body, however it ends. A stream can be ranged
// over once, and must be, or the body stays open; a second time yields an error.
func Stream(rsp *http.Response, err error) iter.Seq2[Event, error] {
	var ranged atomic.Bool
	return func(yield func(Event, error) bool) {
		if ranged.Swap(true) {
			yield(Event{}, failf("the stream has been read already; make the call again for another one"))
			return
		}
		if err != nil {
			yield(Event{}, named(err))
			return
		}
		next, err := openStream(rsp)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer closeBody(rsp.Body)
		for {
			event, err := next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Event{}, brokenOff(contextOf(rsp), err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// openStream returns the function that reads one event after another, and io.EOF
// behind the last. When it fails it has closed the body.
func openStream(rsp *http.Response) (func() (Event, error), error) {
	if rsp == nil {
		return nil, failf("neither a response nor an error; a mock of the client must return one of them")
	}
	if rsp.Body == nil {
		rsp.Body = http.NoBody
	}
	if !oapi.IsSuccess(rsp.StatusCode) {
		return nil, readAPIError(rsp.Request, rsp) // of a bare client
	}
	if encoding := rsp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		closeBody(rsp.Body)
		return nil, failf("the response is still compressed with %q; let the http.Transport ask for gzip itself, by leaving Accept-Encoding unset", encoding)
	}
	r := bufio.NewReader(unlimited(rsp.Body))
	mediaType, _, _ := mime.ParseMediaType(rsp.Header.Get("Content-Type"))
	switch mediaType {
	case "text/event-stream":
		return newEventReader(r).next, nil
	case "application/x-ndjson", "application/jsonl":
		return newRecordReader(r, "\n").next, nil
	case "application/json-seq":
		return newRecordReader(r, "\x1e").next, nil
	default:
		return func() (Event, error) { return wholeBody(r) }, nil
	}
}

// contextOf returns the caller's context, as far as the response tells.
func contextOf(rsp *http.Response) context.Context {
	if b, ok := rsp.Body.(*responseBody); ok {
		return b.try.ctx
	}
	if rsp.Request == nil {
		return context.Background()
	}
	return rsp.Request.Context()
}

// eventReader reads text/event-stream, as WHATWG HTML, section 9.2.6, has it.
type eventReader struct {
	lines    splitter
	lastID   string
	lastType string // most events have the type of the one before

	// Of the event being read:
	data     []byte
	begun    bool // there was a field
	dispatch bool // there was a field that makes it an event
}

func newEventReader(r *bufio.Reader) *eventReader {
	if start, _ := r.Peek(3); string(start) == "\uFEFF" {
		_, _ = r.Discard(3)
	}
	return &eventReader{lines: splitter{r: r, delimiters: "\n\r"}}
}

func (e *eventReader) next() (Event, error) {
	var event Event
	e.data, e.begun, e.dispatch = e.data[:0], false, false
	for {
		line, err := e.lines.next(maxEvent + len("data: "))
		switch {
		case err == io.EOF && (e.begun || len(line) > 0 && line[0] != ':'):
			// The standard drops an event that lacks its blank line; then a
			// reply cut short would look like a whole one.
			return Event{}, io.ErrUnexpectedEOF
		case err != nil:
			return Event{}, err
		case len(line) > 0:
			e.field(&event, line)
		case e.dispatch:
			event.ID = e.lastID
			event.Data = string(bytes.TrimSuffix(e.data, []byte("\n")))
			return event, nil
		default:
			e.begun = false
		}
		if len(e.data) > maxEvent+len("\n") {
			return Event{}, errEventTooLarge
		}
	}
}

func (e *eventReader) field(event *Event, line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	e.begun = e.begun || len(name) > 0 // a comment has no name
	switch string(name) {
	case "event":
		if string(value) != e.lastType {
			e.lastType = string(value)
		}
		event.Type = e.lastType
		e.dispatch = true
	case "data":
		e.data = append(append(e.data, value...), '\n')
		e.dispatch = true
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			e.lastID = string(value)
		}
	}
}

// recordReader reads texts of JSON that stand apart by a delimiter.
type recordReader struct{ records splitter }

func newRecordReader(r *bufio.Reader, delimiter string) *recordReader {
	return &recordReader{splitter{r: r, delimiters: delimiter}}
}

func (r *recordReader) next() (Event, error) {
	for {
		record, err := r.records.next(maxEvent)
		record = bytes.TrimSpace(record)
		if len(record) == 0 && err == nil {
			continue
		}
		// The last record needs nothing behind it, if it is whole.
		if err == io.EOF && len(record) > 0 {
			err = nil
			if !json.Valid(record) {
				err = io.ErrUnexpectedEOF
			}
		}
		if err != nil {
			return Event{}, err
		}
		return Event{Data: string(record)}, nil
	}
}

func wholeBody(r *bufio.Reader) (Event, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxEvent+1))
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

// splitter cuts a stream at any of its delimiters. It looks at every byte once,
// however the network slices the stream, and never waits for the byte behind a
// delimiter.
type splitter struct {
	r          *bufio.Reader
	delimiters string
	piece      []byte
	afterCR    bool // where a line feed belongs to the delimiter before it
}

// next returns the bytes up to the next delimiter, good until the call after.
// With an error, io.EOF at the end, come those behind the last delimiter.
func (s *splitter) next(limit int) ([]byte, error) {
	s.piece = s.piece[:0]
	for {
		if _, err := s.r.Peek(1); err != nil {
			return s.piece, err
		}
		buffered, _ := s.r.Peek(s.r.Buffered())
		if s.afterCR {
			s.afterCR = false
			if buffered[0] == '\n' {
				_, _ = s.r.Discard(1)
				continue
			}
		}
		end, found := indexAny(buffered, s.delimiters)
		if len(s.piece)+end > limit {
			return nil, errEventTooLarge
		}
		if !found {
			s.piece = append(s.piece, buffered...)
			_, _ = s.r.Discard(end)
			continue
		}
		s.afterCR = buffered[end] == '\r'
		_, _ = s.r.Discard(end + 1)
		if len(s.piece) == 0 {
			return buffered[:end], nil // Discard leaves the bytes where they are.
		}
		s.piece = append(s.piece, buffered[:end]...)
		return s.piece, nil
	}
}

// indexAny is bytes.IndexAny, several times as fast for a byte or two, and ends
// at the end.
func indexAny(b []byte, chars string) (end int, found bool) {
	end = len(b)
	for i := range len(chars) {
		if at := bytes.IndexByte(b[:end], chars[i]); at >= 0 {
			end, found = at, true
		}
	}
	return end, found
}
