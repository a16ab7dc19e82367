package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// verdictTools are the programs that compare, as package@version.
type verdictTools struct{ oasdiff, apidiff string }

// verdict is what the working tree changes for consumers since the baseline: the
// last release, or HEAD where there is none.
type verdict struct {
	baseline          string // a git revision
	release           string // the version that the next one counts from
	before, after     string // of the API
	isSame            bool   // the document
	operations        changes
	schemas           changes
	moved             []string          // operations, of those that were added and removed
	goNames           map[string]string // of operations
	tags              map[string]string // by operation
	breaking          []change          // of the HTTP API, by oasdiff
	incompatible      []string          // of the Go API, by apidiff
	grown             []string          // methods that the generated interfaces gained
	compatibleChanges bool              // there are some in the Go API
}

func (v *verdict) isBreaking() bool { return len(v.breaking)+len(v.incompatible) > 0 }

// judge compares a copy of the repository in dir, whose examples it removes, with the
// baseline.
func judge(dir, tree, base string, tools verdictTools, log *progress) (*verdict, error) {
	v := &verdict{}
	old, err := os.MkdirTemp("", "specbump")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(old)
	if v.baseline, err = checkOutBaseline(dir, base, old); err != nil {
		return nil, err
	}
	if v.release, err = releaseOf(v.baseline, old); err != nil {
		return nil, err
	}
	// apidiff loads every package, and the examples may not compile.
	err = errors.Join(os.RemoveAll(filepath.Join(old, "examples")), os.RemoveAll(filepath.Join(tree, "examples")))
	if err == nil {
		err = v.compareDocuments(old, tree)
	}
	if err != nil {
		return nil, err
	}
	done := log.step("compare the HTTP APIs")
	v.breaking, err = runOasdiff(tools.oasdiff, filepath.Join(old, specFile), filepath.Join(tree, specFile))
	if err != nil {
		return nil, err
	}
	done()
	done = log.step("compare the Go APIs")
	if err := v.runApidiff(tools.apidiff, old, tree); err != nil {
		return nil, err
	}
	done()
	return v, nil
}

// checkOutBaseline puts a revision into a folder: the one that was named, the last release, or
// else HEAD.
func checkOutBaseline(dir, base, into string) (string, error) {
	baseline := cmp.Or(base, "HEAD")
	tag, err := output(dir, "git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
	if err == nil && base == "" {
		baseline = tag
	}
	archive := filepath.Join(into, "baseline.tar")
	if _, err := output(dir, "git", "archive", "--output", archive, baseline); err != nil {
		return "", err
	}
	_, err = output(into, "tar", "-xf", archive)
	return baseline, err
}

// releaseOf is the tag itself or, before the first one, the version in the code.
func releaseOf(baseline, dir string) (string, error) {
	if semver.IsValid(baseline) {
		return baseline, nil
	}
	const name = "client.go"
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	found := versionConstant.FindSubmatch(content)
	if found == nil {
		return "", fmt.Errorf("%s has no constant Version", name)
	}
	return "v" + string(found[1]), nil
}

var versionConstant = regexp.MustCompile(`(?m)^const Version = "(.+)"$`)

// changes are the keys that two lists differ in.
type changes struct {
	added, changed, removed []string
	total                   int // of the second list
}

func compare(before, after object) changes {
	c := changes{total: len(after)}
	for key, now := range sorted(after) {
		if was, ok := before[key]; !ok {
			c.added = append(c.added, key)
		} else if !reflect.DeepEqual(was, now) {
			c.changed = append(c.changed, key)
		}
	}
	for key := range sorted(before) {
		if _, ok := after[key]; !ok {
			c.removed = append(c.removed, key)
		}
	}
	return c
}

// compareDocuments compares the vendored documents, as they are. Operations moved that were
// removed and added under one name.
func (v *verdict) compareDocuments(old, tree string) error {
	before, err := loadVendored(old)
	if err != nil {
		return fmt.Errorf("%s: %w", v.baseline, err)
	}
	after, err := loadVendored(tree)
	if err != nil {
		return err
	}
	v.before, v.after, v.tags = before.version(), after.version(), map[string]string{}
	list := func(document object) object {
		all := object{}
		for key, o := range operations(document) {
			all[key], v.tags[key] = o.object, o.firstTag()
		}
		return all
	}
	v.isSame = reflect.DeepEqual(before.root, after.root)
	v.operations = compare(list(before.root), list(after.root))
	v.schemas = compare(schemasOf(before.root), schemasOf(after.root))
	was, err := loadNames(old)
	if err != nil {
		return err
	}
	now, err := loadNames(tree)
	if err != nil {
		return err
	}
	v.goNames = now.inUse(after.root).Operations
	gone, names := map[string]string{}, was.inUse(before.root).Operations
	for _, key := range v.operations.removed {
		gone[names[key]] = key
	}
	for _, key := range v.operations.added {
		if old := gone[v.goNames[key]]; old != "" {
			v.moved = append(v.moved, fmt.Sprintf("%s from `%s` to `%s`", v.goNames[key], old, key))
		}
	}
	return nil
}

// change is one of oasdiff's; its operation is METHOD /path.
type change struct{ operation, text string }

func runOasdiff(tool, before, after string) ([]change, error) {
	out, err := output(".", "go", "run", tool, "breaking", "--auto-upgrade", "--format", "json", before, after)
	if err != nil || out == "" {
		return nil, err
	}
	var found []struct{ Text, Operation, Path string }
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		return nil, fmt.Errorf("reading what oasdiff says: %w", err)
	}
	var breaking []change
	for _, c := range found {
		breaking = append(breaking, change{strings.TrimSpace(c.Operation + " " + c.Path), c.Text})
	}
	slices.SortFunc(breaking, func(a, b change) int { return cmp.Compare(a.operation+a.text, b.operation+b.text) })
	return slices.Compact(breaking), nil
}

// runApidiff compares all packages of the module.
func (v *verdict) runApidiff(tool, before, after string) error {
	module, err := output(after, "go", "list", "-m")
	if err != nil {
		return err
	}
	export := filepath.Join(before, "api.export")
	if _, err := output(before, "go", "run", tool, "-m", "-w", export, module); err != nil {
		return err
	}
	out, err := output(after, "go", "run", tool, "-m", export, module)
	if err != nil {
		return err
	}
	inIncompatible := false
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		change, isChange := strings.CutPrefix(line, "- ")
		switch {
		case !isChange:
			inIncompatible = strings.HasPrefix(line, "Incompatible changes")
		case inIncompatible && grownInterface.MatchString(change):
			v.grown = append(v.grown, change)
		case inIncompatible:
			v.incompatible = append(v.incompatible, plainChange(change))
		default:
			v.compatibleChanges = true
		}
	}
	return nil
}

var changedFromTo = regexp.MustCompile(`^(.+): changed from (.+) to (.+)$`)

// plainChange says of a type what its text does not: that the one of this name is another.
func plainChange(change string) string {
	if found := changedFromTo.FindStringSubmatch(change); found != nil && found[2] == found[3] {
		return fmt.Sprintf("%s: %s is another type now", found[1], found[2])
	}
	return change
}

// grownInterface finds what apidiff calls incompatible and the package's versions
// do not: the generated interfaces gain methods with every operation. Who mocks
// them embeds them, as the README says.
var grownInterface = regexp.MustCompile(`^Client(WithResponses)?Interface\.\w+: added$`)

// next is the version that Go's module rules ask for.
func (v *verdict) next() string {
	var major, minor, patch int
	_, _ = fmt.Sscanf(semver.Canonical(v.release), "v%d.%d.%d", &major, &minor, &patch)
	switch {
	case v.isBreaking() && major > 0:
		major, minor, patch = major+1, 0, 0
	case v.isBreaking(), v.compatibleChanges && major > 0:
		minor, patch = minor+1, 0
	case v.unchanged():
	default:
		patch++
	}
	return fmt.Sprintf("v%d.%d.%d", major, minor, patch)
}

func (v *verdict) unchanged() bool {
	return v.isSame && !v.compatibleChanges && !v.isBreaking()
}

// lines name what is new in Go as well.
func (c changes) lines(names map[string]string) []string {
	var lines []string
	for _, list := range []struct {
		word string
		keys []string
	}{{"added", c.added}, {"changed", c.changed}, {"removed", c.removed}} {
		for _, key := range list.keys {
			name := ""
			if names[key] != "" && list.word == "added" {
				name = ": " + names[key]
			}
			lines = append(lines, fmt.Sprintf("%s `%s`%s", list.word, key, name))
		}
	}
	return lines
}
