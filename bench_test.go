package feather_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

const benchEvents = 1000

// benchServer responds with JSON, with a 422, or with events: one by one or all at once.
func benchServer(b *testing.B) *httptest.Server {
	events := strings.Repeat("event: delta\ndata: {\"text\": \"word\"}\n\n", benchEvents)
	return serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.Header.Get("Want") {
		case "422":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w,
				`{"detail": [{"loc": ["body", "content"], "msg": "Field required", "type": "missing"}]}`)
		case "flushed":
			w.Header().Set("Content-Type", sse)
			for event := range strings.SplitAfterSeq(events, "\n\n") {
				_, _ = io.WriteString(w, event)
				_ = http.NewResponseController(w).Flush()
			}
		case "at once":
			w.Header().Set("Content-Type", sse)
			_, _ = io.WriteString(w, events)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id": "ses_1", "title": "Hello"}`)
		}
	})
}

// post makes a call by hand with net/http.
func post(b *testing.B, client *http.Client, url, want string) *http.Response {
	req, err := http.NewRequestWithContext(b.Context(), "POST", url+"/v1/messages", strings.NewReader(hello))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Want", want)
	req.Header.Set("X-Api-Key", testKey)
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("Content-Type", "application/json")
	rsp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	return rsp
}

// BenchmarkCall compares each kind of call with the same by hand.
func BenchmarkCall(b *testing.B) {
	server := benchServer(b)
	client := newClient(b, server.URL)
	byHand := &http.Client{Transport: feather.NewTransport()}
	defer byHand.CloseIdleConnections()
	type session struct{ ID, Title string }
	for _, want := range []string{"200", "422"} {
		b.Run(want+"/feather", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rsp, err := send(b.Context(), client, header("Want", want))
				if _, err := feather.JSON[session](rsp, err); (err == nil) != (want == "200") {
					b.Fatal(err)
				}
			}
		})
		b.Run(want+"/by hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rsp := post(b, byHand, server.URL, want)
				body, _ := io.ReadAll(rsp.Body)
				_ = rsp.Body.Close()
				var into any = &session{}
				if want == "422" {
					into = &struct{ Detail feather.ValidationErrors }{}
				}
				if err := json.Unmarshal(body, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, want := range []string{"flushed", "at once"} {
		b.Run(want+"/feather", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count := 0
				for _, err := range feather.Stream(send(b.Context(), client, header("Want", want))) {
					if err != nil {
						b.Fatal(err)
					}
					count++
				}
				if count != benchEvents {
					b.Fatal(count)
				}
			}
		})
		b.Run(want+"/by hand", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rsp := post(b, byHand, server.URL, want)
				count := 0
				for lines := bufio.NewScanner(rsp.Body); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "data: ") {
						count++
					}
				}
				_ = rsp.Body.Close()
				if count != benchEvents {
					b.Fatal(count)
				}
			}
		})
	}
}

// BenchmarkParse reads events without a network, and one of 4 MiB in small pieces.
func BenchmarkParse(b *testing.B) {
	for name, body := range map[string]string{
		"small events":       strings.Repeat("event: delta\ndata: {\"text\": \"word\"}\n\n", benchEvents),
		"one event of 4 MiB": "data: " + strings.Repeat("x", 4<<20) + "\n\n",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				for _, err := range feather.Stream(reply(sse, &slicer{strings.NewReader(body), 1400}), nil) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
