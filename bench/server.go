package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
)

// The server runs in a process of its own, so that what it allocates is in no
// peer's account.

const serverEnv = "FEATHER_BENCH_SERVER"

// serveIfAsked makes this process the server, if it was started to be.
func serveIfAsked() {
	if os.Getenv(serverEnv) == "" {
		return
	}
	var opened atomic.Int64
	start := func(secure bool) string {
		server := httptest.NewUnstartedServer(handler(&opened))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		server.EnableHTTP2 = secure
		if secure {
			server.StartTLS()
		} else {
			server.Start()
		}
		return server.URL
	}
	plain, secure := start(false), start(true)
	fmt.Println(plain, secure, startProxy(plain))
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
	os.Exit(0)
}

// startProxy is a reverse proxy that passes every write on at once.
func startProxy(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval = -1
	return httptest.NewServer(proxy).URL
}

const reply = `{"text": "Your order is on its way."}`

const validationError = `{"detail": [{"type": "string_too_short", "loc": ["body", "content"], "msg": "String should have at least 1 character", "input": "", "ctx": {"min_length": 1}}]}`

// handler responds by the message's content, as the peers send it.
func handler(opened *atomic.Int64) http.HandlerFunc {
	events := map[string]string{}
	for name, size := range eventSizes {
		events[name] = "event: delta\ndata: " + strings.Repeat("x", size) + "\n\n"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connections" {
			fmt.Fprint(w, opened.Load())
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, content, _ := strings.Cut(string(body), `"content":"`)
		content, _, _ = strings.Cut(content, `"`)
		kind, size, _ := strings.Cut(content, " ")
		switch kind {
		case "fail":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, validationError)
		case "flushed":
			w.Header().Set("Content-Type", "text/event-stream")
			for range streamEvents {
				_, _ = io.WriteString(w, events[size])
				_ = http.NewResponseController(w).Flush()
			}
		case "once":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, strings.Repeat(events[size], streamEvents))
		case "open":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, events["20"])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, reply)
		}
	}
}

// urls are the server's base URLs.
type urls struct{ plain, secure, proxied string }

// startServer starts the server's process.
func startServer() (at urls, stop func(), err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return urls{}, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return urls{}, nil, err
	}
	if err := cmd.Start(); err != nil {
		return urls{}, nil, err
	}
	stop = func() { _ = stdin.Close(); _ = cmd.Wait() }
	if _, err := fmt.Fscanln(bufio.NewReader(stdout), &at.plain, &at.secure, &at.proxied); err != nil {
		stop()
		return urls{}, nil, err
	}
	return at, stop, nil
}

// trustServer makes http.DefaultTransport, and what follows it, accept the
// certificate of httptest, which is the same in every process.
func trustServer() {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
}
