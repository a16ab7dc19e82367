// Command specbump brings feather-go to a new version of the API's OpenAPI
// document. It reads the document, records names for what is new, generates,
// builds and tests, and says what changed for those who import the package:
//
//	specbump openapi.json          a whole document, as JSON or YAML
//	specbump send-message.md …     pages of the API's documentation, merged
//	specbump https://…             either, fetched
//	specbump -verdict              the verdict alone, on the working tree
//
// It runs in the repository's root. Its exit status is 0 when what changed is
// compatible, 3 when it breaks consumers, 1 when something went wrong and 2 when
// it was called wrongly. Input that it refuses leaves every file as it was.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	specFile    = "openapi.json"
	overlayFile = "overlay.yaml"
	configFile  = "oapi-codegen.yaml"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the command line says.
type options struct {
	dir         string
	inputs      []string
	verdictOnly bool
	report      string
	tools       verdictTools
}

func run(args []string, stdout, stderr io.Writer) int {
	opts := options{dir: "."}
	flags := flag.NewFlagSet("specbump", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.dir, "C", ".", "the root of the repository")
	flags.BoolVar(&opts.verdictOnly, "verdict", false, "print the verdict on the working tree, and change nothing")
	flags.StringVar(&opts.report, "report", "", "a file for the verdict, as Markdown")
	flags.StringVar(&opts.tools.oasdiff, "oasdiff", "", "oasdiff as package@version")
	flags.StringVar(&opts.tools.apidiff, "apidiff", "", "apidiff as package@version")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	opts.inputs = flags.Args()
	switch {
	case opts.verdictOnly == (len(opts.inputs) > 0):
		fmt.Fprintln(stderr, "specbump: name an OpenAPI document, pages or URLs, or pass -verdict")
		return 2
	case opts.tools.oasdiff == "" || opts.tools.apidiff == "":
		fmt.Fprintln(stderr, "specbump: -oasdiff and -apidiff are missing; call it through make, which knows their versions")
		return 2
	}
	breaking, err := bump(opts, stdout, &progress{stderr})
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "specbump:", err)
		return 1
	case breaking:
		return 3
	}
	return 0
}

func bump(opts options, stdout io.Writer, log *progress) (breaking bool, err error) {
	var names nameChanges
	var failed error // a change that breaks our own tests needs its verdict most of all
	if !opts.verdictOnly {
		if names, err = update(opts.dir, opts.inputs, log); err != nil {
			return false, err
		}
		failed = generateAndTest(opts.dir, log)
	}
	v, err := judge(opts.dir, opts.tools, log)
	if err != nil {
		return false, errors.Join(failed, err)
	}
	report := v.markdown(names)
	fmt.Fprint(stdout, report)
	if opts.report != "" {
		failed = errors.Join(failed, writeFile(opts.report, []byte(report)))
	}
	return v.isBreaking(), failed
}

// update writes openapi.json and overlay.yaml, once nothing is left to refuse.
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
	changes, err := recordNames(overlay, before, after, fixed)
	if err != nil {
		return nameChanges{}, err
	}
	names, err := overlay.encode()
	if err != nil {
		return nameChanges{}, err
	}
	if err := writeIfChanged(dir, specFile, encodeJSON(after)); err != nil || changes.none() {
		return changes, err
	}
	return changes, writeIfChanged(dir, overlayFile, names)
}

func generateAndTest(dir string, log *progress) error {
	for _, args := range [][]string{
		{"generate", "./..."},
		{"build", "./..."},
		{"vet", "./..."},
		{"test", "./..."},
	} {
		done := log.step("go %s", strings.Join(args, " "))
		if _, err := output(dir, "go", args...); err != nil {
			return fmt.Errorf("%w\nopenapi.json and overlay.yaml are the new ones; git restore brings the old ones back", err)
		}
		done()
	}
	return nil
}

// output runs a command; its error has what the command said.
func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stdout, stderr strings.Builder // each is written by a goroutine of its own
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stdout.String() + stderr.String())
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said)
	}
	return stdout.String(), nil
}

// progress says what is being done, and how long it took.
type progress struct{ w io.Writer }

func (p *progress) step(format string, args ...any) (done func()) {
	start, what := time.Now(), fmt.Sprintf(format, args...)
	fmt.Fprintf(p.w, "specbump: %s …\n", what)
	return func() { fmt.Fprintf(p.w, "specbump: %s took %.1f s\n", what, time.Since(start).Seconds()) }
}
