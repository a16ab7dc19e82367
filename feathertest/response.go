package feathertest

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/internal/oapi"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// checked is a handler of the test, with what it sends held against the document.
func (s *Server) checked(handler http.Handler, route *routers.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		copied := &copiedResponse{ResponseWriter: w, statusCode: http.StatusOK}
		handler.ServeHTTP(copied, r)
		if reason := copied.refused(r, route); reason != "" {
			s.t.Errorf("feathertest: the handler of %s %s sent what the document does not allow: %s",
				route.Method, route.Path, reason)
		}
	})
}

// copiedResponse passes a response on at once, and keeps a copy of JSON.
type copiedResponse struct {
	http.ResponseWriter
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
	if isJSON(c.Header().Get("Content-Type")) {
		c.body.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// isJSON tells one text of JSON from a stream of them.
func isJSON(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType != "application/stream+json" &&
		(strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json"))
}

// refused says why the document does not allow the response, and where.
func (c *copiedResponse) refused(r *http.Request, route *routers.Route) string {
	if !oapi.IsSuccess(c.statusCode) {
		return ""
	}
	declared, contentType := route.Operation.Responses.Status(c.statusCode), c.Header().Get("Content-Type")
	if declared != nil && !isJSON(contentType) && declared.Value.Content.Get(contentType) != nil {
		return "" // a declared type that is not JSON, such as a stream
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 c.statusCode,
		Header:                 c.Header(),
		Body:                   io.NopCloser(&c.body),
		Options: &openapi3filter.Options{
			IncludeResponseStatus:   true,
			MultiError:              true,
			SchemaValidationOptions: schemaOptions,
		},
	})
	if err == nil {
		return ""
	}
	var places []string
	for _, wrong := range leaves(err) {
		for _, e := range describeSchema(bodyLoc, wrong) {
			places = append(places, feather.ValidationError{Loc: e.Loc}.Path()+": "+e.Msg)
		}
	}
	if len(places) == 0 {
		return err.Error()
	}
	return strings.Join(places, "; ")
}
