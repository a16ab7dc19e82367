package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
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
	if err := checkReferences(t.document, t.document, "$"); err != nil {
		return err
	}
	var problem error
	check := func(err error) { problem = cmp.Or(problem, err) }
	for key, schema := range sorted(schemasOf(t.document)) {
		p := place{at: jsonPath("components", "schemas", key), schema: objectAt(schema)}
		check(isReadable(p.at, schema, &openapi3.SchemaRef{}))
		check(checkFields(p))
	}
	for _, o := range operations(t.document) {
		check(isReadable(o.at(), o.object, &openapi3.Operation{}))
		check(checkParameters(t.document, o))
	}
	t.eachPlace(func(p place) string {
		check(checkFields(p))
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

func checkReferences(document object, node any, at string) error {
	for key, value := range sorted(node) {
		if slices.Contains(literals, key) && !strings.HasSuffix(at, ".properties") || strings.HasPrefix(key, "x-") {
			continue
		}
		if ref, ok := value.(string); ok && key == "$ref" {
			if err := checkReference(document, ref); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
		if err := checkReferences(document, value, at+step(key)); err != nil {
			return err
		}
	}
	list, _ := node.([]any)
	for i, item := range list {
		if err := checkReferences(document, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

// checkReference follows a JSON pointer, and a schema that is only a reference.
func checkReference(document object, ref string) error {
	seen := map[string]bool{}
	for next := ref; next != ""; {
		if seen[next] {
			return fmt.Errorf("the $ref %q leads back to itself", ref)
		}
		seen[next] = true
		target := resolve(document, next)
		if target == nil {
			return fmt.Errorf("the $ref %q leads nowhere", next)
		}
		if strings.Count(next, "/") > 3 {
			return fmt.Errorf("the $ref %q leads into another part, which the generator cannot follow; "+
				"make a component of it in %s", next, overlayFile)
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

var inBraces = regexp.MustCompile(`\{([^}]*)\}`)

// checkParameters compares the parameters in a path with those that are declared, and finds
// two that would be one.
func checkParameters(document object, o operation) error {
	inPath, fields := map[string]bool{}, map[string]string{}
	for _, list := range [][]any{listAt(document, "paths", o.path, "parameters"), listAt(o.object, "parameters")} {
		seen := map[string]bool{}
		for _, parameter := range list {
			if ref := textAt(parameter, "$ref"); ref != "" {
				parameter = resolve(document, ref)
			}
			name, in := textAt(parameter, "name"), textAt(parameter, "in")
			if seen[in+name] {
				return fmt.Errorf("%s: the parameter %s in %s is declared twice; where %s declares it, "+
					"the document does now, and the entry can go", o.at(), name, in, overlayFile)
			}
			seen[in+name] = true
			if in == "path" {
				inPath[name] = true
				continue
			}
			at := fmt.Sprintf("%s.parameters[?(@.name=='%s')]", o.at(), name)
			if err := addField(fields, at, name+" in "+in, cmp.Or(textAt(parameter, "x-go-name"), name)); err != nil {
				return err
			}
		}
	}
	for _, found := range inBraces.FindAllStringSubmatch(o.path, -1) {
		if name := found[1]; !inPath[name] {
			return fmt.Errorf(
				"%s: the path has a parameter %s that is not declared; declare it:\n%s",
				o.at(),
				name,
				advice(o.at(),
					fmt.Sprintf("parameters: [{name: %s, in: path, required: true, schema: {type: string}}]", name)),
			)
		}
		delete(inPath, found[1])
	}
	for name := range inPath {
		return fmt.Errorf("%s: the parameter %s is declared to be in the path, which does not have it; remove it in %s",
			o.at(), name, overlayFile)
	}
	return nil
}

// checkFields finds two properties that would be one field.
func checkFields(p place) error {
	fields := map[string]string{}
	for property, described := range sorted(p.schema["properties"]) {
		at := p.at + ".properties" + step(property)
		if err := addField(fields, at, property, cmp.Or(textAt(described, "x-go-name"), property)); err != nil {
			return err
		}
	}
	return nil
}

// addField adds a field under its Go name. It is told by its name in the document; two
// parameters of one place are one, as an operation may declare its path's anew.
func addField(fields map[string]string, at, called, name string) error {
	field := codegen.SchemaNameToTypeName(name)
	other, isTaken := fields[field]
	switch {
	case !isExported(field):
		return fmt.Errorf("%s: %s has no Go name; give it one:\n%s", at, called, advice(at, "x-go-name: NAME"))
	case isTaken && other != called:
		return fmt.Errorf("%s: %s and %s both become the Go field %s; name one of them:\n%s",
			at, other, called, field, advice(at, "x-go-name: "+field+"2"))
	}
	fields[field] = called
	return nil
}

// checkInline refuses a document in which the type of one schema would get the name that the
// type of another one has, which is still there.
func checkInline(before, after []place) error {
	was, there := map[string]string{}, map[string]bool{}
	for _, p := range before {
		was[p.name] = p.at
	}
	for _, p := range after {
		there[p.at] = true
	}
	for _, p := range after {
		if at := was[p.name]; at != "" && at != p.at && there[at] {
			return fmt.Errorf("%s: its type would be called %s, as that of %s is; name it:\n%s", p.at, p.name, at,
				advice(p.at, "x-go-type-name: NAME"))
		}
	}
	return nil
}

// advice is an entry for the overlay.
func advice(target, change string) string {
	return fmt.Sprintf("  in %s:\n  - target: %s\n    update:\n      %s", overlayFile, target, change)
}
