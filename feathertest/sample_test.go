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
		{"a text", `{"type": "string"}`, `"text"`},
		{"a long text", `{"type": "string", "minLength": 6}`, `"textxx"`},
		{"a short text", `{"type": "string", "maxLength": 2}`, `"te"`},
		{"a UUID", `{"type": "string", "format": "uuid"}`, `"0190a5b4-0000-7000-8000-000000000001"`},
		{"an enum", `{"type": "string", "enum": ["b", "a"]}`, `"b"`},
		{"a constant", `{"const": "only"}`, `"only"`},
		{"an example", `{"type": "integer", "examples": [7]}`, `7`},
		{"alternatives", `{"type": "string", "pattern": "^(minute|hour)$"}`, `"minute"`},
		{"a phone number", `{"type": "string", "pattern": "^\\+[1-9]\\d{6,14}$"}`, `"+1111111"`},
		{"a pattern with a length", `{"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "minLength": 4}`, `"xxxx"`},
		{"an integer", `{"type": "integer"}`, `1`},
		{"an integer above a limit", `{"type": "integer", "exclusiveMinimum": 4}`, `5`},
		{"an integer below a limit", `{"type": "integer", "maximum": -3}`, `-3`},
		{"a multiple", `{"type": "number", "multipleOf": 5, "minimum": 12}`, `15`},
		{"a boolean", `{"type": "boolean"}`, `false`},
		{"a list", `{"type": "array", "items": {"type": "string"}}`, `[]`},
		{"a list with something in it", `{"type": "array", "minItems": 2, "items": {"type": "boolean"}}`, `[false,false]`},
		{"a pair", `{"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "string"}, {"type": "integer"}]}`, `["text",1]`},
		{"required members", `{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}`, `{"a":"text"}`},
		{"a member that may be null", `{"type": "object", "required": ["a"], "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}`, `{"a":null}`},
		{"a whole that may be null", `{"anyOf": [{"type": "null"}, {"type": "string"}]}`, `"text"`},
		{"all of several", `{"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
			{"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}}]}`, `{"a":1,"b":false}`},
		{"anything", `{}`, `{}`},
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
