package feather

import _ "embed"

// The generator reads a prepared document: openapi.json with overlay.yaml applied, and
// each type under its Go name.
//
//go:generate -command generator go tool -modfile=tools/go.mod oapi-codegen
//go:generate -command specbump go -C tools run ./specbump -C ..
//go:generate specbump -prepare build/prepared.json
//go:generate generator -config oapi-codegen.yaml build/prepared.json

//go:embed openapi.json
var spec string

// Spec returns the OpenAPI 3.1 document, as JSON, that this package was
// generated from. Every call returns a copy of its own. A program that never
// calls Spec does not carry the document in its binary.
func Spec() []byte { return []byte(spec) }
