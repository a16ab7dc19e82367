package feathertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/featherhq/feather-go"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"
)

// problem is what a request has wrong, as FastAPI says it.
type problem struct {
	statusCode int
	detail     any
}

// entry is one part of a request that is wrong, as Pydantic says it.
type entry struct {
	Type  string                 `json:"type"`
	Loc   []feather.LocationPart `json:"loc"`
	Msg   string                 `json:"msg"`
	Input any                    `json:"input"`
	Ctx   map[string]any         `json:"ctx,omitempty"`
}

var schemaOptions = []openapi3.SchemaValidationOption{
	openapi3.SetSchemaRegexCompiler(compilePattern),
	openapi3.EnableFormatValidation(),
	openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate)),
}

var bodyLoc = []feather.LocationPart{{Name: "body"}}

// check returns nil for a request that the document allows.
func check(r *http.Request, body []byte, route *routers.Route, params map[string]string) *problem {
	err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request:    asJSON(r, body, route.Operation),
		PathParams: params,
		Route:      route,
		Options: &openapi3filter.Options{
			MultiError:                 true,
			AuthenticationFunc:         authenticate,
			ExcludeReadOnlyValidations: true, // FastAPI takes such a member, and passes it over.
			SchemaValidationOptions:    schemaOptions,
		},
	})
	if _, ok := errors.AsType[*openapi3filter.SecurityRequirementsError](err); ok {
		return &problem{http.StatusUnauthorized, "Not authenticated"}
	}
	if wantsJSON(r, route.Operation) && len(body) > 0 {
		if !utf8.Valid(body) {
			return &problem{http.StatusBadRequest, "There was an error parsing the body"}
		}
		if err == nil && !json.Valid(bytes.TrimPrefix(body, byteOrderMark)) {
			return &problem{http.StatusUnprocessableEntity, []entry{invalidJSON("extra data")}}
		}
	}
	if err == nil {
		return nil
	}
	var entries []entry
	for _, err := range each(err) {
		entries = append(entries, describe(err)...)
	}
	if len(entries) == 0 {
		entries = []entry{{Type: "value_error", Loc: bodyLoc, Msg: "Value error, " + err.Error()}}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(fmt.Sprint(a.Loc), fmt.Sprint(b.Loc)) })
	return &problem{http.StatusUnprocessableEntity, entries}
}

var byteOrderMark = []byte("\ufeff")

// wantsJSON is true of a body that FastAPI reads as JSON: one without a media type, or of any
// JSON's, for an operation that takes JSON.
func wantsJSON(r *http.Request, operation *openapi3.Operation) bool {
	contentType := r.Header.Get("Content-Type")
	return operation.RequestBody != nil && operation.RequestBody.Value.Content["application/json"] != nil &&
		(contentType == "" || isJSON(contentType))
}

// asJSON is the request with the media type that the document has for such a body, and
// without a byte order mark.
func asJSON(r *http.Request, body []byte, operation *openapi3.Operation) *http.Request {
	if !wantsJSON(r, operation) {
		return r
	}
	plain := r.Clone(r.Context())
	plain.Header.Set("Content-Type", "application/json")
	plain.Body = io.NopCloser(bytes.NewReader(bytes.TrimPrefix(body, byteOrderMark)))
	return plain
}

func writeRouteError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, routers.ErrPathNotFound):
		writeProblem(w, http.StatusNotFound, "Not Found")
	case errors.Is(err, routers.ErrMethodNotAllowed):
		writeProblem(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	default:
		writeProblem(w, http.StatusNotImplemented, err.Error())
	}
}

// authenticate asks for some credential where the scheme wants one.
func authenticate(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	r, scheme := input.RequestValidationInput.Request, input.SecurityScheme
	credential := r.Header.Get("Authorization")
	if scheme.Type == "apiKey" {
		switch scheme.In {
		case "header":
			credential = r.Header.Get(scheme.Name)
		case "query":
			credential = r.URL.Query().Get(scheme.Name)
		case "cookie":
			if cookie, err := r.Cookie(scheme.Name); err == nil {
				credential = cookie.Value
			}
		}
	}
	if credential == "" {
		return errors.New("no credential")
	}
	return nil
}

func each(err error) []error {
	if several, ok := err.(openapi3.MultiError); ok {
		return several
	}
	return []error{err}
}

// describe turns an error of the checks into entries.
func describe(err error) []entry {
	loc := bodyLoc
	requestErr, ok := errors.AsType[*openapi3filter.RequestError](err)
	if !ok {
		return []entry{{Type: "value_error", Loc: loc, Msg: err.Error()}}
	}
	inBody := requestErr.Parameter == nil
	if !inBody {
		loc = []feather.LocationPart{{Name: requestErr.Parameter.In}, {Name: requestErr.Parameter.Name}}
	}
	if schemaErrs := leaves(requestErr.Err); len(schemaErrs) > 0 {
		var entries []entry
		for _, schemaErr := range schemaErrs {
			entries = append(entries, describeSchema(loc, schemaErr)...)
		}
		return entries
	}
	if errors.Is(requestErr.Err, openapi3filter.ErrInvalidRequired) {
		return []entry{{Type: "missing", Loc: loc, Msg: "Field required"}}
	}
	if inBody && requestErr.Err == nil { // the media type
		return []entry{{Type: "model_attributes_type", Loc: loc, Msg: wanted["object"].msg}}
	}
	if inBody {
		return []entry{invalidJSON(requestErr.Err.Error())}
	}
	return []entry{{Type: "value_error", Loc: loc, Msg: "Value error, " + requestErr.Error()}}
}

// leaves finds the innermost errors, those that name what is wrong.
func leaves(err error) []*openapi3.SchemaError {
	if several, ok := errors.AsType[openapi3.MultiError](err); ok {
		var found []*openapi3.SchemaError
		for _, err := range several {
			found = append(found, leaves(err)...)
		}
		return found
	}
	if leaf, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		return []*openapi3.SchemaError{leaf}
	}
	return nil
}

// wanted has Pydantic's words for a value of the wrong type.
var wanted = map[string]struct{ name, msg string }{
	"string":  {"string_type", "Input should be a valid string"},
	"integer": {"int_type", "Input should be a valid integer"},
	"number":  {"float_type", "Input should be a valid number"},
	"boolean": {"bool_type", "Input should be a valid boolean"},
	"array":   {"list_type", "Input should be a valid list"},
	"object":  {"model_attributes_type", "Input should be a valid dictionary or object to extract fields from"},
}

// describeSchema has Pydantic's words for the keywords that its models use most.
func describeSchema(where []feather.LocationPart, err *openapi3.SchemaError) []entry {
	loc := slices.Clone(where)
	for _, step := range err.JSONPointer() {
		if index, err := strconv.Atoi(step); err == nil {
			loc = append(loc, feather.LocationPart{Index: index})
		} else {
			loc = append(loc, feather.LocationPart{Name: step})
		}
	}
	e := entry{Type: "value_error", Loc: loc, Msg: "Value error, " + err.Reason, Input: err.Value}
	schema := err.Schema
	if schema == nil {
		return []entry{e}
	}
	switch err.SchemaField {
	case "required":
		return missing(e, schema.Required)
	case "type", "nullable":
		if schema.Type.Is("null") {
			return nil // the other half of an optional value
		}
		for _, name := range schema.Type.Slice() {
			if want, ok := wanted[name]; ok {
				e.Type, e.Msg = want.name, want.msg
			}
		}
	case "minLength":
		e.Type, e.Msg = "string_too_short", "String should have at least "+characters(schema.MinLength)
		e.Ctx = map[string]any{"min_length": schema.MinLength}
	case "maxLength":
		e.Type, e.Msg = "string_too_long", "String should have at most "+characters(*schema.MaxLength)
		e.Ctx = map[string]any{"max_length": *schema.MaxLength}
	case "format":
		if schema.Format == "uuid" {
			e.Type, e.Msg = "uuid_parsing", "Input should be a valid UUID"
		}
	}
	return []entry{e}
}

// missing has an entry for each required member that is not there. The error may
// stand at the object, for all of them, or at one of them.
func missing(e entry, required []string) []entry {
	e.Type, e.Msg = "missing", "Field required"
	if slices.Contains(required, e.Loc[len(e.Loc)-1].Name) {
		return []entry{e}
	}
	members, _ := e.Input.(map[string]any)
	var entries []entry
	for _, name := range required {
		if _, ok := members[name]; !ok {
			absent := e
			absent.Loc = append(slices.Clone(e.Loc), feather.LocationPart{Name: name})
			entries = append(entries, absent)
		}
	}
	return entries
}

func invalidJSON(reason string) entry {
	return entry{
		Type: "json_invalid",
		Loc:  []feather.LocationPart{{Name: "body"}, {Index: 0}},
		Msg:  "JSON decode error",
		Ctx:  map[string]any{"error": reason},
	}
}

func characters(n uint64) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}
