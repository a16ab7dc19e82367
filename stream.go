package feather

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/featherhq/feather-go/internal/oapi"
)

// Event is one event of a response.
type Event struct {
	// ID is the last id that the stream has set, at this event or before it;
	// empty without any.
	ID string

	// Type is the event's name, such as delta; empty where it has none.
	Type string

	// Data is the payload, most often JSON; see Decode.
	Data string
}

// Decode decodes Data as JSON into v, as json.Unmarshal does. It wraps the error of
// json.Unmarshal.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal([]byte(e.Data), v); err != nil {
		return failf("decoding the data of event %q: %w", e.Type, err)
	}
	return nil
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
// well.
type StreamError struct {
	// Event is the event itself.
	Event Event

	// Code is the error of its data, such as rate_limited, and Message the
	// message; both are empty where the data is not Feather's JSON.
	Code, Message string

	// Retryable is what the server says of another try; nil when it does not. A
	// stream is never tried again by itself.
	Retryable *bool
}

func newStreamError(event Event) *StreamError {
	said := readErrorJSON([]byte(event.Data))
	return &StreamError{Event: event, Code: said.code, Message: said.message, Retryable: said.retryable}
}

// without redacts the API key, if the server repeats it.
func (e *StreamError) without(req *http.Request) *StreamError {
	if req == nil {
		return e
	}
	event := e.Event
	for _, key := range secretsOf(req) {
		event.Data = string(redactText([]byte(event.Data), key))
	}
	return newStreamError(event)
}

// Error returns one line, with the first 300 characters of what the server said.
func (e *StreamError) Error() string {
	said := strings.Trim(e.Code+": "+e.Message, ": ")
	if said == "" {
		said = e.Event.Data
	}
	return strings.TrimSuffix("feather: the server ended the stream with an error: "+oneLine(said), ": ")
}

// WithRequireEvent is [RequireEvent] for all calls of a client.
func WithRequireEvent(types ...string) ClientOption {
	return func(c *Client) error {
		if len(types) == 0 {
			return errNoEventType
		}
		return forNew("WithRequireEvent", func(o *newOptions) { o.requiredEvents = types })(c)
	}
}

// RequireEvent makes [Stream] require that the stream of one call ends with an event of one
// of these types. Pass it as the last argument of the call. A stream that ends without such
// an event ends with an error that errors.Is finds as io.ErrUnexpectedEOF. The stream is
// over once the event has come, even if the connection stays open. By default no event is
// required. Only events of text/event-stream have a type, so a stream of another media type
// always lacks the event.
//
// This is the only way to tell a whole stream from one that was cut between two events:
// through many proxies both look the same. The streams that Feather documents end with
// complete.
func RequireEvent(types ...string) RequestEditorFn {
	if len(types) == 0 {
		return func(context.Context, *http.Request) error { return errNoEventType }
	}
	return setting(func(s *settings) { s.requiredEvents = types })
}

var errNoEventType = failf("RequireEvent was given no event type")

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
//   - an error that errors.Is finds as io.ErrUnexpectedEOF, if the stream breaks off or
//     lacks an event that [RequireEvent] requires;
//   - an error that errors.Is finds as os.ErrDeadlineExceeded, if the server is silent for
//     too long; see [IdleTimeout];
//   - the error of the context and its cause, for errors.Is, if the context has ended.
//
// Without an error, the server or a proxy has ended the stream in order; only RequireEvent
// can tell whether it was whole. An event may have 16 MiB. A stream has no limit.
//
// The loop closes the body of the response, however it ends. A stream can be ranged over
// once, and must be, or the body stays open. A second range yields an error.
func Stream(rsp *http.Response, err error) iter.Seq2[Event, error] {
	var ranged atomic.Bool
	return func(yield func(Event, error) bool) {
		r := newReading(&ranged, rsp, err)
		defer r.close()
		for r.next() && yield(r.event, r.err) {
		}
	}
}

// reading is a stream that is being ranged over. It has what would else be variables of
// functions that wait, and so on the stack of every stream.
type reading struct {
	source   source
	rsp      *http.Response  // nil if there is none
	ctx      context.Context // the caller's
	required []string        // the types of event of which one must be the last

	event  Event
	err    error // the last thing to yield
	isOver bool
}

func newReading(ranged *atomic.Bool, rsp *http.Response, err error) *reading {
	if ranged.Swap(true) {
		err = failf("the stream has been read already; make the call again for another one")
	}
	var events source
	if err == nil {
		events, err = openStream(rsp)
	}
	if err != nil {
		return &reading{source: failed{named(err)}}
	}
	r := &reading{source: events, rsp: rsp}
	r.ctx, r.required = callOf(rsp)
	return r
}

// next reads what is to be yielded, and says whether there is anything.
func (r *reading) next() bool {
	if r.isOver {
		return false
	}
	r.event = Event{}
	return r.took(r.source.next(&r.event))
}

func (r *reading) took(err error) bool {
	if err == nil {
		r.isOver = slices.Contains(r.required, r.event.Type)
		return true
	}
	r.event, r.err, r.isOver = Event{}, r.endOfStream(err), true
	return r.err != nil
}

// endOfStream is nil where the stream ended as it should.
func (r *reading) endOfStream(err error) error {
	if r.rsp == nil {
		return err // of the call
	}
	if e, ok := err.(*StreamError); ok {
		return e.without(r.rsp.Request)
	}
	switch {
	case err != io.EOF:
		return brokenOff(r.ctx, err)
	case r.required != nil:
		return lacksEvent(r.required)
	}
	return nil
}

func (r *reading) close() {
	if r.rsp != nil {
		closeBody(r.rsp.Body)
	}
}

func lacksEvent(required []string) error {
	return &failure{
		text:   "the stream ended without an event of type " + strings.Join(required, " or "),
		causes: []error{io.ErrUnexpectedEOF},
	}
}

// source reads the next event into one that is empty, and returns io.EOF after the last.
type source interface{ next(event *Event) error }

// failed is the source of a call that has no stream.
type failed struct{ err error }

func (f failed) next(*Event) error { return f.err }

// openStream returns the source for a response. When it fails it has closed the body.
func openStream(rsp *http.Response) (source, error) {
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
		return nil, failf("the response is compressed with %q, and only gzip is decoded; "+
			"ask for no other in Accept-Encoding", encoding)
	}
	r := unlimited(rsp.Body)
	mediaType, _, _ := mime.ParseMediaType(rsp.Header.Get("Content-Type"))
	switch mediaType {
	case "text/event-stream":
		return newEventReader(r), nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
		"application/x-jsonlines", "application/stream+json":
		return newRecordReader(r, "\n"), nil
	}
	if mediaType == "application/json-seq" || strings.HasSuffix(mediaType, "+json-seq") {
		return newRecordReader(r, "\x1e"), nil
	}
	return wholeBody{r}, nil
}

// callOf returns the caller's context and the events that it requires, as far as
// the response tells.
func callOf(rsp *http.Response) (context.Context, []string) {
	if b, ok := rsp.Body.(*responseBody); ok {
		return b.try.ctx, b.try.settings.requiredEvents
	}
	if rsp.Request == nil {
		return context.Background(), nil
	}
	return rsp.Request.Context(), new(settings).of(rsp.Request).requiredEvents
}
