//go:build soak

package feathertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
)

var (
	soakTime = flag.Duration("soak", time.Minute, "how long the soak goes on")
	soakSeed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the faults are drawn from")
)

// TestSoak lets 64 callers meet every fault at random, in rounds with a server
// each, and balances the books of each round: what a caller was told to have
// succeeded was acted on once, and nothing was acted on twice. The server acts on
// every request but those that it refuses: with a 429, with another 4xx that says
// "retryable": true, with a redirect.
func TestSoak(t *testing.T) {
	t.Logf("go test -tags soak -run TestSoak ./feathertest -args -seed %d", *soakSeed)
	random := rand.New(rand.NewPCG(*soakSeed, 0))
	var first, last uint64
	var calls, succeeded, tries int
	for end := time.Now().Add(*soakTime); time.Now().Before(end); {
		round := newSoakRound(random.Uint64())
		round.run(t)
		calls, succeeded, tries = calls+round.calls, succeeded+round.succeeded, tries+round.tries
		last = heap()
		if first == 0 {
			first = last
		}
	}
	t.Logf("%d calls, %d succeeded, %d requests came in; heap %d KiB after the first round, %d after the last", calls,
		succeeded, tries, first>>10, last>>10)
	if last > first+8<<20 {
		t.Errorf("the heap has grown by %d MiB", (last-first)>>20)
	}
	if succeeded < calls/4 || tries <= calls/2 {
		t.Error("the faults were too many for the soak to show anything")
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

type soakRound struct {
	server *feathertest.Server
	client *feather.ClientWithResponses

	mu      sync.Mutex
	random  *rand.Rand
	refused map[string]int // how often a message was not acted on
	told    map[string]bool
	notSent map[string]bool

	calls, succeeded, tries int
}

const soakCallers, soakCalls = 64, 20

func newSoakRound(seed uint64) *soakRound {
	r := &soakRound{
		server:  feathertest.NewServer(),
		random:  rand.New(rand.NewPCG(seed, 1)),
		refused: map[string]int{},
		told:    map[string]bool{},
		notSent: map[string]bool{},
	}
	r.server.Handle(pattern, http.HandlerFunc(r.respond))
	transport := &http.Transport{
		MaxIdleConnsPerHost: soakCallers,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if r.draw(10) == 0 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil && r.draw(3) == 0 {
				// The end of the server's half, as if it had closed an idle connection:
				// what is written still arrives.
				time.AfterFunc(time.Duration(r.draw(20))*time.Millisecond,
					func() { _ = conn.(*net.TCPConn).CloseRead() })
			}
			return conn, err
		},
	}
	r.client = r.server.Client(feather.WithHTTPClient(&http.Client{Transport: transport}))
	return r
}

// draw returns a number below n.
func (r *soakRound) draw(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.random.IntN(n)
}

// respond is what a request meets that no scripted fault takes.
func (r *soakRound) respond(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Retry-After", "0")
	switch r.draw(12) {
	case 0, 1:
		r.refuse(req)
		w.WriteHeader(http.StatusTooManyRequests)
	case 2:
		r.refuse(req)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error": "busy", "message": "Come back", "retryable": true}`)
	case 3:
		r.refuse(req) // The request that follows is another one.
		http.Redirect(w, req, req.URL.Path, http.StatusTemporaryRedirect)
	case 4:
		http.Redirect(w, req, "/login", http.StatusFound)
	case 5:
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error": "unknown_outcome", "message": "Who knows", "retryable": true}`)
	case 6:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "Internal Server Error")
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: complete\ndata: {}\n\n")
	}
}

func (r *soakRound) refuse(req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[content(body)]++
}

func content(body []byte) string {
	var message struct{ Content string }
	_ = json.Unmarshal(body, &message)
	return message.Content
}

// script puts one fault in front of whichever request comes next.
func (r *soakRound) script() {
	delta := feather.Event{Type: "delta", Data: "{}"}
	switch r.draw(20) {
	case 0:
		r.server.ReplyCut()
	case 1:
		r.server.ReplyCut(delta)
	case 2:
		r.server.ReplyStall()
	case 3:
		r.server.ReplyStall(delta)
	case 4:
		r.server.ReplyStatus(http.StatusBadGateway, "bad gateway")
	case 5:
		r.server.ReplyAfter(5*time.Millisecond, delta)
	}
}

func (r *soakRound) run(t *testing.T) {
	var wg sync.WaitGroup
	var calls atomic.Int64
	for caller := range soakCallers {
		wg.Go(func() {
			for call := range soakCalls {
				calls.Add(1)
				r.script()
				message := fmt.Sprintf("%d/%d", caller, call)
				err := r.send(t, message, r.draw(2) == 0)
				r.mu.Lock()
				r.told[message] = err == nil
				r.notSent[message] = errors.Is(err, feather.ErrNotSent)
				r.mu.Unlock()
			}
		})
	}
	wg.Wait()
	r.server.Close() // It waits for the handlers of calls that were given up.
	r.calls = int(calls.Load())
	r.balance(t)
}

func (r *soakRound) send(t *testing.T, message string, stream bool) error {
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	body := fmt.Sprintf(`{"content": %q}`, message)
	var err error
	if stream {
		_, err = collect(send(ctx, r.client, body))
	} else {
		_, err = sendWhole(ctx, r.client, body)
	}
	if _, known := errors.AsType[*feather.APIError](err); err != nil && !known &&
		!errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, io.ErrUnexpectedEOF) &&
		!errors.Is(err, syscall.ECONNREFUSED) && !strings.Contains(err.Error(), "refusing the redirect from POST") {
		t.Errorf("message %s: an error of no known kind: %v", message, err)
	}
	return err
}

func (r *soakRound) balance(t *testing.T) {
	acted := map[string]int{}
	for _, request := range r.server.Requests() {
		acted[content(request.Body)]++
		r.tries++
	}
	for message, n := range r.refused {
		acted[message] -= n
	}
	for message, n := range acted {
		if n > 1 {
			t.Errorf("message %s was acted on %d times", message, n)
		}
	}
	for message, told := range r.told {
		if !told {
			continue
		}
		r.succeeded++
		if acted[message] != 1 {
			t.Errorf("message %s succeeded, and was acted on %d times", message, acted[message])
		}
	}
	for message, notSent := range r.notSent {
		if notSent && acted[message] != 0 {
			t.Errorf("message %s was acted on %d times, and ErrNotSent said that nothing was sent", message,
				acted[message])
		}
	}
}
