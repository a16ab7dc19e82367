package main

import (
	"encoding/json"
	"fmt"
	"maps"
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
// before under its name.
func TestNoNameGoesToAnotherSchema(t *testing.T) {
	var inserted int
	for _, insertion := range insertions(t) {
		before, after := parseMarked(t), parseMarked(t)
		insertion.into(after)
		was, n := prepareMarked(t, before, before, &names{})
		is, _ := prepareMarked(t, before, after, n)
		for name, mark := range was {
			if is[name] != mark {
				t.Errorf("%s: %s was of %s and is of %q", insertion.what, name, mark, is[name])
			}
		}
		inserted++
	}
	if inserted < 60 {
		t.Errorf("only %d insertions", inserted)
	}
}

type insertion struct {
	what string
	into func(document object)
}

// insertions are by the count of the list that they change.
func insertions(t *testing.T) []insertion {
	news := map[string][]any{
		"parameters": {
			object{"name": "inserted", "in": "query", "schema": object{"type": "string", "enum": []any{"new", "old"}}},
		},
		"anyOf": {
			object{"type": "number"},
			object{"type": "string", "format": "date"},
			object{"type": "array", "items": object{"type": "integer"}},
			object{"title": "Inserted", "type": "object", "properties": object{"a": object{"type": "string"}}},
		},
		"enum": {"inserted", "=", "Open!"},
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
	was, _ := prepareMarked(t, parseMarked(t), parseMarked(t), &names{})
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

// prepareMarked bumps from one document to another, and returns the marks of its types and
// the values of its constants by their names.
func prepareMarked(t *testing.T, before, after object, n *names) (map[string]string, *names) {
	t.Helper()
	taken, err := declared(root, false)
	if err != nil {
		t.Fatal(err)
	}
	// What the tree has generated from the first document is taken.
	old := &tree{document: clone(t, before), names: n}
	old.names, _, err = n.updated(object{}, before, taken)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := old.prepare(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, schema := range sorted(schemasOf(prepared)) {
		taken.add(name, schemaClaims(schema))
	}
	entries, _, err := old.names.updated(before, after, taken)
	if err != nil {
		t.Fatal(err)
	}
	now := &tree{document: clone(t, after), names: entries}
	if prepared, err = now.prepare(root); err != nil {
		t.Fatal(err)
	}
	if err := checkInline(old.inline, now.inline); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for name, schema := range sorted(schemasOf(prepared)) {
		found[name] = textAt(schema, "x-mark")
		values, _ := valueNames(objectAt(schema))
		for i, value := range enumValues(schema) {
			if names := listAt(schema, "x-enum-varnames"); names != nil {
				values = names
			}
			found[name+values[i].(string)] = fmt.Sprint(value)
		}
	}
	for key, o := range operations(prepared) {
		found[o.id()] = key
	}
	maps.DeleteFunc(found, func(name, mark string) bool { return strings.Contains(name, "nserted") || mark == "" })
	return found, entries
}

func clone(t *testing.T, document object) object {
	t.Helper()
	var copied object
	if err := json.Unmarshal(encodeJSON(document), &copied); err != nil {
		t.Fatal(err)
	}
	addSchemas(copied)
	return copied
}
