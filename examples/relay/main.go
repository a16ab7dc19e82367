// Command relay is a web server that lets browsers chat with Feather, and keeps the API
// key to itself:
//
//	go run ./examples/relay        # then open http://localhost:8080
//
// Each browser has its own session, in a signed cookie. Each tenant has its own key:
// RELAY_KEYS holds them, as acme=key,zoo=key, and the header X-Tenant, which the proxy
// that signs users in must set, names the tenant. Without RELAY_KEYS all tenants use
// FEATHER_API_KEY; without that, a fake in this process replies. RELAY_HOSTS lists the
// names under which browsers reach the relay, besides localhost.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/internal/demo"
	"github.com/google/uuid"
)

//go:embed index.html
var page []byte

func main() {
	address := flag.String("address", "localhost:8080", "`host:port` to listen on")
	flag.Parse()
	logger := slog.New(withRequestID{slog.NewJSONHandler(os.Stderr, nil)})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, disconnect, err := connect(os.Getenv("RELAY_KEYS"), logger)
	if err == nil {
		logger.Info("listening", "url", "http://"+*address)
		err = serve(ctx, &http.Server{Addr: *address, Handler: newHandler(client, logger),
			ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
			WriteTimeout: 10 * time.Minute}) // of a whole reply
		disconnect()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

// connect makes the client, which all requests share.
func connect(keys string, logger *slog.Logger) (client *feather.ClientWithResponses, disconnect func(), err error) {
	options := []feather.ClientOption{feather.WithLogger(logger), feather.WithSilenceTimeout(30 * time.Second),
		feather.WithRequireEvent("complete")} // Behind some proxies nothing else shows a cut.
	if keys == "" && os.Getenv("FEATHER_API_KEY") == "" {
		logger.Warn("neither RELAY_KEYS nor FEATHER_API_KEY is set; a fake server in this process replies")
		server := demo.NewServer()
		return server.Client(options...), server.Close, nil
	}
	if keys != "" {
		options = append(options, feather.WithAPIKeyFunc(keyOfTenant(keys)))
	}
	client, err = feather.New(options...)
	return client, func() {}, err
}

func keyOfTenant(keys string) func(context.Context) (string, error) {
	known := map[string]string{}
	for entry := range strings.SplitSeq(keys, ",") {
		tenant, key, _ := strings.Cut(entry, "=")
		known[tenant] = key
	}
	return func(ctx context.Context) (string, error) {
		tenant, _ := ctx.Value(tenantKey{}).(string)
		if key, ok := known[tenant]; ok {
			return key, nil
		}
		return "", fmt.Errorf("RELAY_KEYS has no tenant %q", tenant)
	}
}

// serve ends with ctx, after the replies that are running, which have ten seconds.
func serve(ctx context.Context, server *http.Server) error {
	ended := make(chan error)
	go func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return <-ended
}

// repliesAtOnce is how many replies one browser can wait for.
const repliesAtOnce = 4

type relay struct {
	client *feather.ClientWithResponses
	logger *slog.Logger
	secret []byte // signs the cookies; they end with the process

	mu      sync.Mutex
	replies map[string]int // that are running, by session or address
}

func newHandler(client *feather.ClientWithResponses, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
		_, _ = w.Write(page)
	})
	mux.Handle("POST /messages", &relay{
		client: client, logger: logger, secret: []byte(rand.Text()), replies: map[string]int{},
	})
	hosts := append(strings.Split(os.Getenv("RELAY_HOSTS"), ","), "localhost", "127.0.0.1", "::1")
	return onlyFor(hosts, identified(http.NewCrossOriginProtection().Handler(mux)))
}

// onlyFor refuses other names: a page whose name leads to this address would else be of the
// same origin.
func onlyFor(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if host := (&url.URL{Host: r.Host}).Hostname(); host == "" || !slices.Contains(hosts, host) {
			http.Error(w, "unknown host; name it in RELAY_HOSTS", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type tenantKey struct{}
type requestIDKey struct{}

// identified gives each request an id, for the log and the browser, and its tenant.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("X-Request-Id", id)
		ctx := context.WithValue(r.Context(), requestIDKey{}, id)
		ctx = context.WithValue(ctx, tenantKey{}, r.Header.Get("X-Tenant"))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// withRequestID adds the id to each record, and so to those of the client.
type withRequestID struct{ slog.Handler }

func (h withRequestID) Handle(ctx context.Context, record slog.Record) error {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		record.AddAttrs(slog.String("id", id))
	}
	return h.Handler.Handle(ctx, record)
}

// ServeHTTP relays the reply to a browser's message as server-sent events. An error is
// the last of them, so the browser has one way to learn of it.
func (s *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message feather.SendMessageRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&message); err != nil {
		http.Error(w, "the body must be JSON with content", http.StatusBadRequest)
		return
	}
	browser := s.browser(r)
	if !s.begin(browser) {
		http.Error(w, "Too many messages at once. Please wait for the reply.", http.StatusTooManyRequests)
		return
	}
	defer s.end(browser)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	err := s.reply(w, r, feather.SendMessageRequest{Content: message.Content})
	if err == nil || r.Context().Err() != nil { // The browser has the reply, or has left.
		return
	}
	s.logger.ErrorContext(r.Context(), "no whole reply", "error", err)
	data, _ := json.Marshal(map[string]string{"message": public(err)})
	_, _ = feather.Event{Type: "error", Data: string(data)}.WriteTo(w)
}

func (s *relay) reply(w http.ResponseWriter, r *http.Request, message feather.SendMessageRequest) error {
	session, err := s.session(w, r)
	if err != nil {
		return err
	}
	for event, err := range feather.Stream(s.client.SendMessage(r.Context(), session, message)) {
		if apiErr, ok := errors.AsType[*feather.APIError](err); ok && apiErr.StatusCode == http.StatusNotFound {
			http.SetCookie(w, &http.Cookie{Name: "session", MaxAge: -1}) // The next message begins a new one.
		}
		if err != nil {
			return err
		}
		if _, err := event.WriteTo(w); err != nil {
			return err
		}
		_ = http.NewResponseController(w).Flush()
	}
	return nil
}

// browser names who waits for a reply: its session, or its address before it has one.
func (s *relay) browser(r *http.Request) string {
	if id, ok := s.known(r); ok {
		return id.String()
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

func (s *relay) begin(browser string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replies[browser] >= repliesAtOnce {
		return false
	}
	s.replies[browser]++
	return true
}

func (s *relay) end(browser string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replies[browser]--; s.replies[browser] == 0 {
		delete(s.replies, browser)
	}
}

// sign binds a session to its tenant.
func (s *relay) sign(r *http.Request, id uuid.UUID) string {
	mac := hmac.New(sha256.New, s.secret)
	fmt.Fprintf(mac, "%s %s", id, r.Header.Get("X-Tenant"))
	return id.String() + "." + hex.EncodeToString(mac.Sum(nil))
}

// known is the session of a cookie that this relay made for the tenant.
func (s *relay) known(r *http.Request) (uuid.UUID, bool) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return uuid.Nil, false
	}
	text, _, _ := strings.Cut(cookie.Value, ".")
	id, err := uuid.Parse(text)
	return id, err == nil && hmac.Equal([]byte(cookie.Value), []byte(s.sign(r, id)))
}

// session is the browser's, else a new one.
func (s *relay) session(w http.ResponseWriter, r *http.Request) (uuid.UUID, error) {
	if id, ok := s.known(r); ok {
		return id, nil
	}
	created, err := s.client.CreateSessionWithResponse(r.Context(), feather.CreateSessionRequest{})
	if err != nil {
		return uuid.Nil, err
	}
	id := created.JSON201.ID
	cookie := http.Cookie{Name: "session", Value: s.sign(r, id), HttpOnly: true, SameSite: http.SameSiteStrictMode}
	http.SetCookie(w, &cookie)
	return id, nil
}

// public is what a browser may know; the rest is in the log.
func public(err error) string {
	apiErr, ok := errors.AsType[*feather.APIError](err)
	switch {
	case ok && apiErr.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Sprintf("This message cannot be sent: %.300s", apiErr.Message)
	case ok && apiErr.StatusCode == http.StatusTooManyRequests:
		return "Too many messages at once. Please try again in a minute."
	}
	return "The reply broke off. Please try again."
}
