package main

import (
	"cmp"
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
	if parts := members(schema); len(parts) > 0 {
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

// nameValues gives each value of an enum a constant with its own name, where the generator would
// number them: a number goes to another value as soon as one is inserted. x-enum-names of the
// overlay maps values to names. What is taken already is the names of types and other constants.
func nameValues(typeName string, schema object, taken identifiers) {
	names, isChanged := valueNames(schema)
	delete(schema, "x-enum-names")
	for i := range names {
		for taken[typeName+names[i]] {
			names[i], isChanged = names[i]+"Value", true
		}
		taken[typeName+names[i]] = true
	}
	if isChanged && schema["x-enum-varnames"] == nil {
		list := make([]any, len(names))
		for i, name := range names {
			list[i] = name
		}
		schema["x-enum-varnames"] = list
	}
}

// valueNames are the names of constants, after the type's, and whether one is not the
// generator's.
func valueNames(schema object) (names []string, isChanged bool) {
	chosen, isChanged := schema["x-enum-names"]
	var values []string
	for _, v := range enumValues(schema) {
		value := fmt.Sprint(v)
		values = append(values, value)
		names = append(names, codegen.SanitizeGoIdentity(codegen.SchemaNameToTypeName(value)))
	}
	for pass, spell := range []func(string) string{spelled, inFull} { // until no two are the same
		users := map[string]int{}
		for _, name := range names {
			users[name]++
		}
		for i, name := range names {
			if users[name] > 1 || pass == 0 && !strings.ContainsFunc(values[i], isWord) {
				names[i], isChanged = spell(values[i]), true
			}
		}
	}
	for i, value := range values {
		names[i] = cmp.Or(textAt(chosen, value), names[i])
	}
	return names, isChanged
}

// checkValueNames finds what x-enum-names cannot mean.
func checkValueNames(p place) error {
	values, users := enumValues(p.schema), map[string]string{}
	for value, name := range sorted(p.schema["x-enum-names"]) {
		name := fmt.Sprint(name)
		if !slices.ContainsFunc(values, func(v any) bool { return fmt.Sprint(v) == value }) {
			return fmt.Errorf("%s: x-enum-names names %q, which is no value of the enum", p.at, value)
		}
		if users[name] != "" {
			return fmt.Errorf("%s: x-enum-names gives %q and %q one name, %s", p.at, users[name], value, name)
		}
		users[name] = value
	}
	return nil
}

// isWord is true of what the generator keeps of a value.
func isWord(r rune) bool { return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// inFull has the code of each character.
func inFull(value string) string {
	name := "Text"
	for _, r := range value {
		name += fmt.Sprintf("U%04X", r)
	}
	return name
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
		if isStart {
			r = unicode.ToUpper(r)
		}
		isStart = !isWord(r)
		switch {
		case isWord(r):
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
func checkConstants(dir string, before map[string]string) error {
	after, err := generatedConstants(dir)
	if err != nil {
		return err
	}
	for name, value := range before {
		if now, ok := after[name]; ok && now != value {
			t, err := prepareVendored(dir)
			if err != nil {
				return err
			}
			return fmt.Errorf("the constant %s would change from %s to %s; name the values of its enum:\n%s", name, value, now,
				advice(t.placeOf(name), fmt.Sprintf("x-enum-names: {%s: NAME, %s: NAME2}", value, now)))
		}
	}
	return nil
}

// placeOf is the place of the enum with a constant: that with the longest name it begins with.
func (t *tree) placeOf(constant string) string {
	longest := ""
	for name, schema := range schemasOf(t.document) {
		if strings.HasPrefix(constant, name) && len(name) > len(longest) && len(enumValues(schema)) > 0 {
			longest = name
		}
	}
	return cmp.Or(t.targets[longest], "$.components.schemas.NAME")
}
