// Package examples_test holds what a consumer of the package sees: its go.mod, and the
// README's code.
package examples_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var updateModules = flag.Bool("update", false, "write testdata/consumer/*.txt again")

// TestConsumerGetsNoMoreThanItNeeds builds and tests a module of somebody who
// imports the package, and holds the modules in its go.mod against a list: what
// creeps in there lands with everybody. Package feathertest needs more, and only
// who imports it has that, too.
func TestConsumerGetsNoMoreThanItNeeds(t *testing.T) {
	for list, files := range map[string][]string{
		"modules.txt":             {"main.go"},
		"modules-feathertest.txt": {"main.go", "main_test.go"},
	} {
		t.Run(list, func(t *testing.T) {
			sources := map[string]string{}
			for _, file := range files {
				sources[file] = readFile(t, filepath.Join("testdata/consumer", file))
			}
			dir := newModule(t, sources)
			goCommand(t, dir, "vet", ".")
			goCommand(t, dir, "test", ".")

			got := required(t, goCommand(t, dir, "mod", "edit", "-json"))
			want := filepath.Join("testdata/consumer", list)
			if *updateModules {
				writeFile(t, want, got)
			}
			if got != readFile(t, want) {
				t.Errorf("a consumer's go.mod has\n%s\nwant\n%s", got, readFile(t, want))
			}
		})
	}
}

func TestSpecCostsOnlyThoseWhoCallIt(t *testing.T) {
	for name, use := range map[string]bool{"_ = feather.Version": false, "println(len(feather.Spec()))": true} {
		dir := t.TempDir()
		writeFile(
			t,
			filepath.Join(dir, "main.go"),
			"package main\n\nimport \"github.com/featherhq/feather-go\"\n\nfunc main() {\n\t_, _ = feather.New()\n\t"+name+"\n}\n",
		)
		binary := filepath.Join(dir, "program")
		goCommand(t, ".", "build", "-o", binary, filepath.Join(dir, "main.go"))
		if has := strings.Contains(readFile(t, binary), `"operationId": "`); has != use {
			t.Errorf("with %s: document in the binary: %t", name, has)
		}
	}
}

// newModule makes an empty module that takes this package from here, and adds files.
func newModule(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	writeFile(t, filepath.Join(dir, "go.sum"), readFile(t, "../go.sum"))
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	goCommand(t, dir, "mod", "init", "example.com/consumer")
	goCommand(t, dir, "mod", "edit", "-require=github.com/featherhq/feather-go@v0.0.0",
		"-replace=github.com/featherhq/feather-go="+root)
	goCommand(t, dir, "mod", "tidy")
	return dir
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goCommand(t *testing.T, dir string, args ...string) (stdout string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

// required lists the modules of a go.mod, as JSON, one in a line.
func required(t *testing.T, goMod string) string {
	t.Helper()
	var parsed struct{ Require []struct{ Path string } }
	if err := json.Unmarshal([]byte(goMod), &parsed); err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, module := range parsed.Require {
		list.WriteString(module.Path + "\n")
	}
	return list.String()
}
