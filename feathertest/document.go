package feathertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/featherhq/feather-go"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// document is an OpenAPI document. It reads an operation when a request first asks
// for it: reading the whole of a large document takes longer than most tests.
type document struct {
	source struct {
		OpenAPI    string                     `json:"openapi"`
		Info       json.RawMessage            `json:"info"`
		Security   json.RawMessage            `json:"security,omitempty"`
		Paths      map[string]json.RawMessage `json:"paths"`
		Components map[string]json.RawMessage `json:"components,omitempty"`
	}
	components map[string]map[string]json.RawMessage // by kind and name

	// operations maps an operation without the names of its parameters, such as
	// GET /v1/things/{}, to the operation as the document has it.
	operations map[string]string
	routers    map[string]routers.Router // by method

	mu     sync.Mutex
	routes map[string]*routers.Route // by operation, as read so far
}

// vendored is the client's own document.
var vendored = sync.OnceValue(func() *document {
	d, err := readDocument(feather.Spec())
	if err != nil { // The package ships the document.
		panic(fmt.Sprintf("feathertest: reading the OpenAPI document: %v", err))
	}
	return d
})

func readDocument(spec []byte) (*document, error) {
	d := &document{
		components: map[string]map[string]json.RawMessage{},
		operations: map[string]string{},
		routers:    map[string]routers.Router{},
		routes:     map[string]*routers.Route{},
	}
	if err := json.Unmarshal(spec, &d.source); err != nil {
		return nil, err
	}
	for kind, components := range d.source.Components {
		var named map[string]json.RawMessage
		if json.Unmarshal(components, &named) == nil { // else it is an extension
			d.components[kind] = named
		}
	}
	return d, d.readPaths()
}

// readPaths makes a router for each method: one for all would take the first path
// that fits for the only one.
func (d *document) readPaths() error {
	paths := map[string]*openapi3.Paths{}
	for path, source := range d.source.Paths {
		var item map[string]json.RawMessage
		if !strings.HasPrefix(path, "/") || json.Unmarshal(source, &item) != nil {
			continue // an extension
		}
		for key := range item {
			method := strings.ToUpper(key)
			if !slices.Contains(methods, method) {
				continue
			}
			if paths[method] == nil {
				paths[method] = openapi3.NewPaths()
			}
			named := &openapi3.PathItem{}
			named.SetOperation(method, &openapi3.Operation{})
			paths[method].Set(path, named)
			d.operations[method+" "+withoutNames(path)] = method + " " + path
		}
	}
	for method, paths := range paths {
		router, err := gorillamux.NewRouter(&openapi3.T{Paths: paths})
		if err != nil {
			return err
		}
		d.routers[method] = router
	}
	return nil
}

var methods = []string{"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func withoutNames(path string) string { return parameter.ReplaceAllString(path, "{}") }

// find returns the operation that a request is for, and its path parameters.
func (d *document) find(r *http.Request) (*routers.Route, map[string]string, error) {
	router, ok := d.routers[r.Method]
	if ok {
		if found, params, err := router.FindRoute(r); err == nil {
			route, err := d.route(found.Method, found.Path)
			return route, params, err
		}
	}
	for method, router := range d.routers {
		other := r.Clone(r.Context())
		other.Method = method
		if _, _, err := router.FindRoute(other); err == nil {
			return nil, nil, routers.ErrMethodNotAllowed
		}
	}
	return nil, nil, routers.ErrPathNotFound
}

// route reads one operation, with the components that it needs.
func (d *document) route(method, path string) (*routers.Route, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if route, ok := d.routes[method+" "+path]; ok {
		return route, nil
	}
	slice := d.source
	slice.Paths = map[string]json.RawMessage{path: withEventSchemas(d.source.Paths[path])}
	slice.Components = d.needed(d.source.Paths[path])
	text, err := json.Marshal(slice)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("the OpenAPI document, at %s %s: %w", method, path, err)
	}
	item := doc.Paths.Value(path)
	route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)}
	d.routes[method+" "+path] = route
	return route, nil
}

// withEventSchemas gives the streams of a path the schema of their events' data or of their
// lines, which the itemSchema of OpenAPI 3.2 says and kin-openapi does not read.
func withEventSchemas(path json.RawMessage) json.RawMessage {
	if !bytes.Contains(path, []byte(`"itemSchema"`)) {
		return path
	}
	var item map[string]any
	if json.Unmarshal(path, &item) != nil {
		return path
	}
	for _, operation := range item {
		for _, response := range members(member(operation, "responses")) {
			for _, media := range members(member(response, "content")) {
				item := member(media, "itemSchema")
				if data := member(item, "properties", "data"); data != nil { // of a server-sent event
					item = member(data, "contentSchema")
				}
				if item != nil {
					members(media)["schema"] = item
				}
			}
		}
	}
	changed, _ := json.Marshal(item) // made of valid JSON
	return changed
}

func members(node any) map[string]any {
	found, _ := node.(map[string]any)
	return found
}

func member(node any, names ...string) any {
	for _, name := range names {
		node = members(node)[name]
	}
	return node
}

var componentRef = regexp.MustCompile(`"#/components/([^/"]+)/([^/"]+)`)

// needed returns the components that a part of the document refers to, and those
// that these refer to in turn. Security schemes have names instead of references.
func (d *document) needed(part json.RawMessage) map[string]json.RawMessage {
	found := map[string]map[string]json.RawMessage{"securitySchemes": d.components["securitySchemes"]}
	for parts := []json.RawMessage{part}; len(parts) > 0; {
		part, parts = parts[0], parts[1:]
		for _, ref := range componentRef.FindAllSubmatch(part, -1) {
			kind, name := string(ref[1]), unescape(string(ref[2]))
			component, ok := d.components[kind][name]
			if _, known := found[kind][name]; known || !ok {
				continue
			}
			if found[kind] == nil {
				found[kind] = map[string]json.RawMessage{}
			}
			found[kind][name] = component
			parts = append(parts, component)
		}
	}
	encoded := map[string]json.RawMessage{}
	for kind := range maps.Keys(found) {
		encoded[kind], _ = json.Marshal(found[kind]) // made of valid JSON
	}
	return encoded
}

// unescape undoes the escapes of a JSON pointer (RFC 6901).
func unescape(step string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(step) }
