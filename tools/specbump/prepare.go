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
	unmatched []string          // targets of the overlay that the document does not have
	inline    []place           // schemas that got a type where they are used
	targets   map[string]string // of the overlay, for types by their names
}

// loadTree applies a tree's overlay and names to a document.
func loadTree(dir string, document object) (*tree, error) {
	names, err := loadNames(dir)
	if err != nil {
		return nil, err
	}
	t := &tree{document: document, names: names}
	if err := t.applyOverlay(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", overlayFile, err)
	}
	if objectAt(t.document, "components") == nil {
		t.document["components"] = object{}
	}
	if schemasOf(t.document) == nil {
		objectAt(t.document, "components")["schemas"] = object{}
	}
	delete(t.document, "webhooks") // The client makes no code of them, and has no use for their schemas.
	eachObject(t.document, simplify)
	dropDiscriminators(t.document)
	return t, t.checkDocument()
}

// applyOverlay makes of the document what overlay.yaml says.
func (t *tree) applyOverlay(dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, overlayFile))
	if err != nil {
		return err
	}
	var overlay speakeasy.Overlay
	var root yaml.Node
	err = errors.Join(yaml.Unmarshal(content, &overlay), yaml.Unmarshal(encodeJSON(t.document), &root))
	if err != nil {
		return err
	}
	for _, action := range overlay.Actions {
		path, err := overlay.NewPath(action.Target, nil)
		if err == nil && len(path.Query(&root)) == 0 {
			t.unmatched = append(t.unmatched, action.Target)
			continue
		}
		if err == nil {
			one := speakeasy.Overlay{Version: overlay.Version, Actions: []speakeasy.Action{action}}
			err = one.ApplyTo(&root)
		}
		if err != nil {
			return fmt.Errorf("the target %s: %w", action.Target, err)
		}
	}
	var decoded any
	keepText(&root)
	if err := root.Decode(&decoded); err != nil {
		return err
	}
	t.document, err = parseDocument(encodeJSON(decoded))
	return err
}

// simplify takes out what the generator makes no code of, and says what it does not see.
func simplify(node object) {
	delete(node, "callbacks")
	if values, ok := node["enum"].([]any); ok {
		// The type says whether it may be null, and twice says no more than once.
		seen := map[string]bool{}
		node["enum"] = slices.DeleteFunc(values, func(v any) bool {
			isSeen := seen[fmt.Sprint(v)] || v == nil
			seen[fmt.Sprint(v)] = true
			return isSeen
		})
	}
	if values := enumValues(node); len(values) > 0 && !slices.ContainsFunc(values, isNoText) {
		delete(node, "format")
		node["type"] = cmp.Or(node["type"], any("string")) // pydantic 1 leaves it out
	}
	for _, list := range []string{"allOf", "anyOf", "oneOf", "type"} {
		if parts, ok := node[list].([]any); ok && !slices.ContainsFunc(parts, func(t any) bool { return !isNullType(t) }) {
			delete(node, list) // It says nothing, and the generator panics.
		}
	}
	for mediaType, media := range sorted(node["content"]) {
		media, schema := objectAt(media), objectAt(media, "schema")
		switch parts := slices.Concat(listAt(schema, "allOf"), members(schema)); {
		case media == nil:
		case strings.Contains(mediaType, "yaml"):
			delete(media, "schema") // To decode it would take a module more.
		case strings.Contains(mediaType, "form") && len(parts) == 1:
			media["schema"] = parts[0] // The generator makes an empty struct of an only part.
		}
	}
}

func isNoText(v any) bool {
	_, ok := v.(string)
	return !ok
}

// dropDiscriminators leaves out those whose value is no text, as the generator writes them as
// one, and those that pydantic writes for unions within a union.
func dropDiscriminators(document object) {
	eachObject(document, func(node object) {
		values := slices.Collect(maps.Values(objectAt(node, "discriminator", "mapping")))
		for _, member := range members(node) {
			key, _ := schemaKey(get(member, "$ref"))
			property := textAt(node, "discriminator", "propertyName")
			values = append(values, enumValues(get(schemasOf(document)[key], "properties", property))...)
		}
		if slices.ContainsFunc(values, isNoText) {
			delete(node, "discriminator")
		}
	})
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
func (t *tree) prepare(dir string) error {
	fixed, err := declared(dir, false)
	if err != nil {
		return err
	}
	used := usedSchemas(t.document)
	maps.DeleteFunc(schemasOf(t.document), func(key string, _ any) bool { return !used[key] })
	for key, o := range operations(t.document) {
		o.object["operationId"] = t.names.operation(key, o)
	}
	t.inline = t.inlineSchemas(fixed)
	renamed := object{}
	t.targets = map[string]string{}
	for key, schema := range schemasOf(t.document) {
		name := t.names.schema(key)
		renamed[name], t.targets[name] = schema, jsonPath("components", "schemas", key)
	}
	eachRef(t.document, func(members object, name string) {
		if key, ok := schemaKey(members[name]); ok {
			members[name] = schemaRef + t.names.schema(key)
		}
	})
	objectAt(t.document, "components")["schemas"] = renamed
	for _, p := range t.inline {
		moved := maps.Clone(p.schema)
		delete(moved, "x-go-type-name")
		clear(p.schema)
		p.schema["$ref"] = schemaRef + p.name
		renamed[p.name], t.targets[p.name] = moved, p.target
	}
	eachObject(t.document, keepValues)
	for name := range renamed {
		fixed[name] = true
	}
	for name, schema := range sorted(renamed) {
		nameValues(name, objectAt(schema), fixed)
	}
	return nil
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
	target   string // with the index, for an entry of the overlay
	schema   object
	isMember bool   // of a union
	written  string // the schema, before what is within it has moved
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
	for key := range schemasOf(t.document) {
		taken[t.names.schema(key)] = true
	}
	for _, o := range operations(t.document) {
		taken.add(o.id(), operationClaims)
	}
	t.eachPlace(func(p place) string {
		if p.schema["$ref"] != nil || p.schema["x-go-type"] != nil || !p.needsType() {
			return p.name
		}
		wanted := cmp.Or(textAt(p.schema, "x-go-type-name"), p.name)
		p.name, p.written = wanted, string(encodeJSON(p.schema))
		for i := 2; taken[p.name]; i++ {
			p.name = fmt.Sprintf("%s%d", wanted, i)
		}
		taken[p.name] = true
		found = append(found, p)
		return p.name
	})
	return found
}

// eachPlace visits what is within the schemas, and the schemas in operations and in the other
// components. What is within a schema is called after the name that visit returns.
func (t *tree) eachPlace(visit func(place) string) {
	for key, schema := range sorted(schemasOf(t.document)) {
		eachWithin(newPlace(jsonPath("components", "schemas", key), t.names.schema(key), schema), visit)
	}
	for _, kind := range []string{"parameters", "headers", "requestBodies", "responses"} {
		for key, part := range sorted(get(t.document, "components", kind)) {
			eachWithin(newPlace(jsonPath("components", kind, key), goName(key), part), visit)
		}
	}
	for path, item := range sorted(t.document["paths"]) {
		shared := object{"parameters": get(item, "parameters")}
		eachWithin(newPlace(jsonPath("paths", path), goName(path), shared), visit)
	}
	for _, o := range operations(t.document) {
		eachWithin(newPlace(o.at(), t.names.operation(o.key(), o), o.object), visit)
	}
}

func newPlace(at, name string, schema any) place {
	return place{at: at, name: name, target: at, schema: objectAt(schema)}
}

// within is a place in this one.
func (p place) within(at, ending string, schema any) place {
	return place{at: p.at + at, name: p.name + ending, target: p.target + at, schema: objectAt(schema)}
}

// endings are those of the names of what is within a place, by its key.
var endings = map[string]string{"items": "Item", "additionalProperties": "Value", "requestBody": "Body"}

// eachWithin visits what is within a part of an operation or a schema.
func eachWithin(p place, visit func(place) string) {
	into := func(q place) {
		if q.schema != nil {
			q.name = visit(q)
			eachWithin(q, visit)
		}
	}
	for key, part := range sorted(p.schema) {
		switch key {
		case "schema", "contentSchema", "items", "additionalProperties", "requestBody":
			into(p.within("."+key, endings[key], part))
		case "itemSchema":
			if item := p.within(".itemSchema", "Item", part); objectAt(part, "properties", "data") == nil {
				into(item)
			} else {
				eachWithin(item, visit) // The event itself is feather.Event.
			}
		case "properties", "headers":
			for name, part := range sorted(part) {
				into(p.within("."+key+step(name), goName(name), part))
			}
		case "responses":
			for code, part := range sorted(part) {
				into(p.within(".responses"+step(code), "Response"+strings.ReplaceAll(code, "default", "Default"), part))
			}
		case "content":
			for mediaType, media := range sorted(part) {
				into(p.within(".content"+step(mediaType), mediaEnding(mediaType, len(objectAt(part))), media))
			}
		case "parameters":
			for _, parameter := range listAt(part) {
				name := textAt(parameter, "name")
				into(p.within(fmt.Sprintf(".parameters[?(@.name=='%s')]", name), "Params"+goName(name), parameter))
			}
		case "allOf": // The generator merges them.
			for i, part := range listAt(part) {
				eachWithin(p.within(fmt.Sprintf(".allOf[%d]", i), "", part), visit)
			}
		case "anyOf", "oneOf":
			isUnion := len(members(p.schema)) > 1 // Otherwise it is only nullable, and the member is the whole.
			for i, member := range listAt(part) {
				if isNullType(member) {
					continue
				}
				kind := ""
				if isUnion {
					kind = kindOf(objectAt(member))
				}
				q := p.within("."+key+"."+kind, kind, member)
				q.target, q.isMember = fmt.Sprintf("%s.%s[%d]", p.target, key, i), isUnion
				into(q)
			}
		}
	}
}

// members are those of a union but null.
func members(schema object) []any {
	return slices.DeleteFunc(slices.Concat(listAt(schema, "anyOf"), listAt(schema, "oneOf")), isNullType)
}

// kindOf is what a member of a union is called after, as its place in the list may change.
func kindOf(schema object) string {
	for _, key := range []string{"title", "const", "format"} {
		if kind := goName(textAt(schema, key)); kind != "" && (key != "format" || schema["type"] == "string") {
			return kind
		}
	}
	kinds := map[string]string{
		"string": "String", "integer": "Int", "number": "Float", "boolean": "Bool", "array": "List", "object": "Object",
	}
	kind := cmp.Or(kinds[textAt(schema, "type")], "Object")
	if item := textAt(schema, "items", "type"); kind == "List" && item != "array" && item != "object" {
		return kinds[item] + kind
	}
	return kind
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
