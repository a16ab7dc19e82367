package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"
)

const maxInput = 64 << 20

// source is an OpenAPI document, or a part of one that a page shows, and where it comes from.
type source struct {
	name   string
	root   object
	isPage bool
}

func (s source) version() string { return textAt(s.root, "info", "version") }

func loadVendored(dir string) (source, error) {
	s, err := readSource(filepath.Join(dir, specFile))
	s.name = specFile
	return s, err
}

// readInputs returns the document that the inputs make: a whole one as it is, pages merged
// into it or else into the vendored one.
func readInputs(inputs []string, vendored source) (object, error) {
	base := vendored
	var pages []source
	for _, input := range inputs {
		s, err := readSource(input)
		switch {
		case err != nil:
			return nil, err
		case s.isPage:
			pages = append(pages, s)
		case base.name != vendored.name:
			return nil, fmt.Errorf("%s and %s are both whole documents; give one", base.name, s.name)
		default:
			base = s
		}
	}
	return merge(base, pages)
}

func readSource(name string) (source, error) {
	content, err := readContent(name)
	if err != nil {
		return source{}, err
	}
	s := source{name: name}
	if block, ok := fencedDocument(string(content)); ok {
		content, s.isPage = []byte(block), true
	}
	if s.root, err = parseDocument(content); err == nil {
		err = checkShape(s.root)
	}
	if err != nil {
		return source{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

var supported = regexp.MustCompile(`^3\.[01]\.\d+$`)

func checkShape(root object) error {
	switch written := textAt(root, "openapi"); {
	case len(root) == 0:
		return errors.New("the document is empty")
	case textAt(root, "swagger") != "":
		return fmt.Errorf("a document of Swagger %s is not supported; convert it to OpenAPI 3.1",
			textAt(root, "swagger"))
	case written == "":
		return errors.New("not an OpenAPI document: it has no openapi version")
	case !supported.MatchString(written):
		return fmt.Errorf("OpenAPI %s is not supported; 3.0 and 3.1 are", written)
	case textAt(root, "info", "version") == "":
		return errors.New("not a whole OpenAPI document: it has no info.version")
	case objectAt(root, "paths") == nil:
		return errors.New("not a whole OpenAPI document: it has no paths")
	}
	return nil
}

// open opens a file or fetches a URL.
func open(name string) (io.ReadCloser, error) {
	if !strings.HasPrefix(name, "https://") && !strings.HasPrefix(name, "http://") {
		return os.Open(name)
	}
	client := http.Client{Timeout: 30 * time.Second}
	rsp, err := client.Get(name)
	if err != nil {
		return nil, err
	}
	if rsp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: the server returned %s", name, rsp.Status), rsp.Body.Close())
	}
	return rsp.Body, nil
}

func readContent(name string) ([]byte, error) {
	content, err := open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	read, err := io.ReadAll(io.LimitReader(content, maxInput+1))
	if err == nil && len(read) > maxInput {
		err = fmt.Errorf("larger than %d MiB", maxInput>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return read, nil
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
		block := strings.TrimSpace(body[:end])
		if strings.HasPrefix(block, "openapi:") || strings.HasPrefix(block, "{") {
			return body[:end], true
		}
	}
	return "", false
}

// merge adds pages to a document. Pages of another version replace it, if they replace all
// its operations. Two sources that have the same part must say the same of it.
func merge(base source, pages []source) (object, error) {
	sources := append([]source{base}, pages...)
	if len(pages) > 0 && pages[0].version() != base.version() {
		if err := checkReplaced(base, pages); err != nil {
			return nil, err
		}
		sources = pages
	}
	merged, from := object{}, map[string]string{}
	for _, s := range sources {
		if err := mergeInto(merged, s.root, "$", 0, s.name, from); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

func checkReplaced(base source, pages []source) error {
	replaced := map[string]operation{}
	for _, page := range pages {
		maps.Insert(replaced, operations(page.root))
	}
	for key, o := range operations(base.root) {
		if replaced[key].object == nil {
			return fmt.Errorf("%s: info.version is %s, but %s, which stays, comes from %s with %s; give a page "+
				"for each operation, or the whole document", pages[0].name, pages[0].version(), o.at(), base.name, base.version())
		}
	}
	return nil
}

// joined are the keys of a document that are merged so many levels deep.
var joined = map[string]int{"paths": 2, "components": 2, "info": 1}

func mergeInto(into, page object, at string, levels int, name string, from map[string]string) error {
	for key, value := range sorted(page) {
		place, deeper := at+step(key), levels-1
		if at == "$" {
			deeper = joined[key]
		}
		have, isThere := into[key]
		switch {
		case deeper > 0 && objectAt(value) != nil && (!isThere || objectAt(have) != nil):
			if !isThere {
				into[key] = object{}
			}
			if err := mergeInto(objectAt(into, key), objectAt(value), place, deeper, name, from); err != nil {
				return err
			}
		case !isThere:
			into[key], from[place] = value, name
		case !reflect.DeepEqual(have, value):
			return fmt.Errorf("%s: %s and %s contradict each other", place, from[place], name)
		}
	}
	return nil
}
