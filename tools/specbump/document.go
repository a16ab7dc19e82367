package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A document is what encoding/json makes of it, with json.Number for numbers. It is
// written with its keys sorted: a document in another order changes nothing.
type object = map[string]any

// parseDocument reads JSON or YAML.
func parseDocument(content []byte) (object, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		var root yaml.Node
		var decoded any
		err := yaml.Unmarshal(content, &root)
		if err == nil {
			keepText(&root)
			err = root.Decode(&decoded)
		}
		if err == nil {
			content, err = json.Marshal(decoded)
		}
		if err != nil {
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var document object
	err := decoder.Decode(&document)
	if _, rest := decoder.Token(); err == nil && rest != io.EOF {
		err = errors.New("there is more after the document")
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		err = fmt.Errorf("at byte %d: %w", syntax.Offset, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return document, nil
}

// keepText leaves keys and dates the texts that they are in JSON.
func keepText(node *yaml.Node) {
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 0 && child.Tag != "!!merge"
		if child.Kind == yaml.ScalarNode && (isKey || child.Tag == "!!timestamp") {
			child.Tag = "!!str"
		}
		keepText(child)
	}
}

// get follows keys from node, and returns nil where one is missing.
func get(node any, keys ...string) any {
	for _, key := range keys {
		members, _ := node.(object)
		node = members[key]
	}
	return node
}

func objectAt(node any, keys ...string) object {
	members, _ := get(node, keys...).(object)
	return members
}

func listAt(node any, keys ...string) []any {
	list, _ := get(node, keys...).([]any)
	return list
}

func textAt(node any, keys ...string) string {
	switch value := get(node, keys...).(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// sorted yields the members of an object by their keys; of anything else, nothing.
func sorted(node any) iter.Seq2[string, any] {
	members, _ := node.(object)
	return func(yield func(string, any) bool) {
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if !yield(key, members[key]) {
				return
			}
		}
	}
}

// mapsOfNames are the keys whose members are named by the document's author, who may use any
// keyword. Literals hold values, in which a $ref is only a member.
var (
	mapsOfNames = []string{
		"properties", "patternProperties", "schemas", "$defs", "paths", "responses", "headers", "requestBodies",
	}
	literals = []string{"example", "examples", "default", "enum", "const"}
)

// eachObject visits an object and those within it, but for maps of names and literals.
func eachObject(node any, visit func(object)) {
	walk(node, "$", func(_ string, o object) { visit(o) })
}

// walk is eachObject, and says where each object is.
func walk(node any, at string, visit func(at string, o object)) {
	if members, ok := node.(object); ok {
		visit(at, members)
	}
	for key, child := range sorted(node) {
		switch named := objectAt(child); {
		case slices.Contains(mapsOfNames, key) && named != nil:
			for name, member := range sorted(named) {
				walk(member, at+step(key)+step(name), visit)
			}
		case !slices.Contains(literals, key):
			walk(child, at+step(key), visit)
		}
	}
	list, _ := node.([]any)
	for i, child := range list {
		walk(child, fmt.Sprintf("%s[%d]", at, i), visit)
	}
}

var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

// operation is one of a document. Its key is METHOD /path.
type operation struct {
	object
	path, method string
}

func (o operation) key() string { return strings.ToUpper(o.method) + " " + o.path }
func (o operation) at() string  { return jsonPath("paths", o.path, o.method) }
func (o operation) id() string  { return textAt(o.object, "operationId") }

var inBraces = regexp.MustCompile(`\{([^}]*)\}`)

// place is the method and the path without the names of its parameters.
func (o operation) place() string { return o.method + inBraces.ReplaceAllString(o.path, "{}") }

func (o operation) tags() []string {
	var tags []string
	for _, tag := range listAt(o.object, "tags") {
		tags = append(tags, fmt.Sprint(tag))
	}
	return tags
}

// firstTag is what lists group by.
func (o operation) firstTag() string { return append(o.tags(), "untagged")[0] }

// operations yields those of a document by their keys.
func operations(document object) iter.Seq2[string, operation] {
	return func(yield func(string, operation) bool) {
		for path, item := range sorted(document["paths"]) {
			for _, method := range methods {
				if found := objectAt(item, method); found != nil {
					if o := (operation{found, path, method}); !yield(o.key(), o) {
						return
					}
				}
			}
		}
	}
}

func schemasOf(document object) object { return objectAt(document, "components", "schemas") }

const schemaRef = "#/components/schemas/"

// schemaKey is the key of the schema that a reference leads to.
func schemaKey(ref any) (string, bool) {
	text, _ := ref.(string)
	key, ok := strings.CutPrefix(text, schemaRef)
	return unescaped(key), ok
}

func unescaped(key string) string {
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
}

// jsonPath writes a place as the overlay's targets are written.
func jsonPath(keys ...string) string {
	path := "$"
	for _, key := range keys {
		path += step(key)
	}
	return path
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// keywords cannot follow a dot in the JSONPath of the library.
var keywords = []string{"value", "count", "length", "match", "search", "null", "true", "false"}

func step(key string) string {
	if plainName.MatchString(key) && !slices.Contains(keywords, key) {
		return "." + key
	}
	return fmt.Sprintf("[%q]", key)
}

// encodeJSON writes a document as openapi.json has it.
func encodeJSON(document any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(document)
	return b.Bytes()
}

// writeFile writes aside and renames, so that no file is ever half written. It leaves a file
// alone that has the content already.
func writeFile(name string, content []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.Write(content)
	if err = errors.Join(err, aside.Chmod(0o644), aside.Close()); err != nil {
		return err
	}
	return os.Rename(aside.Name(), name)
}
