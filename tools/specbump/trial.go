package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// printTrial prints what a bump to the document would cost and change.
func printTrial(w io.Writer, opts options, work string, r *report, log *progress) error {
	vendored, err := loadVendored(work)
	if err != nil {
		return err
	}
	code, err := os.ReadFile(filepath.Join(work, "feather.gen.go"))
	if err != nil {
		return err
	}
	growth, err := binaryGrowth(opts.dir, work)
	if err != nil {
		growth = "the example no longer compiles"
	}
	fmt.Fprintf(w, "| | |\n| --- | --- |\n")
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "| %s | %s |\n", what, fmt.Sprintf(format, args...))
	}
	row("operations", "%d", len(listOperations(vendored.root)))
	row("schemas", "%d", len(listSchemas(vendored.root)))
	row("generated lines", "%d", strings.Count(string(code), "\n"))
	row("names recorded", "%d", len(r.names.added))
	row("names that had to give way", "%d", len(r.names.longer))
	for _, c := range log.costs {
		cost := fmt.Sprintf("%.1f s", c.duration.Seconds())
		if c.cpu > 0 {
			cost += fmt.Sprintf(", %.1f s of CPU, %d MB at most", c.cpu.Seconds(), c.memory>>20)
		}
		row(c.what, "%s", cost)
	}
	row("growth of a consumer's binary", "%s", growth)
	for _, name := range r.names.longer[:min(10, len(r.names.longer))] {
		row("gave way", "%s", name)
	}
	isBlank := func(line string) bool { return strings.TrimSpace(line) == "" }
	head := slices.DeleteFunc(slices.Collect(strings.Lines(r.head())), isBlank)
	fmt.Fprintf(w, "\n%s", strings.Join(head[:min(10, len(head))], ""))
	for _, said := range r.examples() {
		fmt.Fprintln(w, said)
	}
	return nil
}

// binaryGrowth builds a consumer with both trees.
func binaryGrowth(before, after string) (string, error) {
	consumer, err := filepath.Abs(filepath.Join(before, "examples/testdata/consumer/main.go"))
	if err != nil {
		return "", err
	}
	var sizes [2]int64
	for i, dir := range []string{before, after} {
		binary := filepath.Join(after, "consumer.bin")
		if _, err := output(dir, "go", "build", "-o", binary, consumer); err != nil {
			return "", err
		}
		info, err := os.Stat(binary)
		if err != nil {
			return "", err
		}
		sizes[i] = info.Size()
	}
	return fmt.Sprintf("%+.2f MB, to %.2f MB", float64(sizes[1]-sizes[0])/1e6, float64(sizes[1])/1e6), nil
}
