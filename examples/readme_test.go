package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featherhq/feather-go/feathertest"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestREADMEShowsOnlyTestedCode finds each Go snippet of the README in one of the
// examples, which are compiled and run.
func TestREADMEShowsOnlyTestedCode(t *testing.T) {
	files, err := filepath.Glob("../*/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var examples string
	for _, file := range append(files, "../example_test.go") {
		examples += flatten(readFile(t, file)) + "\n"
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readFile(t, "../README.md"), -1)
	if len(snippets) == 0 {
		t.Fatal("the README has no Go snippet")
	}
	for _, snippet := range snippets {
		if strings.HasPrefix(snippet[1], "package main") {
			continue // TestREADMEProgramPrintsWords runs it.
		}
		if !strings.Contains(examples, flatten(snippet[1])) {
			t.Errorf("no example has this snippet of the README:\n%s", snippet[1])
		}
	}
}

// TestREADMEProgramPrintsWords pastes the program that the README opens with into an
// empty module, without a home directory, and runs it against the fake.
func TestREADMEProgramPrintsWords(t *testing.T) {
	_, program, found := strings.Cut(readFile(t, "../README.md"), "```go\npackage main")
	program, _, closed := strings.Cut(program, "```")
	if !found || !closed {
		t.Fatal("the README opens with no program")
	}
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPATH"} { // The home directory has them.
		t.Setenv(name, strings.TrimSpace(goCommand(t, ".", "env", name)))
	}
	t.Setenv("HOME", t.TempDir())
	dir := newModule(t, map[string]string{"main.go": "package main" + program})
	server := feathertest.Start(t)
	t.Setenv("FEATHER_API_KEY", "key")
	t.Setenv("FEATHER_BASE_URL", server.URL)
	if got, want := goCommand(t, dir, "run", "."), "Your order is on its way.\n"; got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
	if got := len(server.Requests()); got != 2 {
		t.Errorf("%d requests, want one for the session and one for the message", got)
	}
}

// flatten makes code comparable however deep it is indented.
func flatten(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
