package feathertest_test

import (
	"testing"

	"github.com/featherhq/feather-go/feathertest"
)

func TestPatternsArePythons(t *testing.T) {
	const decimal = `^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$`
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{decimal, "12.50", true},
		{`^(?=.*\d).+$`, "abc", true}, // Go cannot say.
		{`^(a)\1$`, "ab", true},
		{`^a{1,4000}$`, "b", true},
		{`^(?>a)$`, "b", true},
		{`^a++$`, "b", true},
		{`^(?<=a)b$`, "c", true},
		{`^\w+$`, "é_7", true},
		{`^\w+$`, "a b", false},
		{`^[\w-]+$`, "é-x", true},
		{`^\d+$`, "٣", true},
		{`^\D$`, "1", false},
		{`^[\u4e00-\u9fff]+$`, "中", true},
		{`^[\u4e00-\u9fff]+$`, "a", false},
		{`^a\Z`, "a", true},
		{`^a\Z`, "ab", false},
		{`^\\w$`, `\w`, true},
		{`^\\w$`, "x", false},
	}
	for _, tt := range tests {
		if got := feathertest.Matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%s, %q: %t", tt.pattern, tt.text, got)
		}
	}
	for _, pattern := range []string{decimal, `^(?=.*\d).+$`, `^(a)\1$`, `^[a-z]{3}$`} {
		if text := feathertest.Matching(pattern); text == "" || text == pattern {
			t.Errorf("%s: made up %q", pattern, text)
		}
	}
	if text := feathertest.Matching(decimal); text != "1" {
		t.Errorf("a number is %q", text)
	}
}
