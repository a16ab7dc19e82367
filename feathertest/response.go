package feathertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/internal/oapi"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// checked is a handler of the test, with what it sends held against the document.
func (s *Server) checked(handler http.Handler, route *routers.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		copied := &copiedResponse{ResponseWriter: w, operation: route.Operation, statusCode: http.StatusOK}
		handler.ServeHTTP(copied, r)
		reason := refused(r, route, copied.statusCode, copied.Header(), copied.body.Bytes(), copied.events)
		if reason != "" {
			s.t.Errorf("feathertest: the handler of %s %s sent what the document does not allow: %s",
				route.Method, route.Path, reason)
		}
	})
}

// copiedResponse passes a response on at once, and keeps a copy of JSON, or of a stream of it.
type copiedResponse struct {
	http.ResponseWriter
	operation  *openapi3.Operation
	statusCode int
	written    bool
	body       bytes.Buffer
}

// Flush is for handlers that ask for an http.Flusher.
func (c *copiedResponse) Flush() { _ = http.NewResponseController(c.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (c *copiedResponse) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *copiedResponse) WriteHeader(statusCode int) {
	if !c.written && statusCode >= 200 {
		c.statusCode, c.written = statusCode, true
	}
	c.ResponseWriter.WriteHeader(statusCode)
}

func (c *copiedResponse) Write(p []byte) (int, error) {
	c.written = true
	if isJSON(c.Header().Get("Content-Type")) || streamSchema(c.operation, c.statusCode, c.Header()) != nil {
		c.body.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// events are those of a stream.
func (c *copiedResponse) events() (events []feather.Event) {
	rsp := &http.Response{StatusCode: c.statusCode, Header: c.Header(), Body: io.NopCloser(bytes.NewReader(c.body.Bytes()))}
	for event, err := range feather.Stream(rsp, nil) {
		if err == nil {
			events = append(events, event)
		}
	}
	return events
}

// isJSON tells one text of JSON from a stream of them.
func isJSON(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType != "application/stream+json" &&
		(strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json"))
}

// checkScript holds a scripted reply against the document, unless nothing of it is sent or it
// means to lie.
func (s *Server) checkScript(r Reply, req *http.Request, route *routers.Route) {
	if r.unchecked || r.status == 0 && r.end != whole && len(r.events) == 0 {
		return
	}
	statusCode, header := cmp.Or(r.status, http.StatusOK), r.header.Clone()
	if r.status == 0 {
		setDefault(header, "Content-Type", "text/event-stream; charset=utf-8")
	} else {
		setDefault(header, "Content-Type", "application/json")
	}
	reason := refused(req, route, statusCode, header, r.body, func() []feather.Event { return r.events })
	if reason != "" {
		s.t.Errorf("feathertest: the reply for %s %s is one that the document does not allow (see Unchecked): %s",
			route.Method, route.Path, reason)
	}
}

// refused says why the document does not allow a response, and where. events returns those of a
// stream.
func refused(r *http.Request, route *routers.Route, statusCode int, header http.Header, body []byte,
	events func() []feather.Event) string {
	if !oapi.IsSuccess(statusCode) {
		return ""
	}
	if schema := streamSchema(route.Operation, statusCode, header); schema != nil {
		return refusedEvents(schema, events())
	}
	declared, contentType := route.Operation.Responses.Status(statusCode), header.Get("Content-Type")
	if declared != nil && !isJSON(contentType) && declared.Value.Content.Get(contentType) != nil {
		return "" // a declared type that is not JSON, such as a stream
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 statusCode,
		Header:                 header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{
			IncludeResponseStatus:   true,
			MultiError:              true,
			SchemaValidationOptions: schemaOptions,
		},
	})
	if err == nil {
		return ""
	}
	return inPlaces(bodyLoc, err)
}

// streamSchema is what the document says of the data in a stream's events, or nil.
func streamSchema(operation *openapi3.Operation, statusCode int, header http.Header) *openapi3.Schema {
	declared, contentType := operation.Responses.Status(statusCode), header.Get("Content-Type")
	if declared == nil || isJSON(contentType) {
		return nil
	}
	if media := declared.Value.Content.Get(contentType); media != nil && media.Schema != nil &&
		media.Schema.Value != nil && isStream(contentType) {
		return media.Schema.Value
	}
	return nil
}

// isStream is true of the streams whose events can be checked one by one.
func isStream(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType == "text/event-stream" || oapi.IsLines(mediaType)
}

// refusedEvents says which event has data that the document does not allow.
func refusedEvents(schema *openapi3.Schema, events []feather.Event) string {
	for i, event := range events {
		loc := []feather.LocationPart{{Name: "events"}, {Index: i}, {Name: "data"}}
		var value any
		err := json.Unmarshal([]byte(event.Data), &value)
		if err == nil {
			err = schema.VisitJSON(value, schemaOptions...)
		}
		if err != nil {
			return inPlaces(loc, err)
		}
	}
	return ""
}

func inPlaces(loc []feather.LocationPart, err error) string {
	var places []string
	for _, wrong := range leaves(err) {
		for _, e := range describeSchema(loc, wrong) {
			places = append(places, feather.ValidationError{Loc: e.Loc}.Path()+": "+e.Msg)
		}
	}
	if len(places) == 0 {
		return feather.ValidationError{Loc: loc}.Path() + ": " + err.Error()
	}
	return strings.Join(places, "; ")
}
