package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
	"gopkg.in/yaml.v3"
)

// verdictTools are the programs that compare, as package@version.
type verdictTools struct{ oasdiff, apidiff string }

// verdict is what the working tree changes for consumers since the baseline: the
// last release, or HEAD where there is none.
type verdict struct {
	baseline          string // a git revision
	release           string // the version that the next one counts from
	before, after     string // of the API
	operations        changes
	schemas           changes
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
	for _, dir := range []string{old, tree} {
		if err := os.RemoveAll(filepath.Join(dir, "examples")); err != nil {
			return nil, err
		}
	}
	before, err := loadVendored(old)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.baseline, err)
	}
	after, err := loadVendored(tree)
	if err != nil {
		return nil, err
	}
	v.tags = tagsByOperation(before.root, after.root)
	v.before, v.after = version(before), version(after)
	v.operations = compare(listOperations(before.root), listOperations(after.root))
	v.schemas = compare(listSchemas(before.root), listSchemas(after.root))

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
		baseline = strings.TrimSpace(tag)
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
type changes struct{ added, changed, removed []string }

func compare(before, after map[string]*yaml.Node) changes {
	var c changes
	for key, node := range after {
		if old, ok := before[key]; !ok {
			c.added = append(c.added, key)
		} else if !equal(old, node) {
			c.changed = append(c.changed, key)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			c.removed = append(c.removed, key)
		}
	}
	for _, list := range [][]string{c.added, c.changed, c.removed} {
		slices.Sort(list)
	}
	return c
}

func listOperations(document *yaml.Node) map[string]*yaml.Node {
	list := map[string]*yaml.Node{}
	for path, item := range entries(get(document, "paths")) {
		for method, operation := range operationsOf(item) {
			list[strings.ToUpper(method)+" "+path] = operation
		}
	}
	return list
}

func listSchemas(document *yaml.Node) map[string]*yaml.Node {
	list := map[string]*yaml.Node{}
	for key, schema := range entries(get(document, "components", "schemas")) {
		list[key] = schema
	}
	return list
}

// change is one of oasdiff's; its operation is METHOD /path.
type change struct{ operation, text string }

func runOasdiff(tool, before, after string) ([]change, error) {
	out, err := output(".", "go", "run", tool, "breaking", "--auto-upgrade", "--format", "json", before, after)
	if err != nil || strings.TrimSpace(out) == "" {
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

// tagsByOperation has the first tag of each operation of both documents.
func tagsByOperation(documents ...*yaml.Node) map[string]string {
	tags := map[string]string{}
	for _, document := range documents {
		for operation, node := range listOperations(document) {
			tags[operation] = firstTag(node)
		}
	}
	return tags
}

// runApidiff compares all packages of the module.
func (v *verdict) runApidiff(tool, before, after string) error {
	module, err := output(after, "go", "list", "-m")
	if err != nil {
		return err
	}
	module = strings.TrimSpace(module)
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
			v.incompatible = append(v.incompatible, change)
		default:
			v.compatibleChanges = true
		}
	}
	return nil
}

// grownInterface finds what apidiff calls incompatible and the package's versions
// do not: the generated interfaces gain methods with every operation. Who mocks
// them embeds them, as the README says.
var grownInterface = regexp.MustCompile(`^Client(WithResponses)?Interface\.\w+: added$`)

// next is the version that Go's module rules ask for.
func (v *verdict) next() string {
	parts := strings.SplitN(strings.TrimPrefix(semver.Canonical(v.release), "v"), ".", 3)
	var numbers [3]int
	for i, part := range parts {
		numbers[i], _ = strconv.Atoi(part)
	}
	major, minor, patch := numbers[0], numbers[1], numbers[2]
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
	return v.before == v.after && !v.compatibleChanges && !v.isBreaking() && v.operations.none() && v.schemas.none()
}

func (c changes) none() bool { return len(c.added)+len(c.changed)+len(c.removed) == 0 }

func (c changes) lines() []string {
	var lines []string
	for _, list := range []struct {
		word string
		keys []string
	}{{"added", c.added}, {"changed", c.changed}, {"removed", c.removed}} {
		for _, key := range list.keys {
			lines = append(lines, fmt.Sprintf("%s `%s`", list.word, key))
		}
	}
	return lines
}
