package feather_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestREADMEPromisesTheRetriesThatAreTested holds the README's table against the
// one of TestRetriesNeverSendTwice.
func TestREADMEPromisesTheRetriesThatAreTested(t *testing.T) {
	word := func(tries int64) string {
		if tries > 1 {
			return "retried"
		}
		return "no"
	}
	var want []string
	for _, row := range retryTable {
		want = append(want, fmt.Sprintf("| %s | %s | %s |", row.rule, word(row.post), word(row.idempotent)))
	}
	want = slices.Compact(want)
	_, table, _ := strings.Cut(readFile(t, "README.md"),
		"| what went wrong | POST, PATCH | GET, HEAD, PUT, DELETE, OPTIONS |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if got := strings.Split(table, "\n"); !slices.Equal(got, want) {
		t.Errorf("the README has\n%s\nthe tests have\n%s", table, strings.Join(want, "\n"))
	}
}

func TestVersionIsTheNewestInTheChangelog(t *testing.T) {
	_, released, _ := strings.Cut(readFile(t, "CHANGELOG.md"), "## [Unreleased]")
	_, released, _ = strings.Cut(released, "\n## [")
	if newest, _, _ := strings.Cut(released, "]"); newest != feather.Version {
		t.Errorf("Version is %s, the newest in CHANGELOG.md %q", feather.Version, newest)
	}
}
