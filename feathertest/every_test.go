package feathertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// TestEveryOperation calls each operation of the vendored document through the
// generated client, with arguments made from its schemas.
func TestEveryOperation(t *testing.T) {
	clientType := reflect.TypeFor[*feather.ClientWithResponses]()
	tested := map[string]bool{}
	for method := range clientType.Methods() {
		name, ok := strings.CutSuffix(method.Name, "WithResponse")
		if _, typed := clientType.MethodByName(strings.TrimSuffix(name, "WithBody") + "WithResponse"); !ok ||
			typed && strings.HasSuffix(name, "WithBody") {
			continue // The method with a typed body is tested.
		}
		t.Run(name, func(t *testing.T) {
			c := &operationCall{name: name}
			c.learnRoute(t)
			tested[c.route.Method+" "+c.route.Path] = true
			c.testSuccess(t)
			c.testErrors(t)
			c.testStream(t)
		})
	}
	if !t.Failed() && len(tested) != len(shipped().operations) {
		t.Errorf("%d operations tested, the document has %d", len(tested), len(shipped().operations))
	}
}

// operationCall calls one operation by reflection.
type operationCall struct {
	name  string // of the method without WithResponse
	route *routers.Route
}

// learnRoute makes a call with any arguments, which no server sees, to learn which
// operation of the document the method is for.
func (c *operationCall) learnRoute(t *testing.T) {
	t.Helper()
	var sent *http.Request
	middleware := func(http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			sent = req
			return nil, errors.New("learned")
		})
	}
	client, err := feather.New(feather.WithAPIKey("key"), feather.WithMiddleware(middleware))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.call(t, client, c.name, anyArgument, feather.MaxRetries(0)); sent == nil {
		t.Fatalf("no request: %v", err)
	}
	if c.route, _, err = shipped().find(sent); err != nil {
		t.Fatalf("%s %s: %v", sent.Method, sent.URL.Path, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// call calls a method with the context, arguments for the parameters in between, and
// an editor.
func (c *operationCall) call(t *testing.T, client *feather.ClientWithResponses, name string,
	argument func(i int, of reflect.Type) (reflect.Value, error),
	editor feather.RequestEditorFn) (reflect.Value, error) {
	t.Helper()
	method := reflect.ValueOf(client).MethodByName(name)
	args := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < method.Type().NumIn()-1; i++ {
		arg, err := argument(i-1, method.Type().In(i))
		if err != nil {
			t.Fatalf("argument %d: %v", i, err)
		}
		args = append(args, arg)
	}
	results := method.Call(append(args, reflect.ValueOf(editor)))
	err, _ := results[1].Interface().(error)
	return results[0], err
}

// anyArgument is 1 or a UUID, whichever the type takes.
func anyArgument(_ int, of reflect.Type) (reflect.Value, error) {
	arg := reflect.New(of)
	for _, text := range []string{"1", `["1"]`, `"` + formats["uuid"] + `"`, `"` + formats["date"] + `"`, `"` + formats["date-time"] + `"`} {
		if json.Unmarshal([]byte(text), arg.Interface()) == nil {
			break
		}
	}
	if of == reflect.TypeFor[io.Reader]() {
		arg.Elem().Set(reflect.ValueOf(strings.NewReader("")))
	}
	return withFiles(arg.Elem()), nil
}

// withFiles gives the files of a form their content.
func withFiles(form reflect.Value) reflect.Value {
	if form.Kind() == reflect.Struct {
		for _, field := range form.Fields() {
			if file, ok := field.Addr().Interface().(*feather.File); ok {
				file.Reader = strings.NewReader("x")
			}
		}
	}
	return form
}

// argument makes the argument from the document: path parameters come first, in the
// order of the path, then those of the query and the headers in one struct, then the
// body, or its media type and bytes.
func (c *operationCall) argument(i int, of reflect.Type) (reflect.Value, error) {
	arg := reflect.New(of)
	inPath := parameter.FindAllString(c.route.Path, -1)
	switch {
	case i < len(inPath):
		schema := c.parameters("path")[strings.Trim(inPath[i], "{}")]
		if list, ok := sample(schema).([]any); ok && len(list) == 0 {
			return arg.Elem(), set(arg, oneItem(schema))
		}
		return arg.Elem(), set(arg, sample(schema))
	case of.Kind() == reflect.Pointer && strings.HasSuffix(of.String(), "Params"):
		values := map[string]any{}
		for _, in := range []string{"query", "header", "cookie"} {
			for name, schema := range c.parameters(in) {
				values[name] = sample(schema)
				if list, ok := values[name].([]any); ok && len(list) == 0 {
					values[name] = oneItem(schema)
				}
			}
		}
		return arg.Elem(), set(arg, values)
	}
	content := c.route.Operation.RequestBody.Value.Content
	mediaType := slices.Min(slices.Collect(maps.Keys(content)))
	switch {
	case of.Kind() == reflect.String && c.isWithBody():
		return reflect.ValueOf(mediaType), nil
	case of == reflect.TypeFor[io.Reader]():
		arg.Elem().Set(reflect.ValueOf(strings.NewReader("")))
		return arg.Elem(), nil
	case c.sendsOther():
		return withFiles(arg.Elem()), nil
	}
	return arg.Elem(), set(arg, sample(content["application/json"].Schema))
}

func (c *operationCall) isWithBody() bool { return strings.HasSuffix(c.name, "WithBody") }

var withOtherBody = regexp.MustCompile(`With\w*Body$`)

// sendsOther is true of a method whose body is not made from a schema of JSON.
func (c *operationCall) sendsOther() bool {
	body := c.route.Operation.RequestBody
	return body != nil && (withOtherBody.MatchString(c.name) || body.Value.Content["application/json"] == nil)
}

func (c *operationCall) parameters(in string) map[string]*openapi3.SchemaRef {
	found := map[string]*openapi3.SchemaRef{}
	for _, p := range slices.Concat(c.route.PathItem.Parameters, c.route.Operation.Parameters) {
		if p.Value.In == in {
			found[p.Value.Name] = p.Value.Schema
		}
	}
	return found
}

// oneItem makes a list that has to be sent.
func oneItem(ref *openapi3.SchemaRef) []any {
	for _, variant := range append(openapi3.SchemaRefs{ref}, ref.Value.AnyOf...) {
		if variant.Value.Items != nil {
			return []any{sample(variant.Value.Items)}
		}
	}
	return nil
}

// set makes a Go value of a JSON value.
func set(pointer reflect.Value, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, pointer.Interface()); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// testSuccess: the server finds nothing wrong with the request, and what it responds
// arrives in the field for it.
func (c *operationCall) testSuccess(t *testing.T) {
	t.Helper()
	if c.sendsOther() || c.route.Method == http.MethodHead {
		return // The bytes of such a body are not made from a schema.
	}
	server := newServer(t, shipped(), nil)
	defer server.Close()
	rsp, err := c.call(t, server.Client(), c.name+"WithResponse", c.argument, feather.MaxRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	statusCode, content := declaredSuccess(c.route.Operation)
	if media := content["application/json"]; media == nil || media.Schema == nil {
		return
	}
	for _, name := range []string{fmt.Sprintf("JSON%d", statusCode), fmt.Sprintf("JSON%dXX", statusCode/100), "JSONDefault"} {
		if field := rsp.Elem().FieldByName(name); field.IsValid() && !field.IsNil() {
			return
		}
	}
	t.Errorf("the field of a %d is nil or missing: %s", statusCode, rsp.Elem().FieldByName("Body").Bytes())
}

// testErrors: a response outside 2xx, declared or not, is an *APIError.
func (c *operationCall) testErrors(t *testing.T) {
	t.Helper()
	for _, tt := range []struct {
		statusCode  int
		contentType string
		body        string
	}{
		{401, "application/json", `{"error": "authentication_required", "message": "Log in"}`},
		{409, "application/json", `{"detail": {"any": ["shape"]}}`},
		{422, "application/json", `{"detail": [{"loc": ["body", 0], "msg": "wrong", "type": "value_error"}]}`},
		{429, "application/json", `{"error": "rate_limited", "message": "Slow down"}`},
		{502, "text/html", `<h1>Bad Gateway</h1>`},
	} {
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: tt.statusCode,
				Header:     http.Header{"Content-Type": {tt.contentType}},
				Body:       io.NopCloser(strings.NewReader(tt.body)),
				Request:    req,
			}, nil
		})
		client, err := feather.New(feather.WithAPIKey("key"),
			feather.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.call(t, client, c.name+"WithResponse", c.argument, feather.MaxRetries(0))
		if apiErr, ok := errors.AsType[*feather.APIError](err); !ok || apiErr.StatusCode != tt.statusCode {
			t.Errorf("%d: %v", tt.statusCode, err)
		}
	}
}

// testStream: an operation streams where its success declares no content.
func (c *operationCall) testStream(t *testing.T) {
	t.Helper()
	statusCode, content := declaredSuccess(c.route.Operation)
	if len(content) > 0 || statusCode != http.StatusOK || c.sendsOther() || c.route.Method == http.MethodHead {
		return
	}
	server := newServer(t, shipped(), nil)
	defer server.Close()
	rsp, err := c.call(t, server.Client(), c.name, c.argument, feather.MaxRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for _, err := range feather.Stream(rsp.Interface().(*http.Response), nil) {
		if err != nil {
			t.Fatal(err)
		}
		events++
	}
	if events != len(shortReply) {
		t.Errorf("%d events", events)
	}
}
