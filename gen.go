package feather

import _ "embed"

// The generator reads a prepared document, in which the names of overlay.yaml are the
// names of the schemas.
//
//go:generate go -C tools run ./specbump -C .. -prepare build/prepared.json
//go:generate go tool -modfile=tools/go.mod oapi-codegen -config oapi-codegen.yaml build/prepared.json
//go:generate go -C tools run ./specbump -C .. -operations OPERATIONS.md

//go:embed openapi.json
var spec string

// Spec returns the OpenAPI 3.1 document, as JSON, that this package was
// generated from. Every call returns a copy of its own. A program that never
// calls Spec does not carry the document in its binary.
func Spec() []byte { return []byte(spec) }
