package feathertest

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func schemaOf(t *testing.T, text string) *openapi3.SchemaRef {
	t.Helper()
	ref := &openapi3.SchemaRef{}
	if err := json.Unmarshal([]byte(text), ref); err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestSampleIsSmallAndAllowed(t *testing.T) {
	tests := []struct{ name, schema, want string }{
		{name: "a text", schema: `{"type": "string"}`, want: `"text"`},
		{name: "a long text", schema: `{"type": "string", "minLength": 6}`, want: `"textxx"`},
		{name: "a short text", schema: `{"type": "string", "maxLength": 2}`, want: `"te"`},
		{
			name: "a UUID", schema: `{"type": "string", "format": "uuid"}`,
			want: `"0190a5b4-0000-7000-8000-000000000001"`,
		},
		{name: "an enum", schema: `{"type": "string", "enum": ["b", "a"]}`, want: `"b"`},
		{name: "a constant", schema: `{"const": "only"}`, want: `"only"`},
		{name: "an example", schema: `{"type": "integer", "examples": [7]}`, want: `7`},
		{name: "alternatives", schema: `{"type": "string", "pattern": "^(minute|hour)$"}`, want: `"minute"`},
		{name: "a phone number", schema: `{"type": "string", "pattern": "^\\+[1-9]\\d{6,14}$"}`, want: `"+1111111"`},
		{
			name:   "a pattern with a length",
			schema: `{"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "minLength": 4}`, want: `"xxxx"`,
		},
		{name: "an integer", schema: `{"type": "integer"}`, want: `1`},
		{name: "an integer above a limit", schema: `{"type": "integer", "exclusiveMinimum": 4}`, want: `5`},
		{name: "an integer below a limit", schema: `{"type": "integer", "maximum": -3}`, want: `-3`},
		{name: "a multiple", schema: `{"type": "number", "multipleOf": 5, "minimum": 12}`, want: `15`},
		{name: "a boolean", schema: `{"type": "boolean"}`, want: `false`},
		{name: "a list", schema: `{"type": "array", "items": {"type": "string"}}`, want: `[]`},
		{
			name:   "a list with something in it",
			schema: `{"type": "array", "minItems": 2, "items": {"type": "boolean"}}`, want: `[false,false]`,
		},
		{
			name:   "a pair",
			schema: `{"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "string"}, {"type": "integer"}]}`,
			want:   `["text",1]`,
		},
		{
			name:   "required members",
			schema: `{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}`,
			want:   `{"a":"text"}`,
		},
		{
			name:   "a member that may be null",
			schema: `{"type": "object", "required": ["a"], "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}`,
			want:   `{"a":null}`,
		},
		{
			name: "a whole that may be null", schema: `{"anyOf": [{"type": "null"}, {"type": "string"}]}`,
			want: `"text"`,
		},
		{
			name: "all of several",
			schema: `{"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
			{"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}}]}`,
			want: `{"a":1,"b":false}`,
		},
		{
			name: "one of the members", schema: `{"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]}`,
			want: `{"a":"text"}`,
		},
		{
			name:   "one of the members",
			schema: `{"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]}`,
			want:   `{"a":"text"}`,
		},
		{name: "anything", schema: `{}`, want: `{}`},
	}
	for _, tt := range tests {
		schema := schemaOf(t, tt.schema)
		got, err := json.Marshal(sample(schema))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
		var value any
		_ = json.Unmarshal(got, &value)
		if err := schema.Value.VisitJSON(value, append(schemaOptions, openapi3.EnableJSONSchema2020())...); err != nil {
			t.Errorf("%s: %s is not allowed: %v", tt.name, got, err)
		}
	}
}

func TestSampleOfASchemaThatRequiresItselfEnds(t *testing.T) {
	schema := schemaOf(t, `{"type": "object", "required": ["self"], "properties": {}}`)
	schema.Value.Properties = openapi3.Schemas{"self": schema}
	if sample(schema) == nil {
		t.Error("nothing")
	}
}

// TestSampleOfATreeIsALeaf has a variant that leads back to the union.
func TestSampleOfATreeIsALeaf(t *testing.T) {
	doc, err := openapi3.NewLoader().
		LoadFromData([]byte(`{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {},
		"components": {"schemas": {
			"Expr": {"oneOf": [{"$ref": "#/components/schemas/And"}, {"$ref": "#/components/schemas/Lit"}]},
			"And": {"type": "object", "required": ["left", "right"], "properties": {
				"left": {"$ref": "#/components/schemas/Expr"}, "right": {"$ref": "#/components/schemas/Expr"}}},
			"Lit": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	expr := &openapi3.SchemaRef{Ref: "#/components/schemas/Expr", Value: doc.Components.Schemas["Expr"].Value}
	if got, _ := json.Marshal(sample(expr)); string(got) != `{"value":1}` {
		t.Errorf("%.200s", got)
	}
}
