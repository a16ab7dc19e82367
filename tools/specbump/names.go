package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// nameChanges is what a bump did to overlay.yaml.
type nameChanges struct {
	added []string // as "Name for `target`"
	gone  []string // as "`target`"
}

func (c nameChanges) none() bool { return len(c.added)+len(c.gone) == 0 }

// identifiers are Go names in use. A leading dot marks a method of the client,
// which shares its name with no other method, but may with a type.
type identifiers map[string]bool

// fixedIdentifiers are those that no spec brings: the hand-written package's, and
// what the generator makes of an empty document. Generating also gives the
// generator's own normalizer the initialisms of the configuration.
func fixedIdentifiers(dir string) (identifiers, error) {
	content, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	var config struct {
		codegen.Configuration `yaml:",inline"`
		OutputFile            string `yaml:"output"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	for name, file := range config.OutputOptions.UserTemplates { // named from the root
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		config.OutputOptions.UserTemplates[name] = string(text)
	}
	empty := &openapi3.T{OpenAPI: "3.1.0", Info: &openapi3.Info{Title: "x", Version: "0"}, Paths: openapi3.NewPaths(), Components: &openapi3.Components{}}
	generated, err := codegen.Generate(empty, config.Configuration)
	if err != nil {
		return nil, fmt.Errorf("generating from an empty document: %w", err)
	}
	found := identifiers{}
	if err := found.declare(config.OutputFile, generated); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == config.OutputFile {
			continue
		}
		if err := found.declare(file, nil); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// declare adds what a Go file declares.
func (ids identifiers) declare(name string, content any) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				ids[d.Name.Name] = true
			} else if receiver := typeName(d.Recv.List[0].Type); receiver == "Client" || receiver == "ClientWithResponses" {
				ids["."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				ids.declareSpec(spec)
			}
		}
	}
	return nil
}

func (ids identifiers) declareSpec(spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			ids[name.Name] = true
		}
	case *ast.TypeSpec:
		ids[s.Name.Name] = true
		client, ok := s.Type.(*ast.StructType)
		if !ok || s.Name.Name != "Client" && s.Name.Name != "ClientWithResponses" {
			return
		}
		for _, field := range client.Fields.List { // a method may not have a field's name
			for _, name := range field.Names {
				ids["."+name.Name] = true
			}
			if len(field.Names) == 0 {
				ids["."+typeName(field.Type)] = true
			}
		}
	}
}

func typeName(expr ast.Expr) string {
	if star, ok := expr.(*ast.StarExpr); ok {
		expr = star.X
	}
	if ident, ok := expr.(*ast.Ident); ok {
		return ident.Name
	}
	return ""
}

// item is an operation or a schema that has no name yet. Its candidates go from
// the shortest name to those that tell more of where it belongs.
type item struct {
	target     string
	key        string // of the overlay's update
	candidates []string
	level      int
	settled    bool   // it keeps its name, and the others give way
	byDefault  string // what the generator calls it without an entry
}

func (i *item) isOperation() bool { return i.key == "operationId" }

func (i *item) name() string { return i.candidates[i.level] }

// claims are the identifiers that the generator makes, or may make when the
// operation grows a body or parameters.
func (i *item) claims() []string {
	if i.isOperation() {
		return operationClaims(i.name())
	}
	return []string{i.name()}
}

func operationClaims(name string) []string {
	claims := []string{
		"." + name, "." + name + "WithBody", "." + name + "WithResponse", "." + name + "WithBodyWithResponse",
		"New" + name + "Request", "New" + name + "RequestWithBody",
		name + "Response", "Parse" + name + "Response", name + "Params",
	}
	for _, body := range []string{"JSON", "Formdata", "Multipart", "Text"} {
		claims = append(claims, name+body+"Body", name+body+"RequestBody", "New"+name+"RequestWith"+body+"Body")
	}
	return claims
}

// recordNames appends an entry for each operation, and each schema that needs
// one, and removes those whose target is gone. What stands is not touched.
func recordNames(o *overlay, before source, after *yaml.Node, fixed identifiers) (nameChanges, error) {
	old, err := o.names(before.root, "x-go-name")
	if err != nil {
		return nameChanges{}, err
	}
	var changes nameChanges
	if changes.gone, err = o.removeStale(after); err != nil {
		return nameChanges{}, err
	}
	operations, err := o.names(after, "operationId")
	if err != nil {
		return nameChanges{}, err
	}
	schemas, err := o.names(after, "x-go-name")
	if err != nil {
		return nameChanges{}, err
	}
	taken := maps.Clone(fixed)
	fresh := append(freshOperations(after, operations, taken), freshSchemas(before.root, after, old, schemas, fixed, taken)...)
	if err := tellApart(fresh, taken); err != nil {
		return nameChanges{}, err
	}
	slices.SortFunc(fresh, func(a, b *item) int { return cmp.Compare(a.key+a.target, b.key+b.target) })
	for _, i := range fresh {
		if i.isOperation() || i.name() != i.byDefault {
			o.append(i.target, i.key, i.name())
			changes.added = append(changes.added, fmt.Sprintf("%s for `%s`", i.name(), i.target))
		}
	}
	return changes, nil
}

// freshOperations returns the operations without an entry; what those with one
// claim is taken.
func freshOperations(document *yaml.Node, named map[*yaml.Node]string, taken identifiers) []*item {
	var fresh []*item
	for path, pathItem := range entries(get(document, "paths")) {
		for method, operation := range operationsOf(pathItem) {
			if name, ok := named[operation]; ok {
				for _, claim := range operationClaims(goName(name)) {
					taken[claim] = true
				}
				continue
			}
			fresh = append(fresh, &item{
				target:     jsonPath("paths", path, method),
				key:        "operationId",
				candidates: operationCandidates(path, method, operation),
			})
		}
	}
	return fresh
}

var nonWord = regexp.MustCompile(`\W`)

// functionName undoes FastAPI's rule for an operation's id: the function's name
// and the path, with _ for what is no word character, then _ and the method. An
// id that does not follow it is taken as it is.
func functionName(path, method, id string) string {
	name, ok := strings.CutSuffix(id, nonWord.ReplaceAllString(path, "_")+"_"+method)
	if !ok || name == "" {
		return id
	}
	return name
}

func operationCandidates(path, method string, operation *yaml.Node) []string {
	id := getText(operation, "operationId")
	inFull := method + "_" + nonWord.ReplaceAllString(path, "_")
	if id == "" {
		id = inFull
	}
	name := functionName(path, method, id)
	candidates := []string{name}
	for _, tag := range tagsOf(operation) {
		candidates = append(candidates, tag+"_"+name)
	}
	return goNames(append(candidates, inFull, "operation_"+inFull))
}

func tagsOf(operation *yaml.Node) []string {
	var tags []string
	if list := get(operation, "tags"); list != nil {
		for _, tag := range list.Content {
			tags = append(tags, tag.Value)
		}
	}
	return tags
}

// freshSchemas returns the schemas that are new in the document and have no
// entry; the names of the others are taken. One that is not new but shares its
// name with fixed code was in no use so far, and is left out by the generator.
func freshSchemas(before, after *yaml.Node, old, named map[*yaml.Node]string, fixed, taken identifiers) []*item {
	inherited := inheritedNames(before, after, old)
	tags := tagsOfSchemas(after)
	var fresh []*item
	for key, schema := range entries(get(after, "components", "schemas")) {
		if name, ok := named[schema]; ok {
			taken[goName(name)] = true
			continue
		}
		if get(before, "components", "schemas", key) != nil && !fixed[goName(key)] {
			taken[goName(key)] = true // it has done without an entry so far
			continue
		}
		candidates := schemaCandidates(key, tags[key])
		name, settled := inherited[key]
		if settled {
			candidates = []string{name}
		}
		fresh = append(fresh, &item{
			target:     jsonPath("components", "schemas", key),
			key:        "x-go-name",
			candidates: goNames(candidates),
			settled:    settled,
			byDefault:  goName(key),
		})
	}
	return fresh
}

// modulePath is what FastAPI puts before a model's name when two share it.
var modulePath = regexp.MustCompile(`^((?:[a-z0-9][a-z0-9_]*?__)+)([A-Z].*)$`)

// commonModules tell nothing of what a model is about.
var commonModules = []string{"src", "app", "schemas", "schema", "models", "model"}

func splitModule(key string) (modules []string, name string) {
	parts := modulePath.FindStringSubmatch(key)
	if parts == nil {
		return nil, key
	}
	return strings.Split(strings.TrimSuffix(parts[1], "__"), "__"), parts[2]
}

func schemaCandidates(key string, tags []string) []string {
	modules, name := splitModule(key)
	candidates := []string{name}
	longer := name
	for _, module := range slices.Backward(modules) {
		if !slices.Contains(commonModules, module) {
			longer = module + "_" + longer
			candidates = append(candidates, longer)
		}
	}
	for _, tag := range tags {
		candidates = append(candidates, tag+"_"+name)
	}
	return append(candidates, name+"_Model", key, "Schema_"+key)
}

// inheritedNames finds schemas that FastAPI has only renamed, as it does to both
// when a second model of the same name appears: the one that says what a schema
// gone from the document said keeps its Go name.
func inheritedNames(before, after *yaml.Node, old map[*yaml.Node]string) map[string]string {
	inherited := map[string]string{}
	for gone, definition := range entries(get(before, "components", "schemas")) {
		if get(after, "components", "schemas", gone) != nil {
			continue
		}
		_, name := splitModule(gone)
		var heirs []string
		for key, schema := range entries(get(after, "components", "schemas")) {
			_, sameName := splitModule(key)
			if sameName == name && get(before, "components", "schemas", key) == nil && equal(schema, definition) {
				heirs = append(heirs, key)
			}
		}
		if len(heirs) == 1 {
			inherited[heirs[0]] = cmp.Or(old[definition], gone)
		}
	}
	return inherited
}

// tagsOfSchemas returns the tags of the operations that reach a schema, sorted.
func tagsOfSchemas(document *yaml.Node) map[string][]string {
	tags := map[string][]string{}
	for _, pathItem := range entries(get(document, "paths")) {
		for _, operation := range operationsOf(pathItem) {
			reached := map[string]bool{}
			reach(document, operation, reached)
			for key := range reached {
				tags[key] = append(tags[key], tagsOf(operation)...)
			}
		}
	}
	for key := range tags {
		slices.Sort(tags[key])
		tags[key] = slices.Compact(tags[key])
	}
	return tags
}

func reach(document, node *yaml.Node, reached map[string]bool) {
	for key, value := range entries(node) {
		if schema, ok := strings.CutPrefix(value.Value, "#/components/schemas/"); ok && key == "$ref" && !reached[schema] {
			reached[schema] = true
			reach(document, get(document, "components", "schemas", schema), reached)
		}
		reach(document, value, reached)
	}
	if node != nil && node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			reach(document, item, reached)
		}
	}
}

// tellApart moves each item whose name is taken, or wanted by another one, to a
// longer name, until none is left. Two of a kind move both, so that the order
// they came in does not matter; a schema gives way to an operation.
func tellApart(items []*item, taken identifiers) error {
	for {
		wanted := map[string][]*item{}
		for _, i := range items {
			for _, claim := range i.claims() {
				wanted[claim] = append(wanted[claim], i)
			}
		}
		var blocked []*item
		for _, i := range items {
			if !i.settled && slices.ContainsFunc(i.claims(), func(claim string) bool {
				return taken[claim] || slices.ContainsFunc(wanted[claim], i.givesWayTo)
			}) {
				blocked = append(blocked, i)
			}
		}
		if len(blocked) == 0 {
			return nil
		}
		for _, i := range blocked {
			if i.level++; i.level == len(i.candidates) {
				return fmt.Errorf("no name is left for %s (%s are taken); give it one in %s", i.target, strings.Join(i.candidates, ", "), overlayFile)
			}
		}
	}
}

func (i *item) givesWayTo(other *item) bool {
	return other != i && (other.settled || !i.isOperation() || other.isOperation())
}

// goName is the generator's own spelling of a name.
func goName(name string) string { return codegen.ToCamelCaseWithInitialisms(name) }

// goNames drops what Go does not take for an exported name.
func goNames(names []string) []string {
	var made []string
	for _, name := range names {
		if name = goName(name); token.IsIdentifier(name) && token.IsExported(name) {
			made = append(made, name)
		}
	}
	return slices.Compact(made)
}
