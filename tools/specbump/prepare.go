package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	speakeasy "github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

// tree is what a working tree says of the API: the document with the overlay applied, and
// the Go names.
type tree struct {
	document  object
	names     *names
	unmatched []string // targets of the overlay that the document does not have
	inline    []place  // schemas that got a type where they are used
}

// loadTree applies a tree's overlay and names to a document.
func loadTree(dir string, document object) (*tree, error) {
	names, err := loadNames(dir)
	if err != nil {
		return nil, err
	}
	t := &tree{names: names}
	if t.document, t.unmatched, err = applyOverlay(dir, document); err != nil {
		return nil, fmt.Errorf("%s: %w", overlayFile, err)
	}
	addSchemas(t.document)
	delete(t.document, "webhooks") // The client makes no code of them, and has no use for their schemas.
	eachObject(t.document, simplify)
	return t, nil
}

// addSchemas makes the place for components, where there is none.
func addSchemas(document object) {
	if objectAt(document, "components") == nil {
		document["components"] = object{}
	}
	if schemasOf(document) == nil {
		objectAt(document, "components")["schemas"] = object{}
	}
}

func loadVendoredTree(dir string) (*tree, error) {
	vendored, err := loadVendored(dir)
	if err != nil {
		return nil, err
	}
	return loadTree(dir, vendored.root)
}

// applyOverlay returns the document as overlay.yaml changes it.
func applyOverlay(dir string, document object) (changed object, unmatched []string, err error) {
	content, err := os.ReadFile(filepath.Join(dir, overlayFile))
	if err != nil {
		return nil, nil, err
	}
	var overlay speakeasy.Overlay
	if err := yaml.Unmarshal(content, &overlay); err != nil {
		return nil, nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(encodeJSON(document), &root); err != nil {
		return nil, nil, err
	}
	for _, action := range overlay.Actions {
		path, err := overlay.NewPath(action.Target, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("the target %s: %w", action.Target, err)
		}
		if len(path.Query(&root)) == 0 {
			unmatched = append(unmatched, action.Target)
			continue
		}
		one := speakeasy.Overlay{Version: overlay.Version, Actions: []speakeasy.Action{action}}
		if err := one.ApplyTo(&root); err != nil {
			return nil, nil, fmt.Errorf("the target %s: %w", action.Target, err)
		}
	}
	var decoded any
	if err := root.Decode(&decoded); err != nil {
		return nil, nil, err
	}
	changed, err = parseDocument(encodeJSON(decoded))
	return changed, unmatched, err
}

// simplify takes out what the generator makes no code of, and says what it does not see.
func simplify(node object) {
	delete(node, "callbacks")
	if values, ok := node["enum"].([]any); ok {
		// The type says whether it may be null.
		node["enum"] = slices.DeleteFunc(values, func(v any) bool { return v == nil })
	}
	isNoText := func(v any) bool { _, ok := v.(string); return !ok }
	if values := enumValues(node); len(values) > 0 && !slices.ContainsFunc(values, isNoText) {
		delete(node, "format")
		node["type"] = cmp.Or(node["type"], any("string")) // pydantic 1 leaves it out
	}
	for _, list := range []string{"allOf", "anyOf", "oneOf", "type"} {
		if members, ok := node[list].([]any); ok && len(members) == 0 {
			delete(node, list) // The generator panics.
		}
	}
	for mediaType, media := range sorted(node["content"]) {
		if strings.Contains(mediaType, "yaml") {
			delete(objectAt(media), "schema") // To decode it would take a module more.
		}
	}
}

// usedSchemas are those that an operation leads to.
func usedSchemas(document object) map[string]bool {
	used := map[string]bool{}
	for key, part := range sorted(document) {
		for kind, members := range sorted(part) {
			if key != "components" || kind != "schemas" {
				reach(document, members, used)
			}
		}
	}
	return used
}

// reach adds the schemas that a part of a document refers to.
func reach(document object, part any, reached map[string]bool) {
	eachRef(part, func(members object, name string) {
		if key, ok := schemaKey(members[name]); ok && !reached[key] {
			reached[key] = true
			reach(document, schemasOf(document)[key], reached)
		}
	})
}

// eachRef visits the members that refer to schemas.
func eachRef(node any, visit func(members object, name string)) {
	eachObject(node, func(members object) {
		visit(members, "$ref")
		mapping := objectAt(members, "discriminator", "mapping")
		for value := range mapping {
			visit(mapping, value)
		}
	})
}

// prepare makes the document that the generator reads: each operation and schema under its
// Go name, what needs a type where it is used among the components, and without the schemas
// that nothing uses. The generator would call a field like the schema that it refers to, number
// the members of unions, and leave out what only an itemSchema uses.
func (t *tree) prepare(dir string) (object, error) {
	fixed, err := declared(dir, false)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.names.check(t.document), t.checkDocument()); err != nil {
		return nil, err
	}
	used := usedSchemas(t.document)
	maps.DeleteFunc(schemasOf(t.document), func(key string, _ any) bool { return !used[key] })
	for key, o := range operations(t.document) {
		o.object["operationId"] = t.names.operation(key, o)
	}
	t.inline = t.inlineSchemas(fixed)
	renamed := object{}
	for key, schema := range sorted(schemasOf(t.document)) {
		renamed[t.names.schema(key)] = schema
	}
	eachRef(t.document, func(members object, name string) {
		if key, ok := schemaKey(members[name]); ok {
			members[name] = schemaRef + t.names.schema(key)
		}
	})
	objectAt(t.document, "components")["schemas"] = renamed
	for _, p := range t.inline {
		p.moveToComponents(t.document)
	}
	eachObject(t.document, func(schema object) {
		keepValues(schema)
		nameValues(schema)
	})
	return t.document, nil
}

// numbered are the types that two places of one kind have a number to tell them apart by.
func (t *tree) numbered() []string {
	at := map[string][]string{}
	for _, p := range t.inline {
		at[p.at] = append(at[p.at], p.name)
	}
	var found []string
	for place, names := range at {
		if len(names) > 1 {
			found = append(found, fmt.Sprintf("`%s`: %s", place, strings.Join(names, ", ")))
		}
	}
	slices.Sort(found)
	return found
}

// place is where a schema is used, as the overlay's targets are written but for the index of
// a list, which may change; and the name that a Go type for the schema has there.
type place struct {
	at, name string
	schema   object
	isMember bool // of a union
}

// needsType is true of what Go has no unnamed type for, or only an unwieldy one.
func (p place) needsType() bool {
	return p.isMember || len(members(p.schema)) > 1 || len(listAt(p.schema, "allOf")) > 1 ||
		len(enumValues(p.schema)) > 0 || len(objectAt(p.schema, "properties")) > 0
}

// inlineSchemas finds the schemas that get a type where they are used. A name that is taken
// gets a number.
func (t *tree) inlineSchemas(fixed identifiers) []place {
	var found []place
	taken := maps.Clone(fixed)
	for key, schema := range schemasOf(t.document) {
		taken.add(t.names.schema(key), schemaClaims(schema))
	}
	for _, o := range operations(t.document) {
		taken.add(o.id(), operationClaims)
	}
	t.eachPlace(func(p place) string {
		if p.schema["$ref"] != nil || p.schema["x-go-type"] != nil || !p.needsType() {
			return p.name
		}
		wanted, claims := cmp.Or(textAt(p.schema, "x-go-type-name"), p.name), schemaClaims(p.schema)
		p.name = wanted
		for i := 2; taken.haveAny(p.name, claims); i++ {
			p.name = fmt.Sprintf("%s%d", wanted, i)
		}
		taken.add(p.name, claims)
		found = append(found, p)
		return p.name
	})
	return found
}

// eachPlace visits what is within the schemas, and the schemas in operations and in the other
// components. What is within a schema is called after the name that visit returns.
func (t *tree) eachPlace(visit func(place) string) {
	for key, schema := range sorted(schemasOf(t.document)) {
		eachWithin(
			place{at: jsonPath("components", "schemas", key), name: t.names.schema(key), schema: objectAt(schema)},
			visit,
		)
	}
	for _, kind := range []string{"parameters", "headers", "requestBodies", "responses"} {
		for key, part := range sorted(get(t.document, "components", kind)) {
			eachWithin(place{at: jsonPath("components", kind, key), name: goName(key), schema: objectAt(part)}, visit)
		}
	}
	for path, item := range sorted(t.document["paths"]) {
		shared := object{"parameters": get(item, "parameters")}
		eachWithin(place{at: jsonPath("paths", path), name: goName(path), schema: shared}, visit)
	}
	for _, o := range operations(t.document) {
		eachWithin(place{at: o.at(), name: t.names.operation(o.key(), o), schema: o.object}, visit)
	}
}

// eachWithin visits what is within a part of an operation or a schema.
func eachWithin(p place, visit func(place) string) {
	into := func(at, ending string, part any, isMember bool) {
		if part := objectAt(part); part != nil {
			q := place{p.at + at, p.name + ending, part, isMember}
			q.name = visit(q)
			eachWithin(q, visit)
		}
	}
	for key, part := range sorted(p.schema) {
		switch key {
		case "schema":
			into(".schema", "", part, false)
		case "items":
			into(".items", "Item", part, false)
		case "additionalProperties":
			into(".additionalProperties", "Value", part, false)
		case "requestBody":
			into(".requestBody", "Body", part, false)
		case "properties", "headers":
			for name, part := range sorted(part) {
				into("."+key+step(name), goName(name), part, false)
			}
		case "responses":
			for code, part := range sorted(part) {
				into(".responses"+step(code), "Response"+strings.ReplaceAll(code, "default", "Default"), part, false)
			}
		case "content":
			for mediaType, media := range sorted(part) {
				into(".content"+step(mediaType), mediaEnding(mediaType, len(objectAt(part))), media, false)
			}
		case "parameters":
			for _, parameter := range listAt(part) {
				name := textAt(parameter, "name")
				into(fmt.Sprintf(".parameters[?(@.name=='%s')]", name), "Params"+goName(name), parameter, false)
			}
		case "allOf": // The generator merges them.
			for i, part := range listAt(part) {
				eachWithin(place{fmt.Sprintf("%s.allOf[%d]", p.at, i), p.name, objectAt(part), false}, visit)
			}
		}
	}
	union := members(p.schema)
	for _, key := range []string{"anyOf", "oneOf"} {
		for _, member := range members(object{key: p.schema[key]}) {
			kind, at := kindOf(member)
			if len(union) == 1 { // It is only nullable, so it is the whole.
				kind = ""
			}
			into("."+key+at, kind, member, len(union) > 1)
		}
	}
}

// members are those of a union but null.
func members(schema object) []object {
	var found []object
	for _, member := range append(listAt(schema, "anyOf"), listAt(schema, "oneOf")...) {
		if textAt(member, "type") != "null" {
			found = append(found, objectAt(member))
		}
	}
	return found
}

// kindOf is what a member of a union is called after, and the step to it: its place in the
// list may change.
func kindOf(schema object) (kind, at string) {
	for _, key := range []string{"title", "const", "format"} {
		if value := textAt(schema, key); goName(value) != "" && (key != "format" || schema["type"] == "string") {
			return goName(value), fmt.Sprintf("[?(@.%s=='%s')]", key, value)
		}
	}
	kinds := map[string]string{
		"string": "String", "integer": "Int", "number": "Float", "boolean": "Bool", "array": "List", "object": "Object",
	}
	value := textAt(schema, "type")
	if item := textAt(schema, "items", "type"); value == "array" && item != "array" && item != "object" {
		kind = kinds[item]
	}
	return kind + cmp.Or(kinds[value], "Object"), fmt.Sprintf("[?(@.type=='%s')]", value)
}

var nonWord = regexp.MustCompile(`\W`)

// mediaEnding tells the media types of one body apart. JSON has none.
func mediaEnding(mediaType string, all int) string {
	_, subtype, _ := strings.Cut(mediaType, "/")
	if all == 1 || subtype == "json" {
		return ""
	}
	return goName(nonWord.ReplaceAllString(subtype, "_"))
}

// moveToComponents leaves a reference where the schema is.
func (p place) moveToComponents(document object) {
	moved := maps.Clone(p.schema)
	delete(moved, "x-go-type-name")
	clear(p.schema)
	p.schema["$ref"] = schemaRef + p.name
	schemasOf(document)[p.name] = moved
}
