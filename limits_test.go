package feather_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

func TestBufferedResponseEndsAt64Mebibytes(t *testing.T) {
	const limit = 64 << 20
	mebibyte := bytes.Repeat([]byte("x"), 1<<20)
	send := func(w io.Writer, size int) {
		for ; size > 0; size -= len(mebibyte) {
			_, _ = w.Write(mebibyte[:min(size, len(mebibyte))])
		}
	}
	tests := []struct {
		name    string
		size    int
		handler http.HandlerFunc
	}{
		{"as large as allowed", limit, func(w http.ResponseWriter, _ *http.Request) { send(w, limit) }},
		{"of unknown length", limit + 1, func(w http.ResponseWriter, _ *http.Request) { send(w, limit+1) }},
		{"of a length that it tells", limit + 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(limit+1))
			send(w, limit+1)
		}},
		{"compressed", limit + 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			zw := gzip.NewWriter(w)
			send(zw, limit+1)
			_ = zw.Close()
		}},
	}
	for _, tt := range tests {
		rsp, err := newClient(t, serve(t, tt.handler).URL).SendMessageWithResponse(t.Context(), sessionID, hello)
		if tt.size <= limit {
			if err != nil || len(rsp.Body) != tt.size {
				t.Errorf("%s: error %v", tt.name, err)
			}
		} else if err == nil || !strings.HasPrefix(err.Error(), "feather: the response is larger than the limit of 64 MiB") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestStreamAsAWholeHasNoLimit(t *testing.T) {
	event := "data: " + strings.Repeat("x", 1<<20) + "\n\n"
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", sse)
		for range 70 {
			_, _ = io.WriteString(w, event)
		}
	})
	count := 0
	for _, err := range feather.Stream(newClient(t, server.URL).SendMessage(t.Context(), sessionID, hello)) {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != 70 {
		t.Errorf("%d events", count)
	}
}
