package feathertest

import "os"

// The tests have a document of their own: what is vendored may move. Only
// TestEveryOperation is about what is vendored.
var shipped = vendored

func init() {
	spec, err := os.ReadFile("testdata/openapi.json")
	if err != nil {
		panic(err)
	}
	fixed, err := readDocument(spec)
	if err != nil {
		panic(err)
	}
	vendored = func() *document { return fixed }
}

// Matches and Matching are what the checks and the made-up values do with a pattern.
func Matches(pattern, text string) bool {
	compiled, err := compilePattern(pattern)
	return err == nil && compiled.MatchString(text)
}

func Matching(pattern string) string { return matching(pattern, 0) }
