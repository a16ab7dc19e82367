package feather_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

// fault is something that goes wrong: it starts what a client connects to, which
// counts the tries, and returns its URL and a transport that reaches it.
type fault func(t *testing.T, tries *atomic.Int64) (string, *http.Transport)

func handlerFault(handler http.HandlerFunc) fault {
	return func(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tries.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			handler(w, r)
		}))
		t.Cleanup(server.Close)
		return server.URL, &http.Transport{}
	}
}

func statusFault(status int) fault {
	return handlerFault(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
	})
}

func dialFault(url string, dial func(context.Context) (net.Conn, error)) fault {
	return func(_ *testing.T, tries *atomic.Int64) (string, *http.Transport) {
		return url, &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			tries.Add(1)
			return dial(ctx)
		}}
	}
}

func refusedDial(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

func refusingTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return refusedDial(ctx) },
	}
}

// failedLookup asks a resolver that reaches no name server.
func failedLookup(ctx context.Context) (net.Conn, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	return (&net.Dialer{Resolver: resolver}).DialContext(ctx, "tcp", "feather.invalid:80")
}

// brokenHandshake is a server that hangs up in the middle of the TLS handshake.
func brokenHandshake(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
	return "https://" + serveConns(t, func(conn net.Conn) {
		tries.Add(1)
		_, _ = conn.Read(make([]byte, 1))
	}), &http.Transport{}
}

func reset(w http.ResponseWriter) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func streamThenReset(start string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", sse)
		_, _ = io.WriteString(w, start)
		_ = http.NewResponseController(w).Flush()
		reset(w)
	}
}

// overHTTP2 is handlerFault over HTTPS with HTTP/2, where one connection has many
// streams and tells of itself in another way.
func overHTTP2(handler http.HandlerFunc) fault {
	return func(t *testing.T, tries *atomic.Int64) (string, *http.Transport) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tries.Add(1)
			if r.ProtoMajor != 2 {
				t.Errorf("the request came over %s", r.Proto)
			}
			handler(w, r)
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL, server.Client().Transport.(*http.Transport)
	}
}

// redirectFault sends the client to another origin.
var redirectFault = handlerFault(func(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "http://elsewhere.invalid/login", http.StatusFound)
})

func bodyFault(status int, body string) fault {
	return handlerFault(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

const (
	mayRetry     = `{"error": "busy", "message": "Come back", "retryable": true}`
	mustNotRetry = `{"error": "busy", "message": "Do not come back", "retryable": false}`
)

const notTaken = "no connection was made, or the server says over HTTP/2 that it did not take the request (GOAWAY)"

// retryTable is the promise: how often the server sees a request. The README's
// anythingElse is the README's last row.
const anythingElse = "anything else: another status, `\"retryable\": false`, a redirect elsewhere, " +
	"a certificate that is not trusted, a response that was cut off or timed out"

// table has a row for each rule.
var retryTable = []struct {
	rule             string
	make             fault
	post, idempotent int64
}{
	{rule: notTaken, make: dialFault("http://127.0.0.1", refusedDial), post: 3, idempotent: 3},
	{rule: notTaken, make: dialFault("https://feather.invalid", failedLookup), post: 3, idempotent: 3},
	{rule: notTaken, make: brokenHandshake, post: 3, idempotent: 3},
	{rule: "429, or another 4xx that says `\"retryable\": true`", make: statusFault(429), post: 3, idempotent: 3},
	{
		rule: "429, or another 4xx that says `\"retryable\": true`", make: bodyFault(429, mayRetry), post: 3,
		idempotent: 3,
	},
	{
		rule: "429, or another 4xx that says `\"retryable\": true`", make: bodyFault(409, mayRetry), post: 3,
		idempotent: 3,
	},
	{rule: "502, 503, 504", make: statusFault(502), post: 1, idempotent: 3},
	{rule: "502, 503, 504", make: statusFault(503), post: 1, idempotent: 3},
	{rule: "502, 503, 504", make: statusFault(504), post: 1, idempotent: 3},
	{rule: "502, 503, 504", make: bodyFault(503, mayRetry), post: 1, idempotent: 3},
	{
		rule: "the connection broke before the response",
		make: handlerFault(func(w http.ResponseWriter, _ *http.Request) { reset(w) }), post: 1, idempotent: 3,
	},
	{
		rule: "the connection broke before the response",
		make: overHTTP2(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), post: 1,
		idempotent: 3,
	},
	{rule: anythingElse, make: statusFault(500), post: 1, idempotent: 1},
	{rule: anythingElse, make: statusFault(400), post: 1, idempotent: 1},
	{rule: anythingElse, make: statusFault(408), post: 1, idempotent: 1},
	{rule: anythingElse, make: bodyFault(500, mayRetry), post: 1, idempotent: 1},
	{rule: anythingElse, make: bodyFault(429, mustNotRetry), post: 1, idempotent: 1},
	{rule: anythingElse, make: bodyFault(503, mustNotRetry), post: 1, idempotent: 1},
	{rule: anythingElse, make: redirectFault, post: 1, idempotent: 1},
	{
		rule:       anythingElse,
		make:       untrusted,
		post:       1,
		idempotent: 1,
	},
	{
		rule: anythingElse, make: proxyThatSays(407), post: 1,
		idempotent: 1,
	},
	{
		rule: anythingElse, make: handlerFault(streamThenReset("")),
		post: 1, idempotent: 1,
	},
	{
		rule: anythingElse,
		make: handlerFault(streamThenReset("data: a\n\n")), post: 1, idempotent: 1,
	},
}

func TestRetriesNeverSendTwice(t *testing.T) {
	var cases sync.WaitGroup // side by side: most of the time they wait
	for _, tt := range retryTable {
		for _, method := range []string{"POST", "PATCH", "GET", "HEAD", "PUT", "DELETE", "OPTIONS"} {
			cases.Go(func() {
				var tries atomic.Int64
				url, transport := tt.make(t, &tries)
				defer transport.CloseIdleConnections()
				client := newClient(t, url, over(transport))
				rsp, err := client.Request(t.Context(), method, "/", strings.NewReader("{}"))
				if err == nil {
					_, _ = io.Copy(io.Discard, rsp.Body)
					_ = rsp.Body.Close()
				}
				want := tt.idempotent
				if method == "POST" || method == "PATCH" {
					want = tt.post
				}
				if method == "HEAD" && strings.Contains(tt.rule, "retryable") {
					return // It has no body to say so.
				}
				if got := tries.Load(); got != want {
					t.Errorf("%s, %s: %d tries, want %d (last: %v)", method, tt.rule, got, want, err)
				}
			})
		}
	}
	cases.Wait()
}

func TestResponseThatDoesNotComeInTimeIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{"POST", "GET"} {
			tries := 0
			client := pipeClient(t, func(far net.Conn) { tries++; _, _ = io.Copy(io.Discard, far) })
			if _, err := client.Request(t.Context(), method, "/", nil); tries != 1 ||
				!errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %d tries, error %v", method, tries, err)
			}
		}
	})
}

// limited refuses the first n requests with a 429 and a header, and counts.
func limited(n int, header http.Header, seen *[]*http.Request) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r)
		if len(*seen) > n {
			return
		}
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"detail": "slow down, %d"}`, len(*seen))
	}
}

var atOnce = http.Header{"Retry-After": {"0"}}

func TestRetryIsTheSameRequestWithItsNumber(t *testing.T) {
	var counts, bodies []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body)+r.Header.Get("x-api-key"))
		counts = append(counts, r.Header.Get("X-Retry-Count"))
		w.Header().Set("Retry-After", "0")
		if len(counts) < 3 {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	if err := ask(newClient(t, server.URL)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"", "1", "2"}; !slices.Equal(counts, want) {
		t.Errorf("X-Retry-Count %q, want %q", counts, want)
	}
	for _, body := range bodies {
		if body != `{"content":"hello"}`+testKey {
			t.Errorf("body and key %q", body)
		}
	}
}

func TestLastResponseReachesTheCallerUnchanged(t *testing.T) {
	var seen []*http.Request
	err := ask(newClient(t, serve(t, limited(9, atOnce, &seen)).URL))
	apiErr, ok := errors.AsType[*feather.APIError](err)
	if !ok || apiErr.StatusCode != 429 || apiErr.Message != "slow down, 3" {
		t.Errorf("error %v", err)
	}
}

func TestMaxRetries(t *testing.T) {
	client, call := feather.MaxRetries(1), feather.MaxRetries(4)
	tests := []struct {
		name string
		opts []feather.ClientOption
		call []feather.RequestEditorFn
		want int
	}{
		{name: "default", want: 3},
		{name: "client", opts: []feather.ClientOption{feather.WithRequestEditorFn(client)}, want: 2},
		{name: "call", call: []feather.RequestEditorFn{call}, want: 5},
		{
			name: "call over client", opts: []feather.ClientOption{feather.WithRequestEditorFn(client)},
			call: []feather.RequestEditorFn{call}, want: 5,
		},
		{name: "none", call: []feather.RequestEditorFn{feather.MaxRetries(0)}, want: 1},
		{
			name: "before the http.Client",
			opts: []feather.ClientOption{
				feather.WithRequestEditorFn(client),
				feather.WithHTTPClient(http.DefaultClient),
			},
			want: 2,
		},
	}
	for _, tt := range tests {
		var seen []*http.Request
		server := serve(t, limited(9, atOnce, &seen))
		_ = ask(newClient(t, server.URL, tt.opts...), tt.call...)
		if len(seen) != tt.want {
			t.Errorf("%s: %d tries, want %d", tt.name, len(seen), tt.want)
		}
	}
	err := ask(newClient(t, "http://localhost"), feather.MaxRetries(-1))
	if err == nil || !strings.HasPrefix(err.Error(), "feather: MaxRetries(-1)") {
		t.Errorf("a negative number: error %v", err)
	}
}

func TestBodyThatCannotBeReadAgainIsSentOnce(t *testing.T) {
	var seen []*http.Request
	client := newClient(t, serve(t, limited(9, atOnce, &seen)).URL)
	body := io.MultiReader(strings.NewReader(`{"content": "hello"}`))
	_, _ = feather.SendWithResponse(t.Context(), client, body)
	if len(seen) != 1 {
		t.Errorf("%d tries", len(seen))
	}
}

func TestConnectionOfADiscardedResponseIsUsedAgain(t *testing.T) {
	var seen []*http.Request
	server, connections := serveCounting(t, limited(2, atOnce, &seen))
	if err := ask(newClient(t, server.URL)); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || connections.made.Load() != 1 {
		t.Errorf("%d tries over %d connections, want 3 over 1", len(seen), connections.made.Load())
	}
}

// timed makes one call on a clock of its own, over a network that returns
// the given status and Retry-After, and returns when the tries came.
func timed(t *testing.T, status int, retryAfter func(try int) string,
	ctx func(context.Context) (context.Context, context.CancelFunc),
	editors ...feather.RequestEditorFn) (tries []time.Duration, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			tries = append(tries, time.Since(start))
			return &http.Response{
				StatusCode: status,
				Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
				Header:     http.Header{"Retry-After": {retryAfter(len(tries))}},
				Body:       io.NopCloser(strings.NewReader("busy")),
				Request:    req,
			}, nil
		})
		client := newClient(t, "http://localhost", over(network))
		callCtx, cancel := ctx(t.Context())
		defer cancel()
		_, err = sendWithResponse(callCtx, client, editors...)
		took = time.Since(start)
	})
	return tries, took, err
}

func untouched(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }

func TestRetryAfterIsWaitedForUpToAMinute(t *testing.T) {
	tests := []struct {
		value string
		want  time.Duration // between tries; -1 for no second one
	}{
		{"0", 0},
		{"7", 7 * time.Second},
		{"60", time.Minute},
		{"61", -1},
		{"99999999999999999999", -1},
		{"Sat, 01 Jan 2000 00:00:20 GMT", 20 * time.Second}, // synctest's clock starts at midnight
		{"Sat, 01 Jan 2000 00:02:00 GMT", -1},
		{"Fri, 31 Dec 1999 00:00:00 GMT", 0},
	}
	for _, tt := range tests {
		tries, took, err := timed(t, 429, func(int) string { return tt.value }, untouched, feather.MaxRetries(1))
		if tt.want < 0 {
			apiErr, ok := errors.AsType[*feather.APIError](err)
			if len(tries) != 1 || took != 0 || !ok || apiErr.RetryAfter <= time.Minute {
				t.Errorf("%s: tries at %v, %v, error %v; want the response at once, with its wait", tt.value, tries,
					took, err)
			}
		} else if len(tries) != 2 || tries[1] < tt.want || tries[1] > tt.want*5/4 {
			t.Errorf("%s: tries at %v, want the second at %v and up to a quarter later", tt.value, tries, tt.want)
		}
	}
}

func TestWaitsGrowFromHalfASecondToEight(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 20 {
		tries, _, _ := timed(t, 429, func(int) string { return "" }, untouched, feather.MaxRetries(8))
		if len(tries) != 9 {
			t.Fatalf("%d tries", len(tries))
		}
		for i := 1; i < len(tries); i++ {
			wait := tries[i] - tries[i-1]
			seen[wait] = true
			longest := min(time.Second<<(i-1), 8*time.Second)
			if wait < longest/2 || wait > longest+1 {
				t.Errorf("wait %d is %v, want %v to %v", i, wait, longest/2, longest)
			}
		}
	}
	if len(seen) < 150 {
		t.Errorf("%d different waits of 160: there is no jitter", len(seen))
	}
}

func TestDeadlineWithinTheWaitReturnsTheErrorAtOnce(t *testing.T) {
	ctx := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 10*time.Second)
	}
	tries, took, err := timed(t, 429, func(int) string { return "10" }, ctx)
	if apiErr, ok := errors.AsType[*feather.APIError](err); !ok || len(tries) != 1 || took != 0 ||
		apiErr.RetryAfter != 10*time.Second {
		t.Errorf("tries at %v, %v, error %v", tries, took, err)
	}
}

func TestEndOfTheContextEndsTheWait(t *testing.T) {
	ctx := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(3*time.Second, cancel)
		return ctx, cancel
	}
	tries, took, err := timed(t, 429, func(int) string { return "10" }, ctx)
	if !errors.Is(err, context.Canceled) || len(tries) != 1 || took != 3*time.Second {
		t.Errorf("tries at %v, %v, error %v", tries, took, err)
	}
	if want := "/messages: context canceled, while waiting to retry after 429 Too Many Requests: busy (retry after 10s)"; err == nil ||
		!strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestYourOwnDoerGetsNoRetryOnErrors(t *testing.T) {
	for _, method := range []string{"POST", "GET"} {
		tries := 0
		broken := errors.New("some error of a transport that is not net/http's")
		network := roundTripper(func(*http.Request) (*http.Response, error) { tries++; return nil, broken })
		client := newClient(t, "http://localhost", over(network))
		_, err := client.Request(t.Context(), method, "/", nil)
		if tries != 1 || !errors.Is(err, broken) {
			t.Errorf("%s: %d tries, error %v", method, tries, err)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		value, date string
		want        time.Duration
		ok          bool
	}{
		{value: "0", want: 0, ok: true},
		{value: "120", want: 2 * time.Minute, ok: true},
		{value: "1.5", want: 2 * time.Second, ok: true},
		{value: " 2 ", want: 2 * time.Second, ok: true},
		{value: "Mon, 23 Nov 2026 12:00:30 GMT", want: 30 * time.Second, ok: true},
		{value: "Mon, 23 Nov 2026 11:00:00 GMT", want: 0, ok: true},
		{
			value: "Mon, 23 Nov 2026 12:00:30 GMT",
			date:  "Mon, 23 Nov 2026 12:00:20 GMT",
			want:  10 * time.Second,
			ok:    true,
		},
		{
			value: "Mon, 23 Nov 2026 12:00:02 GMT",
			date:  "Mon, 23 Nov 2026 11:59:56 GMT",
			want:  2 * time.Second,
			ok:    true,
		},
		{
			value: "Mon, 23 Nov 2026 11:00:02 GMT",
			date:  "Mon, 23 Nov 2026 11:00:00 GMT",
			want:  2 * time.Second,
			ok:    true,
		},
		{value: "99999999999999999999999", want: 1 << 33 * time.Second, ok: true},
		{value: ""}, {value: "-1"}, {value: "+1"}, {value: "1e3"}, {value: "0x1"}, {value: "inf"}, {value: "soon"},
	}
	for _, tt := range tests {
		header := http.Header{"Retry-After": {tt.value}, "Date": {tt.date}}
		if got, ok := feather.RetryAfter(header, now); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %v, %t; want %v, %t", tt.value, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "60", "-1", "1e9", "18446744073709551616", "Mon, 23 Nov 2026 12:00:30 GMT", "Monday, 02-Jan-06 15:04:05 MST"} {
		f.Add(value, "")
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		wait, ok := feather.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Now())
		if wait < 0 || !ok && wait != 0 {
			t.Errorf("%q: %v, %t", value, wait, ok)
		}
	})
}

// TestSilenceWhileDiallingIsNotRetried: the limit is one of the call.
func TestSilenceWhileDiallingIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			time.Sleep(time.Minute) // net/http lets a dial outlive its call.
			return nil, errors.New("too late")
		}}
		client := newClient(t, "http://localhost", over(transport))
		err := ask(client, feather.SilenceTimeout(time.Second))
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, feather.ErrNotSent) || dials.Load() != 1 {
			t.Errorf("%d dials, error %v", dials.Load(), err)
		}
		time.Sleep(time.Minute)
	})
}

func TestErrorSaysHowOftenItWasTried(t *testing.T) {
	var seen []*http.Request
	client := newClient(t, serve(t, limited(9, atOnce, &seen)).URL)
	for retries, want := range []int{1, 2, 3} {
		apiErr, ok := errors.AsType[*feather.APIError](ask(client, feather.MaxRetries(retries)))
		text := fmt.Sprintf("(tried %d times)", want)
		if !ok || apiErr.Attempts != want || strings.HasSuffix(apiErr.Error(), text) != (want > 1) {
			t.Errorf("%d retries: error %v", retries, apiErr)
		}
	}
	refusing := refusingTransport()
	err := ask(newClient(t, "http://localhost", over(refusing)), feather.MaxRetries(1))
	if err == nil || !strings.HasSuffix(err.Error(), ": connection refused (tried 2 times)") {
		t.Errorf("error %v", err)
	}
}

// TestConnectionIsGivenUpAfterA500 has a server that sends a 500 and then hangs up
// at the next request, as uvicorn does after an unhandled exception.
func TestConnectionIsGivenUpAfterA500(t *testing.T) {
	const failed = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 21\r\n\r\nInternal Server Error"
	var conns atomic.Int64
	address := serveConns(t, func(conn net.Conn) {
		conns.Add(1)
		r := bufio.NewReader(conn)
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(conn, failed)
			if _, err := r.ReadByte(); err == nil {
				t.Error("another request came over the connection")
			}
		}
	})
	client := newClient(t, "http://"+address)
	for range 20 {
		err := ask(client)
		apiErr, ok := errors.AsType[*feather.APIError](err)
		if !ok || apiErr.StatusCode != 500 || string(apiErr.Body) != "Internal Server Error" {
			t.Fatalf("error %v", err)
		}
	}
	if n := conns.Load(); n != 20 {
		t.Errorf("%d connections for 20 calls", n)
	}
}

// TestIdleConnectionIsGivenUpBeforeTheServerDoes lets calls come with pauses, on a
// clock of its own.
func TestIdleConnectionIsGivenUpBeforeTheServerDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		transport := feather.NewTransport()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			near, far := net.Pipe()
			go func() {
				r := bufio.NewReader(far)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
			return near, nil
		}
		client := newClient(t, "http://localhost", over(transport))
		for i, pause := range []time.Duration{0, 45 * time.Second, 51 * time.Second, 59 * time.Second} {
			time.Sleep(pause)
			if err := ask(client); err != nil {
				t.Fatal(err)
			}
			if want := []int{1, 1, 2, 3}[i]; dials != want {
				t.Errorf("after a pause of %v: %d connections, want %d", pause, dials, want)
			}
		}
		transport.CloseIdleConnections()
	})
}

// TestSafeToRepeat has what certainly had no effect, and what may have had one.
func TestSafeToRepeat(t *testing.T) {
	tests := []struct {
		name string
		make fault
		want bool
	}{
		{"a refused connection", dialFault("http://127.0.0.1", refusedDial), true},
		{"a 400", statusFault(400), true},
		{"a 408", statusFault(408), false},
		{"a 409", statusFault(409), true},
		{"a 422", bodyFault(422, `{"detail": "no"}`), true},
		{"a 429", statusFault(429), true},
		{"a 500", statusFault(500), false},
		{"a 503", statusFault(503), false},
		{"a broken connection", handlerFault(func(w http.ResponseWriter, _ *http.Request) { reset(w) }), false},
		{"a stream that was cut", handlerFault(streamThenReset("data: a\n\n")), false},
		{"a redirect", redirectFault, false},
		{
			"a page of HTML",
			handlerFault(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }),
			false,
		},
	}
	for _, tt := range tests {
		var tries atomic.Int64
		base, transport := tt.make(t, &tries)
		client := newClient(t, base, once(), over(transport))
		_, err := events(send(t.Context(), client))
		if err == nil || feather.SafeToRepeat(err) != tt.want {
			t.Errorf("%s: error %v, safe: %t", tt.name, err, !tt.want)
		}
		if wrapped := fmt.Errorf("asking: %w", err); feather.SafeToRepeat(wrapped) != tt.want {
			t.Errorf("%s: wrapped", tt.name)
		}
		transport.CloseIdleConnections()
	}
	if feather.SafeToRepeat(nil) || feather.SafeToRepeat(io.EOF) {
		t.Error("nil, or an error of somebody else's, is safe")
	}
	tries := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		if tries++; tries == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusConflict)
	})
	_, err := newClient(t, server.URL).Request(t.Context(), "PUT", "/", nil)
	if tries != 2 || feather.SafeToRepeat(err) {
		t.Errorf("a 409 after a 503: %d tries, error %v", tries, err)
	}
}

func TestIdempotentPOSTIsRetriedAsAPUTIs(t *testing.T) {
	for _, tt := range []fault{statusFault(503), handlerFault(func(w http.ResponseWriter, _ *http.Request) { reset(w) })} {
		var tries atomic.Int64
		base, transport := tt(t, &tries)
		client := newClient(t, base, feather.WithMaxRetries(1), over(transport))
		if err := ask(client, feather.Idempotent()); err == nil || tries.Load() != 2 {
			t.Errorf("%d tries, error %v", tries.Load(), err)
		}
		transport.CloseIdleConnections()
	}
}

// TestKeyThatRotatesCausesNoError has a server that knows only the second key.
func TestKeyThatRotatesCausesNoError(t *testing.T) {
	for _, tt := range []struct {
		keys []string // that the source returns, the last one again and again
		want []string // that the server sees
		ok   bool
	}{
		{[]string{"old key", "new key"}, []string{"old key", "new key"}, true},
		{[]string{"old key"}, []string{"old key"}, false},
		{[]string{"old key", "bad key", "new key"}, []string{"old key", "bad key"}, false},
		{[]string{"old", "new key"}, []string{"old", "new key"}, true},
		{[]string{"old"}, []string{"old"}, false},
	} {
		var seen []string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("x-api-key"))
			if r.Header.Get("x-api-key") != "new key" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		asked := 0
		client, err := feather.New(
			feather.WithBaseURL(server.URL),
			feather.WithAPIKeyFunc(func(context.Context) (string, error) {
				key := tt.keys[min(asked, len(tt.keys)-1)]
				asked++
				return key, nil
			}),
		)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(client); (err == nil) != tt.ok || !slices.Equal(seen, tt.want) {
			t.Errorf("%q: the server saw %q, error %v", tt.keys, seen, err)
		}
	}
}
