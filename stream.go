package feather

import (
	"cmp"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/featherhq/feather-go/internal/oapi"
)

// Event is one event of a response.
type Event struct {
	// ID is the last id that the stream has set, at this event or before it; empty without any.
	ID string

	// Type is the event's name, such as delta; empty where it has none.
	Type string

	// Data is the payload, most often JSON; see Decode.
	Data string
}

// Decode decodes Data as JSON into v, as json.Unmarshal does, but keeps numbers exact: one
// becomes a json.Number where the Go type is any. A time without an offset is in UTC. It wraps
// the error of package encoding/json.
func (e Event) Decode(v any) error {
	return decode("the data of event "+strconv.Quote(e.Type), []byte(e.Data), v)
}

// oneField keeps a field from becoming two, and an id from being ignored.
var (
	oneField  = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\x00", " ")
	dataLines = strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ")
)

// WriteTo writes the event as a server-sent event (WHATWG HTML, section 9.2), for a server
// that relays a stream. The caller flushes. A field of the Event cannot turn into another
// one: a line break in Data begins a new line of data, and one in ID or Type, or a NUL, is
// written as a space. There is always data, as a browser drops an event without it.
func (e Event) WriteTo(w io.Writer) (int64, error) {
	var text string
	if e.ID != "" {
		text = "id: " + oneField.Replace(e.ID) + "\n"
	}
	if e.Type != "" {
		text += "event: " + oneField.Replace(e.Type) + "\n"
	}
	n, err := io.WriteString(w, text+"data: "+dataLines.Replace(e.Data)+"\n\n")
	return int64(n), err
}

// StreamError is an event named error, with which the server ends a stream that has begun
// well. If the server repeats the API key, [redacted] replaces it.
type StreamError struct {
	// Event is the event itself.
	Event Event

	CallInfo

	// Code is the error of the event's data, such as rate_limited, and Message the
	// message; both are empty where the data is not Feather's JSON.
	Code, Message string

	// Retryable is what the server says of another try; nil when it does not. A
	// stream is never tried again by itself.
	Retryable *bool
}

func (c *call) streamError(rsp *http.Response, event Event) *StreamError {
	event = Event{ID: c.redact(event.ID), Type: event.Type, Data: c.redact(event.Data)}
	e := &StreamError{Event: event, CallInfo: c.info(rsp)}
	if len(event.Data) <= maxErrorBody {
		said := c.readErrorJSON([]byte(event.Data))
		e.Code, e.Message, e.Retryable = said.Code, said.Message, said.Retryable
	}
	c.logFailure(rsp, e)
	return e
}

// Error returns one line, with the first 300 characters of what the server said.
func (e *StreamError) Error() string {
	said := strings.Trim(e.Code+": "+e.Message, ": ")
	if said == "" {
		said = e.Event.Data
	}
	text := after(e.request(), "the server ended the stream with an error: "+oneLine(said))
	return "feather: " + strings.TrimSuffix(text, ": ")
}

// LogValue is for package slog: the method, path, code, request id and what the server said.
func (e *StreamError) LogValue() slog.Value {
	return e.logValue(textAttr("code", oneLine(e.Code)), textAttr("detail", oneLine(cmp.Or(e.Message, e.Event.Data))))
}

// WithRequireEvent is [RequireEvent] for all calls of a client.
func WithRequireEvent(types ...string) ClientOption {
	return forAll(requireEvent(types))
}

// RequireEvent makes [Stream] require that the stream of one call ends with an event of one of
// these types. Pass it as the last argument of the call. A stream that ends without such an event
// ends with an error that wraps io.ErrUnexpectedEOF. The stream is over once the event
// has come, even if the connection stays open. By default no event is required. Only events of
// text/event-stream have a type, so a stream of another media type always lacks the event.
//
// This is the only way to tell a whole stream from one that was cut between two events: through
// many proxies both look the same. The streams that Feather documents end with complete.
func RequireEvent(types ...string) RequestEditorFn {
	return setting(requireEvent(types))
}

func requireEvent(types []string) change {
	return func(s *settings) error {
		if len(types) == 0 {
			return failf("RequireEvent was given no event type")
		}
		s.requiredEvents = types
		return nil
	}
}

// WithEventTimeout is [EventTimeout] for all calls of a client.
func WithEventTimeout(d time.Duration) ClientOption {
	return forAll(eventTimeout(d))
}

// EventTimeout sets how long the stream of one call may go without an event while [Stream]
// waits for one; by default, and with 0, there is no limit. Pass it as the last argument of
// the call. Unlike for [SilenceTimeout], comments that keep the connection alive do not count.
// After d the stream ends with an error for which errors.Is(err, os.ErrDeadlineExceeded) is
// true. A negative d fails the call.
func EventTimeout(d time.Duration) RequestEditorFn {
	return setting(eventTimeout(d))
}

func eventTimeout(d time.Duration) change {
	return timeLimit("EventTimeout", d, func(s *settings) { s.eventTimeout = d })
}

// Stream yields the events of a response as they arrive. It takes what any generated call
// without WithResponse returns:
//
//	for event, err := range feather.Stream(client.SendMessage(ctx, sessionID, body)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(event.Type, event.Data)
//	}
//
// The media type decides what an event is:
//
//   - text/event-stream: an event of WHATWG HTML (section 9.2), with its id, type and data.
//     An event with a type but no data is yielded as well, although a browser would drop
//     it: a bare "event: complete" says something.
//   - application/x-ndjson, ndjson, jsonl, jsonlines, x-jsonlines and stream+json: a line
//     that is not blank.
//   - application/json-seq (RFC 7464) and any type that ends in +json-seq: a record, once
//     the next one begins or the stream ends.
//   - any other type, or none: one event with the whole body, unless it is empty.
//
// An error is the last thing yielded, with a zero Event:
//
//   - the error of the call, such as an [*APIError];
//   - a [*StreamError] for a server-sent event named error;
//   - an error that wraps io.ErrUnexpectedEOF, if the stream is cut off or lacks an event
//     that [RequireEvent] requires;
//   - an error that wraps os.ErrDeadlineExceeded, if the server is silent for too long, or
//     sends no event for too long; see [SilenceTimeout] and [EventTimeout];
//   - an error that wraps the context's error and its cause, if the context has ended.
//
// Without an error, the server or a proxy has ended the stream in order; only RequireEvent
// can tell whether it was whole. An event can be at most 16 MiB. A stream has no limit.
//
// The loop closes the body of the response, however it ends. A stream can be ranged over
// once, and must be, or the body stays open. A second range yields an error.
func Stream(rsp *http.Response, err error) iter.Seq2[Event, error] {
	return stream(rsp, err, &place{})
}

func stream(rsp *http.Response, err error, at *place) iter.Seq2[Event, error] {
	var ranged atomic.Bool
	return func(yield func(Event, error) bool) {
		err := err
		if ranged.Swap(true) {
			err = failf("the stream has been read already; make the call again for another one")
		}
		var events source
		if err == nil {
			events, err = openStream(rsp, at)
		}
		if err != nil {
			yield(Event{}, prefixed(err))
			return
		}
		defer closeBody(rsp.Body)
		call := callOf(rsp.Request)
		for {
			event, err := call.next(rsp, events)
			if err != nil {
				if err != io.EOF {
					yield(Event{}, err)
				}
				return
			}
			isLast := slices.Contains(call.requiredEvents, event.Type)
			goesOn := yield(event, nil)
			if isLast {
				readToEnd(rsp.Body)
			}
			if isLast || !goesOn {
				return
			}
		}
	}
}

// next returns an event, or the error that ends the stream; io.EOF where it ends as it should.
func (c *call) next(rsp *http.Response, events source) (Event, error) {
	if ended := contextError(c.ctx); ended != nil {
		return Event{}, c.brokenOff(rsp, ended)
	}
	event, err := c.nextInTime(rsp, events)
	_, isServerSent := events.(*eventReader)
	switch {
	case err != nil && c.limit.Load() != nil:
		return Event{}, c.brokenOff(rsp, err)
	case err == io.EOF && c.requiredEvents != nil:
		return Event{}, c.failed(rsp, "the stream ended without an event of type "+strings.Join(c.requiredEvents, " or "),
			io.ErrUnexpectedEOF)
	case err == io.EOF:
		return Event{}, io.EOF
	case err == errEventTooLarge:
		return Event{}, c.failed(rsp, textOf(err), err)
	case err != nil:
		return Event{}, c.brokenOff(rsp, err)
	case isServerSent && event.Type == "error":
		return Event{}, c.streamError(rsp, event)
	}
	return event, nil
}

// nextInTime ends a stream that keeps the connection alive and sends no event.
func (c *call) nextInTime(rsp *http.Response, events source) (Event, error) {
	if c.eventTimeout == 0 {
		return events.next()
	}
	timer := time.AfterFunc(c.eventTimeout, func() {
		c.passed("the stream sent no event for %v, the event timeout", c.eventTimeout)
		closeBody(rsp.Body)
	})
	defer timer.Stop()
	return events.next()
}

// maxDrain is how long the end of a response may take to follow its last event. With it the
// connection serves the next call.
const maxDrain = 50 * time.Millisecond

func readToEnd(body io.ReadCloser) {
	defer time.AfterFunc(maxDrain, func() { closeBody(body) }).Stop()
	_, _ = io.CopyN(io.Discard, body, maxErrorBody)
}

// source contains the events of a stream, and io.EOF after the last.
type source interface{ next() (Event, error) }

// checkMock is for a response that has not passed the layers.
func checkMock(rsp *http.Response) error {
	if rsp == nil {
		return failf("neither a response nor an error; a mock of the client must return one of them")
	}
	if rsp.Body == nil {
		rsp.Body = http.NoBody
	}
	if !oapi.IsSuccess(rsp.StatusCode) {
		return readAPIError(rsp)
	}
	return nil
}

// openStream returns the source for a response. When it fails it has closed the body.
func openStream(rsp *http.Response, at *place) (source, error) {
	if err := checkMock(rsp); err != nil {
		return nil, err
	}
	if err := oapi.CheckEncoding(rsp.Header); err != nil {
		return nil, newDecodeError(rsp, readErrorBody(rsp), err)
	}
	switch mediaType := oapi.MediaType(rsp.Header); {
	case mediaType == "text/event-stream":
		return newEventReader(rsp.Body, at), nil
	case oapi.IsLines(mediaType):
		return &recordReader{records: newPieces(rsp.Body, "\n", maxEvent)}, nil
	case mediaType == "application/json-seq", strings.HasSuffix(mediaType, "+json-seq"):
		return &recordReader{records: newPieces(rsp.Body, "\x1e", maxEvent), isSequence: true}, nil
	}
	return wholeBody{rsp.Body}, nil
}
