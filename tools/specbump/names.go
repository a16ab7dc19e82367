package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// nameChanges is what a bump did to overlay.yaml.
type nameChanges struct {
	added  []string // as "Name for `target`"
	gone   []string // as "`target`"
	moved  []string // as "Name to `target`"
	longer []string // names for which a shorter one was taken
}

func (c *nameChanges) countLonger(i *item) {
	if i.level > 0 {
		c.longer = append(c.longer, fmt.Sprintf("%s instead of %s", i.name(), i.candidates[0]))
	}
}

// identifiers are Go names in use. A leading dot marks a method of the client,
// which shares its name with no other method, but may with a type.
type identifiers map[string]bool

// fixedIdentifiers are those that no spec brings: the hand-written package's, and
// what the generator makes of an empty document. Generating also gives the
// generator's own normalizer the initialisms of the configuration.
func fixedIdentifiers(dir string) (identifiers, error) {
	config, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	empty := &openapi3.T{
		OpenAPI:    "3.1.0",
		Info:       &openapi3.Info{Title: "x", Version: "0"},
		Paths:      openapi3.NewPaths(),
		Components: &openapi3.Components{},
	}
	generating.Lock()
	generated, err := codegen.Generate(empty, config.Configuration)
	generating.Unlock()
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

// generating is held while the generator works, as it has variables of its package.
var generating sync.Mutex

// generatorConfig is oapi-codegen.yaml, with the text of the templates.
type generatorConfig struct {
	codegen.Configuration `yaml:",inline"`
	OutputFile            string `yaml:"output"`
}

func loadConfig(dir string) (*generatorConfig, error) {
	content, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, err
	}
	config := &generatorConfig{}
	if err := yaml.Unmarshal(content, config); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	for name, file := range config.OutputOptions.UserTemplates { // named from the root
		template, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		config.OutputOptions.UserTemplates[name] = string(template)
	}
	return config, nil
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

// addDocument adds what a document makes the generator declare, after the overlay.
func (ids identifiers) addDocument(document *yaml.Node) {
	for key, schema := range entries(get(document, "components", "schemas")) {
		ids.add(componentName(key, schema), constantsOf(schema))
	}
	for _, item := range entries(get(document, "paths")) {
		for _, operation := range operationsOf(item) {
			for _, claim := range operationClaims(goName(getText(operation, "operationId"))) {
				ids[claim] = true
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
	constants  []string // of an enum
	settled    bool     // it keeps its name, and the others give way
	byDefault  string   // what the generator calls it without an entry
}

func (i *item) isOperation() bool { return i.key == "operationId" }

func (i *item) name() string { return i.candidates[i.level] }

// claims are the identifiers that the generator makes, or may make when the
// operation grows a body or parameters.
func (i *item) claims() []string {
	if i.isOperation() {
		return operationClaims(i.name())
	}
	claims := []string{i.name()}
	for _, constant := range i.constants {
		claims = append(claims, i.name()+constant)
	}
	return claims
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

// recordNames appends an entry for each operation, and each schema that needs one, and
// removes those whose target is gone. What stands keeps its name.
func recordNames(o *overlay, before, after *yaml.Node, fixed identifiers) (nameChanges, error) {
	inlineBefore, err := o.inlineNames(before, fixed)
	if err != nil {
		return nameChanges{}, err
	}
	oldNames, err := o.names(before, "x-go-name")
	if err != nil {
		return nameChanges{}, err
	}
	var changes nameChanges
	if err := o.followOperations(before, after, &changes); err != nil {
		return nameChanges{}, err
	}
	if changes.gone, err = o.removeStale(after); err != nil {
		return nameChanges{}, err
	}
	taken := maps.Clone(fixed)
	for _, name := range inlineBefore {
		taken[name] = true
	}
	for _, record := range []func() error{
		func() error { return o.recordOperations(after, taken, &changes) },
		func() error { return o.recordSchemas(before, after, oldNames, fixed, taken, &changes) },
		func() error { return o.recordParameters(after, &changes) },
		func() error { return o.keepInline(after, inlineBefore, fixed, &changes) },
	} {
		if err := record(); err != nil {
			return nameChanges{}, err
		}
	}
	return changes, nil
}

func (o *overlay) record(target, key, name string, changes *nameChanges) {
	o.append(target, key, name)
	changes.added = append(changes.added, fmt.Sprintf("%s for `%s`", name, target))
}

// followOperations lets a name follow an operation whose path or method changes and
// whose id stands.
func (o *overlay) followOperations(before, after *yaml.Node, changes *nameChanges) error {
	ids := map[string]string{} // the place of the operation with an id; empty where several have it
	for path, item := range entries(get(after, "paths")) {
		for method, operation := range operationsOf(item) {
			id := getText(operation, "operationId")
			if _, twice := ids[id]; twice {
				ids[id] = ""
				continue
			}
			ids[id] = jsonPath("paths", path, method)
		}
	}
	for _, action := range o.actions.Content {
		old, err := find(before, action)
		if err != nil {
			return err
		}
		now, err := find(after, action)
		if err != nil {
			return err
		}
		if len(old) != 1 || len(now) > 0 || get(action, "update", "operationId") == nil {
			continue
		}
		if at := ids[getText(old[0], "operationId")]; at != "" && getText(old[0], "operationId") != "" {
			get(action, "target").Value = at
			changes.moved = append(
				changes.moved,
				fmt.Sprintf("%s to `%s`", getText(action, "update", "operationId"), at),
			)
		}
	}
	return nil
}

// recordOperations names the operations without an entry.
func (o *overlay) recordOperations(after *yaml.Node, taken identifiers, changes *nameChanges) error {
	named, err := o.names(after, "operationId")
	if err != nil {
		return err
	}
	fresh := freshOperations(after, named, taken)
	if err := tellApart(fresh, taken); err != nil {
		return err
	}
	for _, i := range fresh {
		o.record(i.target, "operationId", i.name(), changes)
		changes.countLonger(i)
		for _, claim := range i.claims() {
			taken[claim] = true
		}
	}
	return nil
}

// recordSchemas names the schemas without an entry that need one.
func (o *overlay) recordSchemas(
	before, after *yaml.Node,
	old map[*yaml.Node]string,
	fixed, taken identifiers,
	changes *nameChanges,
) error {
	named, err := o.names(after, "x-go-name")
	if err != nil {
		return err
	}
	operations, err := o.names(after, "operationId")
	if err != nil {
		return err
	}
	tags, err := o.usedSchemas(after)
	if err != nil {
		return err
	}
	usedBefore, err := o.usedSchemas(before)
	if err != nil {
		return err
	}
	fresh := freshSchemas(before, after, tags, usedBefore, old, named, operations, fixed, taken)
	if err := tellApart(fresh, taken); err != nil {
		return err
	}
	for _, i := range fresh {
		if i.name() != i.byDefault {
			o.record(i.target, "x-go-name", i.name(), changes)
		}
		changes.countLonger(i)
	}
	return nil
}

// variables are what the templates call their own.
var variables = []string{"ctx", "body", "contentType", "reqEditors", "params", "server", "req", "rsp", "err", "c", "r",
	"context", "fmt", "http", "io", "json", "oapi", "runtime", "time", "url", "xml", "yaml"}

// recordParameters names the path parameters that would be called like a variable.
func (o *overlay) recordParameters(after *yaml.Node, changes *nameChanges) error {
	changed, err := o.apply(after)
	if err != nil {
		return err
	}
	for path, item := range sorted(get(changed, "paths")) {
		lists := map[string]*yaml.Node{jsonPath("paths", path): get(item, "parameters")}
		for method, operation := range operationsOf(item) {
			lists[jsonPath("paths", path, method)] = get(operation, "parameters")
		}
		for _, at := range slices.Sorted(maps.Keys(lists)) {
			for i, parameter := range items(lists[at]) {
				name := getText(parameter, "name")
				if getText(parameter, "in") == "path" && get(parameter, "x-go-name") == nil &&
					slices.Contains(variables, codegen.LowercaseFirstCharacter(goName(name))) {
					o.record(fmt.Sprintf("%s.parameters[%d]", at, i), "x-go-name", goName(name)+"Param", changes)
				}
			}
		}
	}
	return nil
}

// inlineNames are the names of the schemas that get a type where they are used, by
// their places.
func (o *overlay) inlineNames(document *yaml.Node, fixed identifiers) (map[string]string, error) {
	_, inline, err := o.inline(document, fixed)
	names := map[string]string{}
	for _, p := range inline {
		names[p.at] = p.name
	}
	return names, err
}

// keepInline records the names of inline schemas that would change otherwise.
func (o *overlay) keepInline(
	after *yaml.Node,
	before map[string]string,
	fixed identifiers,
	changes *nameChanges,
) error {
	for range len(before) + 1 {
		now, err := o.inlineNames(after, fixed)
		if err != nil {
			return err
		}
		settled := true
		for _, at := range slices.Sorted(maps.Keys(now)) {
			if name, ok := before[at]; ok && name != now[at] && exists(after, at) {
				o.record(at, "x-go-type-name", name, changes)
				settled = false
			}
		}
		if settled {
			return nil
		}
	}
	return fmt.Errorf("the names of inline schemas do not settle; name them in %s with x-go-type-name", overlayFile)
}

// freshOperations returns the operations without an entry; what those with one
// claim is taken.
func freshOperations(document *yaml.Node, named map[*yaml.Node]string, taken identifiers) []*item {
	var fresh []*item
	for path, pathItem := range sorted(get(document, "paths")) {
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

// functionName undoes FastAPI's rule for an operation's id: the function's name and
// the path, with _ for what is no word character, then _ and the method. The id of an
// application that is mounted under a prefix has only the end of the path. An id that
// does not follow the rule is taken as it is.
func functionName(path, method, id string) string {
	for rest := path; rest != ""; {
		name, ok := strings.CutSuffix(id, nonWord.ReplaceAllString(rest, "_")+"_"+method)
		if ok && name != "" {
			return name
		}
		next := strings.Index(rest[1:], "/")
		if next < 0 {
			break
		}
		rest = rest[next+1:]
	}
	return id
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

// firstTag is what the lists group an operation by.
func firstTag(operation *yaml.Node) string {
	return append(tagsOf(operation), "untagged")[0]
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

// freshSchemas returns the schemas in use that are new in the document and have no
// entry; the names of the others are taken.
func freshSchemas(
	before, after *yaml.Node,
	tags, usedBefore map[string][]string,
	old, named, operations map[*yaml.Node]string,
	fixed, taken identifiers,
) []*item {
	inherited := inheritedNames(before, after, old)
	bodies := bodyNames(after, operations)
	var fresh []*item
	for key, schema := range sorted(get(after, "components", "schemas")) {
		if name, ok := named[schema]; ok {
			taken.add(goName(name), constantsOf(schema))
			continue
		}
		if _, isUsed := tags[key]; !isUsed {
			continue // The generator leaves it out.
		}
		if _, stood := usedBefore[key]; stood && !fixed[goName(key)] {
			taken.add(goName(key), constantsOf(schema)) // it has done without an entry so far
			continue
		}
		candidates := schemaCandidates(key, tags[key])
		if body, ok := bodies[key]; ok {
			candidates = append([]string{body}, candidates...)
		}
		name, settled := inherited[key]
		if settled {
			candidates = []string{name}
		}
		fresh = append(fresh, &item{
			target:     jsonPath("components", "schemas", key),
			key:        "x-go-name",
			candidates: goNames(candidates),
			constants:  constantsOf(schema),
			settled:    settled,
			byDefault:  goName(key),
		})
	}
	return fresh
}

// bodyNames are for the schemas that FastAPI makes of a function's form or body
// parameters, and calls Body_ and the operation's id.
func bodyNames(document *yaml.Node, operations map[*yaml.Node]string) map[string]string {
	names := map[string]string{}
	for _, item := range entries(get(document, "paths")) {
		for _, operation := range operationsOf(item) {
			names["Body_"+getText(operation, "operationId")] = operations[operation] + "Body"
		}
	}
	return names
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
	if goName(name) == "" {
		return nil // in another script
	}
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

func (o *overlay) usedSchemas(document *yaml.Node) (map[string][]string, error) {
	changed, err := o.apply(document)
	if err != nil {
		return nil, err
	}
	return tagsOfSchemas(changed), nil
}

// users yields the parts of a document from which schemas are used, with their tags.
func users(document *yaml.Node) iter.Seq2[*yaml.Node, []string] {
	return func(yield func(*yaml.Node, []string) bool) {
		for _, within := range []*yaml.Node{document, get(document, "components")} {
			for key, part := range entries(within) {
				if key != "paths" && key != "components" && key != "schemas" && !yield(part, nil) {
					return
				}
			}
		}
		for _, item := range entries(get(document, "paths")) {
			if !yield(item, nil) {
				return
			}
			for _, operation := range operationsOf(item) {
				if !yield(operation, tagsOf(operation)) {
					return
				}
			}
		}
	}
}

// tagsOfSchemas returns the schemas in use, with the tags of the operations that lead to
// each, sorted.
func tagsOfSchemas(document *yaml.Node) map[string][]string {
	tags := map[string][]string{}
	for part, names := range users(document) {
		reached := map[string]bool{}
		reach(document, part, reached)
		for key := range reached {
			tags[key] = append(tags[key], names...)
		}
	}
	for key := range tags {
		slices.Sort(tags[key])
		tags[key] = slices.Compact(tags[key])
	}
	return tags
}

// tellApart moves each item whose name is taken, or wanted by another one, to a
// longer name, until none is left. Two of a kind move both, so that the order
// they came in does not matter; a schema gives way to an operation.
func tellApart(all []*item, taken identifiers) error {
	for _, i := range all {
		if len(i.candidates) == 0 {
			return i.nameless("it has no Go name")
		}
	}
	for {
		wanted := map[string][]*item{}
		for _, i := range all {
			for _, claim := range i.claims() {
				wanted[claim] = append(wanted[claim], i)
			}
		}
		var blocked []*item
		for _, i := range all {
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
				return i.nameless(strings.Join(i.candidates, ", ") + " are taken")
			}
		}
	}
}

func (i *item) nameless(why string) error {
	return fmt.Errorf("%s: %s; give it a name:\n%s", i.target, why, advice(i.target, i.key+": NAME"))
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
