package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

// names is names.yaml: the Go names that the document does not give by rule. The rule is
// the name of the function or the model, without what FastAPI adds to it.
type names struct {
	Operations map[string]string `yaml:"operations"` // by METHOD /path
	Schemas    map[string]string `yaml:"schemas"`
}

const namesHead = `# Go names of Feather's operations and types, where the name of the function or the model
# in the document would not do, or was another one before. Consumers type them: a name that
# is released never changes. ` + "`make bump`" + ` adds what is new, removes what is gone, and
# sorts the file.
`

func loadNames(dir string) (*names, error) {
	content, err := os.ReadFile(filepath.Join(dir, namesFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	n := &names{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(n); err != nil && len(bytes.TrimSpace(content)) > 0 {
		return nil, fmt.Errorf("%s: %w", namesFile, err)
	}
	return n, nil
}

func (n *names) encode() []byte {
	b := bytes.NewBufferString(namesHead)
	encoder := yaml.NewEncoder(b)
	encoder.SetIndent(2)
	_ = encoder.Encode(n)
	return b.Bytes()
}

func (n *names) operation(key string, o operation) string {
	return cmp.Or(n.Operations[key], goName(functionName(o)))
}

func (n *names) schema(key string) string {
	_, name := splitModule(key)
	return cmp.Or(n.Schemas[key], goName(name))
}

// check refuses an entry that leads nowhere, and a name that Go does not take or that two
// would have.
func (n *names) check(document object) error {
	problem := func(kind, key, what string, args ...any) error {
		return fmt.Errorf("%s: %s: %s: %s", namesFile, kind, key, fmt.Sprintf(what, args...))
	}
	all := n.inUse(document)
	for _, kind := range []struct {
		name         string
		entries, all map[string]string
	}{{"operations", n.Operations, all.Operations}, {"schemas", n.Schemas, all.Schemas}} {
		for _, key := range slices.Sorted(maps.Keys(kind.entries)) {
			if kind.all[key] == "" && schemasOf(document)[key] == nil {
				return problem(kind.name, key, "the document does not have it%s", keyOf(kind.all, key))
			}
		}
		users := map[string]string{}
		for _, key := range slices.Sorted(maps.Keys(kind.all)) {
			name := kind.all[key]
			if users[name] != "" {
				return problem(kind.name, key, "%s is the name of %s, too; give it another one here", name, users[name])
			}
			if !isExported(name) {
				return problem(kind.name, key, "%q is no name in Go; give it one here", name)
			}
			users[name] = key
		}
	}
	return nil
}

// keyOf helps where somebody has written a Go name for a key.
func keyOf(all map[string]string, name string) string {
	for key, other := range all {
		if other == name {
			return fmt.Sprintf("; the key of what is called so is %s", key)
		}
	}
	return ""
}

// nameChanges is what a bump did to names.yaml, as "KEY: Name".
type nameChanges struct{ added, gone []string }

// updated returns the names for a new document: what stands keeps its name, what is new gets
// one that nothing has.
func (n *names) updated(before, after object, taken identifiers) (*names, nameChanges, error) {
	was, now := n.inUse(before), &names{Operations: map[string]string{}, Schemas: map[string]string{}}
	moved := movedOperations(before, after)
	heirs := heirsOf(before, after, moved)
	taken = maps.Clone(taken) // with what is gone, whose names mean nothing else so soon
	candidates := map[string][]string{}
	for key, o := range operations(after) {
		if name := cmp.Or(n.Operations[key], was.Operations[cmp.Or(moved[key], key)]); name != "" {
			now.Operations[key] = name
			taken.add(name, operationClaims)
		} else {
			candidates[key] = operationCandidates(o)
		}
	}
	for key := range schemasOf(after) { // An entry stays while its schema is there, used or not.
		if name := cmp.Or(n.Schemas[key], was.Schemas[cmp.Or(heirs[key], key)]); name != "" {
			now.Schemas[key] = name
			taken[name] = true
		}
	}
	var changes nameChanges
	if err := tellApart("operations", candidates, operationClaims, taken, now.Operations); err != nil {
		return nil, changes, err
	}
	candidates = map[string][]string{}
	bodies := map[string]string{} // FastAPI makes them of a function's form or body parameters.
	for key, o := range operations(after) {
		bodies["Body_"+o.id()] = now.Operations[key] + "Body"
	}
	tags, used := tagsOfSchemas(after), usedSchemas(after)
	for key := range schemasOf(after) {
		if now.Schemas[key] == "" && used[key] {
			candidates[key] = schemaCandidates(key, bodies[key], tags[key])
		}
	}
	if err := tellApart("schemas", candidates, []string{"%"}, taken, now.Schemas); err != nil {
		return nil, changes, err
	}
	now.removeRegular(after)
	changes.added = append(difference(now.Operations, n.Operations), difference(now.Schemas, n.Schemas)...)
	changes.gone = append(difference(n.Operations, now.Operations), difference(n.Schemas, now.Schemas)...)
	return now, changes, nil
}

// inUse are all names of a document.
func (n *names) inUse(document object) *names {
	all := &names{Operations: map[string]string{}, Schemas: map[string]string{}}
	for key, o := range operations(document) {
		all.Operations[key] = n.operation(key, o)
	}
	for key := range usedSchemas(document) {
		all.Schemas[key] = n.schema(key)
	}
	return all
}

// removeRegular leaves the names that do not follow from the document.
func (n *names) removeRegular(document object) {
	rule := &names{}
	for key, o := range operations(document) {
		if n.Operations[key] == rule.operation(key, o) {
			delete(n.Operations, key)
		}
	}
	maps.DeleteFunc(n.Schemas, func(key, name string) bool { return name == rule.schema(key) })
}

func difference(list, other map[string]string) (lines []string) {
	for _, key := range slices.Sorted(maps.Keys(list)) {
		if other[key] != list[key] {
			lines = append(lines, fmt.Sprintf("`%s`: %s", key, list[key]))
		}
	}
	return lines
}

// movedOperations are those whose path or method changed: the old key by the new one. The
// place tells them, but for the names of parameters, or else the id, or the function and a tag.
func movedOperations(before, after object) map[string]string {
	moved, isMoved := map[string]string{}, map[string]bool{}
	keysBy := func(sameAs func(operation) []string, document, other object) map[string][]string {
		keys := map[string][]string{}
		for key, o := range operations(document) {
			if isMoved[key] || get(other, "paths", o.path, o.method) != nil {
				continue
			}
			for _, same := range sameAs(o) {
				keys[same] = append(keys[same], key)
			}
		}
		return keys
	}
	for _, sameAs := range []func(o operation) []string{
		func(o operation) []string { return []string{o.place()} },
		func(o operation) []string { return []string{o.id()} },
		func(o operation) (keys []string) {
			for _, tag := range o.tags() {
				keys = append(keys, tag+" "+functionName(o))
			}
			return keys
		},
	} {
		gone, came := keysBy(sameAs, before, after), keysBy(sameAs, after, before)
		for _, same := range slices.Sorted(maps.Keys(came)) {
			if len(came[same]) == 1 && len(gone[same]) == 1 && same != "" {
				is, was := came[same][0], gone[same][0]
				moved[is], isMoved[is], isMoved[was] = was, true, true
			}
		}
	}
	return moved
}

// heirsOf are the schemas that only got another key, as FastAPI gives both of two models of
// one name: the old key by the new one. An operation refers to them at the same place, and
// they have the same name without the modules, or the same definition.
func heirsOf(before, after object, moved map[string]string) map[string]string {
	heirs, given := map[string]string{}, map[string]bool{}
	seen := map[[2]string]bool{}
	old, current := schemasOf(before), schemasOf(after)
	var follow func(a, b any)
	follow = func(a, b any) {
		was, isRef := schemaKey(get(a, "$ref"))
		is, isRefNow := schemaKey(get(b, "$ref"))
		if isRef && isRefNow && !seen[[2]string{was, is}] {
			seen[[2]string{was, is}] = true
			isAlike := plainModel(was) == plainModel(is) || reflect.DeepEqual(old[was], current[is])
			if current[was] == nil && old[is] == nil && heirs[is] == "" && !given[was] && isAlike {
				heirs[is], given[was] = was, true
			}
			follow(old[was], current[is])
		}
		for key, child := range sorted(a) {
			follow(child, get(b, key))
		}
		list, _ := a.([]any)
		other, _ := b.([]any)
		for i := range min(len(list), len(other)) {
			follow(list[i], other[i])
		}
	}
	places := maps.Collect(operations(before))
	for key, o := range operations(after) {
		follow(places[cmp.Or(moved[key], key)].object, o.object)
	}
	return heirs
}

// tellApart names what has candidates, from the shortest name to those that tell more of where
// it belongs. What has a name that is taken, or wanted by another one, moves to the next. Both
// of two move, so that the order they came in does not matter.
func tellApart(kind string, candidates map[string][]string, claims []string, taken identifiers,
	names map[string]string) error {
	level := map[string]int{}
	for settled := false; !settled; {
		settled = true
		wanted := map[string]int{}
		for _, key := range slices.Sorted(maps.Keys(candidates)) {
			if level[key] == len(candidates[key]) {
				tried := strings.Join(candidates[key], ", ")
				return fmt.Errorf("%s: %s has no Go name that is free (tried %s); give it one there:\n  %s:\n    %s: NAME",
					namesFile, key, cmp.Or(tried, "none"), kind, key)
			}
			names[key] = candidates[key][level[key]]
			for _, claim := range claimed(names[key], claims) {
				wanted[claim]++
			}
		}
		isTaken := func(claim string) bool { return taken[claim] || wanted[claim] > 1 }
		for key := range candidates {
			if slices.ContainsFunc(claimed(names[key], claims), isTaken) {
				level[key]++
				settled = false
			}
		}
	}
	for key := range candidates {
		taken.add(names[key], claims)
	}
	return nil
}

func operationCandidates(o operation) []string {
	inFull := o.method + "_" + nonWord.ReplaceAllString(o.path, "_")
	candidates := []string{functionName(o)}
	for _, tag := range o.tags() {
		candidates = append(candidates, tag+"_"+functionName(o))
	}
	return goNames(append(candidates, inFull, "operation_"+inFull))
}

// functionName undoes FastAPI's rule for an operation's id: the function's name and the path,
// with _ for what is no word character, then _ and the method. The id of an application that
// is mounted under a prefix has only the end of the path. An id that does not follow the rule
// is taken as it is.
func functionName(o operation) string {
	for i, r := range o.path {
		name, ok := strings.CutSuffix(o.id(), nonWord.ReplaceAllString(o.path[i:], "_")+"_"+o.method)
		if ok && name != "" && (i == 0 || r == '/') {
			return name
		}
	}
	return cmp.Or(o.id(), o.method+"_"+nonWord.ReplaceAllString(o.path, "_"))
}

func schemaCandidates(key, body string, tags []string) []string {
	modules, name := splitModule(key)
	if goName(name) == "" {
		return nil // in another script
	}
	candidates := []string{body, name}
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
	return goNames(append(candidates, name+"_Model", key, "Schema_"+key))
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

var distinction = regexp.MustCompile(`(?:[a-z0-9][a-z0-9_]*?__)+([A-Z])|_+\d*$|-(?:Input|Output)$`)

// plainModel is a key without what FastAPI tells two models of one name apart by.
func plainModel(key string) string { return distinction.ReplaceAllString(key, "$1") }

// tagsOfSchemas are the tags of the operations that lead to each schema, sorted.
func tagsOfSchemas(document object) map[string][]string {
	tags := map[string][]string{}
	for _, o := range operations(document) {
		reached := map[string]bool{}
		reach(document, o.object, reached)
		for key := range reached {
			tags[key] = append(tags[key], o.tags()...)
		}
	}
	for key := range tags {
		slices.Sort(tags[key])
		tags[key] = slices.Compact(tags[key])
	}
	return tags
}

// identifiers are Go names in use. A leading dot marks a method of the client, which shares
// its name with no other method, but may with a type.
type identifiers map[string]bool

// operationClaims are what the generator declares for an operation, or may when it grows a
// body or parameters; % is its name.
var operationClaims = []string{".%", ".%WithBody", ".%WithResponse", ".%WithBodyWithResponse", "%Response", "%Params",
	"%JSONRequestBody", "%FormdataRequestBody", "%MultipartRequestBody", "%TextRequestBody",
	"new%Request", "read%Response"}

func claimed(name string, claims []string) []string {
	var made []string
	for _, claim := range claims {
		made = append(made, strings.Replace(claim, "%", name, 1))
	}
	return made
}

func (ids identifiers) add(name string, claims []string) {
	for _, claim := range claimed(name, claims) {
		ids[claim] = true
	}
}

// declarations finds types, functions, constants and variables, as gofmt writes them; and the
// methods and fields of the client.
var (
	declarations  = regexp.MustCompile(`(?m)^(?:(?:func|type|var|const) (\w+)|\t([A-Z]\w*)(?: +\w+)? += )`)
	clientMembers = regexp.MustCompile(`(?m)^(?:func \(\w+ \*Client(?:WithResponses)?\) |\t\*)(\w+)`)
)

// declared are the identifiers of the root package's files, but the generated one unless it
// is asked for.
func declared(dir string, withGenerated bool) (identifiers, error) {
	ids := identifiers{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || filepath.Base(name) == generatedFile && !withGenerated {
			continue
		}
		var content []byte
		if content, err = os.ReadFile(name); err != nil {
			return nil, err
		}
		for _, found := range declarations.FindAllSubmatch(content, -1) {
			ids[string(found[1])+string(found[2])] = true
		}
		for _, found := range clientMembers.FindAllSubmatch(content, -1) {
			ids["."+string(found[1])] = true
		}
	}
	return ids, err
}

// goName is the generator's own spelling of a name. It knows its initialisms only after a
// first run.
func goName(name string) string {
	learnInitialisms()
	return codegen.ToCamelCaseWithInitialisms(name)
}

var learnInitialisms = sync.OnceFunc(func() {
	empty := &openapi3.T{OpenAPI: "3.1.0", Info: &openapi3.Info{Title: "x", Version: "0"}, Paths: openapi3.NewPaths()}
	_, _ = codegen.Generate(empty, codegen.Configuration{PackageName: "x", OutputOptions: codegen.OutputOptions{
		NameNormalizer: string(codegen.NameNormalizerFunctionToCamelCaseWithInitialisms)}})
})

func isExported(name string) bool { return token.IsIdentifier(name) && token.IsExported(name) }

// goNames drops what Go does not take for an exported name.
func goNames(names []string) []string {
	var made []string
	for _, name := range names {
		if name = goName(name); isExported(name) {
			made = append(made, name)
		}
	}
	return slices.Compact(made)
}
