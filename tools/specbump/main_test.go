package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	"gopkg.in/yaml.v3"
)

var updateGolden = flag.Bool("update", false, "write the golden files again")

const root = "../.." // of the repository

// makefileTools reads the versions from the one place that names them.
func makefileTools(t *testing.T) verdictTools {
	t.Helper()
	makefile := string(read(t, filepath.Join(root, "Makefile")))
	value := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + ` *:= *(\S+)$`).FindStringSubmatch(makefile)
		if found == nil {
			t.Fatalf("the Makefile has no %s", name)
		}
		return found[1]
	}
	return verdictTools{oasdiff: value("OASDIFF"), apidiff: value("APIDIFF")}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := writeFile(name, content); err != nil {
		t.Fatal(err)
	}
}

// repository is the root package without its tests, and what generating it needs,
// with the document and the names of testdata/base: what is vendored may move.
var repository = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "specbump-test")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/base")); err != nil {
		return "", err
	}
	goName("") // The generator's tables are made once, before tests use them side by side.
	for _, pattern := range []string{"*.go", "go.mod", "go.sum", "oapi-codegen.yaml", "internal/*/*.go", "templates/*", "tools/go.mod", "tools/go.sum", "tools/specbump/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			name, err := filepath.Rel(root, file)
			if err == nil && !strings.HasSuffix(file, "_test.go") {
				err = writeFile(filepath.Join(dir, name), content)
			}
			if err != nil {
				return "", err
			}
		}
	}
	for _, args := range [][]string{
		{"go", "generate", "."},
		{"git", "init", "-q"},
		{"git", "add", "."},
		{"git", "-c", "user.name=test", "-c", "user.email=test@example", "commit", "-q", "-m", "before"},
		{"git", "tag", "v0.1.0"},
	} {
		if _, err := output(dir, args[0], args[1:]...); err != nil {
			return "", err
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, _ := repository(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

// copyRepository makes a repository to bump.
func copyRepository(t *testing.T) string {
	t.Helper()
	from, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestGoldenBumps bumps a copy of the repository with the input of each folder of
// testdata, and holds what is printed against the folder's want.md: the verdict
// and names.yaml, or the error. What should generate
// is generated and compiled by the bump itself; when it is compatible, a
// consumer's code must compile as well.
func TestGoldenBumps(t *testing.T) {
	tools := makefileTools(t)
	folders, err := filepath.Glob("testdata/*/want.md")
	if err != nil {
		t.Fatal(err)
	}
	if *updateGolden {
		folders, _ = filepath.Glob("testdata/*/*")
	}
	if len(folders) < 13 {
		t.Fatalf("%d golden bumps", len(folders))
	}
	seen := map[string]bool{}
	for _, folder := range folders {
		folder = filepath.Dir(folder)
		if base := filepath.Base(folder); seen[folder] || slices.Contains([]string{"base", "odd", "fastapi"}, base) {
			continue
		}
		seen[folder] = true
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			got := goldenBump(t, folder, tools)
			want := filepath.Join(folder, "want.md")
			if *updateGolden {
				write(t, want, []byte(got))
			}
			if got != string(read(t, want)) {
				t.Errorf("got\n%s\nwant\n%s", got, read(t, want))
			}
		})
	}
}

func goldenBump(t *testing.T, folder string, tools verdictTools) string {
	dir := copyRepository(t)
	specBefore, namesBefore := read(t, filepath.Join(dir, specFile)), read(t, filepath.Join(dir, namesFile))
	inputs, err := filepath.Glob(folder + "/[^w]*")
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	breaking, err := bump(options{dir: dir, inputs: inputs, tools: tools, test: buildRoot}, &printed,
		&progress{w: io.Discard})
	specAfter, namesAfter := read(t, filepath.Join(dir, specFile)), read(t, filepath.Join(dir, namesFile))
	if err != nil {
		if !bytes.Equal(specBefore, specAfter) || !bytes.Equal(namesBefore, namesAfter) {
			t.Error("a refused input changed a file")
		}
		return "error: " + err.Error() + "\n"
	}
	if strings.HasPrefix(filepath.Base(folder), "unchanged") && !bytes.Equal(specBefore, specAfter) {
		t.Error("openapi.json changed")
	}
	if !breaking {
		write(t, filepath.Join(dir, "consumer", "main.go"),
			read(t, filepath.Join(root, "examples/testdata/consumer/main.go")))
		if _, err := output(dir, "go", "build", "-o", os.DevNull, "./consumer"); err != nil {
			t.Errorf("a consumer no longer compiles: %v", err)
		}
	}
	if !bytes.Equal(namesBefore, namesAfter) {
		fmt.Fprintf(&printed, "\n### names.yaml\n\n%s", bytes.TrimPrefix(namesAfter, []byte(namesHead)))
	}
	fmt.Fprintf(&printed, "\nExit status: %d\n", map[bool]int{false: 0, true: 3}[breaking])
	return printed.String()
}

// buildRoot leaves out the tests, which take longer than all golden bumps together.
func buildRoot(dir string, log *progress) ([]string, error) {
	for _, args := range [][]string{{"go", "generate", "."}, {"go", "vet", "."}} {
		if err := log.run(dir, args...); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func TestSpecIsWrittenAsItIsRead(t *testing.T) {
	s, err := loadVendored(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := read(t, filepath.Join(root, specFile)); !bytes.Equal(encodeJSON(s.root), want) {
		t.Error("openapi.json is not written as it is read")
	}
}

// bigDocument has n operations, every tenth of them under a name that others have, too.
func bigDocument(n int) object {
	paths, schemas := object{}, object{}
	response := func(schema string) object {
		content := object{"application/json": object{"schema": object{"$ref": schemaRef + schema}}}
		return object{"description": "as said", "content": content}
	}
	for i := range n {
		function, tag := fmt.Sprintf("do_thing_%d", i), fmt.Sprintf("area-%d", i%29)
		if i%10 == 0 {
			function = "create_item"
		}
		path := fmt.Sprintf("/v1/area-%d/things-%d", i%29, i)
		schema := fmt.Sprintf("src__area_%d__part_%d__schemas__Body", i%29, i)
		if i%3 == 0 {
			schema = fmt.Sprintf("Body%d", i)
		}
		paths[path] = object{"post": object{
			"tags":        []any{tag},
			"operationId": function + nonWord.ReplaceAllString(path, "_") + "_post",
			"requestBody": object{"content": response(schema)["content"]},
			"responses":   object{"200": object{"description": "ok"}, "422": response("HTTPValidationError")},
		}}
		schemas[schema] = object{"type": "object", "properties": object{"text": object{"type": "string"}}}
	}
	return object{"openapi": "3.1.0", "info": object{"title": "Big", "version": "1"}, "paths": paths,
		"components": object{"schemas": schemas}}
}

// allNames bumps from one document to another and returns all names of it.
func allNames(t *testing.T, n *names, before, after object) (entries, all *names) {
	t.Helper()
	taken, err := declared(root, false)
	if err != nil {
		t.Fatal(err)
	}
	for name := range n.inUse(before).Schemas {
		taken[name] = true
	}
	entries, _, err = n.updated(before, after, taken)
	if err != nil {
		t.Fatal(err)
	}
	if err := entries.check(after); err != nil {
		t.Fatal(err)
	}
	return entries, entries.inUse(after)
}

func TestNamesOfManyOperations(t *testing.T) {
	empty := object{"paths": object{}}
	first, few := allNames(t, &names{}, empty, bigDocument(50))
	_, all := allNames(t, &names{}, empty, bigDocument(300))
	called := slices.Concat(slices.Collect(maps.Values(all.Operations)), slices.Collect(maps.Values(all.Schemas)))
	for _, name := range []string{"DoThing7", "Area9CreateItem", "PostV1Area0Things290", "Part7Body"} {
		if !slices.Contains(called, name) {
			t.Errorf("nothing is called %s", name)
		}
	}
	if slices.Contains(called, "CreateItem") {
		t.Error("one of many has the short name")
	}
	_, more := allNames(t, first, bigDocument(50), bigDocument(300))
	for key, name := range few.Operations {
		if more.Operations[key] != name {
			t.Errorf("%s became %s", name, more.Operations[key])
		}
	}
	for key, name := range few.Schemas {
		if more.Schemas[key] != name {
			t.Errorf("%s became %s", name, more.Schemas[key])
		}
	}
}

// uses is a document with schemas that an operation returns.
func uses(schemas ...string) string {
	var definitions, refs []string
	for i := 0; i < len(schemas); i += 2 {
		definitions = append(definitions, fmt.Sprintf("%q: %s", schemas[i], schemas[i+1]))
		refs = append(refs, fmt.Sprintf(`{"$ref": %q}`, schemaRef+schemas[i]))
	}
	return `"paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"content": {"application/json": {"schema": {"anyOf": [` +
		strings.Join(refs, ", ") + `]}}}}}}}}, "components": {"schemas": {` + strings.Join(
		definitions,
		", ",
	) + `}}`
}

func inPath(name string) string {
	return fmt.Sprintf(`"parameters": [{"name": %q, "in": "path", "required": true, "schema": {"type": "string"}}]`,
		name)
}

func TestNamesOfOddDocuments(t *testing.T) {
	document := func(body string) object {
		node, err := parseDocument([]byte(`{"openapi": "3.1.0", "info": {"version": "1"}, ` + body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return node
	}
	page := func(path, schema string) string {
		return `"` + path + `": {"get": {"operationId": "a", "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "` +
			schemaRef + schema + `"}}}}}}}`
	}
	tests := []struct{ name, before, after, key, want string }{
		{
			name:   "a schema that has the name of fixed code, unused so far",
			before: `"paths": {}, "components": {"schemas": {"Event": {}}}`, after: uses("Event", "{}"),
			key: "Event", want: "EventModel",
		},
		{
			name: "a schema whose name Go cannot have", before: `"paths": {}`, after: uses("123", "{}"),
			key: "123", want: "Schema123",
		},
		{
			name: "a schema that FastAPI makes of a form", before: `"paths": {}`,
			after: strings.Replace(uses("Body_upload_v1_upload_post", "{}"), `"a"`, `"upload_v1_upload_post"`, 1),
			key:   "Body_upload_v1_upload_post", want: "UploadV1UploadPostBody",
		},
		{
			name: "an operation without an id", before: `"paths": {}`,
			after: `"paths": {"/v1/things/{id}": {"get": {` + inPath("id") + `}}}`,
			key:   "GET /v1/things/{id}", want: "GetV1ThingsID",
		},
		{
			name: "an operation with the name of a method of the client", before: `"paths": {}`,
			after: `"paths": {"/v1/things": {"get": {"operationId": "request", "tags": ["admin"]}}}`,
			key:   "GET /v1/things", want: "AdminRequest",
		},
		{
			name: "an operation that is mounted under a prefix", before: `"paths": {}`,
			after: `"paths": {"/api/v1/things": {"get": {"operationId": "list_things_v1_things_get"}}}`,
			key:   "GET /api/v1/things", want: "ListThings",
		},
		{
			name:   "an operation that moved, and whose id no longer tells the path",
			before: `"paths": {"/v1/things": {"get": {"operationId": "list_things_v1_things_get"}}}`,
			after:  `"paths": {"/api/things": {"get": {"operationId": "list_things_v1_things_get"}}}`,
			key:    "GET /api/things", want: "ListThings",
		},
		{
			name:   "an operation whose id changed at its place",
			before: `"paths": {"/v1/things": {"get": {"operationId": "list_things"}}}`,
			after:  `"paths": {"/v1/things": {"get": {"operationId": "get_all_things"}}}`,
			key:    "GET /v1/things", want: "ListThings",
		},
		{
			name: "a schema that FastAPI has only renamed", before: uses("Item", `{"type": "object"}`),
			after: uses("a__Item", `{"type": "object"}`, "b__Item", `{"type": "string"}`), key: "a__Item", want: "Item",
		},
		{
			name: "a schema that was split, and is referred to at the same place",
			before: `"paths": {` + page("/a",
				"Page_Row_") + `}, "components": {"schemas": {"Page_Row_": {"type": "object"}}}`,
			after: `"paths": {` + page("/a", "Page_Row___2") + `, ` + page("/b", "Page_Row___1") + `},
				"components": {"schemas": {"Page_Row___1": {"type": "object"}, "Page_Row___2": {"type": "object"}}}`,
			key: "Page_Row___2", want: "PageRow",
		},
		{
			name: "a row within it",
			before: `"paths": {` + page(
				"/a",
				"Page",
			) + `}, "components": {"schemas": {"Page": {"items": {"$ref": "` + schemaRef + `Row"}}, "Row": {}}}`,
			after: `"paths": {` + page("/a", "Page") + `, ` + page("/0",
				"a__Row") + `}, "components": {"schemas": {"Page": {"items": {"$ref": "` +
				schemaRef + `b__Row"}}, "a__Row": {}, "b__Row": {}}}`,
			key: "b__Row", want: "Row",
		},
		{
			name: "another schema at the same place",
			before: `"paths": {` + page("/a",
				"Session") + `}, "components": {"schemas": {"Session": {"type": "object"}}}`,
			after: `"paths": {` + page("/a", "Turn") + `}, "components": {"schemas": {"Turn": {"type": "string"}}}`,
			key:   "Turn", want: "Turn",
		},
	}
	for _, tt := range tests {
		_, all := allNames(t, &names{}, document(tt.before), document(tt.after))
		if got := all.Operations[tt.key] + all.Schemas[tt.key]; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestOddDocuments has a small document for each oddity. Its first line says which
// types, methods or constants it makes, or why it is refused.
func TestOddDocuments(t *testing.T) {
	files, err := filepath.Glob("testdata/odd/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 45 {
		t.Fatalf("%d odd documents", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			first, _, _ := strings.Cut(string(read(t, file)), "\n")
			want, reason, _ := strings.Cut(strings.TrimPrefix(first, "# "), ": ")
			dir := copyRepository(t)
			err := bumpTo(dir, file)
			code := ""
			if err == nil {
				code, err = generate(dir)
			}
			if err == nil {
				_, err = output(dir, "go", "build", ".")
			}
			if want == "refused" {
				if err == nil || !strings.Contains(err.Error(), reason) {
					t.Errorf("error %v, want %s", err, reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for name := range strings.FieldsSeq(reason) {
				if !regexp.MustCompile(`(?m)^\s*(type |func \(c \*Client\) )?` + name + `\b`).MatchString(code) {
					t.Errorf("no %s", name)
				}
			}
			for _, odd := range regexp.MustCompile(`(?m)^type (\w*_\w*) `).FindAllStringSubmatch(code, -1) {
				t.Errorf("%s is called after its place", odd[1])
			}
		})
	}
}

// TestAdviceIsRight pastes the entry that a refusal shows into overlay.yaml.
func TestAdviceIsRight(t *testing.T) {
	for _, name := range []string{"undeclared_path_parameter", "two_properties_one_field", "deep_object_and_lists_in_the_query"} {
		dir, input := copyRepository(t), filepath.Join("testdata/odd", name+".yaml")
		refusal := bumpTo(dir, input)
		if refusal == nil {
			t.Fatalf("%s is not refused", name)
		}
		_, entry, _ := strings.Cut(refusal.Error(), "in overlay.yaml:\n")
		file := filepath.Join(dir, overlayFile)
		write(t, file, append(read(t, file), entry+"\n"...))
		if err := bumpTo(dir, input); err != nil {
			t.Errorf("%s: with the entry\n%s\n%v", name, entry, err)
			continue
		}
		mustGenerate(t, dir)
		if _, err := output(dir, "go", "build", "."); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// bumpTo is a bump without generating and the verdict.
func bumpTo(dir, input string) error {
	return update(dir, []string{input}, &report{}, &progress{w: io.Discard})
}

func prepared(dir string) (object, error) {
	t, err := prepareVendored(dir)
	if err != nil {
		return nil, err
	}
	return t.document, nil
}

// generating is held while the generator works, as it has variables of its package.
var generating sync.Mutex

// generate is go generate, without the time to link the programs.
func generate(dir string) (string, error) {
	prepared, err := prepared(dir)
	if err != nil {
		return "", err
	}
	var config struct {
		codegen.Configuration `yaml:",inline"`
	}
	content, err := os.ReadFile(filepath.Join(dir, "oapi-codegen.yaml"))
	if err == nil {
		err = yaml.Unmarshal(content, &config)
	}
	if err != nil {
		return "", err
	}
	for name, file := range config.OutputOptions.UserTemplates { // named from the root
		template, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", err
		}
		config.OutputOptions.UserTemplates[name] = string(template)
	}
	document, err := openapi3.NewLoader().LoadFromData(encodeJSON(prepared))
	if err != nil {
		return "", err
	}
	generating.Lock()
	defer generating.Unlock()
	code, err := codegen.Generate(document, config.Configuration)
	if err != nil {
		return "", err
	}
	return code, writeFile(filepath.Join(dir, generatedFile), []byte(code))
}

func mustGenerate(t *testing.T, dir string) string {
	t.Helper()
	code, err := generate(dir)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestHandWrittenCodeNeedsNoOperation vets root and feathertest, with their tests but
// without their examples, on a document that has nothing of Feather's.
func TestHandWrittenCodeNeedsNoOperation(t *testing.T) {
	dir := copyRepository(t)
	for _, pattern := range []string{"*_test.go", "feathertest/*.go"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name, _ := filepath.Rel(root, file); filepath.Base(file) != "example_test.go" {
				write(t, filepath.Join(dir, name), read(t, file))
			}
		}
	}
	if err := bumpTo(dir, "testdata/odd/no_servers.yaml"); err != nil {
		t.Fatal(err)
	}
	mustGenerate(t, dir)
	if _, err := output(dir, "go", "vet", ".", "./feathertest"); err != nil {
		t.Error(err)
	}
}

// TestOperationsAreListed holds a row of OPERATIONS.md.
func TestOperationsAreListed(t *testing.T) {
	prepared, err := prepared(copyRepository(t))
	if err != nil {
		t.Fatal(err)
	}
	list := string(listOfOperations(prepared, "example.com/feather"))
	want := "| [SendMessage](https://pkg.go.dev/example.com/feather#Client.SendMessage) | " +
		"POST /v1/ask-feather/sessions/{session_id}/messages | Send Message |\n"
	if !strings.Contains(list, want) || !strings.Contains(list, "[ask-feather](#ask-feather)\n") {
		t.Errorf("no\n%sin\n%s", want, list)
	}
}

// TestReportIsShortEnoughForAPullRequest has more changes than a pull request's body
// has room for.
func TestReportIsShortEnoughForAPullRequest(t *testing.T) {
	r := &report{
		verdict: &verdict{baseline: "v0.1.0", release: "v0.1.0", before: "1", after: "2", tags: map[string]string{}},
	}
	for i := range 3000 {
		operation := fmt.Sprintf("GET /v1/area-%d/things/%d", i%40, i)
		r.tags[operation] = fmt.Sprintf("area-%d", i%40)
		r.breaking = append(r.breaking, change{operation, "api removed without deprecation"})
		r.operations.removed = append(r.operations.removed, operation)
		r.incompatible = append(r.incompatible, fmt.Sprintf("(*Client).GetThing%d: removed", i))
	}
	text := r.markdown()
	if len(text) > maxReport || !strings.Contains(text, "are in verdict-whole.md") || len(r.whole()) < maxReport {
		t.Errorf("%d bytes, whole %d", len(text), len(r.whole()))
	}
	if head := r.head(); strings.Count(head, "\n") > 20 || !strings.Contains(head, "**Breaking**") ||
		!strings.Contains(head, "- area-0: ") {
		t.Errorf("the head is\n%s", head)
	}
}

// TestABumpRenamesNothing bumps one document to the next and holds every exported
// identifier of the first against the second: types, methods, fields, constants.
func TestABumpRenamesNothing(t *testing.T) {
	const before = `
openapi: 3.1.0
info: {title: Names, version: "1"}
paths:
  /v1/tickets/{id}:
    get:
      tags: [tickets]
      operationId: get_ticket_v1_tickets__id__get
      parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: sort, in: query, schema: {type: string, enum: [new, old]}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Ticket"}}}}}
  /v1/items:
    post:
      tags: [items]
      operationId: create_v1_items_post
      requestBody: {content: {application/json: {schema: {type: object, properties: {state: {type: string, enum: [open, closed]}}}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/src__items__Item"}}}}}
components:
  schemas:
    Ticket: {type: object, properties: {state: {type: string, enum: [open, closed]}, value: {anyOf: [{type: string}, {type: integer}]}, owner: {type: object, properties: {id: {type: string}}}, note: {anyOf: [{title: Text, type: object, properties: {a: {type: string}}}, {type: string}]}}}
    src__items__Item: {type: object, properties: {content: {anyOf: [{type: string}, {type: array, items: {type: string}}]}}}
`
	later := strings.NewReplacer(
		"/v1/tickets/{id}:", "/api/v1/tickets/{id}:", // mounted under a prefix; the id stands
		"  /v1/items:", `  /v1/new:
    post:
      tags: [new]
      operationId: create_v1_new_post
      responses: {"200": {description: ok, content: {application/json: {schema: {anyOf: [
        {$ref: "#/components/schemas/TicketState"}, {$ref: "#/components/schemas/TicketOwner"}, {$ref: "#/components/schemas/TicketValueString"},
        {$ref: "#/components/schemas/src__new__Item"}, {$ref: "#/components/schemas/Aaa"}]}}}}}
  /v9/items:`, // it moves, and another operation wants its name
		"    Ticket:", `    TicketState: {type: string, enum: [open, closed, new]}
    TicketOwner: {type: object, properties: {name: {type: string}}}
    TicketValueString: {type: string}
    src__new__Item: {type: object, properties: {content: {type: string}}}
    Aaa: {type: string, enum: [open, closed]}
    Ticket:`,
	).Replace(before)
	dir := copyRepository(t)
	var all []map[string]bool
	for i, document := range []string{before, later} {
		input := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", i))
		write(t, input, []byte(document))
		if err := bumpTo(dir, input); err != nil {
			t.Fatal(err)
		}
		all = append(all, exported(t, mustGenerate(t, dir)))
		if _, err := output(dir, "go", "build", "."); err != nil {
			t.Fatal(err)
		}
	}
	for name := range all[0] {
		if !all[1][name] {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range []string{"TicketStateOpen", "GetTicketParamsSortNew", "CreateBodyStateClosed", "TicketValueInt", "Ticket.Owner TicketOwner", "TicketNoteText", "(*Client) CreateWithBody", "(*Client) GetTicket"} {
		if !all[0][name] {
			t.Errorf("there was no %s", name)
		}
	}
}

// exported are the declarations of a file, methods with their receivers and fields
// with their types.
func exported(t *testing.T, code string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "feather.gen.go", code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = "(" + types.ExprString(d.Recv.List[0].Type) + ") " + name
			}
			found[name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					found[s.Names[0].Name] = true
				case *ast.TypeSpec:
					found[s.Name.Name] = true
					if fields, ok := s.Type.(*ast.StructType); ok {
						for _, field := range fields.Fields.List {
							for _, name := range field.Names {
								found[s.Name.Name+"."+name.Name+" "+strings.TrimLeft(types.ExprString(field.Type), "*")] = true
							}
						}
					}
				}
			}
		}
	}
	return found
}

func TestThreeHundredOperationsCompile(t *testing.T) {
	dir := copyRepository(t)
	input := filepath.Join(t.TempDir(), "big.json")
	vendored, err := loadVendored(dir)
	if err != nil {
		t.Fatal(err)
	}
	document := bigDocument(300)
	// The hand-written code needs the servers and the models of a validation error.
	document["servers"] = vendored.root["servers"]
	maps.Copy(schemasOf(document), schemasOf(vendored.root))
	write(t, input, encodeJSON(document))
	if err := bumpTo(dir, input); err != nil {
		t.Fatal(err)
	}
	if _, err := output(dir, "go", "generate", "."); err != nil {
		t.Fatal(err)
	}
	if _, err := output(dir, "go", "vet", "."); err != nil {
		t.Fatal(err)
	}
}

// TestContributingShowsARealVerdict holds the verdict that CONTRIBUTING.md shows
// against the golden bump that it names.
func TestContributingShowsARealVerdict(t *testing.T) {
	_, shown, _ := strings.Cut(string(read(t, filepath.Join(root, "CONTRIBUTING.md"))), "<!-- verdict -->\n")
	shown, _, _ = strings.Cut(shown, "<!-- end -->")
	shown = regexp.MustCompile(`(?m)^> ?`).ReplaceAllString(shown, "")
	golden := string(read(t, "testdata/same_function_other_tag/want.md"))
	if golden, _, _ = strings.Cut(golden, "\n### names.yaml"); shown != golden {
		t.Errorf("CONTRIBUTING.md has\n%s\nthe golden bump\n%s", shown, golden)
	}
}

// TestWrongNamesAreRefused has names.yaml with an entry that leads nowhere, or to a name that
// is taken.
func TestWrongNamesAreRefused(t *testing.T) {
	const message = "POST /v1/ask-feather/sessions/{session_id}/messages"
	tests := []struct{ entries, want string }{
		{
			"operations:\n  POST /v1/sesions: SendMessage\n",
			"names.yaml: operations: POST /v1/sesions: the document does not have it",
		},
		{"schemas:\n  Gone: Gone\n", "names.yaml: schemas: Gone: the document does not have it"},
		{"operations:\n  " + message + ": a-b\n", `names.yaml: operations: ` + message + `: "a-b" is no name in Go`},
		{
			"schemas:\n  HTTPValidationError: SendMessageRequest\n",
			"SendMessageRequest is the name of HTTPValidationError, too",
		},
		{"operation:\n  x: y\n", "names.yaml: yaml: unmarshal errors"},
	}
	for _, tt := range tests {
		dir := copyRepository(t)
		write(t, filepath.Join(dir, namesFile), []byte(tt.entries))
		if _, err := prepared(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

// TestANameForWhatHasNone writes the name that a refusal asks for.
func TestANameForWhatHasNone(t *testing.T) {
	dir, input := copyRepository(t), filepath.Join("testdata/odd", "names_in_another_script.yaml")
	refusal := bumpTo(dir, input)
	if refusal == nil {
		t.Fatal("the document is not refused")
	}
	_, entry, _ := strings.Cut(refusal.Error(), "give it one there:\n")
	write(t, filepath.Join(dir, namesFile), []byte(strings.Replace(entry, "NAME", "Model", 1)))
	if err := bumpTo(dir, input); err != nil {
		t.Fatalf("with the entry\n%s\n%v", entry, err)
	}
	if code := mustGenerate(t, dir); !strings.Contains(code, "type Model struct") {
		t.Error("no type Model")
	}
}

func TestAnEntryOfTheOverlayThatMatchesNothingIsNamed(t *testing.T) {
	dir := copyRepository(t)
	overlay := append(read(t, filepath.Join(dir, overlayFile)), "  - target: $.components.schemas.Sesion\n    remove: true\n"+
		"  - target: $.components.schemas.HTTPValidationError\n    update: {x-note: {404: a key that is a number}}\n"...)
	write(t, filepath.Join(dir, overlayFile), overlay)
	var stderr bytes.Buffer
	if status := run([]string{"-C", dir, "-prepare", "build/prepared.json"}, io.Discard, &stderr); status != 0 ||
		!strings.Contains(stderr.String(), "overlay.yaml: nothing in the document matches $.components.schemas.Sesion") {
		t.Errorf("status %d, stderr %s", status, &stderr)
	}
}

// TestAnOverlayThatUpstreamMadeSuperfluous declares a parameter that the document has.
func TestAnOverlayThatUpstreamMadeSuperfluous(t *testing.T) {
	dir := copyRepository(t)
	overlay := append(read(t, filepath.Join(dir, overlayFile)), `
  - target: $.paths["/v1/ask-feather/sessions/{session_id}/messages"].post
    update:
      parameters: [{name: session_id, in: path, required: true, schema: {type: string}}]
`...)
	write(t, filepath.Join(dir, overlayFile), overlay)
	want := `$.paths["/v1/ask-feather/sessions/{session_id}/messages"].post: the parameter session_id in path is ` +
		`declared twice; where overlay.yaml declares it`
	if _, err := prepared(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
