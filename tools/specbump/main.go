// Command specbump brings feather-go to a new version of the API's OpenAPI
// document. It reads the document, records names for what is new, generates,
// builds and tests, and says what changed for those who import the package:
//
//	specbump openapi.json          a whole document, as JSON or YAML
//	specbump send-message.md …     pages of the API's documentation, merged
//	specbump https://…             either, fetched
//	specbump -trial …              all but changing a file, with a table of figures
//	specbump -verdict              only the verdict, on the working tree
//	specbump -prepare FILE         writes the document that the generator reads, and
//	                               the list of operations
//
// It runs in the repository's root. Its exit status is 0 when what changed is
// compatible, 3 when it breaks consumers or the examples, 1 when something went
// wrong and 2 when it was called wrongly. It works on a copy of the repository: input
// that it refuses, or that does not build, leaves every file as it was.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	specFile      = "openapi.json"
	overlayFile   = "overlay.yaml"
	namesFile     = "names.yaml"
	generatedFile = "feather.gen.go"
	listFile      = "OPERATIONS.md"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are what the command line says.
type options struct {
	dir         string
	inputs      []string
	verdictOnly bool
	trial       bool
	prepare     string
	report      string
	base        string // the revision to compare with
	tools       verdictTools

	// test builds and tests a tree, and returns what is said of examples that no longer work.
	test func(dir string, log *progress) (broken []string, err error)
}

func run(args []string, stdout, stderr io.Writer) int {
	opts := options{}
	flags := flag.NewFlagSet("specbump", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.dir, "C", ".", "the root of the repository")
	flags.BoolVar(&opts.verdictOnly, "verdict", false, "print the verdict on the working tree, and change nothing")
	flags.BoolVar(&opts.trial, "trial", false, "do all but change a file, and print a table of figures")
	flags.StringVar(&opts.prepare, "prepare", "", "the `file` for the document that the generator reads")
	flags.StringVar(&opts.report, "report", "", "the `file` for the verdict, as Markdown short enough for a pull "+
		"request; the whole is beside it, as FILE-whole.md")
	flags.StringVar(&opts.base, "base", "",
		"the git `revision` to compare with; by default the last release, else HEAD")
	flags.StringVar(&opts.tools.oasdiff, "oasdiff", "", "oasdiff as package@version")
	flags.StringVar(&opts.tools.apidiff, "apidiff", "", "apidiff as package@version")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	opts.inputs = flags.Args()
	opts.test = func(dir string, log *progress) ([]string, error) { return buildAndTest(opts.dir, dir, log) }
	breaking, err := false, error(nil)
	switch {
	case opts.prepare != "":
		err = writeParts(opts, stderr)
	case opts.verdictOnly == (len(opts.inputs) > 0):
		fmt.Fprintln(stderr, "specbump: name an OpenAPI document, pages or URLs, as in SPEC=openapi.json, or pass -verdict")
		return 2
	case opts.tools.oasdiff == "" || opts.tools.apidiff == "":
		fmt.Fprintln(stderr,
			"specbump: -oasdiff and -apidiff are missing; call it through make, which knows their versions")
		return 2
	default:
		breaking, err = bump(opts, stdout, &progress{w: stderr})
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "specbump:", err)
		return 1
	case breaking:
		return 3
	}
	return 0
}

// writeParts is what go generate calls before the generator.
func writeParts(opts options, stderr io.Writer) error {
	t, err := prepareVendored(opts.dir)
	if err != nil {
		return err
	}
	for _, target := range t.unmatched {
		fmt.Fprintf(stderr, "specbump: %s: nothing in the document matches %s, so its entry does nothing\n",
			overlayFile, target)
	}
	module, err := output(opts.dir, "go", "list", "-m")
	if err != nil {
		return err
	}
	return errors.Join(writeFile(filepath.Join(opts.dir, opts.prepare), encodeJSON(t.document)),
		writeFile(filepath.Join(opts.dir, listFile), listOfOperations(t.document, module)))
}

func prepareVendored(dir string) (*tree, error) {
	vendored, err := loadVendored(dir)
	if err != nil {
		return nil, err
	}
	t, err := loadTree(dir, vendored.root)
	if err == nil {
		err = t.names.check(t.document)
	}
	if err != nil {
		return nil, err
	}
	return t, t.prepare(dir)
}
