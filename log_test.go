package feather_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

func TestLoggerHasEachTryAndEachRetry(t *testing.T) {
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	tries := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req-"+r.Header.Get("X-Retry-Count"))
		w.Header().Set("Retry-After", "0")
		switch tries++; tries {
		case 1:
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"error": "rate_limited", "message": "` + r.Header.Get("x-api-key") + `"}`))
		case 3:
			reset(w)
		}
	})
	client := newClient(t, server.URL, feather.WithLogger(logger))
	_ = ask(client)
	_ = ask(client)

	path := "/v1/messages"
	want := []string{
		`level=DEBUG msg="feather: request" operation=SendMessage method=POST host=\S+ path=` + path + ` duration_seconds=[0-9.e-]+ status=429 code=rate_limited detail=\[redacted\] request_id=req-`,
		`level=WARN msg="feather: retry" operation=SendMessage method=POST host=\S+ path=` + path + ` attempts=1 wait_seconds=[0-9.]+ status=429 code=rate_limited detail=\[redacted\] request_id=req-`,
		`level=DEBUG msg="feather: request" operation=SendMessage method=POST host=\S+ path=` + path + ` duration_seconds=[0-9.e-]+ status=200 request_id=req-1`,
		`level=DEBUG msg="feather: request" operation=SendMessage method=POST host=\S+ path=` + path + ` duration_seconds=[0-9.e-]+ error="feather: POST ` + path + `: the connection broke .*"`,
	}
	if !regexp.MustCompile("^" + strings.Join(want, "\n") + "\n$").MatchString(out.String()) {
		t.Errorf("logged\n%s\nwant\n%s", &out, strings.Join(want, "\n"))
	}
	if strings.Contains(out.String(), testKey) {
		t.Error("the key is in the log")
	}
}

// TestLoggerHasAStreamThatBreaks: its head was a success.
func TestLoggerHasAStreamThatBreaks(t *testing.T) {
	for body, want := range map[string]string{
		"data: a":                   `error="feather: POST /v1/messages: the response was cut off: unexpected EOF`,
		"event: error\ndata: x\n\n": `error="feather: POST /v1/messages: the server ended the stream with an error: x`,
	} {
		var out strings.Builder
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", sse)
			_, _ = w.Write([]byte(body))
		})
		client := newClient(t, server.URL, feather.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		if _, err := events(send(t.Context(), client)); err == nil {
			t.Error("no error")
		}
		if said := out.String(); strings.Count(said, "\n") != 1 ||
			!strings.Contains(said, `level=WARN msg="feather: response"`) ||
			!strings.Contains(said, want) {
			t.Errorf("logged %s, want %s", said, want)
		}
	}
}

// TestAnyErrorNamesItsCallInALog has an error without a response, and one of a response that
// was cut off.
func TestAnyErrorNamesItsCallInALog(t *testing.T) {
	for want, conn := range map[string]string{
		`detail="the connection broke before the response: EOF"`:             "",
		`detail="the response was cut off: unexpected EOF" err.request_id=7`: "HTTP/1.1 200 OK\r\nX-Request-Id: 7\r\nContent-Length: 9\r\n\r\n{",
	} {
		address := serveConns(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, conn)
		})
		_, err := sendWithResponse(t.Context(), newClient(t, "http://"+address))
		var b strings.Builder
		slog.New(slog.NewTextHandler(&b, nil)).Error("failed", "err", err)
		want = "err.operation=SendMessage err.method=POST err.host=" + address + " err.path=/v1/messages err." + want
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

// TestLoggerHasAResponseThatDoesNotFit has a proxy's page: the server may have acted.
func TestLoggerHasAResponseThatDoesNotFit(t *testing.T) {
	var b strings.Builder
	client := newClient(t, serve(t, response{200, "text/html", nil, "<html>"}.ServeHTTP).URL,
		feather.WithLogger(slog.New(slog.NewTextHandler(&b, nil))))
	if err := ask(client); err == nil {
		t.Error("a page is no error")
	}
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="feather: response"`) ||
		!strings.Contains(got, "a page of HTML") {
		t.Errorf("the log has\n%s", got)
	}
}
