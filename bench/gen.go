package main

//go:generate go tool ogen --target ogenclient --package ogenclient --clean ../openapi.json
