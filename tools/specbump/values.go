package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
)

// keepValues lets an optional list or map be left out only where it is nil, as an empty one
// says something, and marks a required one that may be null.
func keepValues(schema object) {
	required := listAt(schema, "required")
	for name, property := range sorted(schema["properties"]) {
		property := objectAt(property)
		switch {
		case !isContainer(property):
		case !slices.Contains(required, any(name)):
			property["x-omitempty"], property["x-omitzero"] = false, true
		case mayBeNull(property):
			property["x-oapi-codegen-extra-tags"] = object{"nullable": "true"}
		}
	}
}

// isContainer is true of what becomes a slice or a map.
func isContainer(schema object) bool {
	if parts := slices.Concat(listAt(schema, "anyOf"), listAt(schema, "oneOf")); len(parts) > 0 {
		parts = slices.DeleteFunc(parts, isNullType)
		return len(parts) == 1 && isContainer(objectAt(parts[0]))
	}
	types := append(listAt(schema, "type"), schema["type"])
	return slices.ContainsFunc(types, func(t any) bool {
		return t == "array" || t == "object" && len(objectAt(schema, "properties")) == 0
	})
}

func mayBeNull(schema object) bool {
	return slices.ContainsFunc(slices.Concat(listAt(schema, "anyOf"), listAt(schema, "oneOf"), listAt(schema, "type")),
		isNullType)
}

func isNullType(t any) bool { return t == "null" || textAt(t, "type") == "null" }

// enumValues are those of an enum, or the only one of a const.
func enumValues(schema any) []any {
	values := listAt(schema, "enum")
	if constant := get(schema, "const"); constant != nil {
		values = append(slices.Clip(values), constant)
	}
	return values
}

// nameValues gives each value of an enum its own constant, where the generator would number
// them: a number goes to another value as soon as one is inserted. x-enum-names of the overlay
// maps values to names.
func nameValues(schema object) {
	names, isChanged := valueNames(schema)
	delete(schema, "x-enum-names")
	if isChanged && schema["type"] == "string" && schema["x-enum-varnames"] == nil {
		schema["x-enum-varnames"] = names
	}
}

// valueNames are the names of constants, after the type's, and whether one is not the
// generator's.
func valueNames(schema object) (names []any, isChanged bool) {
	chosen, isChanged := schema["x-enum-names"]
	users := map[string]int{}
	for _, value := range enumValues(schema) {
		users[constantName(fmt.Sprint(value))]++
	}
	for _, value := range enumValues(schema) {
		value := fmt.Sprint(value)
		name := constantName(value)
		if own := textAt(chosen, value); own != "" {
			name = own
		} else if users[name] > 1 || !hasLetter(value) {
			name, isChanged = spelled(value), true
		}
		names = append(names, name)
	}
	return names, isChanged
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

var constant = regexp.MustCompile(`(?m)^\t([A-Z]\w*) +\w+ += (.+)$`)

// generatedConstants reads the values of the generated constants.
func generatedConstants(dir string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(dir, generatedFile))
	values := map[string]string{}
	for _, found := range constant.FindAllSubmatch(content, -1) {
		values[string(found[1])] = string(found[2])
	}
	return values, err
}

// checkConstants refuses a document in which a constant would mean another value.
func checkConstants(before, after map[string]string) error {
	for name, value := range before {
		if now, ok := after[name]; ok && now != value {
			return fmt.Errorf("the constant %s would change from %s to %s; name the values of its enum:\n%s", name,
				value, now,
				advice("$.components.schemas.NAME", fmt.Sprintf("x-enum-names: {%s: NAME, %s: NAME2}", value, now)))
		}
	}
	return nil
}
