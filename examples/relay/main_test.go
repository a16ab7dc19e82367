package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

const messages = "POST /v1/ask-feather/sessions/{session_id}/messages"

// newBrowser opens a relay before the fake, with a log, and returns a browser for it.
func newBrowser(t *testing.T, server *feathertest.Server,
	options ...feather.ClientOption) (send func(content string, header ...string) string, log *safeBuffer) {
	t.Helper()
	log = &safeBuffer{}
	logger := slog.New(withRequestID{slog.NewJSONHandler(log, nil)})
	site := httptest.NewServer(newHandler(server.Client(append(options, feather.WithLogger(logger))...), logger))
	t.Cleanup(site.Close)
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	return func(content string, header ...string) string {
		t.Helper()
		body, _ := json.Marshal(map[string]string{"content": content})
		req, err := http.NewRequestWithContext(t.Context(), "POST", site.URL+"/messages", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		rsp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer rsp.Body.Close()
		text, _ := io.ReadAll(rsp.Body)
		return fmt.Sprint(rsp.StatusCode, " ", string(text))
	}, log
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestEachBrowserHasASession(t *testing.T) {
	server := feathertest.Start(t)
	created := 0
	server.HandleFunc("POST /v1/ask-feather/sessions", func(w http.ResponseWriter, _ *http.Request) {
		created++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(
			w,
			`{"id": "0190a5b4-0000-7000-8000-00000000000%d", "title": null, "status": "open", "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"}`,
			created,
		)
	})
	server.HandleFunc(messages, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		id := r.PathValue("session_id")
		_, _ = feather.Event{Type: "complete", Data: id[len(id)-1:]}.WriteTo(w)
	})
	anna, _ := newBrowser(t, server)
	ben, _ := newBrowser(t, server)
	for _, browser := range []struct {
		send func(string, ...string) string
		want string
	}{{anna, "1"}, {ben, "2"}, {anna, "1"}} {
		if got, want := browser.send("hi"), "200 event: complete\ndata: "+browser.want+"\n\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhatABrowserLearnsOfAnError(t *testing.T) {
	tests := []struct {
		name   string
		script func(*feathertest.Server)
		text   string
		want   string
		log    string
	}{
		{
			name: "no message",
			want: `This message cannot be sent: body.content: String should have at least 1 character`,
			log:  "422",
		},
		{
			name:   "too many",
			text:   "hi",
			script: func(s *feathertest.Server) { s.ReplyError(429, "rate_limited", "secret detail") },
			want:   "Too many messages at once.",
			log:    "rate_limited",
		},
		{
			name:   "a stream cut short",
			text:   "hi",
			script: func(s *feathertest.Server) { s.ReplyCut(feather.Event{Data: "half"}) },
			want:   "data: half\n\nevent: error\ndata: {\"message\":\"The reply broke off. Please try again.\"}",
			log:    "unexpected EOF",
		},
		{
			name:   "a stream that stalls",
			text:   "hi",
			script: func(s *feathertest.Server) { s.ReplyStall(feather.Event{Data: "half"}) },
			want:   "data: half\n\nevent: error\n",
			log:    "silent",
		},
		{
			name:   "an error event",
			text:   "hi",
			script: func(s *feathertest.Server) { s.Reply(feather.Event{Type: "error", Data: "boom"}) },
			want:   "The reply broke off.",
			log:    "boom",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := feathertest.Start(t)
			silence := time.Minute
			if tt.log == "silent" {
				silence = 200 * time.Millisecond
			}
			send, log := newBrowser(t, server, feather.WithMaxRetries(0), feather.WithSilenceTimeout(silence))
			send("a session, please")
			if tt.script != nil {
				tt.script(server)
			}
			got := send(tt.text)
			if !strings.Contains(got, tt.want) || strings.Contains(got, "secret") || !strings.HasSuffix(got, "\n\n") {
				t.Errorf("the browser has %q, want %q", got, tt.want)
			}
			if text := log.String(); !strings.Contains(text, tt.log) || !strings.Contains(text, `"id":"`) {
				t.Errorf("the log has %s, want %q and an id", text, tt.log)
			}
		})
	}
}

func TestLostSessionGivesWayToANewOne(t *testing.T) {
	server := feathertest.Start(t)
	send, _ := newBrowser(t, server)
	send("hi")
	server.ReplyStatus(404, "Session not found")
	send("still there?")
	before := len(server.Requests())
	send("hi again")
	if got := server.Requests()[before].Path; got != "/v1/ask-feather/sessions" {
		t.Errorf("request to %s, want a new session", got)
	}
}

func TestEachTenantHasItsKey(t *testing.T) {
	server := feathertest.Start(t)
	send, _ := newBrowser(t, server, feather.WithAPIKeyFunc(keyOfTenant("acme=key of acme,zoo=key of zoo")))
	for tenant, want := range map[string]string{"acme": "key of acme", "zoo": "key of zoo"} {
		send("hi", "X-Tenant", tenant)
		requests := server.Requests()
		if got := requests[len(requests)-1].Header.Get("X-Api-Key"); got != want {
			t.Errorf("%s: key %q", tenant, got)
		}
	}
	before := len(server.Requests())
	if got := send("hi", "X-Tenant", "nobody"); !strings.Contains(got, "event: error") ||
		len(server.Requests()) != before {
		t.Errorf("an unknown tenant has %q", got)
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	send, _ := newBrowser(t, feathertest.Start(t))
	if got := send("hi", "Sec-Fetch-Site", "cross-site"); !strings.HasPrefix(got, "403 ") {
		t.Errorf("%q", got)
	}
}

// TestOtherHostIsRefused: a page whose name leads to the relay must not spend its key.
func TestOtherHostIsRefused(t *testing.T) {
	server := feathertest.Start(t)
	t.Setenv("RELAY_HOSTS", "chat.example")
	handler := newHandler(server.Client(), slog.New(slog.DiscardHandler))
	for host, want := range map[string]int{
		"localhost:8080": 200, "127.0.0.1": 200, "[::1]:8080": 200, "chat.example": 200, "evil.example": 421, "": 421,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://localhost/messages",
			strings.NewReader(`{"content": "hi"}`))
		r.Host = host
		before := len(server.Requests())
		if handler.ServeHTTP(w, r); w.Code != want || want == 421 && len(server.Requests()) != before {
			t.Errorf("%q: status %d, want %d", host, w.Code, want)
		}
	}
}

// TestCookieOfSomebodyElseIsNotTaken tries a session without a signature, and one of another
// tenant.
func TestCookieOfSomebodyElseIsNotTaken(t *testing.T) {
	server := feathertest.Start(t)
	handler := newHandler(server.Client(), slog.New(slog.DiscardHandler))
	send := func(tenant, cookie string) (paths []string, session string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://localhost/messages",
			strings.NewReader(`{"content": "hi"}`))
		r.Header.Set("X-Tenant", tenant)
		if cookie != "" {
			r.Header.Set("Cookie", "session="+cookie)
		}
		before := len(server.Requests())
		handler.ServeHTTP(w, r)
		for _, request := range server.Requests()[before:] {
			paths = append(paths, request.Path)
		}
		for _, cookie := range w.Result().Cookies() {
			session = cookie.Value
		}
		return paths, session
	}
	_, session := send("acme", "")
	if paths, _ := send("acme", session); len(paths) != 1 {
		t.Errorf("its own session: %q", paths)
	}
	id, _, _ := strings.Cut(session, ".")
	for _, tt := range [][2]string{{"zoo", session}, {"acme", id}, {"acme", "0190a5b4-0000-7000-8000-000000000001"}} {
		if paths, _ := send(tt[0], tt[1]); len(paths) != 2 {
			t.Errorf("%s with %s: %q, want a new session", tt[0], tt[1], paths)
		}
	}
}

func TestOneBrowserWaitsForAFewRepliesAtOnce(t *testing.T) {
	s := &relay{replies: map[string]int{}}
	for range repliesAtOnce {
		if !s.begin("anna") {
			t.Error("refused too early")
		}
	}
	if s.begin("anna") || !s.begin("ben") {
		t.Error("one browser counts for another one")
	}
	if s.end("anna"); !s.begin("anna") {
		t.Error("a reply that has ended still counts")
	}
}

func TestBadBodyIsRefused(t *testing.T) {
	handler := newHandler(feathertest.Start(t).Client(), slog.New(slog.DiscardHandler))
	for _, body := range []string{"", "{", `{"content": "` + strings.Repeat("x", 70_000) + `"}`} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/messages", strings.NewReader(body)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%.20s: status %d", body, w.Code)
		}
	}
}

func TestPage(t *testing.T) {
	w := httptest.NewRecorder()
	handler := newHandler(feathertest.Start(t).Client(), slog.New(slog.DiscardHandler))
	handler.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/", nil))
	h := w.Header()
	if w.Code != 200 || !strings.HasPrefix(h.Get("Content-Type"), "text/html") || h.Get("X-Request-Id") == "" ||
		h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%d, %v", w.Code, h)
	}
}

// TestShutdownLetsAReplyEnd stops the server while a reply is running.
func TestShutdownLetsAReplyEnd(t *testing.T) {
	server := feathertest.Start(t)
	first, finish := make(chan struct{}), make(chan struct{})
	server.HandleFunc(messages, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = feather.Event{Data: "first"}.WriteTo(w)
		_ = http.NewResponseController(w).Flush()
		close(first)
		<-finish
		_, _ = feather.Event{Type: "complete"}.WriteTo(w)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, stop := context.WithCancel(t.Context())
	site := &http.Server{Addr: address, Handler: newHandler(server.Client(), slog.New(slog.DiscardHandler))}
	closing := make(chan struct{})
	site.RegisterOnShutdown(func() { close(closing) })
	ended := make(chan error)
	go func() { ended <- serve(ctx, site) }()
	reply := make(chan string)
	go func() {
		for {
			rsp, err := http.Post("http://"+address+"/messages", "application/json",
				strings.NewReader(`{"content": "hi"}`))
			if err != nil { // It is not listening yet.
				continue
			}
			text, _ := io.ReadAll(rsp.Body)
			rsp.Body.Close()
			reply <- string(text)
			return
		}
	}()
	<-first
	stop()
	<-closing
	close(finish)
	if got := <-reply; !strings.HasSuffix(got, "event: complete\ndata: \n\n") {
		t.Errorf("the browser has %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
