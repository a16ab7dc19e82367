package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// listOfOperations is OPERATIONS.md: by tag, each operation with its Go method and
// types. At hundreds of operations the package's page is no map.
func listOfOperations(prepared *yaml.Node, dir string) ([]byte, error) {
	module, err := output(dir, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	types, err := readGenerated(filepath.Join(dir, "feather.gen.go"))
	if err != nil {
		return nil, err
	}
	page := "https://pkg.go.dev/" + strings.TrimSpace(module) + "#"
	rows := map[string]map[string]string{} // by tag and method
	for path, item := range sorted(get(prepared, "paths")) {
		for method, operation := range operationsOf(item) {
			tag := firstTag(operation)
			if rows[tag] == nil {
				rows[tag] = map[string]string{}
			}
			rows[tag][getText(operation, "operationId")] = types.row(page, strings.ToUpper(method)+" "+path, operation)
		}
	}
	tags := slices.Sorted(maps.Keys(rows))
	var b strings.Builder
	b.WriteString(listHead)
	for i, tag := range tags {
		anchor := strings.ToLower(strings.ReplaceAll(tag, " ", "-"))
		fmt.Fprintf(&b, "%s[%s](#%s)", map[bool]string{true: "", false: " · "}[i == 0], tag, anchor)
	}
	b.WriteString("\n")
	for _, tag := range tags {
		fmt.Fprintf(&b, "\n## %s\n\n| call | request | response |\n| --- | --- | --- |\n", tag)
		for _, name := range slices.Sorted(maps.Keys(rows[tag])) {
			b.WriteString(rows[tag][name])
		}
	}
	return []byte(b.String()), nil
}

const listHead = `<!-- Made by make generate. -->
# Operations

The calls of ` + "`feather.Client`" + `, by the API's tags. Each has a second one,
with ` + "`WithResponse`" + ` after its name, which reads the response into the type named here.

`

// generatedTypes are, as source text, the aliases of request bodies and the fields of
// response wrappers.
type generatedTypes struct {
	aliases   map[string]string
	responses map[string][]string // the types of 2xx
}

var successField = regexp.MustCompile(`^[A-Z]+2\w\w$`)

func readGenerated(name string) (*generatedTypes, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	types := &generatedTypes{aliases: map[string]string{}, responses: map[string][]string{}}
	source := func(node ast.Node) string {
		var b strings.Builder
		_ = printer.Fprint(&b, files, node)
		return strings.NewReplacer("openapi_types.", "", "*", "").Replace(b.String())
	}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if spec.Assign != token.NoPos {
			types.aliases[spec.Name.Name] = source(spec.Type)
		}
		if wrapper, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range wrapper.Fields.List {
				if len(field.Names) == 1 && successField.MatchString(field.Names[0].Name) {
					types.responses[spec.Name.Name] = append(types.responses[spec.Name.Name], source(field.Type))
				}
			}
		}
		return false
	})
	return types, nil
}

func (t *generatedTypes) row(page, operation string, node *yaml.Node) string {
	name := goName(getText(node, "operationId"))
	request := t.linked(page, t.aliases[name+"JSONRequestBody"])
	method := name
	if request == "" && get(node, "requestBody") != nil {
		method, request = name+"WithBody", "a body of your own"
	}
	var responses []string
	for _, response := range t.responses[name+"Response"] {
		responses = append(responses, t.linked(page, response))
	}
	if getText(node, "deprecated") == "true" {
		operation += " (deprecated)"
	}
	call := fmt.Sprintf("[%s](%sClient.%s)<br>%s", method, page, method, operation)
	return fmt.Sprintf("| %s | %s | %s |\n", call, request, strings.Join(responses, ", "))
}

var exportedName = regexp.MustCompile(`^[A-Z]\w*$`)

// linked is a type, with a link where it is one of the package's.
func (t *generatedTypes) linked(page, typeText string) string {
	name := strings.TrimLeft(typeText, "[]")
	if !exportedName.MatchString(name) {
		return strings.ReplaceAll(typeText, "|", `\|`)
	}
	return fmt.Sprintf("[%s](%s%s)", strings.ReplaceAll(typeText, "[]", `\[\]`), page, name)
}
