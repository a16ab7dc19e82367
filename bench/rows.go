package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	streamEvents = 1000
	openStreams  = 1000

	plainHTTP  = "HTTP"
	secureHTTP = "HTTPS with HTTP/2"
)

var eventSizes = map[string]int{"20": 20, "1000": 1000}

// table is measured for each peer that can do what it asks.
type table struct {
	title string
	runs  []run
}

type run struct {
	peer string
	fn   func(*testing.B)
}

// tables lists everything that a testing.B can measure.
func tables(at urls) ([]table, error) {
	all := parsingTables()
	for _, network := range []struct{ name, url string }{
		{plainHTTP, at.plain},
		{secureHTTP, at.secure},
		{"HTTP through a reverse proxy", at.proxied},
	} {
		peers, err := newPeers(network.url)
		if err != nil {
			return nil, err
		}
		add := func(title string, measure func(peer) func(*testing.B)) {
			t := table{title: title + ", " + network.name}
			for _, p := range peers {
				if fn := measure(p); fn != nil {
					t.runs = append(t.runs, run{p.name, fn})
				}
			}
			all = append(all, t)
		}
		if network.url == at.proxied {
			add(fmt.Sprintf("a stream of %d events of 20 bytes, each flushed", streamEvents),
				func(p peer) func(*testing.B) { return streams(p.stream, "flushed 20") })
			continue
		}
		add("one call", func(p peer) func(*testing.B) { return calls(p.call, "hello") })
		add("one call that gets a 422", func(p peer) func(*testing.B) { return calls(p.fail, "fail") })
		for _, callers := range []int{8, 64, 512} {
			add(
				fmt.Sprintf("%d parallel callers", callers),
				func(p peer) func(*testing.B) { return parallel(p.call, callers, network.url) },
			)
		}
		for _, size := range []string{"20", "1000"} {
			for _, kind := range []string{"flushed", "once"} {
				title := map[string]string{"flushed": "each flushed", "once": "written at once"}[kind]
				add(fmt.Sprintf("a stream of %d events of %s bytes, %s", streamEvents, size, title),
					func(p peer) func(*testing.B) { return streams(p.stream, kind+" "+size) })
			}
		}
		add(fmt.Sprintf("%d open streams", openStreams), func(p peer) func(*testing.B) { return open(p.stream) })
	}
	return all, nil
}

func calls(call func(string) error, content string) func(*testing.B) {
	if call == nil {
		return nil
	}
	return func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := call(content); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// parallel divides b.N calls among callers that stay, and counts the connections
// that the server sees, after a first call of each caller.
func parallel(call func(string) error, callers int, baseURL string) func(*testing.B) {
	if call == nil {
		return nil
	}
	return func(b *testing.B) {
		each := func(n int64) {
			var left atomic.Int64
			left.Store(n)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if err := call("hello"); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		}
		each(int64(callers))
		before := connections(b, baseURL)
		b.ResetTimer()
		each(int64(b.N))
		b.StopTimer()
		b.ReportMetric(float64(connections(b, baseURL)-before)*1000/float64(b.N), "connections/1000")
	}
}

func connections(b *testing.B, baseURL string) int {
	b.Helper()
	rsp, err := http.Get(baseURL + "/connections")
	if err != nil {
		b.Fatal(err)
	}
	defer rsp.Body.Close()
	body, _ := io.ReadAll(rsp.Body)
	n, err := strconv.Atoi(string(body))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

type streamFunc = func(ctx context.Context, content string, yield func(string)) error

func streams(stream streamFunc, content string) func(*testing.B) {
	if stream == nil {
		return nil
	}
	_, size, _ := strings.Cut(content, " ")
	return func(b *testing.B) {
		b.ReportAllocs()
		var first time.Duration
		for b.Loop() {
			start, count := time.Now(), 0
			err := stream(context.Background(), content, func(data string) {
				if count == 0 {
					first += time.Since(start)
				}
				if len(strings.TrimSuffix(data, "\n")) == eventSizes[size] {
					count++
				}
			})
			if err != nil || count != streamEvents {
				b.Fatal(count, err)
			}
		}
		b.ReportMetric(float64(first.Nanoseconds())/float64(b.N), "ns/first-event")
	}
}

// open keeps streams open after their first event, and weighs them.
func open(stream streamFunc) func(*testing.B) {
	if stream == nil {
		return nil
	}
	return func(b *testing.B) {
		var memory, goroutines float64
		for b.Loop() {
			bytesBefore, goroutinesBefore := weigh()
			ctx, cancel := context.WithCancel(context.Background())
			var begun, done sync.WaitGroup
			begun.Add(openStreams)
			for range openStreams {
				done.Go(func() { _ = stream(ctx, "open", func(string) { begun.Done() }) })
			}
			begun.Wait()
			bytesAfter, goroutinesAfter := weigh()
			memory += float64(bytesAfter-bytesBefore) / openStreams
			goroutines += float64(goroutinesAfter-goroutinesBefore) / openStreams
			cancel()
			done.Wait()
		}
		b.ReportMetric(memory/float64(b.N), "B/stream")
		b.ReportMetric(goroutines/float64(b.N), "goroutines/stream")
	}
}

func weigh() (bytes int64, goroutines int) {
	for _, wait := range []time.Duration{0, 20 * time.Millisecond, 50 * time.Millisecond} { // for what is ending
		time.Sleep(wait)
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse), runtime.NumGoroutine()
}
