package feather

import (
	"bufio"
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

// Decode reads Data as JSON into v, as json.Unmarshal does, and wraps its error.
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

// WriteTo writes the event as a server-sent event (WHATWG HTML, section 9.2), for a
// server that relays a stream; the caller flushes. It has an id and a name where
// the Event has them, and always data, as a browser drops an event without. No
// field can become another: a line break in Data begins a new line of data, one in
// ID or Type, or a NUL there, becomes a space.
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

// StreamError is an event named error, with which the server ends a stream that
// began well. Its text has Code and Message, cut short after 300 characters.
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

// Error returns one line.
func (e *StreamError) Error() string {
	said := strings.Trim(e.Code+": "+e.Message, ": ")
	if said == "" {
		said = e.Event.Data
	}
	return strings.TrimSuffix("feather: the server ended the stream with an error: "+oneLine(said), ": ")
}

// WithRequireEvent is [RequireEvent] for every call of the client.
func WithRequireEvent(types ...string) ClientOption {
	return func(c *Client) error {
		if len(types) == 0 {
			return errNoEventType
		}
		return forNew("WithRequireEvent", func(o *newOptions) { o.requiredEvents = types })(c)
	}
}

// RequireEvent makes [Stream] demand that the stream of a call ends with an event
// of one of these types, as that call's last argument. A stream that ends without
// is an error that errors.Is finds as io.ErrUnexpectedEOF; with it the stream is
// over, even if the connection stays open. By default nothing is demanded.
//
// It is the only way to tell a whole stream from one that was cut between two
// events: through many proxies both look the same in HTTP. Feather's documented
// streams end with complete.
func RequireEvent(types ...string) RequestEditorFn {
	if len(types) == 0 {
		return func(context.Context, *http.Request) error { return errNoEventType }
	}
	return setting(func(s *settings) { s.requiredEvents = types })
}

var errNoEventType = failf("RequireEvent was given no event type")

// Stream yields the events of a response as they arrive. It takes what any
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
//   - application/x-ndjson, ndjson, jsonl, jsonlines, x-jsonlines and stream+json:
//     a line, blank ones left out; application/json-seq (RFC 7464) and any type
//     that ends in +json-seq: a record.
//   - any other, or none: one event with the whole body, if it is not empty.
//
// An error is always the last thing yielded, with a zero Event:
//
//   - the call's own error, such as an [*APIError];
//   - a [*StreamError] for a server-sent event named error;
//   - io.ErrUnexpectedEOF, by errors.Is, where the stream breaks off, between two
//     events or within one, or lacks the event that [RequireEvent] demands;
//   - os.ErrDeadlineExceeded, by errors.Is, where the server is silent for too
//     long; see [IdleTimeout];
//   - the context's error and its cause, by errors.Is, when it has ended.
//
// Without an error the server, or a proxy before it, has ended the stream in order.
// Only RequireEvent can tell whether it was whole. An event may have 16 MiB; the
// stream itself has no end.
//
// The loop closes the response's body, however it ends. A stream can be ranged
// over once, and must be, or the body stays open; a second time yields an error.
func Stream(rsp *http.Response, err error) iter.Seq2[Event, error] {
	var ranged atomic.Bool
	return func(yield func(Event, error) bool) {
		next, err := begin(&ranged, rsp, err)
		if err == nil {
			defer closeBody(rsp.Body)
			err = readEvents(rsp, next, yield)
		}
		if err != nil {
			yield(Event{}, err)
		}
	}
}

func begin(ranged *atomic.Bool, rsp *http.Response, err error) (next func(*Event) error, _ error) {
	if ranged.Swap(true) {
		return nil, failf("the stream has been read already; make the call again for another one")
	}
	if err != nil {
		return nil, named(err)
	}
	return openStream(rsp)
}

// readEvents yields events until there are no more, or the caller wants no more.
func readEvents(rsp *http.Response, next func(*Event) error, yield func(Event, error) bool) error {
	ctx, required := callOf(rsp)
	var event Event // within the loop it would be allocated for every event
	for {
		event = Event{}
		if err := next(&event); err != nil {
			return endOfStream(ctx, required, err)
		}
		if !yield(event, nil) || required != nil && slices.Contains(required, event.Type) {
			return nil
		}
	}
}

// endOfStream is nil where the stream ended as it should.
func endOfStream(ctx context.Context, required []string, err error) error {
	switch {
	case err != io.EOF:
		return brokenOff(ctx, err)
	case required != nil:
		return lacksEvent(required)
	}
	return nil
}

func lacksEvent(required []string) error {
	return &failure{
		text:   "the stream ended without an event of type " + strings.Join(required, " or "),
		causes: []error{io.ErrUnexpectedEOF},
	}
}

// openStream returns the function that reads the next event, and io.EOF after the
// last. When it fails it has closed the body.
func openStream(rsp *http.Response) (func(*Event) error, error) {
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
	r := bufio.NewReader(unlimited(rsp.Body))
	mediaType, _, _ := mime.ParseMediaType(rsp.Header.Get("Content-Type"))
	switch mediaType {
	case "text/event-stream":
		return newEventReader(r).next, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
		"application/x-jsonlines", "application/stream+json":
		return newRecordReader(r, "\n").next, nil
	}
	if mediaType == "application/json-seq" || strings.HasSuffix(mediaType, "+json-seq") {
		return newRecordReader(r, "\x1e").next, nil
	}
	return func(event *Event) error { return wholeBody(r, event) }, nil
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
	return rsp.Request.Context(), settings{}.of(rsp.Request).requiredEvents
}
