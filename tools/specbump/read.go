package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

const (
	maxInput     = 64 << 20
	fetchTimeout = 30 * time.Second
)

// source is an OpenAPI document, or a slice of one, and where it comes from.
type source struct {
	name  string
	root  *yaml.Node
	slice bool // from a page
}

func loadVendored(dir string) (source, error) {
	s, err := readSource(filepath.Join(dir, specFile))
	s.name = specFile
	return s, err
}

// readInputs returns the document that the inputs make: a whole one as it is,
// pages merged into it or else into the vendored one.
func readInputs(inputs []string, vendored source) (*yaml.Node, error) {
	var pages []source
	var whole *source
	for _, input := range inputs {
		s, err := readSource(input)
		switch {
		case err != nil:
			return nil, err
		case s.slice:
			pages = append(pages, s)
		case whole != nil:
			return nil, fmt.Errorf("%s and %s are both whole documents; give one", whole.name, s.name)
		default:
			whole = &s
		}
	}
	base := vendored
	if whole != nil {
		base = *whole
	}
	merged, err := merge(base, pages)
	if err != nil {
		return nil, err
	}
	return merged, nil
}

func readSource(name string) (source, error) {
	content, err := readContent(name)
	if err != nil {
		return source{}, err
	}
	s := source{name: name}
	if block, ok := fencedDocument(string(content)); ok {
		content, s.slice = []byte(block), true
	}
	if s.root, err = parseDocument(content); err != nil {
		return source{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := checkShape(s.root); err != nil {
		return source{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func readContent(name string) ([]byte, error) {
	if u, err := url.Parse(name); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return fetch(name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readBounded(name, file)
}

func fetch(address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer rsp.Body.Close()
	if rsp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the server returned %s", address, rsp.Status)
	}
	return readBounded(address, rsp.Body)
}

func readBounded(name string, r io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(content) > maxInput {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxInput>>20)
	}
	return content, nil
}

var fence = regexp.MustCompile("(?m)^(`{3,})(?:ya?ml|json)\\b.*\n")

// fencedDocument finds the fenced block of a documentation page.
func fencedDocument(page string) (string, bool) {
	for _, open := range fence.FindAllStringSubmatchIndex(page, -1) {
		ticks, body := page[open[2]:open[3]], page[open[1]:]
		end := strings.Index("\n"+body, "\n"+ticks)
		if end < 0 {
			continue
		}
		if block := strings.TrimSpace(body[:end]); strings.HasPrefix(block, "openapi:") ||
			strings.HasPrefix(block, "{") {
			return body[:end], true
		}
	}
	return "", false
}

// merge puts pages into a document. Pages of another version replace it, if they
// replace all its operations.
func merge(base source, pages []source) (*yaml.Node, error) {
	if len(pages) == 0 {
		return base.root, nil
	}
	sources := append([]source{base}, pages...)
	if version(pages[0]) != version(base) {
		if err := checkReplaced(base, pages); err != nil {
			return nil, err
		}
		sources = pages
	}
	merged := mapping()
	from := map[string]string{} // where each key comes from
	for _, s := range sources {
		if err := mergeInto(merged, s.root, nil, s.name, from); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func version(s source) string { return getText(s.root, "info", "version") }

func checkReplaced(base source, pages []source) error {
	for path, item := range entries(get(base.root, "paths")) {
		for method := range operationsOf(item) {
			replaced := slices.ContainsFunc(
				pages,
				func(p source) bool { return get(p.root, "paths", path, method) != nil },
			)
			if !replaced {
				return fmt.Errorf(
					"%s has info.version %s, but %s, which stays, comes from %s with %s; "+
						"give a page for each operation, or the whole document",
					pages[0].name,
					version(pages[0]),
					dotted([]string{"paths", path, method}),
					base.name,
					version(base),
				)
			}
		}
	}
	return nil
}

// mergeInto adds the keys of a slice. Down to operations and components the
// mappings are joined; from there on two sources must say the same.
func mergeInto(into, slice *yaml.Node, at []string, name string, from map[string]string) error {
	for key, value := range entries(slice) {
		place := append(slices.Clip(at), key)
		have := get(into, key)
		switch {
		case have == nil && value.Kind == yaml.MappingNode && isJoined(place):
			have = mapping()
			set(into, key, have)
			fallthrough
		case have != nil && have.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode && isJoined(place):
			if err := mergeInto(have, value, place, name, from); err != nil {
				return err
			}
		case have == nil:
			set(into, key, value)
			from[dotted(place)] = name
		case !equal(have, value):
			return fmt.Errorf("%s: %s and %s contradict each other", dotted(place), from[dotted(place)], name)
		}
	}
	return nil
}

func isJoined(place []string) bool {
	switch place[0] {
	case "paths", "components":
		return len(place) <= 2
	case "info":
		return len(place) == 1
	}
	return false
}

// operationsOf yields the operations of a path, by method.
func operationsOf(item *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		for _, method := range []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"} {
			if operation := get(item, method); operation != nil && !yield(method, operation) {
				return
			}
		}
	}
}
