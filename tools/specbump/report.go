package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// report is what a maintainer reads: the verdict first, the lists after it.
type report struct {
	*verdict
	names  nameChanges
	broken []string // what the compiler or the tests say of the examples
}

func (r *report) isBreaking() bool { return r.verdict.isBreaking() || len(r.broken) > 0 }

// maxReport leaves room below GitHub's 65,536 characters for a pull request.
const maxReport = 60_000

func (r *report) whole() string { return r.render(math.MaxInt) }

// markdown returns the whole report, or one with shorter lists where it would be too
// long for a pull request.
func (r *report) markdown() string {
	report := r.whole()
	for most := 200; len(report) > maxReport && most > 1; most /= 2 {
		report = r.render(most)
	}
	return report
}

// render has at most so many lines of each list.
func (r *report) render(most int) string {
	var b strings.Builder
	b.WriteString(r.head())
	for _, section := range []struct {
		title string
		lines []string
	}{
		{"Examples that no longer work", r.examples()},
		{"Breaking changes of the HTTP API", r.breakingLines()},
		{"Incompatible changes of the Go API", r.incompatible},
		{"Operations", r.operations.lines()},
		{"Schemas", r.schemas.lines()},
		{"Names recorded", r.names.added},
		{"Names that moved with their operation", r.names.moved},
		{"Names dropped, their target is gone", r.names.gone},
		{"Methods that the generated interfaces gain", r.grown},
	} {
		if len(section.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", section.title)
		for i, line := range section.lines {
			if i == most {
				fmt.Fprintf(&b, "- … and %d more, in the whole verdict\n", len(section.lines)-most)
				break
			}
			fmt.Fprintf(&b, "- %s\n", line)
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
		fmt.Fprintf(&b, "There is no release tag: this compares with %s. Name another revision with BASE.\n\n", r.baseline)
	}
	switch {
	case r.isBreaking():
		fmt.Fprintf(
			&b,
			"**Breaking**: a maintainer must look. Since %s; the next version after %s is %s.\n",
			r.baseline,
			r.release,
			r.next(),
		)
	case r.unchanged():
		fmt.Fprintf(&b, "**Nothing changes** since %s (%s).\n", r.baseline, r.release)
		return b.String()
	default:
		fmt.Fprintf(&b, "**Compatible**. Since %s; the next version after %s is %s.\n", r.baseline, r.release, r.next())
	}
	fmt.Fprintf(&b, "\n| | added | changed | removed |\n| --- | --- | --- | --- |\n")
	fmt.Fprintf(&b, "| operations | %s |\n| schemas | %s |\n", r.operations.counts(), r.schemas.counts())
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
		tag := r.tags[c.operation]
		if tag == "" {
			tag = "no single operation"
		}
		if name := "`" + c.operation + "`"; !slices.Contains(byTag[tag], name) {
			byTag[tag] = append(byTag[tag], name)
		}
	}
	var groups []string
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		operations := byTag[tag]
		shown, more := operations, ""
		if len(operations) > 3 {
			shown, more = operations[:3], fmt.Sprintf(" and %d more", len(operations)-3)
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

// examples are the first lines of what was said of each.
func (r *report) examples() []string {
	var lines []string
	for _, said := range r.broken {
		said = strings.TrimSpace(said)
		if len(said) > 2000 {
			said = said[:2000] + "\n…"
		}
		lines = append(lines, "\n  ```\n  "+strings.ReplaceAll(said, "\n", "\n  ")+"\n  ```")
	}
	return lines
}

func (c changes) counts() string {
	return fmt.Sprintf("%d | %d | %d", len(c.added), len(c.changed), len(c.removed))
}
