package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
)

// checkDocument finds what generating would stumble over, and names the place. A document
// that is wrong is refused and never repaired by guess: what is right is known to the API's
// authors. An entry of the overlay can say it.
func (t *tree) checkDocument() error {
	var problem error
	check := func(err error) { problem = cmp.Or(problem, err) }
	walk(t.document, "$", func(at string, node object) {
		if ref, ok := node["$ref"].(string); ok && !strings.Contains(at, `["x-`) {
			check(checkReference(t.document, at, ref))
		}
	})
	if problem != nil {
		return problem // Other checks follow references.
	}
	for kind, parts := range sorted(t.document["components"]) {
		for key, part := range sorted(parts) {
			one := object{kind: object{key: part}}
			check(isReadable(jsonPath("components", kind, key), one, &openapi3.Components{}))
		}
	}
	for path, item := range sorted(t.document["paths"]) {
		check(isReadable(jsonPath("paths", path), item, &openapi3.PathItem{}))
	}
	for _, o := range operations(t.document) {
		check(checkParameters(t.document, o))
		for code := range sorted(o.object["responses"]) {
			if strings.EqualFold(code, "2XX") {
				check(fmt.Errorf("%s.responses.%s: a class of 2xx has no typed field; name the status, by an update and a "+
					"remove in %s", o.at(), code, overlayFile))
			}
		}
	}
	for key, schema := range sorted(schemasOf(t.document)) {
		check(checkSchema(newPlace(jsonPath("components", "schemas", key), "", schema)))
	}
	t.eachPlace(func(p place) string {
		check(checkSchema(p))
		return p.name
	})
	if _, err := openapi3.NewLoader().LoadFromData(encodeJSON(t.document)); err != nil {
		check(fmt.Errorf("not a valid OpenAPI document: %w", err))
	}
	return problem
}

// isReadable says where a part is that the generator cannot read.
func isReadable(at string, part, into any) error {
	if err := json.Unmarshal(encodeJSON(part), into); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// checkReference follows a JSON pointer, and a schema that is only a reference.
func checkReference(document object, at, ref string) error {
	seen := map[string]bool{}
	for next := ref; next != ""; {
		if seen[next] {
			return fmt.Errorf("%s: the $ref %q leads back to itself", at, ref)
		}
		seen[next] = true
		target := resolve(document, next)
		if target == nil {
			return fmt.Errorf("%s: the $ref %q is not defined", at, next)
		}
		if strings.Count(next, "/") > 3 {
			return fmt.Errorf("%s: the $ref %q leads into another part, which the generator cannot follow; "+
				"make a component of it in %s", at, next, overlayFile)
		}
		next = textAt(target, "$ref")
	}
	return nil
}

func resolve(document object, ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	var node any = document
	for key := range strings.SplitSeq(pointer, "/") {
		if list, ok := node.([]any); ok {
			if i, err := strconv.Atoi(key); err == nil && 0 <= i && i < len(list) {
				node = list[i]
				continue
			}
		}
		node = get(node, unescaped(key))
	}
	return node
}

// checkParameters compares the parameters in a path with those that are declared, and finds
// two that would be one.
func checkParameters(document object, o operation) error {
	inPath, fields, variables := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, variable := range templateVariables {
		variables[variable] = "a variable of the generated code"
	}
	for _, keys := range [][]string{{"paths", o.path}, {"paths", o.path, o.method}} {
		parent, seen := jsonPath(keys...), map[string]bool{}
		for _, parameter := range listAt(get(document, keys...), "parameters") {
			at := fmt.Sprintf("%s.parameters[?(@.name=='%s')]", parent, textAt(parameter, "name"))
			if ref := textAt(parameter, "$ref"); ref != "" {
				parameter, at = resolve(document, ref), jsonPath(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			name, in := textAt(parameter, "name"), textAt(parameter, "in")
			if seen[in+name] {
				return fmt.Errorf("%s: the parameter %s in %s is declared twice; where %s declares it, "+
					"the document does now, and the entry can go", parent, name, in, overlayFile)
			}
			seen[in+name] = true
			if in == "cookie" {
				return fmt.Errorf("%s: a parameter in a cookie is not supported; remove it in %s", at, overlayFile)
			}
			goName := cmp.Or(textAt(parameter, "x-go-name"), name)
			users, field := fields, fieldName(goName)
			if in == "path" {
				inPath[name] = true
				users, field = variables, codegen.LowercaseFirstCharacter(field)
			}
			if err := addField(users, at, name+" in "+in, goName, field); err != nil {
				return err
			}
		}
	}
	for _, found := range inBraces.FindAllStringSubmatch(o.path, -1) {
		if name := found[1]; !inPath[name] {
			entry := fmt.Sprintf("parameters: [{name: %s, in: path, required: true, schema: {type: string}}]", name)
			return fmt.Errorf("%s: the path has a parameter %s that is not declared; declare it:\n%s", o.at(), name,
				advice(o.at(), entry))
		}
		delete(inPath, found[1])
	}
	for name := range inPath {
		return fmt.Errorf("%s: the parameter %s is declared to be in the path, which does not have it; remove it in %s",
			o.at(), name, overlayFile)
	}
	return nil
}

// templateVariables are what the generated code calls its own.
var templateVariables = []string{"ctx", "body", "contentType", "reqEditors", "params", "c", "r", "nil", "string",
	"context", "errors", "fmt", "http", "io", "json", "nullable", "oapi", "runtime", "time"}

func fieldName(name string) string { return codegen.SchemaNameToTypeName(name) }

// checkSchema finds two properties that would be one field, and types that Go does not have.
func checkSchema(p place) error {
	types := slices.DeleteFunc(slices.Clone(listAt(p.schema, "type")), isNullType)
	if len(types) > 1 {
		return fmt.Errorf("%s: a list of types is not supported; write a union:\n%s", p.at,
			advice(p.target, "anyOf: [{type: ONE}, {type: OTHER}]")+"\n  and remove its type")
	}
	for _, written := range append(types, p.schema["type"]) {
		if name, ok := written.(string); ok && !slices.Contains(schemaTypes, name) {
			return fmt.Errorf("%s: there is no type %q", p.at, name)
		}
	}
	fields := map[string]string{}
	if p.schema["additionalProperties"] != nil && p.schema["additionalProperties"] != false {
		for _, method := range []string{"Get", "Set", "AdditionalProperties", "MarshalJSON", "UnmarshalJSON"} {
			fields[method] = "a method of a type with additionalProperties"
		}
	}
	for property, described := range sorted(p.schema["properties"]) {
		name := cmp.Or(textAt(described, "x-go-name"), property)
		if err := addField(fields, p.target+".properties"+step(property), property, name, fieldName(name)); err != nil {
			return err
		}
	}
	return checkValueNames(p)
}

var schemaTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// addField adds a field or variable under its Go name. It is told by its name in the document;
// two parameters of one place are one, as an operation may declare its path's once more.
func addField(fields map[string]string, at, called, name, field string) error {
	other, isTaken := fields[field]
	switch {
	case !token.IsIdentifier(field) && !token.IsKeyword(field):
		return fmt.Errorf("%s: %s has no Go name; give it one:\n%s", at, called, advice(at, "x-go-name: NAME"))
	case isTaken && other != called:
		return fmt.Errorf("%s: %s and %s both become %s in Go; name one of them:\n%s",
			at, other, called, field, advice(at, "x-go-name: "+fieldName(name)+"2"))
	}
	fields[field] = called
	return nil
}

// checkInline refuses a document in which the type of a schema would change its name, or get
// the name of another one, that is still there.
func checkInline(before, after []place) error {
	was, now := map[string]place{}, map[string]place{}
	for _, p := range before {
		was[p.name] = p
	}
	for _, p := range after {
		now[p.at+p.written], now[p.at] = p, p
	}
	for _, p := range after {
		old, isKnown := was[p.name]
		other := now[old.at+old.written]
		if other.name == "" {
			other = now[old.at]
		}
		isOther := old.at != p.at || old.written != p.written
		if isKnown && isOther && other.name != "" && other.name != p.name {
			return fmt.Errorf("%s: its type would be called %s, which is the name of the type of %s; name it:\n%s",
				p.target, p.name, other.target, advice(p.target, "x-go-type-name: NAME"))
		}
	}
	return nil
}

// advice is an entry for the overlay.
func advice(target, change string) string {
	return fmt.Sprintf("  in %s:\n  - target: %s\n    update:\n      %s", overlayFile, target, change)
}
