package main

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	serveIfAsked()
	os.Exit(m.Run())
}

// Benchmark has a row for each table and peer, for benchstat:
//
//	go test -bench . -count 10 | tee new.txt
//	benchstat old.txt new.txt
func Benchmark(b *testing.B) {
	trustServer()
	at, stop, err := startServer()
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	all, err := tables(at)
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range all {
		for _, r := range t.runs {
			b.Run(fmt.Sprintf("%s/%s", t.title, r.peer), r.fn)
		}
	}
}
