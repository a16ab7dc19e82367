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
	"syscall"
	"time"
)

// generated are the files that a bump changes.
var generated = []string{specFile, overlayFile, "feather.gen.go", listFile}

// bump works on a copy of the repository, and swaps the files at the end.
func bump(opts options, stdout io.Writer, log *progress) (breaking bool, err error) {
	work, err := copyTree(opts.dir)
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(work)
	report := &report{}
	if !opts.verdictOnly {
		if report.names, err = update(work, opts.inputs, log); err != nil {
			return false, err
		}
		if report.broken, err = opts.test(work, log); err != nil {
			return false, fmt.Errorf("%w\nnothing was changed", err)
		}
	}
	if report.verdict, err = judge(opts.dir, work, opts.base, opts.tools, log); err != nil {
		return false, err
	}
	if opts.trial {
		if err := printTrial(stdout, opts, work, report, log); err != nil {
			return false, err
		}
		return report.isBreaking(), nil
	}
	whole := report.whole()
	fmt.Fprint(stdout, whole)
	if opts.report != "" {
		err = errors.Join(writeFile(opts.report, []byte(report.markdown())),
			writeFile(strings.TrimSuffix(opts.report, ".md")+"-whole.md", []byte(whole)))
	}
	if !opts.verdictOnly && err == nil {
		err = swap(work, opts.dir)
	}
	return report.isBreaking(), err
}

// copyTree copies what git does not ignore.
func copyTree(dir string) (string, error) {
	list, err := output(dir, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	if err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", "specbump")
	if err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed
		}
		if err == nil {
			err = writeFile(filepath.Join(work, name), content)
		}
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(work))
		}
	}
	return work, nil
}

// swap puts the new files in place. Each is written aside and renamed.
func swap(work, dir string) error {
	for _, name := range generated {
		content, err := os.ReadFile(filepath.Join(work, name))
		if err != nil {
			return err
		}
		if err := writeIfChanged(dir, name, content); err != nil {
			return err
		}
	}
	return nil
}

// update writes openapi.json and overlay.yaml.
func update(dir string, inputs []string, log *progress) (nameChanges, error) {
	defer log.step("read %s", strings.Join(inputs, ", "))()
	before, err := loadVendored(dir)
	if err != nil {
		return nameChanges{}, err
	}
	after, err := readInputs(inputs, before)
	if err != nil {
		return nameChanges{}, err
	}
	overlay, err := loadOverlay(dir)
	if err != nil {
		return nameChanges{}, err
	}
	fixed, err := fixedIdentifiers(dir)
	if err != nil {
		return nameChanges{}, err
	}
	changed, err := overlay.apply(after)
	if err == nil {
		err = checkDocument(changed)
	}
	if err != nil {
		return nameChanges{}, fmt.Errorf("%s: %w", strings.Join(inputs, ", "), err)
	}
	changes, err := recordNames(overlay, before.root, after, fixed)
	if err != nil {
		return nameChanges{}, err
	}
	names, err := overlay.encode()
	if err != nil {
		return nameChanges{}, err
	}
	return changes, errors.Join(
		writeIfChanged(dir, specFile, encodeJSON(after)),
		writeIfChanged(dir, overlayFile, names))
}

// ours are the packages that no document may break.
var ours = []string{".", "./internal/...", "./feathertest"}

// buildAndTest generates, builds and tests. Only examples may fail, which name
// operations: they are returned, with what the compiler or the test says.
func buildAndTest(dir string, log *progress) (broken []string, err error) {
	before, err := generatedConstants(dir)
	if err != nil {
		return nil, err
	}
	if err := log.run(dir, "go", "generate", "."); err != nil {
		return nil, err
	}
	after, err := generatedConstants(dir)
	if err == nil {
		err = checkConstants(before, after)
	}
	if err != nil {
		return nil, err
	}
	if err := log.run(dir, append([]string{"go", "build"}, ours...)...); err != nil {
		return nil, err
	}
	for _, pkg := range []string{".", "./feathertest"} {
		said := log.run(dir, "go", "vet", pkg)
		if said == nil {
			continue
		}
		if err := os.Remove(filepath.Join(dir, pkg, "example_test.go")); err != nil {
			return nil, errors.Join(said, err)
		}
		if err := log.run(dir, "go", "vet", pkg); err != nil {
			return nil, err
		}
		broken = append(broken, said.Error())
	}
	if err := log.run(dir, slices.Concat([]string{"go", "test", "-skip", "^Example"}, ours)...); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		slices.Concat([]string{"go", "test", "-run", "^Example"}, ours),
		{"go", "vet", "./examples/..."},
		{"go", "test", "./examples/..."},
	} {
		if err := log.run(dir, args...); err != nil {
			broken = append(broken, err.Error())
		}
	}
	return broken, nil
}

// output runs a command; its error has what the command said.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return runCommand(cmd)
}

func runCommand(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer // each is written by a goroutine of its own
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stdout.String() + stderr.String())
		return "", fmt.Errorf(
			"%s: %w\n%s",
			strings.Join(append([]string{filepath.Base(cmd.Path)}, cmd.Args[1:]...), " "),
			err,
			said,
		)
	}
	return stdout.String(), nil
}

// progress says what is being done and keeps what it cost.
type progress struct {
	w     io.Writer
	costs []cost
}

type cost struct {
	what     string
	duration time.Duration
	cpu      time.Duration
	memory   int64 // the largest process, in bytes
}

func (p *progress) step(format string, args ...any) (done func()) {
	start, what := time.Now(), fmt.Sprintf(format, args...)
	fmt.Fprintf(p.w, "specbump: %s …\n", what)
	return func() { p.done(cost{what: what, duration: time.Since(start)}) }
}

func (p *progress) done(c cost) {
	fmt.Fprintf(p.w, "specbump: %s took %.1f s\n", c.what, c.duration.Seconds())
	p.costs = append(p.costs, c)
}

func (p *progress) run(dir string, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	start, what := time.Now(), strings.Join(args, " ")
	fmt.Fprintf(p.w, "specbump: %s …\n", what)
	_, err := runCommand(cmd)
	c := cost{what: what, duration: time.Since(start)}
	if state := cmd.ProcessState; state != nil { // of the command and those that it ran
		usage := state.SysUsage().(*syscall.Rusage)
		c.cpu = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		c.memory = usage.Maxrss << 10
	}
	p.done(c)
	return err
}
