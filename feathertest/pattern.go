package feathertest

import (
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// anyText passes for a pattern that package regexp does not know.
type anyText struct{}

func (anyText) MatchString(string) bool { return true }

// compilePattern follows Python, which checks the patterns of a FastAPI service. A pattern
// that Go cannot compile, such as one that looks ahead, allows every text.
func compilePattern(pattern string) (openapi3.RegexMatcher, error) {
	compiled, err := regexp.Compile(inGo(pattern))
	if err != nil {
		return anyText{}, nil
	}
	return compiled, nil
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

// inGo writes the parts of a pattern that mean less in Go, or nothing, as Go has them: in
// Python \w, \d and \s are those of Unicode.
func inGo(pattern string) string {
	pattern = unicodeEscape.ReplaceAllString(pattern, `\x{$1}`)
	var out strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c != '\\' || i+1 == len(pattern) {
			inClass = c == '[' || inClass && c != ']'
			out.WriteByte(c)
			continue
		}
		i++
		class, ok := map[byte]string{'w': `\pL\pN_`, 'd': `\p{Nd}`, 's': `\s\p{Z}`}[pattern[i]]
		switch {
		case pattern[i] == 'Z':
			out.WriteString(`\z`)
		case !ok:
			out.WriteString(pattern[i-1 : i+1])
		case inClass:
			out.WriteString(class)
		default:
			out.WriteString("[" + class + "]")
		}
	}
	return out.String()
}

// lookaround is a group that Go does not have, without one inside it.
var lookaround = regexp.MustCompile(`\(\?(?:[=!]|<[=!])[^()]*\)`)

// withoutLookaround leaves what Go can read of a pattern such as Pydantic's for a Decimal.
func withoutLookaround(pattern string) string { return lookaround.ReplaceAllString(pattern, "") }
