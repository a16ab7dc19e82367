package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// marked is a document with each kind of place that gives a type a name.
const marked = `
openapi: 3.1.0
info: {title: Marked, version: "1"}
paths:
  /v1/tickets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      tags: [tickets]
      operationId: get_ticket_v1_tickets__id__get
      parameters: [{name: sort, in: query, schema: {type: string, enum: [new, old]}}, {name: view, in: query, schema: {anyOf: [{type: string}, {type: array, items: {type: string}}]}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {anyOf: [{$ref: "#/components/schemas/Ticket"}, {$ref: "#/components/schemas/src__items__Item"}]}}}}}
  /v1/items:
    post:
      tags: [items]
      operationId: create_v1_items_post
      requestBody: {content: {application/json: {schema: {type: object, properties: {state: {type: string, enum: [open, closed]}}}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/src__other__Item"}}}}}
components:
  schemas:
    Ticket: {type: object, properties: {state: {type: string, enum: [open, closed, "<", ">"]}, value: {anyOf: [{type: string}, {type: integer}, {type: "null"}]}, owner: {type: object, properties: {id: {type: string}}}, note: {anyOf: [{title: Text, type: object, properties: {a: {type: string}}}, {type: string}]}}}
    src__items__Item: {type: object, properties: {content: {oneOf: [{type: string}, {type: array, items: {type: string}}]}, many: {type: array, items: {type: object, properties: {x: {type: string}}}}}}
    src__other__Item: {type: object, properties: {kind: {const: other}, parts: {type: object, additionalProperties: {type: string, enum: [a, b]}}}}
`

// TestNoNameGoesToAnotherSchema inserts a parameter, a member of a union, a value of an enum
// and a schema at every place of a document, and finds each type, operation and constant of
// before under its name, if the document is not refused.
func TestNoNameGoesToAnotherSchema(t *testing.T) {
	dir, input := copyRepository(t), filepath.Join(t.TempDir(), "marked.json")
	write(t, input, encodeJSON(parseMarked(t)))
	if err := bumpTo(dir, input); err != nil {
		t.Fatal(err)
	}
	mustGenerate(t, dir)
	was, err := marksOf(t, dir, parseMarked(t))
	if err != nil {
		t.Fatal(err)
	}
	all, refused := insertions(t, was), 0
	for _, insertion := range all {
		after := parseMarked(t)
		insertion.into(after)
		is, err := marksOf(t, dir, after)
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "$.") {
				t.Errorf("%s: the refusal names no place: %v", insertion.what, err)
			}
			continue
		}
		for name, mark := range was {
			if is[name] != mark {
				t.Errorf("%s: %s was of %s and is of %q", insertion.what, name, mark, is[name])
			}
		}
	}
	if len(all) < 60 || refused > len(all)/4 {
		t.Errorf("%d insertions, %d refused", len(all), refused)
	}
}

type insertion struct {
	what string
	into func(document object)
}

// insertions are by the count of the list that they change.
func insertions(t *testing.T, was map[string]string) []insertion {
	news := map[string][]any{
		"parameters": {
			object{"name": "inserted", "in": "query", "schema": object{"type": "string", "enum": []any{"new", "old"}}},
		},
		"anyOf": {
			object{"type": "string"},
			object{"type": "array", "items": object{"type": "string"}},
			object{"type": "object", "additionalProperties": true},

			object{"type": "number"},
			object{"type": "string", "format": "date"},
			object{"type": "array", "items": object{"type": "integer"}},
			object{"title": "Inserted", "type": "object", "properties": object{"a": object{"type": "string"}}},
		},
		"enum": {"inserted", "=", "Open!", "OPEN", "", "日本", "State"},
	}
	news["oneOf"] = news["anyOf"]
	var all []insertion
	for key, values := range news {
		for _, value := range values {
			for at := 0; eachList(parseMarked(t), key, at, nil); at++ {
				all = append(
					all,
					insertion{fmt.Sprintf("%v as number %d in %s", value, at, key), func(document object) {
						eachList(document, key, at, value)
					}},
				)
			}
		}
	}
	for name := range was {
		if schemasOf(parseMarked(t))[name] != nil {
			continue
		}
		all = append(all, insertion{"a schema called " + name, func(document object) {
			schemasOf(document)[name] = object{"type": "string", "enum": []any{"a"}}
			response := object{"schema": object{"$ref": schemaRef + name}}
			objectAt(document, "paths")["/v0/inserted"] = object{
				"get": object{"operationId": "inserted", "responses": object{
					"200": object{"description": "ok", "content": object{"application/json": response}}}},
			}
		}})
	}
	return all
}

// eachList inserts a value, if there is one, at one of all places of all lists under a key,
// and returns whether there are so many.
func eachList(document object, key string, at int, value any) bool {
	found := false
	for _, node := range sortedObjects(document) {
		list, ok := node[key].([]any)
		if !ok || found {
			continue
		}
		if at <= len(list) {
			found = true
			if value != nil {
				node[key] = slices.Insert(slices.Clone(list), at, value)
			}
		}
		at -= len(list) + 1
	}
	return found
}

func sortedObjects(node any) (all []object) {
	eachObject(node, func(o object) { all = append(all, o) })
	return all
}

// parseMarked gives each object its place for a mark.
func parseMarked(t *testing.T) object {
	t.Helper()
	document, err := parseDocument([]byte(marked))
	if err != nil {
		t.Fatal(err)
	}
	var mark func(node any, at string)
	mark = func(node any, at string) {
		for key, child := range sorted(node) {
			mark(child, at+"/"+key)
		}
		list, _ := node.([]any)
		for i, child := range list {
			mark(child, fmt.Sprint(at, "/", i))
		}
		if o, ok := node.(object); ok &&
			(o["type"] != nil || o["anyOf"] != nil || o["oneOf"] != nil || o["const"] != nil) {
			o["x-mark"] = at
		}
	}
	mark(document["paths"], "")
	mark(schemasOf(document), "")
	return document
}

// marksOf bumps to a document, and returns the marks of its types and the values of its
// constants by their names.
func marksOf(t *testing.T, dir string, document object) (map[string]string, error) {
	t.Helper()
	vendored, err := loadVendored(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, err := plan(dir, vendored.root, document, &report{})
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for name, schema := range sorted(schemasOf(after.document)) {
		found[name] = textAt(schema, "x-mark")
		names, _ := valueNames(objectAt(schema))
		for i, value := range enumValues(schema) {
			if chosen := listAt(schema, "x-enum-varnames"); chosen != nil {
				names[i] = chosen[i].(string)
			}
			found[name+names[i]] = fmt.Sprint(value)
		}
	}
	for key, o := range operations(after.document) {
		found[o.id()] = key
	}
	maps.DeleteFunc(found, func(name, mark string) bool { return strings.Contains(name, "nserted") || mark == "" })
	return found, nil
}
