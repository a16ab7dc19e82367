package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// get is a document with one operation for each schema, written as flow YAML.
func flow(parts ...string) string {
	text := "openapi: 3.1.0\ninfo: {title: Flow, version: \"1\"}\npaths:\n"
	schemas := "components:\n  schemas:\n    HTTPValidationError: {type: object, properties: {detail: {type: array, items: {}}}}\n"
	for _, part := range parts {
		if strings.HasPrefix(part, "/") {
			text += "  " + part + "\n"
		} else {
			schemas += "    " + part + "\n"
		}
	}
	return text + schemas
}

// returns is an operation that returns a schema.
func returns(path, id, tag, schema string) string {
	return fmt.Sprintf(`%s: {get: {operationId: %s, tags: [%s], responses: {"200": {description: ok, content: {application/json: {schema: %s}}}}}}`,
		path, id, tag, schema)
}

const refTo = `{$ref: "#/components/schemas/%s"}`

// TestSecondBumps bumps from one document to another. What was there before keeps its name, or
// the second document is refused with the place.
func TestSecondBumps(t *testing.T) {
	ref := func(name string) string { return fmt.Sprintf(refTo, name) }
	tests := []struct {
		name          string
		before, after string
		keeps         string // declarations, of both, each as a regular expression
		refused       string
	}{
		{
			name:   "a schema called as a constant of an inline enum",
			before: flow(returns("/a", "get_a", "t", ref("Ticket")), `Ticket: {type: object, properties: {status: {type: string, enum: [new, archived]}}}`),
			after: flow(returns("/a", "get_a", "t", ref("Ticket")), returns("/b", "get_b", "t", ref("TicketStatusNew")),
				`Ticket: {type: object, properties: {status: {type: string, enum: [new, archived]}}}`, `TicketStatusNew: {type: object, properties: {a: {type: string}}}`),
			keeps: `type TicketStatus string|TicketStatusNew +TicketStatus +=`,
		},
		{
			name:   "a schema called as a constant of a component",
			before: flow(returns("/a", "get_a", "t", ref("Kind")), `Kind: {type: string, enum: [call, message]}`),
			after: flow(returns("/a", "get_a", "t", ref("Kind")), returns("/b", "get_b", "t", ref("KindCall")),
				`Kind: {type: string, enum: [call, message]}`, `KindCall: {type: object, properties: {a: {type: string}}}`),
			keeps: `KindCall +Kind +=`,
		},
		{
			name: "a value that spells the name of a type",
			before: flow(returns("/a", "get_a", "t", ref("Kind")), returns("/b", "get_b", "t", ref("KindCall")), returns("/c", "get_c", "t", ref("T")),
				`Kind: {type: string, enum: [message]}`, `KindCall: {type: object, properties: {a: {type: string}}}`,
				`T: {type: object, properties: {kind: {type: string, enum: [message]}, call: `+ref("TKindCall")+`}}`, `TKindCall: {type: object, properties: {a: {type: string}}}`),
			after: flow(returns("/a", "get_a", "t", ref("Kind")), returns("/b", "get_b", "t", ref("KindCall")), returns("/c", "get_c", "t", ref("T")),
				`Kind: {type: string, enum: [call, message]}`, `KindCall: {type: object, properties: {a: {type: string}}}`,
				`T: {type: object, properties: {kind: {type: string, enum: [call, message]}, call: `+ref("TKindCall")+`}}`, `TKindCall: {type: object, properties: {a: {type: string}}}`),
			keeps: `KindMessage +Kind +=|type KindCall struct|TKindMessage +TKind +=|type TKindCall struct`,
		},
		{
			name:    "a member of a union before one of its type",
			before:  flow(returns("/a", "get_a", "t", ref("T")), `T: {type: object, properties: {v: {anyOf: [{type: string, enum: [a, b]}, {type: integer}]}}}`),
			after:   flow(returns("/a", "get_a", "t", ref("T")), `T: {type: object, properties: {v: {anyOf: [{type: string}, {type: string, enum: [a, b]}, {type: integer}]}}}`),
			refused: `$.components.schemas.T.properties.v.anyOf[0]: its type would be called TVString`,
		},
		{
			name:   "the name of an operation that is gone",
			before: flow(returns("/a/x", "list_items_a_x_get", "one", ref("T")), `T: {type: string}`),
			after:  flow(returns("/zzz", "list_items_zzz_get", "other", ref("T")), `T: {type: string}`),
			keeps:  `!func \(c \*Client\) ListItems\(`,
		},
		{
			name:   "another name for a parameter in the path",
			before: flow(returns("/b/x", "get_a_b_x_get", "u", ref("T")), `/a/{id}: {get: {operationId: get_a_a__id__get, tags: [t], parameters: [{name: id, in: path, required: true, schema: {type: string}}], responses: {"204": {description: ok}}}}`, `T: {type: string}`),
			after:  flow(returns("/b/x", "get_a_b_x_get", "u", ref("T")), `/a/{a_id}: {get: {operationId: get_a_a__a_id__get, tags: [t2], parameters: [{name: a_id, in: path, required: true, schema: {type: string}}], responses: {"204": {description: ok}}}}`, `T: {type: string}`),
			keeps:  `func \(c \*Client\) TGetA\(|func \(c \*Client\) UGetA\(`,
		},
		{
			name:   "a prefix for all",
			before: flow(returns("/a", "list_things_a_get", "one", ref("T")), returns("/b", "list_things_b_get", "two", ref("T")), `T: {type: string}`),
			after:  flow(returns("/v2/a", "list_things_v2_a_get", "one", ref("T")), returns("/v2/b", "list_things_v2_b_get", "two", ref("T")), `T: {type: string}`),
			keeps:  `func \(c \*Client\) OneListThings\(|func \(c \*Client\) TwoListThings\(`,
		},
		{
			name: "a model for input and one for output",
			before: flow(`/a: {post: {operationId: a, requestBody: {content: {application/json: {schema: `+ref("Item")+`}}}, responses: {"200": {description: ok, content: {application/json: {schema: `+ref("Item")+`}}}}}}`,
				`Item: {type: object, properties: {a: {type: string}}}`),
			after: flow(`/a: {post: {operationId: a, requestBody: {content: {application/json: {schema: `+ref("Item-Input")+`}}}, responses: {"200": {description: ok, content: {application/json: {schema: `+ref("Item-Output")+`}}}}}}`,
				`Item-Input: {type: object, properties: {a: {type: string}, b: {type: string}}}`, `Item-Output: {type: object, required: [b], properties: {a: {type: string}, b: {type: string}}}`),
			keeps: `type Item struct`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, first, second := copyRepository(t), filepath.Join(t.TempDir(), "1.yaml"), filepath.Join(t.TempDir(), "2.yaml")
			write(t, first, []byte(tt.before))
			write(t, second, []byte(tt.after))
			if err := bumpTo(dir, first); err != nil {
				t.Fatal(err)
			}
			before := mustGenerate(t, dir)
			if err := bumpTo(dir, second); tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("error %v, want %s", err, tt.refused)
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
			after := mustGenerate(t, dir)
			for want := range strings.SplitSeq(tt.keeps, "|") {
				want, isNot := strings.CutPrefix(want, "!")
				declaration := regexp.MustCompile(want)
				if !declaration.MatchString(before) || declaration.MatchString(after) == isNot {
					t.Errorf("%s: before %t, after %t", want, declaration.MatchString(before), declaration.MatchString(after))
				}
			}
			if _, err := output(dir, "go", "build", "."); err != nil {
				t.Error(err)
			}
		})
	}
}
