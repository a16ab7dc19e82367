package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const listHead = `<!-- Made by make generate. -->
# Operations

The calls of ` + "`feather.Client`" + `, by the API's tags. Each also has a variant whose name ends in
` + "`WithResponse`" + `. It reads the whole response into a typed struct.

`

// listOfOperations is OPERATIONS.md: by tag, each operation with its Go method. At hundreds of
// operations the package's page is no map.
func listOfOperations(prepared object, module string) []byte {
	rows := map[string][]string{} // by tag
	for key, o := range operations(prepared) {
		name := o.id()
		if content := objectAt(o.object, "requestBody", "content"); content != nil && !slices.ContainsFunc(
			slices.Collect(maps.Keys(content)), hasTypedBody) {
			name += "WithBody"
		}
		note := strings.ReplaceAll(textAt(o.object, "summary"), "|", `\|`)
		if o.object["deprecated"] == true {
			note += " (deprecated)"
		}
		tag := o.firstTag()
		rows[tag] = append(rows[tag], fmt.Sprintf("| [%s](https://pkg.go.dev/%s#Client.%s) | %s | %s |\n",
			name, module, name, strings.ReplaceAll(key, "|", `\|`), strings.TrimSpace(note)))
	}
	var links []string
	var sections strings.Builder
	for _, tag := range slices.Sorted(maps.Keys(rows)) {
		links = append(links, fmt.Sprintf("[%s](#%s)", tag, strings.ToLower(strings.ReplaceAll(tag, " ", "-"))))
		slices.Sort(rows[tag])
		fmt.Fprintf(&sections, "\n## %s\n\n| call | operation | |\n| --- | --- | --- |\n%s", tag,
			strings.Join(rows[tag], ""))
	}
	return []byte(listHead + strings.Join(links, " · ") + "\n" + sections.String())
}

// hasTypedBody is true of the media types for which there is a method with a typed body.
func hasTypedBody(mediaType string) bool {
	return strings.HasSuffix(mediaType, "json") || mediaType == "text/plain" ||
		mediaType == "application/x-www-form-urlencoded" || mediaType == "multipart/form-data"
}
