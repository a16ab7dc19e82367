package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// report is what a maintainer reads: the verdict first, the lists after it.
type report struct {
	*verdict
	names     nameChanges
	unmatched []string // targets of the overlay
	numbered  []string // types that are told apart by a number
	broken    []string // what the compiler or the tests say of the examples
}

func (r *report) isBreaking() bool { return r.verdict.isBreaking() || len(r.broken) > 0 }

// maxReport leaves room below GitHub's 65,536 characters for a pull request.
const maxReport = 60_000

// markdown is the whole report, or its head where the whole is too long for a pull request.
func (r *report) markdown() string {
	whole := r.whole()
	if len(whole) > maxReport {
		return r.head() + "\nThe lists are in verdict-whole.md, which a workflow keeps as an artifact.\n"
	}
	return whole
}

func (r *report) whole() string {
	var b strings.Builder
	b.WriteString(r.head())
	for _, section := range []struct {
		title string
		lines []string
	}{
		{"Examples that no longer work", r.examples()},
		{"Breaking changes of the HTTP API", r.breakingLines()},
		{"Incompatible changes of the Go API", r.incompatible},
		{"Operations", r.operations.lines(r.goNames)},
		{"Operations that moved: the same call in Go, removed and added for HTTP", r.moved},
		{"Schemas", r.schemas.lines(nil)},
		{"Names recorded in names.yaml", r.names.added},
		{"Names dropped from names.yaml", r.names.gone},
		{"Entries of overlay.yaml that match nothing any more", r.unmatched},
		{"Types that are told apart by a number, which may go to another one", r.numbered},
		{"Methods that the generated interfaces gain", r.grown},
		{"What was said of the examples", r.said()},
	} {
		if len(section.lines) > 0 {
			fmt.Fprintf(&b, "\n### %s\n\n- %s\n", section.title, strings.Join(section.lines, "\n- "))
		}
	}
	return b.String()
}

// head is what a maintainer reads on a Friday, in twenty lines at most.
func (r *report) head() string {
	var b strings.Builder
	title := "Feather API " + r.after
	if r.before != r.after {
		title = fmt.Sprintf("Feather API %s → %s", r.before, r.after)
	}
	fmt.Fprintf(&b, "## %s\n\n", title)
	if !semver.IsValid(r.baseline) {
		fmt.Fprintf(&b, "There is no release tag: this compares with %s. Name another revision with BASE.\n\n",
			r.baseline)
	}
	switch {
	case r.isBreaking():
		fmt.Fprintf(&b, "**Breaking**: a maintainer must look. Since %s; the next version after %s is %s.\n",
			r.baseline, r.release, r.next())
	case r.unchanged():
		fmt.Fprintf(&b, "**Nothing changes** since %s (%s).\n", r.baseline, r.release)
		return b.String()
	default:
		fmt.Fprintf(&b, "**Compatible**. Since %s; the next version after %s is %s.\n", r.baseline, r.release, r.next())
	}
	fmt.Fprintf(&b, "\n| | added | changed | removed |\n| --- | --- | --- | --- |\n")
	fmt.Fprintf(&b, "| operations | %s |\n| schemas | %s |\n", r.operations.counts(), r.schemas.counts())
	if len(r.moved) > 0 {
		fmt.Fprintf(&b, "\n%d of the operations moved: they are the same call in Go, removed and added for HTTP.\n",
			len(r.moved))
	}
	if groups := r.breakingByTag(); len(groups) > 0 {
		b.WriteString("\nOperations that break, by tag:\n\n")
		for i, group := range groups {
			if i == 8 && len(groups) > 9 {
				fmt.Fprintf(&b, "- … and %d more tags\n", len(groups)-i)
				break
			}
			fmt.Fprintf(&b, "- %s\n", group)
		}
	}
	return b.String()
}

func (r *report) breakingByTag() []string {
	byTag := map[string][]string{}
	for _, c := range r.breaking {
		tag := cmp.Or(r.tags[c.operation], "no single operation")
		if name := "`" + c.operation + "`"; !slices.Contains(byTag[tag], name) {
			byTag[tag] = append(byTag[tag], name)
		}
	}
	var groups []string
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		shown, more := byTag[tag], ""
		if len(shown) > 3 {
			shown, more = shown[:3], fmt.Sprintf(" and %d more", len(shown)-3)
		}
		groups = append(groups, fmt.Sprintf("%s: %s%s", tag, strings.Join(shown, ", "), more))
	}
	return groups
}

func (r *report) breakingLines() []string {
	var lines []string
	for _, c := range r.breaking {
		lines = append(lines, strings.TrimPrefix(c.operation+": "+c.text, ": "))
	}
	return lines
}

// said is the whole of what was said of the examples.
func (r *report) said() []string {
	var blocks []string
	for _, said := range r.broken {
		blocks = append(blocks, "\n  ```\n  "+strings.ReplaceAll(strings.TrimSpace(said), "\n", "\n  ")+"\n  ```")
	}
	return blocks
}

var exampleFailure = regexp.MustCompile(`(?m)^(?:--- FAIL: (\w+)|(?:vet: )?(\S+_?\w*\.go):\d+)`)

// examples has a line for each example or file that fails.
func (r *report) examples() []string {
	var lines []string
	for _, said := range r.broken {
		for _, found := range exampleFailure.FindAllStringSubmatch(said, -1) {
			lines = append(lines, "`"+found[1]+strings.TrimPrefix(found[2], "./")+"`")
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func (c changes) counts() string {
	return fmt.Sprintf("%d | %d | %d", len(c.added), len(c.changed), len(c.removed))
}

// printTrial prints what a bump to the document would cost and change.
func (r *report) printTrial(w io.Writer, work string, log *progress) error {
	code, err := os.ReadFile(filepath.Join(work, generatedFile))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| | |\n| --- | --- |\n| operations | %d |\n| schemas | %d |\n", r.operations.total, r.schemas.total)
	lines := bytes.Count(code, []byte("\n"))
	fmt.Fprintf(w, "| generated lines | %d |\n| names recorded | %d |\n", lines, len(r.names.added))
	fmt.Fprintf(w, "%s\n%s", strings.Join(log.costs, ""), r.head())
	for _, line := range r.examples() {
		fmt.Fprintf(w, "- %s no longer works\n", line)
	}
	return nil
}
