// Command bench measures feather-go side by side with its peers and prints
// Markdown: a summary, and tables of ratios. The rounds go through all peers in
// turn, so that the machine's noise meets all alike, and begin with another one
// each. A ratio is the median of the ratios of the rounds.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

func main() {
	log.SetFlags(0)
	serveIfAsked()
	testing.Init()
	rounds := flag.Int("rounds", 7, "how often each row is measured")
	only := flag.String("only", "", "measure the tables whose title contains this")
	imports := flag.Bool("imports", true, "measure what importing costs, too")
	tree := flag.String("tree", "", "a tree of this module that has the whole API document, to be imported as well")
	flag.Parse()
	if err := flag.Set("test.benchtime", "100ms"); err != nil {
		log.Fatal(err)
	}
	trustServer()
	at, stop, err := startServer()
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	all, err := tables(at)
	if err != nil {
		log.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(t table) bool { return !strings.Contains(t.title, *only) })

	fmt.Printf(
		"%s, %s, %s/%s, %d CPUs (%s), medians of %d rounds.\n\n",
		time.Now().Format(time.DateOnly),
		runtime.Version(),
		runtime.GOOS,
		runtime.GOARCH,
		runtime.NumCPU(),
		cpuModel(),
		*rounds,
	)
	printVersions()
	results := measure(all, *rounds)
	printSummary(all, results)
	for i, t := range all {
		printTable(t, results[i])
	}
	if *imports {
		if err := printImports(at.plain, *tree); err != nil {
			log.Fatal(err)
		}
	}
}

// samples are the figures of a run, by unit, one for each round.
type samples map[string][]float64

func measure(all []table, rounds int) [][]samples {
	results := make([][]samples, len(all))
	for i, t := range all {
		results[i] = make([]samples, len(t.runs))
	}
	for round := range rounds {
		for i, t := range all {
			fmt.Fprintf(
				os.Stderr,
				"\r\033[Kround %d of %d, table %d of %d: %s",
				round+1,
				rounds,
				i+1,
				len(all),
				t.title,
			)
			for k := range t.runs { // another one first in each round
				j := (k + round) % len(t.runs)
				r := t.runs[j]
				if results[i][j] == nil {
					results[i][j] = samples{}
				}
				for unit, value := range figures(testing.Benchmark(r.fn)) {
					results[i][j][unit] = append(results[i][j][unit], value)
				}
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	return results
}

func figures(result testing.BenchmarkResult) map[string]float64 {
	if result.N == 0 {
		return map[string]float64{} // skipped: the peer cannot do it
	}
	found := maps.Clone(result.Extra)
	if found == nil {
		found = map[string]float64{}
	}
	if _, weighs := found["B/stream"]; weighs {
		return found // how long that took says nothing
	}
	found["ns/op"] = float64(result.T.Nanoseconds()) / float64(result.N)
	if _, shared := found["connections/1000"]; !shared { // by callers side by side
		found["B/op"] = float64(result.AllocedBytesPerOp())
		found["allocs/op"] = float64(result.AllocsPerOp())
	}
	return found
}

// units are printed in this order.
var units = []string{
	"ns/op",
	"MB/s",
	"ns/first-event",
	"B/op",
	"allocs/op",
	"connections/1000",
	"B/stream",
	"goroutines/stream",
}

func printTable(t table, results []samples) {
	fmt.Printf("\n### %s\n\n|", t.title)
	var shown []string
	for _, unit := range units {
		if _, ok := results[0][unit]; ok {
			shown = append(shown, unit)
		}
	}
	for _, column := range append([]string{""}, shown...) {
		fmt.Printf(" %s |", column)
	}
	fmt.Printf("\n|%s\n", strings.Repeat(" --- |", len(shown)+1))
	for i, r := range t.runs {
		fmt.Printf("| %s |", r.peer)
		for _, unit := range shown {
			fmt.Printf(" %s |", cell(results[i][unit], results[0][unit], unit))
		}
		fmt.Println()
	}
}

// cell shows the ratio to ours, its spread, and the figure itself.
func cell(values, ours []float64, unit string) string {
	if len(values) == 0 {
		return "it cannot"
	}
	figure := human(median(values), unit)
	if strings.HasSuffix(unit, "/1000") || unit == "MB/s" || strings.HasPrefix(unit, "goroutines") {
		return figure
	}
	r := ratios(values, ours)
	return fmt.Sprintf("%.2f (%.2f–%.2f) %s", median(r), slices.Min(r), slices.Max(r), figure)
}

// ratios compares round with round: how fast the machine is changes between them.
func ratios(values, base []float64) []float64 {
	all := make([]float64, min(len(values), len(base))) // A round may have failed.
	for i := range all {
		all[i] = values[i] / base[i]
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func human(value float64, unit string) string {
	switch {
	case strings.HasPrefix(unit, "ns/") && value >= 1e6:
		return fmt.Sprintf("%.2f ms", value/1e6)
	case strings.HasPrefix(unit, "ns/"):
		return fmt.Sprintf("%.1f µs", value/1e3)
	case strings.HasPrefix(unit, "B/") && value >= 1<<20:
		return fmt.Sprintf("%.2f MiB", value/(1<<20))
	case strings.HasPrefix(unit, "B/"):
		return fmt.Sprintf("%.1f KiB", value/(1<<10))
	case strings.HasPrefix(unit, "allocs"):
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	_, model, _ := strings.Cut(string(info), "model name\t: ")
	model, _, _ = strings.Cut(model, "\n")
	return model
}

func printVersions() {
	for _, module := range []string{
		"github.com/ogen-go/ogen",
		"github.com/openai/openai-go/v3",
		"github.com/anthropics/anthropic-sdk-go",
		"github.com/tmaxmax/go-sse",
	} {
		fmt.Printf("- %s %s\n", module, versionOf(module))
	}
}

// versionOf is the version of a module that this program is built with.
func versionOf(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module && dep.Replace == nil {
				return dep.Version
			}
		}
	}
	return "v0.0.0"
}
