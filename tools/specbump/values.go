package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// keepValues lets an optional list or map be left out only where it is nil, as an empty one
// says something, and marks a required one that may be null.
func keepValues(schema *yaml.Node) {
	for name, property := range sorted(get(schema, "properties")) {
		if property.Kind != yaml.MappingNode || !isContainer(property) {
			continue
		}
		isRequired := slices.ContainsFunc(items(get(schema, "required")), func(n *yaml.Node) bool { return n.Value == name })
		switch {
		case !isRequired:
			set(property, "x-omitempty", boolean(false))
			set(property, "x-omitzero", boolean(true))
		case mayBeNull(property):
			tags := mapping()
			set(tags, "nullable", text("true"))
			set(property, "x-oapi-codegen-extra-tags", tags)
		}
	}
}

// isContainer is true of what becomes a slice or a map.
func isContainer(schema *yaml.Node) bool {
	if parts := slices.Concat(items(get(schema, "anyOf")), items(get(schema, "oneOf"))); len(parts) > 0 {
		parts = slices.DeleteFunc(parts, isNullType)
		return len(parts) == 1 && isContainer(parts[0])
	}
	types := append(items(get(schema, "type")), text(getText(schema, "type")))
	return slices.ContainsFunc(types, func(n *yaml.Node) bool {
		return n.Value == "array" || n.Value == "object" && !isFilled(get(schema, "properties"))
	})
}

func mayBeNull(schema *yaml.Node) bool {
	parts := slices.Concat(items(get(schema, "anyOf")), items(get(schema, "oneOf")), items(get(schema, "type")))
	return slices.ContainsFunc(parts, isNullType)
}

func isNullType(n *yaml.Node) bool { return n.Value == "null" || getText(n, "type") == "null" }

func boolean(value bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(value)}
}

// nameValues gives each value of an enum its own constant, where the generator would number
// them: a number goes to another value as soon as one is inserted. x-enum-names of the overlay
// maps values to names.
func nameValues(schema *yaml.Node) {
	values := enumValues(schema)
	chosen := get(schema, "x-enum-names")
	remove(schema, "x-enum-names")
	users := map[string]int{}
	for _, value := range values {
		users[constantName(value.Value)]++
	}
	names := sequence()
	isChanged := chosen != nil
	for _, value := range values {
		name := constantName(value.Value)
		if own := getText(chosen, value.Value); own != "" {
			name = own
		} else if users[name] > 1 || !hasLetter(value.Value) {
			name, isChanged = spelled(value.Value), true
		}
		names.Content = append(names.Content, text(name))
	}
	if isChanged && getText(schema, "type") == "string" && get(schema, "x-enum-varnames") == nil {
		set(schema, "x-enum-varnames", names)
	}
}

func constantName(value string) string {
	return codegen.SanitizeGoIdentity(codegen.SchemaNameToTypeName(value))
}

func hasLetter(value string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

var symbols = map[rune]string{
	' ': "Space", '!': "Not", '"': "Quote", '#': "Hash", '$': "Dollar", '%': "Percent", '&': "And", '\'': "Apostrophe",
	'(': "Open", ')': "Close", '*': "Star", '+': "Plus", ',': "Comma", '-': "Minus", '.': "Dot", '/': "Slash",
	':': "Colon", ';': "Semicolon", '<': "Less", '=': "Equals", '>': "Greater", '?': "Question", '@': "At",
	'[': "OpenBracket", '\\': "Backslash", ']': "CloseBracket", '^': "Caret", '_': "Underscore", '`': "Backquote",
	'{': "OpenBrace", '|': "Or", '}': "CloseBrace", '~': "Tilde",
}

// spelled writes a value with words for its symbols. It does not depend on the other values.
func spelled(value string) string {
	if value == "" {
		return "Empty"
	}
	var name strings.Builder
	isStart := true
	for _, r := range value {
		isWord := unicode.IsLetter(r) || unicode.IsDigit(r)
		if isStart {
			r = unicode.ToUpper(r)
		}
		isStart = !isWord
		switch {
		case isWord:
			name.WriteRune(r)
		case symbols[r] != "":
			name.WriteString(symbols[r])
		default:
			fmt.Fprintf(&name, "U%04X", r)
		}
	}
	return name.String()
}

// generatedConstants reads the values of the generated constants.
func generatedConstants(dir string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(dir, "feather.gen.go"))
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), "feather.gen.go", content, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				values[spec.Names[0].Name] = literal.Value
			}
		}
		return true
	})
	return values, nil
}

// checkConstants refuses a document in which a constant would mean another value.
func checkConstants(before, after map[string]string) error {
	for name, value := range before {
		if now, ok := after[name]; ok && now != value {
			return fmt.Errorf("the constant %s would change from %s to %s; name the values of its enum:\n%s", name, value, now,
				advice("$.components.schemas.NAME", fmt.Sprintf("x-enum-names: {%s: NAME, %s: NAME2}", value, now)))
		}
	}
	return nil
}
