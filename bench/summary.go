package main

import (
	"fmt"
	"strings"
)

// summarized are the units of the summary, and what they add to a table's title.
var summarized = []struct{ unit, suffix string }{
	{"ns/op", ""},
	{"ns/first-event", ": its first event"},
	{"B/stream", ": memory of one"},
}

// printSummary prints what feather-go takes, divided by what a peer takes for the same
// work.
func printSummary(all []table, results [][]samples) {
	peers := []string{byHandName, bareName, ogenName}
	fmt.Print("\n### summary\n\n| |")
	for _, peer := range peers {
		fmt.Printf(" %s, HTTP | HTTP/2 |", peer)
	}
	fmt.Printf("\n|%s\n", strings.Repeat(" --- |", 1+2*len(peers)))
	for _, t := range all {
		work, isPlain := strings.CutSuffix(t.title, ", "+plainHTTP)
		if !isPlain {
			continue
		}
		for _, s := range summarized {
			cells := ""
			for _, peer := range peers {
				for _, network := range []string{plainHTTP, secureHTTP} {
					cells += " " + summary(all, results, work+", "+network, peer, s.unit) + " |"
				}
			}
			if strings.Trim(cells, " |") != "" {
				fmt.Printf("| %s%s |%s\n", work, s.suffix, cells)
			}
		}
	}
}

// summary is empty for what was not measured.
func summary(all []table, results [][]samples, title, peer, unit string) string {
	for i, t := range all {
		for j, r := range t.runs {
			if theirs := results[i][j][unit]; t.title == title && r.peer == peer && len(theirs) > 0 {
				return fmt.Sprintf("%.2f", median(ratios(results[i][0][unit], theirs)))
			}
		}
	}
	return ""
}
