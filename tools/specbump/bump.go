package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bump works on a copy of what git does not ignore, and puts the new files in place at the end.
func bump(opts options, stdout io.Writer, log *progress) (breaking bool, err error) {
	work, err := os.MkdirTemp("", "specbump")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	list, err := output(opts.dir, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	if err == nil {
		err = copyFiles(opts.dir, work, strings.Split(strings.TrimSuffix(list, "\x00"), "\x00"))
	}
	if err != nil {
		return false, err
	}
	report := &report{}
	if !opts.verdictOnly {
		if err = update(work, opts.inputs, report, log); err != nil {
			return false, err
		}
		if report.broken, err = opts.test(work, log); err != nil {
			return false, fmt.Errorf("%w\nnothing was changed", err)
		}
	}
	if report.verdict, err = judge(opts.dir, work, opts.base, opts.tools, log); err != nil {
		return false, err
	}
	whole := report.whole()
	if opts.trial {
		err = report.printTrial(stdout, work, log)
	} else {
		_, err = io.WriteString(stdout, whole)
	}
	if opts.report != "" && err == nil {
		err = errors.Join(writeFile(opts.report, []byte(report.markdown())),
			writeFile(strings.TrimSuffix(opts.report, ".md")+"-whole.md", []byte(whole)))
	}
	if !opts.verdictOnly && !opts.trial && err == nil {
		err = copyFiles(work, opts.dir, []string{specFile, namesFile, generatedFile, listFile})
	}
	return report.isBreaking(), err
}

func copyFiles(from, to string, names []string) error {
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed
		}
		if err == nil {
			err = writeFile(filepath.Join(to, name), content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// update writes openapi.json and names.yaml.
func update(dir string, inputs []string, report *report, log *progress) error {
	defer log.step("read " + strings.Join(inputs, ", "))()
	vendored, err := loadVendored(dir)
	if err != nil {
		return err
	}
	document, err := readInputs(inputs, vendored)
	if err != nil {
		return err
	}
	after, err := plan(dir, vendored.root, document, report)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(inputs, ", "), err)
	}
	return errors.Join(writeFile(filepath.Join(dir, specFile), encodeJSON(document)),
		writeFile(filepath.Join(dir, namesFile), after.names.encode()))
}

// plan names what a new document brings, and prepares it, or refuses it.
func plan(dir string, vendored, document object, report *report) (*tree, error) {
	before, err := loadTree(dir, vendored)
	if err != nil {
		return nil, err
	}
	after, err := loadTree(dir, document)
	if err != nil {
		return nil, err
	}
	taken, err := declared(dir, true)
	if err != nil {
		return nil, err
	}
	after.names, report.names, err = before.names.updated(before.document, after.document, taken)
	if err == nil {
		err = after.names.check(after.document)
	}
	if err != nil {
		return nil, err
	}
	for _, target := range after.unmatched {
		if !slices.Contains(before.unmatched, target) {
			report.unmatched = append(report.unmatched, "`"+target+"`")
		}
	}
	if err := errors.Join(before.prepare(dir), after.prepare(dir)); err != nil {
		return nil, err
	}
	report.numbered = after.numbered()
	return after, checkInline(before.inline, after.inline)
}

// ours are the packages that no document may break.
var ours = []string{".", "./internal/...", "./feathertest"}

// buildAndTest generates, vets and tests. Only examples may fail, which name operations: what
// is said of them is returned, unless they fail in the original as well.
func buildAndTest(original, dir string, log *progress) (broken []string, err error) {
	before, err := generatedConstants(dir)
	if err != nil {
		return nil, err
	}
	if err := log.run(dir, "go", "generate", "."); err != nil {
		return nil, err
	}
	if err := checkConstants(dir, before); err != nil {
		return nil, err
	}
	try := func(args ...string) bool {
		said := log.run(dir, args...)
		if said != nil && log.run(original, args...) == nil {
			broken = append(broken, said.Error())
		}
		return said == nil
	}
	for _, pkg := range []string{".", "./feathertest"} {
		if try("go", "vet", pkg) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, pkg, "example_test.go")); err != nil {
			return nil, err
		}
		if err := log.run(dir, "go", "vet", pkg); err != nil {
			return nil, err
		}
	}
	if err := log.run(dir, slices.Concat([]string{"go", "test", "-vet=off", "-skip", "^Example"}, ours)...); err != nil {
		return nil, err
	}
	try(slices.Concat([]string{"go", "test", "-vet=off", "-run", "^Example"}, ours)...)
	try("go", "test", "./examples/...")
	return broken, nil
}

// output runs a command and returns what it prints, without space around it; its error has
// what the command said.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer // each is written by its own goroutine
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stdout.String() + stderr.String())
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said)
	}
	return strings.TrimSpace(stdout.String()), nil
}

// progress says what is being done and keeps how long it took.
type progress struct {
	w     io.Writer
	costs []string // rows of a table
}

func (p *progress) step(what string) (done func()) {
	start := time.Now()
	fmt.Fprintf(p.w, "specbump: %s …\n", what)
	return func() {
		seconds := time.Since(start).Seconds()
		fmt.Fprintf(p.w, "specbump: %s took %.1f s\n", what, seconds)
		p.costs = append(p.costs, fmt.Sprintf("| %s | %.1f s |\n", what, seconds))
	}
}

func (p *progress) run(dir string, args ...string) error {
	defer p.step(strings.Join(args, " "))()
	_, err := output(dir, args[0], args[1:]...)
	return err
}
