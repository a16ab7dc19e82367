package main

import (
	"cmp"
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// prepare makes the document that the generator reads: openapi.json with the overlay
// applied, each schema under its Go name, and those that need a type where they are
// used among the components. The generator calls them after their place otherwise, and
// a field like the schema that it refers to.
func prepare(document *yaml.Node, o *overlay, fixed identifiers) (*yaml.Node, error) {
	prepared, inline, err := o.inline(document, fixed)
	if err == nil {
		err = checkOperationIDs(prepared)
	}
	if err != nil {
		return nil, err
	}
	renameComponents(prepared)
	for _, p := range inline {
		moveToComponents(prepared, p)
	}
	return prepared, nil
}

// inline returns the document with the overlay applied and what the generator makes no
// code of left out, and the schemas in it that get a type where they are used.
func (o *overlay) inline(document *yaml.Node, fixed identifiers) (*yaml.Node, []position, error) {
	changed, err := o.apply(document)
	if err != nil {
		return nil, nil, err
	}
	remove(changed, "webhooks") // The client makes no code of them, and has no use for their schemas.
	simplify(changed)
	dropUnused(changed)
	taken := maps.Clone(fixed)
	taken.addDocument(changed)
	return changed, inlineSchemas(changed, taken), nil
}

// simplify takes out what the generator stumbles over and makes no code of.
func simplify(node *yaml.Node) {
	switch node.Kind {
	case yaml.SequenceNode:
		for _, item := range node.Content {
			simplify(item)
		}
	case yaml.MappingNode:
		drop(node, "example", "examples")
		openSchemas(node)
		dropEmpty(node)
		separateTypes(node)
		typeOfEnum(node)
		dropYAML(node)
		keepValues(node)
		remove(node, "callbacks")
		if enum := get(node, "enum"); enum != nil && enum.Kind == yaml.SequenceNode {
			enum.Content = slices.DeleteFunc(enum.Content, isNull) // The type says whether it may be null.
		}
		nameValues(node)
		for key, value := range entries(node) {
			switch {
			case key == "default" || key == "enum" || key == "const":
			case value.Kind == yaml.MappingNode && slices.Contains(mapsOfNames, key):
				for _, named := range entries(value) { // A name may be any keyword.
					simplify(named)
				}
			default:
				simplify(value)
			}
		}
	}
}

// mapsOfNames are the keys whose members are named by the document's author.
var mapsOfNames = []string{
	"properties", "patternProperties", "schemas", "$defs", "definitions", "paths", "responses", "headers",
}

// drop removes keys with values that are no schema's: a property may be called so.
func drop(node *yaml.Node, keys ...string) {
	isSchemaOrMedia := get(node, "type") != nil || get(node, "schema") != nil || get(node, "$ref") != nil ||
		get(node, "anyOf") != nil || get(node, "oneOf") != nil || get(node, "allOf") != nil
	for _, key := range keys {
		if value := get(node, key); value != nil && isSchemaOrMedia {
			remove(node, key)
		}
	}
}

// dropEmpty removes the lists that say nothing: without members, with only null, or with
// members that only require properties.
func dropEmpty(node *yaml.Node) {
	for _, key := range []string{"allOf", "anyOf", "oneOf", "type"} {
		list := get(node, key)
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n.Tag == "!!bool" })
		saysNothing := func(n *yaml.Node) bool {
			onlyRequires := n.Kind == yaml.MappingNode && len(n.Content) == 2 && get(n, "required") != nil
			return onlyRequires || isNullType(n)
		}
		if key != "allOf" && !slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return !saysNothing(n) }) ||
			len(list.Content) == 0 {
			remove(node, key)
		}
	}
}

// typeOfEnum gives the values of an enum their type, and takes a format away, for which
// the generator has no constants.
func typeOfEnum(node *yaml.Node) {
	values := enumValues(node)
	if len(values) == 0 {
		return
	}
	isText := func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!str" }
	if get(node, "type") == nil && !slices.ContainsFunc(values, func(n *yaml.Node) bool { return !isText(n) }) {
		set(node, "type", text("string"))
	}
	if getText(node, "type") == "string" {
		remove(node, "format")
	}
}

// dropYAML leaves bodies of YAML as bytes: to decode them would take a module more.
func dropYAML(node *yaml.Node) {
	for mediaType, media := range entries(get(node, "content")) {
		if strings.Contains(mediaType, "yaml") {
			remove(media, "schema")
		}
	}
}

// openSchemas writes true, which allows everything, as an empty schema, and leaves out
// false, which allows nothing.
func openSchemas(node *yaml.Node) {
	for _, parts := range []*yaml.Node{get(node, "properties"), node} {
		for key, schema := range sorted(parts) {
			switch isSchema := parts != node || key == "items" || key == "schema"; {
			case schema.Tag != "!!bool" || !isSchema:
			case schema.Value == "true":
				*schema = *mapping()
			default:
				remove(parts, key)
			}
		}
	}
}

// separateTypes writes a list of two types or more as a union, which the generator
// knows.
func separateTypes(node *yaml.Node) {
	types := get(node, "type")
	if types == nil || types.Kind != yaml.SequenceNode {
		return
	}
	isOther := func(t *yaml.Node) bool { return t.Value != "null" }
	if len(slices.DeleteFunc(slices.Clone(types.Content), func(t *yaml.Node) bool { return !isOther(t) })) < 2 {
		return
	}
	union := sequence()
	for _, t := range types.Content {
		variant := mapping()
		set(variant, "type", text(t.Value))
		union.Content = append(union.Content, variant)
	}
	remove(node, "type")
	set(node, "anyOf", union)
}

// dropUnused removes the schemas that no operation leads to.
func dropUnused(document *yaml.Node) {
	used := map[string]bool{}
	for part := range users(document) {
		reach(document, part, used)
	}
	schemas := get(document, "components", "schemas")
	for key := range sorted(schemas) {
		if !used[key] {
			remove(schemas, key)
		}
	}
}

const schemaRef = "#/components/schemas/"

// renameComponents gives each schema its Go name for a key.
func renameComponents(document *yaml.Node) {
	names := map[string]string{}
	schemas := get(document, "components", "schemas")
	for key, schema := range entries(schemas) {
		names[key] = componentName(key, schema)
		remove(schema, "x-go-name")
	}
	keepDiscriminators(document)
	renameRefs(document, names)
	if schemas != nil {
		for i := 0; i < len(schemas.Content); i += 2 {
			schemas.Content[i] = text(names[schemas.Content[i].Value])
		}
	}
}

// keepDiscriminators writes out the values that a discriminator without a mapping has:
// the names of the schemas, before they change.
func keepDiscriminators(node *yaml.Node) {
	for _, child := range node.Content {
		keepDiscriminators(child)
	}
	discriminator := get(node, "discriminator")
	if discriminator == nil || get(discriminator, "propertyName") == nil || get(discriminator, "mapping") != nil {
		return
	}
	values := mapping()
	for _, variant := range append(items(get(node, "oneOf")), items(get(node, "anyOf"))...) {
		if key, ok := strings.CutPrefix(getText(variant, "$ref"), schemaRef); ok {
			set(values, key, text(schemaRef+key))
		}
	}
	set(discriminator, "mapping", values)
}

func renameRefs(node *yaml.Node, names map[string]string) {
	for _, child := range node.Content {
		renameRefs(child, names)
	}
	if key, ok := strings.CutPrefix(node.Value, schemaRef); ok && node.Kind == yaml.ScalarNode {
		if name, ok := names[unescaped(key)]; ok {
			node.Value = schemaRef + name
		}
	}
}

// moveToComponents leaves a reference where the schema is.
func moveToComponents(document *yaml.Node, p position) {
	schema := *p.node
	remove(&schema, "x-go-type-name")
	if get(document, "components") == nil {
		set(document, "components", mapping())
	}
	if get(document, "components", "schemas") == nil {
		set(get(document, "components"), "schemas", mapping())
	}
	set(get(document, "components", "schemas"), p.name, &schema)
	reference := mapping()
	set(reference, "$ref", text(schemaRef+p.name))
	*p.node = *reference
}

// reach adds the schemas that a part of the document refers to.
func reach(document, node *yaml.Node, reached map[string]bool) {
	if key, ok := strings.CutPrefix(node.Value, schemaRef); ok && node.Kind == yaml.ScalarNode &&
		!reached[unescaped(key)] {
		reached[unescaped(key)] = true
		if schema := get(document, "components", "schemas", unescaped(key)); schema != nil {
			reach(document, schema, reached)
		}
	}
	for _, child := range node.Content {
		reach(document, child, reached)
	}
}

// fieldName is the generator's name of a field.
func fieldName(name string) string { return codegen.SchemaNameToTypeName(name) }

// goFields checks that no two properties become one field.
func goFields(p position) error {
	fields := map[string]string{}
	for property, schema := range sorted(get(p.node, "properties")) {
		field := fieldName(cmp.Or(getText(schema, "x-go-name"), property))
		if !token.IsIdentifier(field) {
			return fmt.Errorf("%s: the property %s has no Go name; give it one:\n%s",
				p.at, property, advice(p.at+".properties"+step(property), "x-go-name: NAME"))
		}
		if other, ok := fields[field]; ok {
			return fmt.Errorf("%s: the properties %s and %s both become the Go field %s; name one of them:\n%s",
				p.at, other, property, field, advice(p.at+".properties"+step(property), "x-go-name: "+field+"2"))
		}
		fields[field] = property
	}
	return nil
}
