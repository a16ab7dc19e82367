package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDocumentsBecomeJSON(t *testing.T) {
	tests := []struct{ in, want, wantErr string }{
		{
			in:   `{"b": [1e3, -0, true, null], "a": 1.0, "c": {}, "d": []}`,
			want: `{"a":1.0,"b":[1e3,-0,true,null],"c":{},"d":[]}`,
		},
		{in: `{"a": "\ud83d\ude00 \u003cb\u003e & \/"}`, want: `{"a":"😀 <b> & /"}`},
		{
			in:   "a: 1.5\nb: [0x10, .5, yes, ~, 2026-11-23, 2026-11-23T01:02:03Z, 'null']",
			want: `{"a":1.5,"b":[16,0.5,"yes",null,"2026-11-23","2026-11-23T01:02:03Z","null"]}`,
		},
		{in: "200: x\ntrue: y\n", want: `{"200":"x","true":"y"}`},
		{in: "a: &x {b: 1}\nc: *x\n", want: `{"a":{"b":1},"c":{"b":1}}`},
		{in: "a: |\n  two\n  lines\n", want: `{"a":"two\nlines\n"}`},
		{in: "a: 1\na: 2\n", wantErr: "already defined"},
		{in: `{"a": 1} x`, wantErr: "more after the document"},
		{in: `{"a": [1, 2`, wantErr: "unexpected EOF"},
		{in: `{"a": 1,}`, wantErr: "invalid character"},
		{in: "a: [1", wantErr: "reading YAML"},
		{in: "a: .nan", wantErr: "reading YAML"},
		{in: "- a", wantErr: "cannot unmarshal array"},
		{in: "a: &x {b: 1}\nc: {<<: *x, d: 2, b: 3}\n", want: `{"a":{"b":1},"c":{"b":3,"d":2}}`},
		{in: "? [a]\n: b\n", wantErr: "reading YAML"},
		{in: "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + multiplied(), wantErr: "excessive aliasing"},
	}
	for _, tt := range tests {
		node, err := parseDocument([]byte(tt.in))
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%.60q: error %v, want %q", tt.in, err, tt.wantErr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		var b bytes.Buffer
		if err := json.Compact(&b, encodeJSON(node)); err != nil || b.String() != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, &b, tt.want)
		}
	}
}

// multiplied is a document of a few lines that aliases make enormous.
func multiplied() string {
	var b strings.Builder
	for c := 'b'; c < 'k'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 10))
	}
	return b.String()
}

func TestFencedDocument(t *testing.T) {
	tests := []struct {
		page, want string
		ok         bool
	}{
		{"# T\n\n````yaml /x.json post /y\nopenapi: 3.1.0\nx: '```'\n\n````", "openapi: 3.1.0\nx: '```'\n\n", true},
		{"```json\n{}\n```\n", "{}\n", true},
		{"```yaml\na: 1\n```\n\n```yml\nopenapi: 3.1.0\n```\n", "openapi: 3.1.0\n", true},
		{"```yaml\nopenapi: 3.1.0\n", "", false},
		{"no block", "", false},
	}
	for _, tt := range tests {
		if got, ok := fencedDocument(tt.page); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %q, %t; want %q, %t", tt.page, got, ok, tt.want, tt.ok)
		}
	}
}

func TestURLIsFetched(t *testing.T) {
	spec := read(t, filepath.Join(root, specFile))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/openapi.json":
			_, _ = w.Write(spec)
		case "/endless":
			mebibyte := bytes.Repeat([]byte(" "), 1<<20)
			for {
				if _, err := w.Write(mebibyte); err != nil {
					return
				}
			}
		case "/truncated":
			w.Header().Set("Content-Length", fmt.Sprint(len(spec)))
			_, _ = w.Write(spec[:len(spec)/2])
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	s, err := readSource(server.URL + "/openapi.json")
	if err != nil || !bytes.Equal(encodeJSON(s.root), spec) {
		t.Errorf("openapi.json: %v", err)
	}
	for path, want := range map[string]string{
		"/gone":      "404 Not Found",
		"/endless":   "larger than 64 MiB",
		"/truncated": "unexpected EOF",
	} {
		if _, err := readSource(server.URL + path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestTwoWholeDocumentsAreRefused(t *testing.T) {
	spec := filepath.Join(root, specFile)
	if _, err := readInputs([]string{spec, spec}, source{}); err == nil ||
		!strings.Contains(err.Error(), "both whole documents") {
		t.Errorf("error %v", err)
	}
}

func TestNextVersion(t *testing.T) {
	breaking, incompatible, grows := []change{{text: "x"}}, []string{"x"}, changes{added: []string{"x"}}
	tests := []struct {
		verdict verdict
		want    string
	}{
		{verdict{release: "v0.1.0", isSame: true}, "v0.1.0"},
		{verdict{release: "v0.1.0", before: "1", after: "2"}, "v0.1.1"},
		{verdict{release: "v0.1.3", operations: grows, compatibleChanges: true}, "v0.1.4"},
		{verdict{release: "v0.1.3", breaking: breaking}, "v0.2.0"},
		{verdict{release: "v0.1.3", incompatible: incompatible}, "v0.2.0"},
		{verdict{release: "v1.2.3", operations: grows, compatibleChanges: true}, "v1.3.0"},
		{verdict{release: "v1.2.3", before: "1", after: "2"}, "v1.2.4"},
		{verdict{release: "v1.2.3", breaking: breaking}, "v2.0.0"},
	}
	for _, tt := range tests {
		if got := tt.verdict.next(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.verdict, got, tt.want)
		}
	}
}

func TestBeforeTheFirstTagTheVersionIsTheCodes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "client.go"), []byte("package feather\n\n// Version is.\nconst Version = \"0.3.0\"\n"))
	for baseline, want := range map[string]string{"HEAD": "v0.3.0", "v1.2.3": "v1.2.3"} {
		if got, err := releaseOf(baseline, dir); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", baseline, got, err, want)
		}
	}
	if _, err := releaseOf("HEAD", root+"/tools"); err == nil {
		t.Error("without client.go there is no error")
	}
}

func TestCommandLine(t *testing.T) {
	tools := []string{"-oasdiff", "o@v1", "-apidiff", "a@v1"}
	tests := []struct {
		args   []string
		status int
		stderr string
	}{
		{nil, 2, "name an OpenAPI document"},
		{append(tools, "-verdict", "x.json"), 2, "name an OpenAPI document"},
		{[]string{"x.json"}, 2, "-oasdiff and -apidiff are missing"},
		{[]string{"-nonsense"}, 2, "flag provided but not defined"},
		{[]string{"-h"}, 0, "Usage"},
		{append(tools, "-C", root, "no-such-file.json"), 1, "no such file"},
	}
	for _, tt := range tests {
		var stderr bytes.Buffer
		if status := run(tt.args, io.Discard, &stderr); status != tt.status ||
			!strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%q: status %d, stderr %q", tt.args, status, &stderr)
		}
	}
}

func TestFileIsReplacedWhole(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "file")
	for _, content := range []string{"first", "second"} {
		if err := writeFile(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got := string(read(t, name)); got != content {
			t.Errorf("%q", got)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("left over: %v", left)
	}
}
