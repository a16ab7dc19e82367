package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"gopkg.in/yaml.v3"
)

var supported = regexp.MustCompile(`^3\.[01]\.\d+$`)

func checkShape(root *yaml.Node) error {
	switch written := getText(root, "openapi"); {
	case root == nil || len(root.Content) == 0:
		return errors.New("the document is empty")
	case getText(root, "swagger") != "":
		return fmt.Errorf("a document of Swagger %s is not supported; convert it to OpenAPI 3.1", getText(root, "swagger"))
	case written == "":
		return errors.New("not an OpenAPI document: it has no openapi version")
	case !supported.MatchString(written):
		return fmt.Errorf("OpenAPI %s is not supported; 3.0 and 3.1 are", written)
	case getText(root, "info", "version") == "":
		return errors.New("not a whole OpenAPI document: it has no info.version")
	case get(root, "paths") == nil:
		return errors.New("not a whole OpenAPI document: it has no paths")
	}
	return nil
}

// checkDocument finds what generating would stumble over. A document that is wrong is
// refused and never repaired by guess: what is right is known to the API's authors. An
// entry of the overlay can say it.
func checkDocument(root *yaml.Node) error {
	if err := checkReferences(root, root, "$"); err != nil {
		return err
	}
	for path, item := range entries(get(root, "paths")) {
		for method, operation := range operationsOf(item) {
			if err := checkParameters(root, path, item, operation, jsonPath("paths", path, method)); err != nil {
				return err
			}
		}
	}
	var problem error
	eachSchema(root, func(p position) {
		if problem == nil {
			problem = errors.Join(goFields(p), checkDiscriminator(p))
		}
	})
	if problem != nil {
		return problem
	}
	if _, err := openapi3.NewLoader().LoadFromData(encodeJSON(simplified(root))); err != nil {
		return fmt.Errorf("not a valid OpenAPI document: %w", err)
	}
	return nil
}

func simplified(root *yaml.Node) *yaml.Node {
	root = clone(root)
	simplify(root)
	return root
}

// eachSchema visits all schemas, the components' and those where they are used.
func eachSchema(root *yaml.Node, visit func(position)) {
	var all func(p position)
	all = func(p position) {
		visit(p)
		for _, q := range inner(p) {
			all(q)
		}
	}
	for _, p := range append(components(root), places(root)...) {
		all(p)
	}
}

// literals hold values, in which a $ref is only a member.
var literals = []string{"example", "examples", "default", "enum", "const"}

func checkReferences(root, node *yaml.Node, at string) error {
	for key, value := range entries(node) {
		isLiteral := slices.Contains(literals, key) && !strings.HasSuffix(at, ".properties") ||
			strings.HasPrefix(key, "x-")
		if isLiteral {
			continue
		}
		if key == "$ref" && value.Kind == yaml.ScalarNode {
			if err := checkReference(root, value.Value, at); err != nil {
				return err
			}
		}
		if err := checkReferences(root, value, at+step(key)); err != nil {
			return err
		}
	}
	for i, item := range items(node) {
		if err := checkReferences(root, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func checkReference(root *yaml.Node, ref, at string) error {
	switch {
	case !resolves(root, ref):
		return fmt.Errorf("%s: the $ref %q leads nowhere", at, ref)
	case strings.HasPrefix(ref, "#/components/") && strings.Count(ref, "/") > 3 || strings.HasPrefix(ref, "#/paths/"):
		return fmt.Errorf("%s: the $ref %q leads into another schema, which the generator cannot follow; "+
			"make a component of it in %s", at, ref, overlayFile)
	}
	seen := map[string]bool{}
	for key := unescaped(strings.TrimPrefix(ref, schemaRef)); ; {
		if seen[key] {
			return fmt.Errorf("%s: the $ref %q leads back to itself", at, ref)
		}
		seen[key] = true
		next, ok := strings.CutPrefix(getText(get(root, "components", "schemas", key), "$ref"), schemaRef)
		if !ok {
			return nil
		}
		key = unescaped(next)
	}
}

// resolves follows a JSON pointer.
func resolves(root *yaml.Node, ref string) bool {
	pointer, ok := strings.CutPrefix(ref, "#/")
	node := root
	for _, key := range strings.Split(pointer, "/") {
		if node != nil && node.Kind == yaml.SequenceNode {
			node = itemAt(node, key)
		} else {
			node = get(node, unescaped(key))
		}
	}
	return ok && node != nil
}

func unescaped(key string) string {
	if decoded, err := url.PathUnescape(key); err == nil {
		key = decoded
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
}

var inBraces = regexp.MustCompile(`\{([^}]*)\}`)

// checkParameters compares the parameters in a path with those that are declared.
func checkParameters(root *yaml.Node, path string, item, operation *yaml.Node, at string) error {
	declared, fields := map[string]bool{}, map[string]string{}
	for _, parameter := range append(items(get(item, "parameters")), items(get(operation, "parameters"))...) {
		if ref, ok := strings.CutPrefix(getText(parameter, "$ref"), "#/components/parameters/"); ok {
			parameter = get(root, "components", "parameters", unescaped(ref))
		}
		name := getText(parameter, "name")
		if getText(parameter, "in") == "path" {
			declared[name] = true
			continue
		}
		field, place := fieldName(cmp.Or(getText(parameter, "x-go-name"), name)), name+" in "+getText(parameter, "in")
		if !token.IsIdentifier(field) {
			return fmt.Errorf("%s: the parameter %s has no Go name; give it one:\n%s", at, name,
				advice(fmt.Sprintf("%s.parameters[?(@.name=='%s')]", at, name), "x-go-name: NAME"))
		}
		if other, ok := fields[field]; ok && other != place {
			return fmt.Errorf(
				"%s: the parameters %s and %s both become the Go field %s; name one of them:\n%s",
				at,
				other,
				place,
				field,
				advice(fmt.Sprintf("%s.parameters[?(@.name=='%s')]", at, name), "x-go-name: "+field+"2"),
			)
		}
		fields[field] = place
	}
	for _, found := range inBraces.FindAllStringSubmatch(path, -1) {
		if name := found[1]; !declared[name] {
			return fmt.Errorf(
				"%s: the path has a parameter %s that is not declared; declare it:\n%s",
				at,
				name,
				advice(
					at,
					fmt.Sprintf("parameters: [{name: %s, in: path, required: true, schema: {type: string}}]", name),
				),
			)
		}
		delete(declared, found[1])
	}
	for name := range declared {
		return fmt.Errorf("%s: the parameter %s is declared to be in the path, which does not have it; remove it in %s",
			at, name, overlayFile)
	}
	return nil
}

// checkDiscriminator finds variants that no value of the discriminator leads to.
func checkDiscriminator(p position) error {
	discriminator := get(p.node, "discriminator")
	values := get(discriminator, "mapping")
	if getText(discriminator, "propertyName") == "" || values == nil {
		return nil
	}
	mapped := map[string]bool{}
	for _, target := range entries(values) {
		mapped[target.Value] = true
	}
	for _, variant := range variants(p) {
		ref := getText(variant.node, "$ref")
		if !mapped[ref] && !mapped[strings.TrimPrefix(ref, schemaRef)] {
			return fmt.Errorf(
				"%s: the discriminator has no value for this variant (%s); give it one in its mapping:\n%s",
				variant.at,
				ref,
				advice(p.at+".discriminator", fmt.Sprintf("mapping: {VALUE: %q}", ref)),
			)
		}
	}
	return nil
}

// advice is an entry for the overlay.
func advice(target, change string) string {
	return fmt.Sprintf("  in %s:\n  - target: %s\n    update:\n      %s", overlayFile, target, change)
}
