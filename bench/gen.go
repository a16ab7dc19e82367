package main

// The document is one of the benchmarks' own: peers cannot read every document.
//
//go:generate go tool ogen --target ogenclient --package ogenclient --clean testdata/openapi.json
