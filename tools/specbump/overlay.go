package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/speakeasy-api/jsonpath/pkg/jsonpath"
	"github.com/speakeasy-api/jsonpath/pkg/jsonpath/config"
	speakeasy "github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

// overlay is overlay.yaml. It is kept as the file has it, comments and all; what
// a bump does is to append actions and to remove those that have no target left.
type overlay struct {
	file    yaml.Node
	actions *yaml.Node
}

func loadOverlay(dir string) (*overlay, error) {
	content, err := os.ReadFile(filepath.Join(dir, overlayFile))
	if err != nil {
		return nil, err
	}
	o := &overlay{}
	if err := yaml.Unmarshal(content, &o.file); err != nil {
		return nil, fmt.Errorf("%s: %w", overlayFile, err)
	}
	if o.file.Kind == yaml.DocumentNode {
		o.actions = get(o.file.Content[0], "actions")
	}
	if o.actions == nil || o.actions.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s: it has no list of actions", overlayFile)
	}
	return o, nil
}

// removeStale removes the names whose target is not in the document, and returns their
// targets, for a report. What is written by hand stays: the target may come back.
func (o *overlay) removeStale(document *yaml.Node) ([]string, error) {
	var gone []string
	var kept []*yaml.Node
	for _, action := range o.actions.Content {
		targets, err := find(document, action)
		if err != nil {
			return nil, err
		}
		if len(targets) == 0 && isName(action) {
			gone = append(gone, fmt.Sprintf("`%s`", getText(action, "target")))
			continue
		}
		kept = append(kept, action)
	}
	o.actions.Content = kept
	return gone, nil
}

// checkTargets refuses a name whose target is not in the document: a typing error would give
// the operation or the schema another name. A bump has removed the names of what is gone.
func (o *overlay) checkTargets(document *yaml.Node) error {
	for _, action := range o.actions.Content {
		targets, err := find(document, action)
		if err != nil {
			return err
		}
		if len(targets) == 0 && isName(action) {
			return fmt.Errorf("%s: line %d: the target %s is not in the document",
				overlayFile, action.Line, getText(action, "target"))
		}
	}
	return nil
}

// checkOperationIDs refuses two operations of one name, which would be one method.
func checkOperationIDs(document *yaml.Node) error {
	users := map[string]string{}
	for path, item := range entries(get(document, "paths")) {
		for method, operation := range operationsOf(item) {
			id, at := getText(operation, "operationId"), jsonPath("paths", path, method)
			if other, ok := users[id]; ok && id != "" {
				return fmt.Errorf("%s and %s are both called %s; name one of them:\n%s", other, at, id,
					advice(at, "operationId: NAME"))
			}
			users[id] = at
		}
	}
	return nil
}

// isName is true of the entries that recordNames makes.
func isName(action *yaml.Node) bool {
	change := get(action, "update")
	for _, key := range []string{"operationId", "x-go-name", "x-go-type-name"} {
		if get(change, key) != nil && len(change.Content) == 2 {
			return true
		}
	}
	return false
}

// names returns what the actions set a key to, by the node that they set it on.
func (o *overlay) names(document *yaml.Node, key string) (map[*yaml.Node]string, error) {
	names := map[*yaml.Node]string{}
	for _, action := range o.actions.Content {
		name := getText(action, "update", key)
		if name == "" {
			continue
		}
		targets, err := find(document, action)
		if err != nil {
			return nil, err
		}
		for _, target := range targets {
			names[target] = name
		}
	}
	return names, nil
}

func (o *overlay) append(target, key, name string) {
	change, action := mapping(), mapping()
	set(change, key, text(name))
	set(action, "target", text(target))
	set(action, "update", change)
	o.actions.Content = append(o.actions.Content, action)
}

func (o *overlay) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	err := errors.Join(encoder.Encode(&o.file), encoder.Close())
	return b.Bytes(), err
}

// apply returns the document as the overlay changes it.
func (o *overlay) apply(document *yaml.Node) (*yaml.Node, error) {
	changed := &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{clone(document)}}
	var applied speakeasy.Overlay
	for _, action := range o.actions.Content {
		targets, err := find(document, action)
		if err != nil {
			return nil, err
		}
		if len(targets) == 0 {
			continue
		}
		var decoded speakeasy.Action
		if err := action.Decode(&decoded); err != nil {
			return nil, fmt.Errorf("%s: %w", overlayFile, err)
		}
		applied.Actions = append(applied.Actions, decoded)
	}
	if err := applied.ApplyTo(changed); err != nil {
		return nil, fmt.Errorf("%s: %w", overlayFile, err)
	}
	return changed.Content[0], nil
}

// find resolves an action's target as the generator does.
func find(document *yaml.Node, action *yaml.Node) ([]*yaml.Node, error) {
	return query(document, getText(action, "target"))
}

func query(document *yaml.Node, target string) ([]*yaml.Node, error) {
	path, err := jsonpath.NewPath(target, config.WithPropertyNameExtension())
	if err != nil {
		return nil, fmt.Errorf("%s: the target %q: %w", overlayFile, target, err)
	}
	return path.Query(document), nil
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// jsonPath writes a target.
func jsonPath(keys ...string) string {
	path := "$"
	for _, key := range keys {
		path += step(key)
	}
	return path
}

// keywords cannot follow a dot in the JSONPath of the library.
var keywords = []string{"value", "count", "length", "match", "search", "null", "true", "false"}

func step(key string) string {
	if plainName.MatchString(key) && !slices.Contains(keywords, key) {
		return "." + key
	}
	return fmt.Sprintf("[%q]", key)
}

// exists is true of a target that leads somewhere.
func exists(document *yaml.Node, target string) bool {
	found, err := query(document, target)
	return err == nil && len(found) > 0
}
