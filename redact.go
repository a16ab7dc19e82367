package feather

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	redacted = "[redacted]"
	// minSecret is the length from which a key is redacted: a shorter one is no secret,
	// and would be found in any text.
	minSecret = 4
	// maxForeign is how many characters of somebody else's text an error or a log record repeats.
	maxForeign = 300
)

// addKeys remembers the keys of a request. A middleware may have set another one than the call.
func (c *call) addKeys(req *http.Request) {
	for name, values := range req.Header {
		if len(name) != len(keyHeader) || !strings.EqualFold(name, keyHeader) {
			continue
		}
		for _, key := range values {
			if len(key) >= minSecret && !slices.Contains(c.keys, key) {
				c.keys, c.forms = append(c.keys, key), nil
			}
		}
	}
}

// redact removes the API key from what a server or a transport has said.
func (c *call) redact(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forms == nil {
		for _, key := range c.keys {
			c.forms = append(c.forms, formsOf(key)...)
		}
		slices.SortFunc(c.forms, func(a, b string) int { return len(b) - len(a) }) // A key may be part of another.
	}
	for _, form := range c.forms {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}

// formsOf are the ways in which a key is written that SECURITY.md names.
func formsOf(key string) []string {
	inJSON, _ := json.Marshal(key) // a text always has JSON
	inGo := strconv.Quote(key)
	percent, web := url.PathEscape(key), html.EscapeString(key)
	lower := percentEscape.ReplaceAllStringFunc(percent, strings.ToLower)
	forms := []string{
		key, strings.ToLower(key), strings.ToUpper(key), http.CanonicalHeaderKey(key), // as a header's name
		base64.RawStdEncoding.EncodeToString([]byte(key)), base64.RawURLEncoding.EncodeToString([]byte(key)),
		string(inJSON[1 : len(inJSON)-1]), inGo[1 : len(inGo)-1], strings.ReplaceAll(inGo[1:len(inGo)-1], "/", `\/`),
		url.QueryEscape(key), percent, lower, strings.ReplaceAll(percent, "%2F", "/"), strings.ReplaceAll(lower, "%2f", "/"),
		web, strings.NewReplacer("&#34;", "&quot;", "&#39;", "&#x27;").Replace(web), // as Go and as Python
	}
	slices.Sort(forms)
	return slices.Compact(forms) // Nothing escapes the characters of most keys.
}

var percentEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

// clean makes somebody else's text fit for an error and a log record: without the key, in
// one line, and at most 300 characters long.
func (c *call) clean(text string) string { return oneLine(c.redact(text)) }

// redactHeader returns a copy, as the transport may still use the header.
func (c *call) redactHeader(header http.Header) http.Header {
	clean := make(http.Header, len(header))
	for name, values := range header {
		name = c.redact(name)
		for _, value := range values {
			clean[name] = append(clean[name], c.redact(value))
		}
	}
	return clean
}

// oneLine makes a server's words fit for a log and a terminal.
func oneLine(s string) string {
	// Cut first: the rest of a page of a megabyte is not worth cleaning.
	if len(s) > 8*maxForeign {
		s = s[:8*maxForeign]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > maxForeign {
		return string(runes[:maxForeign]) + "…"
	}
	return string(runes)
}
