package feather_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
)

// TestThousandAbandonedStreamsLeaveNothingBehind leaves streams in every way that
// a caller can, and waits for the goroutines and connections to be those of the
// beginning.
func TestThousandAbandonedStreamsLeaveNothingBehind(t *testing.T) {
	server, connections := serveCounting(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", sse)
		for range 5 {
			_, _ = w.Write([]byte("data: a\n\n"))
			_ = http.NewResponseController(w).Flush()
		}
		switch r.Header.Get("Fault") {
		case "cut":
			panic(http.ErrAbortHandler)
		case "stall":
			<-r.Context().Done()
		}
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	client := newClient(t, server.URL, over(transport))
	fault := func(name string) feather.RequestEditorFn {
		return func(_ context.Context, req *http.Request) error {
			req.Header.Set("Fault", name)
			return nil
		}
	}
	ways := []func(ctx context.Context, cancel func()){
		func(ctx context.Context, _ func()) { // to the end
			_, _ = events(send(ctx, client))
		},
		func(ctx context.Context, _ func()) { // to a broken connection
			_, _ = events(send(ctx, client, fault("cut")))
		},
		func(ctx context.Context, _ func()) { // break
			for range feather.Stream(send(ctx, client, fault("stall"))) {
				break
			}
		},
		func(ctx context.Context, cancel func()) { // cancel, and read on
			for range feather.Stream(send(ctx, client, fault("stall"))) {
				cancel()
			}
		},
		func(ctx context.Context, cancel func()) { // cancel, and never read
			_, _ = send(ctx, client, fault("stall"))
			cancel()
		},
	}
	before := runtime.NumGoroutine()
	for i := range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		ways[i%len(ways)](ctx, cancel)
		cancel()
	}
	transport.CloseIdleConnections()
	for end := time.Now().Add(time.Minute); connections.open.Load() > 0 || runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d connections and %d goroutines are left, there were 0 and %d", connections.open.Load(),
				runtime.NumGoroutine(), before)
		}
	}
}
