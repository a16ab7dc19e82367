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
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
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
// and the lines of overlay.yaml that changed, or the error. What should generate
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
	if len(folders) < 15 {
		t.Fatalf("%d golden bumps", len(folders))
	}
	seen := map[string]bool{}
	for _, folder := range folders {
		folder = filepath.Dir(folder)
		if base := filepath.Base(folder); seen[folder] || base == "base" || base == "odd" {
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
	specBefore, overlayBefore := read(t, filepath.Join(dir, specFile)), read(t, filepath.Join(dir, overlayFile))
	inputs, err := filepath.Glob(folder + "/[^w]*")
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	breaking, err := bump(
		options{dir: dir, inputs: inputs, tools: tools, test: buildRoot},
		&printed,
		&progress{w: io.Discard},
	)
	specAfter, overlayAfter := read(t, filepath.Join(dir, specFile)), read(t, filepath.Join(dir, overlayFile))
	if err != nil {
		if !bytes.Equal(specBefore, specAfter) || !bytes.Equal(overlayBefore, overlayAfter) {
			t.Error("a refused input changed a file")
		}
		return "error: " + err.Error() + "\n"
	}
	if strings.HasPrefix(filepath.Base(folder), "unchanged") && !bytes.Equal(specBefore, specAfter) {
		t.Error("openapi.json changed")
	}
	if !breaking {
		write(
			t,
			filepath.Join(dir, "consumer", "main.go"),
			read(t, filepath.Join(root, "examples/testdata/consumer/main.go")),
		)
		if _, err := output(dir, "go", "build", "-o", os.DevNull, "./consumer"); err != nil {
			t.Errorf("a consumer no longer compiles: %v", err)
		}
	}
	if !bytes.HasPrefix(overlayAfter, overlayBefore) {
		fmt.Fprint(
			&printed,
			"\n### overlay.yaml, where more than appended to\n\n",
			lineDiff(string(overlayBefore), string(overlayAfter)),
		)
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

// lineDiff names the lines that one text has and the other has not.
func lineDiff(before, after string) string {
	var b strings.Builder
	for sign, texts := range map[string][2]string{"-": {before, after}} {
		for line := range strings.Lines(texts[0]) {
			if !strings.Contains(texts[1], line) {
				b.WriteString(sign + line)
			}
		}
	}
	for line := range strings.Lines(after) {
		if !strings.Contains(before, line) {
			b.WriteString("+" + line)
		}
	}
	return b.String()
}

func TestOverlayKeepsItsBytes(t *testing.T) {
	o, err := loadOverlay(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.encode()
	if err != nil {
		t.Fatal(err)
	}
	if want := read(t, filepath.Join(root, overlayFile)); !bytes.Equal(got, want) {
		t.Errorf("overlay.yaml is not written as it is read:\n%s", got)
	}
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

// bigDocument has n operations, every tenth of them under a name that others
// have, too, in an order that seed decides.
func bigDocument(n int, seed uint64) *yaml.Node {
	random := rand.New(rand.NewPCG(seed, 0))
	paths, schemas := mapping(), mapping()
	shuffled := func(node *yaml.Node) *yaml.Node {
		pairs := len(node.Content) / 2
		random.Shuffle(pairs, func(i, j int) {
			for k := range 2 {
				node.Content[2*i+k], node.Content[2*j+k] = node.Content[2*j+k], node.Content[2*i+k]
			}
		})
		return node
	}
	object := func(pairs ...any) *yaml.Node {
		node := mapping()
		for i := 0; i < len(pairs); i += 2 {
			value, ok := pairs[i+1].(*yaml.Node)
			if !ok {
				value = text(pairs[i+1].(string))
			}
			set(node, pairs[i].(string), value)
		}
		return shuffled(node)
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
		tags := sequence()
		tags.Content = append(tags.Content, text(tag))
		id := function + nonWord.ReplaceAllString(path, "_") + "_post"
		content := object("application/json", object("schema", object("$ref", "#/components/schemas/"+schema)))
		set(paths, path, object("post", object(
			"tags", tags, "operationId", id,
			"requestBody", object("content", content),
			"responses", object("200", object("description", "ok"), "422", object(
				"description",
				"wrong",
				"content",
				object(
					"application/json",
					object("schema", object("$ref", "#/components/schemas/HTTPValidationError")),
				),
			)))))
		set(schemas, schema, object("type", "object", "properties", object("text", object("type", "string"))))
	}
	return object(
		"openapi",
		"3.1.0",
		"info",
		object("title", "Big", "version", "1"),
		"paths",
		shuffled(paths),
		"components",
		object("schemas", shuffled(schemas)),
	)
}

// namesOf records names for a document where there were none.
func namesOf(t *testing.T, before, document *yaml.Node, o *overlay) string {
	t.Helper()
	taken, err := fixedIdentifiers(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := recordNames(o, before, document, taken); err != nil {
		t.Fatal(err)
	}
	content, err := o.encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func emptyOverlay() *overlay {
	o := &overlay{actions: sequence()}
	body := mapping()
	set(body, "actions", o.actions)
	o.file = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{body}}
	return o
}

func TestNamesDoNotDependOnTheOrder(t *testing.T) {
	want := namesOf(t, mapping(), bigDocument(300, 1), emptyOverlay())
	for _, name := range []string{"DoThing7", "Area9CreateItem", "PostV1Area0Things290", "Part7Body"} {
		if !strings.Contains(want, ": "+name+"\n") {
			t.Errorf("no %s in\n%.3000s", name, want)
		}
	}
	if strings.Contains(want, ": CreateItem\n") {
		t.Error("one of many has the short name")
	}
	for seed := range uint64(5) {
		if got := namesOf(t, mapping(), bigDocument(300, seed+2), emptyOverlay()); got != want {
			t.Fatalf("seed %d gives other names", seed+2)
		}
	}
}

func TestAddingAnOperationRenamesNoOther(t *testing.T) {
	before, after := bigDocument(50, 1), bigDocument(300, 2)
	o := emptyOverlay()
	first := namesOf(t, mapping(), before, o)
	if second := namesOf(t, before, after, o); !strings.HasPrefix(second, first) {
		t.Error("more operations changed the names of the first")
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
		strings.Join(
			refs,
			", ",
		) + `]}}}}}}}}, "components": {"schemas": {` + strings.Join(
		definitions,
		", ",
	) + `}}`
}

func inPath(name string) string {
	return fmt.Sprintf(
		`"parameters": [{"name": %q, "in": "path", "required": true, "schema": {"type": "string"}}]`,
		name,
	)
}

func TestNamesOfOddDocuments(t *testing.T) {
	document := func(body string) *yaml.Node {
		node, err := parseDocument([]byte(`{"openapi": "3.1.0", "info": {"version": "1"}, ` + body + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return node
	}
	tests := []struct{ name, before, after, want string }{
		{
			name:   "a schema that has the name of fixed code, unused so far",
			before: `"paths": {}, "components": {"schemas": {"Event": {}}}`, after: uses("Event", "{}"),
			want: "EventModel",
		},
		{
			name: "a schema whose name Go cannot have", before: `"paths": {}`, after: uses("123", "{}"),
			want: "Schema123",
		},
		{
			name: "a schema that FastAPI makes of a form", before: `"paths": {}`,
			after: strings.Replace(uses("Body_upload_v1_upload_post", "{}"), `"a"`, `"upload_v1_upload_post"`, 1),
			want:  "UploadV1UploadPostBody",
		},
		{
			name: "an operation without an id", before: `"paths": {}`,
			after: `"paths": {"/v1/things/{id}": {"get": {` + inPath("id") + `}}}`, want: "GetV1ThingsID",
		},
		{
			name: "an operation with the name of a method of the client", before: `"paths": {}`,
			after: `"paths": {"/v1/things": {"get": {"operationId": "request", "tags": ["admin"]}}}`,
			want:  "AdminRequest",
		},
		{
			name: "an operation that is mounted under a prefix", before: `"paths": {}`,
			after: `"paths": {"/api/v1/things": {"get": {"operationId": "list_things_v1_things_get"}}}`,
			want:  "ListThings",
		},
		{
			name: "a path parameter that would be called as a variable", before: `"paths": {}`,
			after: `"paths": {"/v1/{body}": {"get": {"operationId": "a", ` + inPath("body") + `}}}`,
			want:  "BodyParam",
		},
		{
			name: "a schema that FastAPI has only renamed", before: uses("Item", `{"type": "object"}`),
			after: uses("a__Item", `{"type": "object"}`, "b__Item", `{"type": "string"}`), want: "Item",
		},
	}
	for _, tt := range tests {
		if got := namesOf(t, document(tt.before), document(tt.after), emptyOverlay()); !strings.Contains(
			got,
			": "+tt.want+"\n",
		) {
			t.Errorf("%s: no %s in\n%s", tt.name, tt.want, got)
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
			before := read(t, filepath.Join(dir, specFile))
			_, err := update(dir, []string{file}, &progress{w: io.Discard})
			if want == "refused" {
				if err == nil || !strings.Contains(err.Error(), reason) {
					t.Errorf("error %v, want %s", err, reason)
				}
				if !bytes.Equal(read(t, filepath.Join(dir, specFile)), before) {
					t.Error("a refused document changed a file")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			code := generate(t, dir)
			for name := range strings.FieldsSeq(reason) {
				if !regexp.MustCompile(`(?m)^\s*(type |func \(c \*Client\) )?` + name + `\b`).MatchString(code) {
					t.Errorf("no %s", name)
				}
			}
			for _, odd := range regexp.MustCompile(`(?m)^type (\w*_\w*) `).FindAllStringSubmatch(code, -1) {
				t.Errorf("%s is called after its place", odd[1])
			}
			if t.Failed() {
				t.Log(code)
			}
			if _, err := output(dir, "go", "build", "."); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAdviceIsRight pastes the entry that a refusal shows into overlay.yaml.
func TestAdviceIsRight(t *testing.T) {
	for _, name := range []string{"undeclared_path_parameter", "two_properties_one_field", "deep_object_and_lists_in_the_query"} {
		dir, input := copyRepository(t), []string{filepath.Join("testdata/odd", name+".yaml")}
		_, refusal := update(dir, input, &progress{w: io.Discard})
		if refusal == nil {
			t.Fatalf("%s is not refused", name)
		}
		_, entry, _ := strings.Cut(refusal.Error(), "in overlay.yaml:\n")
		file := filepath.Join(dir, overlayFile)
		write(t, file, append(read(t, file), entry+"\n"...))
		if _, err := update(dir, input, &progress{w: io.Discard}); err != nil {
			t.Errorf("%s: with the entry\n%s\n%v", name, entry, err)
			continue
		}
		generate(t, dir)
		if _, err := output(dir, "go", "build", "."); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// generate is go generate, without the time to link the programs.
func generate(t *testing.T, dir string) string {
	t.Helper()
	prepared, err := prepareVendored(dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := loadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi3.NewLoader().LoadFromData(encodeJSON(prepared))
	if err != nil {
		t.Fatal(err)
	}
	generating.Lock()
	defer generating.Unlock()
	code, err := codegen.Generate(document, config.Configuration)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, config.OutputFile), []byte(code))
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
	if _, err := update(dir, []string{"testdata/odd/no_servers.yaml"}, &progress{w: io.Discard}); err != nil {
		t.Fatal(err)
	}
	generate(t, dir)
	if _, err := output(dir, "go", "vet", ".", "./feathertest"); err != nil {
		t.Error(err)
	}
}

// TestOperationsAreListed holds a row of OPERATIONS.md.
func TestOperationsAreListed(t *testing.T) {
	dir := copyRepository(t)
	prepared, err := prepareVendored(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, err := listOfOperations(prepared, dir)
	if err != nil {
		t.Fatal(err)
	}
	page := "https://pkg.go.dev/github.com/featherhq/feather-go#"
	want := "| [SendMessage](" + page + "Client.SendMessage)<br>POST /v1/ask-feather/sessions/{session_id}/messages | " +
		"[SendMessageRequest](" + page + "SendMessageRequest) |  |\n"
	if !strings.Contains(string(list), want) || !strings.Contains(string(list), "[ask-feather](#ask-feather)\n") {
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
	if len(text) > maxReport || !strings.Contains(text, "more, in the whole verdict") || len(r.whole()) < maxReport {
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
		"title: Text", "title: Words", // which a variant is called after
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
		if _, err := update(dir, []string{input}, &progress{w: io.Discard}); err != nil {
			t.Fatal(err)
		}
		all = append(all, exported(t, generate(t, dir)))
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
	document := bigDocument(300, 1)
	// The hand-written code needs the servers and the models of a validation error.
	set(document, "servers", get(vendored.root, "servers"))
	for key, schema := range entries(get(vendored.root, "components", "schemas")) {
		set(get(document, "components", "schemas"), key, schema)
	}
	write(t, input, encodeJSON(document))
	if _, err := update(dir, []string{input}, &progress{w: io.Discard}); err != nil {
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
	if golden, _, _ = strings.Cut(golden, "\nExit status"); shown != golden {
		t.Errorf("CONTRIBUTING.md has\n%s\nthe golden bump\n%s", shown, golden)
	}
}

// TestNamesThatLeadNowhereAreRefused has an overlay with a typing error.
func TestNamesThatLeadNowhereAreRefused(t *testing.T) {
	dir := copyRepository(t)
	overlay := string(read(t, filepath.Join(dir, overlayFile)))
	overlay += "  - target: $.paths[\"/v1/sesions\"].post\n    update:\n      operationId: SendMessage\n"
	write(t, filepath.Join(dir, overlayFile), []byte(overlay))
	want := `the target $.paths["/v1/sesions"].post is not in the document`
	if _, err := prepareVendored(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestTwoOperationsOfOneNameAreRefused(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(`{paths: {/a: {get: {operationId: X}, post: {operationId: X}}}}`), &document); err != nil {
		t.Fatal(err)
	}
	err := checkOperationIDs(document.Content[0])
	if err == nil || !strings.Contains(err.Error(), "are both called X; name one of them:\n  in overlay.yaml:") {
		t.Errorf("error %v", err)
	}
}
