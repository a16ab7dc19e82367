package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/tmaxmax/go-sse"
)

// parsingTables measure the readers of events without a network, on the same bytes.
func parsingTables() []table {
	readers := []struct {
		peer string
		read func(*http.Response, func(string)) error
	}{
		{"feather-go", readFeather},
		{byHandName, scanEvents},
		{"openai-go's reader", readOpenAI},
		{"anthropic-sdk-go's reader", readAnthropic},
		{"go-sse", readGoSSE},
	}
	var all []table
	for _, reply := range []struct {
		title        string
		events, size int
		slice        int // bytes in a read
	}{
		{"parsing 10,000 events of 20 bytes", 10_000, 20, 64 << 10},
		{"parsing an event of 4 MiB in reads of 1,400 bytes", 1, 4 << 20, 1400},
	} {
		text := []byte(strings.Repeat("data: "+strings.Repeat("x", reply.size)+"\n\n", reply.events))
		t := table{title: reply.title}
		for _, r := range readers {
			t.runs = append(t.runs, run{r.peer, parsing(r.read, text, reply.events, reply.slice)})
		}
		all = append(all, t)
	}
	return all
}

func parsing(read func(*http.Response, func(string)) error, text []byte, events, slice int) func(*testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rsp := &http.Response{
				StatusCode: http.StatusOK,
				Header:     http.Header{"Content-Type": {"text/event-stream"}},
				Body:       io.NopCloser(&slicedReader{bytes.NewReader(text), slice}),
			}
			count := 0
			if err := read(rsp, func(string) { count++ }); err != nil || count != events {
				b.Skip(fmt.Errorf("%d events, %w", count, err)) // by hand, 4 MiB are too much for one line
			}
		}
		b.ReportMetric(float64(len(text))*float64(b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
	}
}

// slicedReader gives no more at once than a network would.
type slicedReader struct {
	*bytes.Reader
	most int
}

func (r *slicedReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.most)]) }

// WriteTo would go around Read.
func (r *slicedReader) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{r})
}

func readFeather(rsp *http.Response, yield func(string)) error {
	for event, err := range feather.Stream(rsp, nil) {
		if err != nil {
			return err
		}
		yield(event.Data)
	}
	return nil
}

func readGoSSE(rsp *http.Response, yield func(string)) error {
	for event, err := range sse.Read(rsp.Body, &sse.ReadConfig{MaxEventSize: 16 << 20}) {
		if err != nil {
			return err
		}
		yield(event.Data)
	}
	return nil
}
