package feather

import _ "embed"

//go:generate go tool -modfile=tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.json

//go:embed openapi.json
var spec string

// Spec returns the OpenAPI 3.1 document, as JSON, that this package was
// generated from. Every call returns a copy of its own. A program that never
// calls Spec does not carry the document in its binary.
func Spec() []byte { return []byte(spec) }
