package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A document is a tree of yaml.Nodes that JSON can hold: mappings with texts for
// keys, sequences and scalars, without aliases, with its keys in their order.

// maxNodes is far above any OpenAPI document, and stops aliases that multiply.
const maxNodes = 5_000_000

// parseDocument reads JSON or YAML.
func parseDocument(content []byte) (*yaml.Node, error) {
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		return parseJSON(content)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root, rest yaml.Node
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("reading YAML: %w", err)
	}
	if decoder.Decode(&rest) != io.EOF {
		return nil, errors.New("reading YAML: there is more than one document")
	}
	count := 0
	return plain(&root, &count)
}

func parseJSON(content []byte) (*yaml.Node, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	root, err := parseValue(decoder)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("reading JSON at byte %d of %d: %w", decoder.InputOffset(), len(content), err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("reading JSON: there is more after the document, at byte %d", decoder.InputOffset())
	}
	return root, nil
}

func parseValue(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch value := token.(type) {
	case json.Delim:
		return parseContainer(decoder, value)
	case string:
		return text(value), nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: value.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(value)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

func parseContainer(decoder *json.Decoder, open json.Delim) (*yaml.Node, error) {
	node := sequence()
	if open == '{' {
		node = mapping()
	}
	for decoder.More() {
		value, err := parseValue(decoder)
		if err != nil {
			return nil, err
		}
		if node.Kind == yaml.MappingNode {
			key := value.Value
			if value, err = parseValue(decoder); err != nil {
				return nil, err
			}
			if get(node, key) != nil {
				return nil, fmt.Errorf("the key %q appears twice", key)
			}
			set(node, key, value)
			continue
		}
		node.Content = append(node.Content, value)
	}
	_, err := decoder.Token()
	return node, err
}

// plain turns what YAML has beyond JSON into what JSON has.
func plain(node *yaml.Node, count *int) (*yaml.Node, error) {
	if *count++; *count > maxNodes {
		return nil, fmt.Errorf("reading YAML: the document has more than %d nodes", maxNodes)
	}
	switch node.Kind {
	case yaml.DocumentNode:
		return plain(node.Content[0], count)
	case yaml.AliasNode:
		return plain(node.Alias, count)
	case yaml.SequenceNode:
		made := sequence()
		for _, item := range node.Content {
			value, err := plain(item, count)
			if err != nil {
				return nil, err
			}
			made.Content = append(made.Content, value)
		}
		return made, nil
	case yaml.MappingNode:
		return plainMapping(node, count)
	}
	return plainScalar(node)
}

func plainMapping(node *yaml.Node, count *int) (*yaml.Node, error) {
	made := mapping()
	var merged []*yaml.Node // the values of <<, or lists of them
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("reading YAML: line %d: a key must be a text", key.Line)
		}
		value, err := plain(node.Content[i+1], count)
		if err != nil {
			return nil, err
		}
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if get(made, key.Value) != nil {
			return nil, fmt.Errorf("reading YAML: line %d: the key %q appears twice", key.Line, key.Value)
		}
		set(made, key.Value, value)
	}
	for _, value := range merged {
		for _, from := range append(items(value), value) {
			for key, value := range entries(from) {
				if get(made, key) == nil {
					set(made, key, value)
				}
			}
		}
	}
	return made, nil
}

func plainScalar(node *yaml.Node) (*yaml.Node, error) {
	switch node.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, fmt.Errorf("reading YAML: line %d: %w", node.Line, err)
		}
		literal, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("reading YAML: line %d: %w", node.Line, err)
		}
		if json.Valid([]byte(node.Value)) { // as it was written: 1.0, not 1
			literal = []byte(node.Value)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: node.Tag, Value: string(literal)}, nil
	}
	return text(node.Value), nil
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func mapping() *yaml.Node  { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
func sequence() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"} }

// entries yields the keys and values of a mapping, in order; of anything else,
// nil too, nothing.
func entries(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i < len(node.Content); i += 2 {
			if !yield(node.Content[i].Value, node.Content[i+1]) {
				return
			}
		}
	}
}

// sorted yields the entries of a mapping by their keys.
func sorted(node *yaml.Node) iter.Seq2[string, *yaml.Node] {
	values := map[string]*yaml.Node{}
	for key, value := range entries(node) {
		values[key] = value
	}
	return func(yield func(string, *yaml.Node) bool) {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if !yield(key, values[key]) {
				return
			}
		}
	}
}

// items are those of a list; anything else, nil too, has none.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return slices.Clip(node.Content)
}

// itemAt is the item with an index, as a JSON pointer has it, or nil.
func itemAt(node *yaml.Node, index string) *yaml.Node {
	if i, err := strconv.Atoi(index); err == nil && 0 <= i && i < len(items(node)) {
		return node.Content[i]
	}
	return nil
}

func isNull(node *yaml.Node) bool { return node.Tag == "!!null" }

func remove(node *yaml.Node, key string) {
	for i := 0; node != nil && i < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			node.Content = slices.Delete(slices.Clone(node.Content), i, i+2)
			return
		}
	}
}

func clone(node *yaml.Node) *yaml.Node {
	copied := *node
	copied.Content = make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		copied.Content[i] = clone(child)
	}
	return &copied
}

// get follows keys from node, and returns nil where one is missing.
func get(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var found *yaml.Node
		for name, value := range entries(node) {
			if name == key {
				found = value
			}
		}
		node = found
	}
	return node
}

func getText(node *yaml.Node, keys ...string) string {
	if found := get(node, keys...); found != nil && found.Kind == yaml.ScalarNode {
		return found.Value
	}
	return ""
}

// set adds a key that is not there yet.
func set(node *yaml.Node, key string, value *yaml.Node) {
	node.Content = append(node.Content, text(key), value)
}

// equal compares what two trees say; the order of keys says nothing.
func equal(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	var values [2]any
	for i, node := range []*yaml.Node{a, b} {
		decoder := json.NewDecoder(bytes.NewReader(encodeJSON(node)))
		decoder.UseNumber()
		_ = decoder.Decode(&values[i])
	}
	return reflect.DeepEqual(values[0], values[1])
}

// encodeJSON writes a document as openapi.json has it: keys in their order, two
// spaces of indent, a newline at the end.
func encodeJSON(node *yaml.Node) []byte {
	var compact, indented bytes.Buffer
	writeJSON(&compact, node)
	_ = json.Indent(&indented, compact.Bytes(), "", "  ")
	indented.WriteByte('\n')
	return indented.Bytes()
}

func writeJSON(b *bytes.Buffer, node *yaml.Node) {
	switch {
	case node.Kind == yaml.MappingNode:
		separator := "{"
		for key, value := range entries(node) {
			b.WriteString(separator)
			separator = ","
			writeText(b, key)
			b.WriteByte(':')
			writeJSON(b, value)
		}
		if separator == "{" {
			b.WriteByte('{')
		}
		b.WriteByte('}')
	case node.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range node.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	case node.Tag == "!!str":
		writeText(b, node.Value)
	default:
		b.WriteString(node.Value)
	}
}

func writeText(b *bytes.Buffer, s string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s)
	b.Truncate(b.Len() - 1) // the encoder's newline
}

func writeIfChanged(dir, name string, content []byte) error {
	name = filepath.Join(dir, name)
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return nil
	}
	return writeFile(name, content)
}

// writeFile writes aside and renames, so that no file is ever half written.
func writeFile(name string, content []byte) error {
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

// dotted is a key's place in a document, for people.
func dotted(keys []string) string { return strings.Join(keys, " → ") }
