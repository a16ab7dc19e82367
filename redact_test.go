package feather_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
)

// rawServer writes text as the whole response to each request, whatever HTTP says of it.
func rawServer(t *testing.T, text func(key string) string) string {
	t.Helper()
	return "http://" + serveConns(t, func(conn net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, text(req.Header.Get("x-api-key")))
		}
	})
}

// repeating returns the responses in which a server, or net/http, repeats the key.
func repeating(key string) map[string]string {
	return map[string]string{
		"a header line":        "HTTP/1.1 200 OK\r\nbad line " + key + "\r\n\r\n",
		"a header's name":      "HTTP/1.1 403 Forbidden\r\n" + key + ": x\r\n\r\n",
		"a Location":           "HTTP/1.1 307 Moved\r\nLocation: http://[" + key + "\r\n\r\n",
		"another origin":       "HTTP/1.1 307 Moved\r\nLocation: http://" + key + "/\r\n\r\n",
		"a status line":        "HTTP/1.1 " + key + "\r\n\r\n",
		"a Content-Length":     "HTTP/1.1 200 OK\r\nContent-Length: " + key + "\r\n\r\n",
		"a Transfer-Encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + key + "\r\n\r\n",
		"a Content-Type":       "HTTP/1.1 200 OK\r\nContent-Type: " + key + "/x\r\n\r\nx",
		"a Content-Encoding":   "HTTP/1.1 200 OK\r\nContent-Encoding: " + key + "\r\n\r\nx",
		"JSON":                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\"" + key + "\"",
		"a member's name":      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"" + key + "\": \"x\"}",
		"an event's id":        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: " + key + "\nevent: error\ndata: x\n\n",
		"an event's data":      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: error\ndata: " + key + "\n\n",
		"a request id":         "HTTP/1.1 403 Forbidden\r\nX-Request-Id: " + key + "\r\n\r\n",
		"a request id of 2xx":  "HTTP/1.1 200 OK\r\nX-Request-Id: " + key + "\r\n\r\n",
		"percent escapes":      "HTTP/1.1 403 Forbidden\r\n\r\n" + url.QueryEscape(key) + url.PathEscape(key),
		"HTML escapes":         "HTTP/1.1 403 Forbidden\r\n\r\n" + html.EscapeString(key),
		"JSON escapes":         "HTTP/1.1 403 Forbidden\r\n\r\n" + fmt.Sprintf("{%q: %q}", "error", key),
		"base64":               "HTTP/1.1 403 Forbidden\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(key)),
		"base64 for URLs":      "HTTP/1.1 403 Forbidden\r\n\r\n" + base64.URLEncoding.EncodeToString([]byte(key)),
		"a cut response":       "HTTP/1.1 200 OK\r\nX-Request-Id: " + key + "\r\nContent-Length: 9\r\n\r\nx",
		"the code of an error": "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\n\r\n{\"error\": \"" + key + "\"}",
	}
}

// TestKeyIsInNoTextThatAServerCauses tries each place with keys of several kinds, with a key
// that a middleware sets, and with a logger.
func TestKeyIsInNoTextThatAServerCauses(t *testing.T) {
	keys := []string{testKey, "short77", `fth_<&">'%/+ =é`[:14], "UPPER-and-lower_0123"}
	inMiddleware := func(key string) feather.ClientOption {
		return feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Header["x-api-key"] = []string{key}
				return next.RoundTrip(req)
			})
		})
	}
	for _, key := range keys {
		for place, text := range repeating(key) {
			for way, opts := range map[string][]feather.ClientOption{
				"WithAPIKey":   {feather.WithAPIKey(key)},
				"a middleware": {feather.WithAPIKey("another key"), inMiddleware(key)},
			} {
				base := rawServer(t, func(string) string { return text })
				var log strings.Builder
				logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				client, err := feather.New(append(opts, feather.WithBaseURL(base), feather.WithLogger(logger))...)
				if err != nil {
					t.Fatal(err)
				}
				var said []any
				_, streamErr := events(send(t.Context(), client))
				_, jsonErr := feather.JSON[struct{ A int }](send(t.Context(), client))
				for _, err := range []error{ask(client), streamErr, jsonErr} {
					said = append(said, err)
					if value, ok := err.(slog.LogValuer); ok {
						said = append(said, value.LogValue())
					}
					if err != nil && len([]rune(err.Error())) > 900 {
						t.Errorf("%s: an error of %d bytes", place, len(err.Error()))
					}
				}
				all := fmt.Sprintln(append(said, log.String())...)
				for _, form := range []string{key, strings.ToLower(key), url.QueryEscape(key), html.EscapeString(key),
					base64.RawStdEncoding.EncodeToString([]byte(key)), strings.Trim(fmt.Sprintf("%q", key), `"`)} {
					if strings.Contains(all, form) {
						t.Errorf("%s, %s: %q is in %.600s", place, way, form, all)
						break
					}
				}
			}
		}
	}
}

// TestTextOfAServerIsCut has responses whose parts are a megabyte long.
func TestTextOfAServerIsCut(t *testing.T) {
	long := strings.Repeat("long ", 40_000)
	for place, text := range repeating(long) {
		base := rawServer(t, func(string) string { return text })
		var log strings.Builder
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		client := newClient(t, base, feather.WithLogger(logger), once())
		_, streamErr := events(send(t.Context(), client))
		for _, err := range []error{ask(client), streamErr} {
			if err != nil && len(err.Error()) > 1500 {
				t.Errorf("%s: an error of %d bytes", place, len(err.Error()))
			}
			logger.Error("failed", "err", err)
		}
		for line := range strings.Lines(log.String()) {
			if len(line) > 2500 {
				t.Errorf("%s: a log record of %d bytes: %.300s", place, len(line), line)
			}
		}
	}
}

// TestKeyInAPathIsNotShown calls an operation of keys, which this version does not have.
func TestKeyInAPathIsNotShown(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := newClient(t, server.URL, feather.WithLogger(logger))
	for _, path := range []string{"/v1/api-keys/" + testKey, "v1/" + testKey, "/v1/" + testKey + "/../x"} {
		_, err := client.Request(t.Context(), "DELETE", path, nil)
		if said := fmt.Sprintf("%v %#v %s", err, err, log.String()); err == nil || strings.Contains(said, testKey) {
			t.Errorf("%s", said)
		}
	}
	decodeErr := feather.DecodeError{Body: []byte(`{"at": "` + testKey + `"}`)}
	if err := decodeErr.Decode(&struct{ At time.Time }{}); err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("error %v", err)
	}
}

func TestKeyThatNetHTTPRefusesIsNotShown(t *testing.T) {
	client := newClient(t, "http://localhost")
	err := ask(client, func(_ context.Context, req *http.Request) error {
		req.Header.Set("X-Api-Key", testKey+"\n")
		return nil
	})
	if err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("error %v", err)
	}
}
