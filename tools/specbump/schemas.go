package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// position is a place of a schema: its JSONPath, and the name that a Go type for it
// would have there.
type position struct {
	at, name  string
	node      *yaml.Node
	isVariant bool // of a union
	isPart    bool // of an allOf, which has the name of the whole
}

// componentName is the Go name of a component.
func componentName(key string, schema *yaml.Node) string {
	if name := getText(schema, "x-go-name"); name != "" {
		return goName(name)
	}
	return goName(key)
}

// places yields where operations and the components other than schemas have schemas,
// in an order that does not depend on the document's.
func places(document *yaml.Node) []position {
	var found []position
	for _, kind := range []string{"parameters", "headers", "requestBodies", "responses"} {
		for key, part := range sorted(get(document, "components", kind)) {
			found = append(found, placesIn(part, jsonPath("components", kind, key), goName(key))...)
		}
	}
	for path, item := range sorted(get(document, "paths")) {
		found = append(found, parameterPlaces(item, jsonPath("paths", path), goName(path))...)
		for method, operation := range operationsOf(item) {
			at, name := jsonPath("paths", path, method), goName(getText(operation, "operationId"))
			found = append(found, parameterPlaces(operation, at, name+"Params")...)
			found = append(found, placesIn(get(operation, "requestBody"), at+".requestBody", name+"Body")...)
			for code, response := range sorted(get(operation, "responses")) {
				ending := "Response" + strings.ReplaceAll(code, "default", "Default")
				found = append(found, placesIn(response, at+".responses"+step(code), name+ending)...)
			}
		}
	}
	return found
}

func parameterPlaces(parent *yaml.Node, at, name string) []position {
	var found []position
	for i, parameter := range items(get(parent, "parameters")) {
		found = append(
			found,
			placesIn(parameter, fmt.Sprintf("%s.parameters[%d]", at, i), name+goName(getText(parameter, "name")))...)
	}
	return found
}

// placesIn are those of a parameter, a header, a request body or a response.
func placesIn(part *yaml.Node, at, name string) []position {
	found := []position{{at: at + ".schema", name: name, node: get(part, "schema")}}
	for header, described := range sorted(get(part, "headers")) {
		found = append(found, placesIn(described, at+".headers"+step(header), name+goName(header))...)
	}
	content := get(part, "content")
	for mediaType, media := range sorted(content) {
		ending := ""
		if _, subtype, _ := strings.Cut(mediaType, "/"); len(content.Content) > 2 && subtype != "json" {
			ending = goName(nonWord.ReplaceAllString(subtype, "_"))
		}
		at := at + ".content" + step(mediaType) + ".schema"
		found = append(found, position{at: at, name: name + ending, node: get(media, "schema")})
	}
	return slices.DeleteFunc(found, func(p position) bool { return p.node == nil })
}

// inner yields the schemas directly within one. The parts of an allOf have its own
// name, as the generator merges them.
func inner(p position) []position {
	var found []position
	for property, schema := range sorted(get(p.node, "properties")) {
		found = append(
			found,
			position{at: p.at + ".properties" + step(property), name: p.name + goName(property), node: schema},
		)
	}
	for _, part := range []struct{ key, suffix string }{{"additionalProperties", "Value"}, {"items", "Item"}} {
		if schema := get(p.node, part.key); schema != nil && schema.Kind == yaml.MappingNode {
			found = append(found, position{at: p.at + "." + part.key, name: p.name + part.suffix, node: schema})
		}
	}
	for i, part := range items(get(p.node, "allOf")) {
		found = append(
			found,
			position{at: fmt.Sprintf("%s.allOf[%d]", p.at, i), name: p.name, node: part, isPart: true},
		)
	}
	return append(found, variants(p)...)
}

// variants are the members of a union but null. They are called after what they are,
// not after their place in the list.
func variants(p position) []position {
	var found []position
	for _, key := range []string{"anyOf", "oneOf"} {
		for i, variant := range items(get(p.node, key)) {
			if getText(variant, "type") != "null" {
				at := fmt.Sprintf("%s.%s[%d]", p.at, key, i)
				found = append(found, position{at: at, name: p.name + kindOf(variant), node: variant, isVariant: true})
			}
		}
	}
	return found
}

func kindOf(schema *yaml.Node) string {
	kind := map[string]string{
		"string":  "String",
		"integer": "Int",
		"number":  "Float",
		"boolean": "Bool",
		"array":   "List",
	}
	return cmp.Or(
		goName(getText(schema, "title")),
		goName(getText(schema, "const")),
		kind[getText(schema, "type")],
		"Object",
	)
}

// components are the places of the schemas that have names of their own.
func components(document *yaml.Node) []position {
	var found []position
	for key, schema := range sorted(get(document, "components", "schemas")) {
		at := jsonPath("components", "schemas", key)
		found = append(found, position{at: at, name: componentName(key, schema), node: schema})
	}
	return found
}

// inlineSchemas finds the schemas that get a type of their own where they are used,
// and names them: after the overlay's x-go-type-name, else after their place. It adds
// their names to those that are taken.
func inlineSchemas(document *yaml.Node, taken identifiers) []position {
	n := &inliner{taken: taken}
	for _, p := range components(document) {
		n.within(p)
	}
	for _, p := range places(document) {
		n.visit(p)
	}
	return n.found
}

type inliner struct {
	taken identifiers
	found []position
}

func (n *inliner) visit(p position) {
	union := variants(p)
	isNullable := len(union) == 1 && len(items(get(p.node, "anyOf")))+len(items(get(p.node, "oneOf"))) == 2
	override := getText(p.node, "x-go-type-name")
	switch {
	case get(p.node, "$ref") != nil || get(p.node, "x-go-type") != nil:
		return
	case isNullable: // It is its variant, with a pointer.
		union[0].name, union[0].isVariant = p.name, false
		n.visit(union[0])
		return
	case p.isPart:
	case override != "":
		p.name = override
		n.found = append(n.found, p)
	case p.isVariant || needsType(p):
		p.name = n.free(p.name, constantsOf(p.node))
		n.found = append(n.found, p)
	}
	n.within(p)
}

func (n *inliner) within(p position) {
	for _, q := range inner(p) {
		n.visit(q)
	}
}

// needsType is true of what Go has no unnamed type for, or only an unwieldy one.
func needsType(p position) bool {
	isEnum := get(p.node, "enum") != nil || get(p.node, "const") != nil
	switch getText(p.node, "type") {
	case "string", "integer", "number", "boolean":
		return isEnum
	}
	return len(variants(p)) > 0 || len(items(get(p.node, "allOf"))) > 1 || isFilled(get(p.node, "properties"))
}

func isFilled(node *yaml.Node) bool { return node != nil && len(node.Content) > 0 }

// free takes a name that nothing else has, and that makes constants of free names.
func (n *inliner) free(name string, constants []string) string {
	candidate := name
	for i := 2; n.taken.any(candidate, constants); i++ {
		candidate = fmt.Sprintf("%s%d", name, i)
	}
	n.taken.add(candidate, constants)
	return candidate
}

func (ids identifiers) any(name string, constants []string) bool {
	return ids[name] || slices.ContainsFunc(constants, func(c string) bool { return ids[name+c] })
}

func (ids identifiers) add(name string, constants []string) {
	ids[name] = true
	for _, constant := range constants {
		ids[name+constant] = true
	}
}

// enumValues are those of an enum, or the only one of a const.
func enumValues(schema *yaml.Node) []*yaml.Node {
	values := items(get(schema, "enum"))
	if constant := get(schema, "const"); constant != nil {
		values = append(values, constant)
	}
	return values
}

// constantsOf are what the constants of an enum have after the name of the type.
func constantsOf(schema *yaml.Node) []string {
	var texts []string
	for _, value := range enumValues(schema) {
		texts = append(texts, value.Value)
	}
	var names []string
	for name := range codegen.SanitizeEnumNames(texts, texts) {
		names = append(names, codegen.SchemaNameToTypeName(name))
	}
	slices.Sort(names)
	return names
}
