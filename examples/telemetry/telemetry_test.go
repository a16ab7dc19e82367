package telemetry_test

import (
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/examples/telemetry"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestNamesOfOperations has a call that is retried, and a stream.
func TestNamesOfOperations(t *testing.T) {
	spans, registry := tracetest.NewSpanRecorder(), prometheus.NewRegistry()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	server := feathertest.Start(t)
	client := server.Client(telemetry.WithSpans(otelhttp.WithTracerProvider(provider)),
		telemetry.WithHistogram(registry))

	server.ReplyError(429, "rate_limited", "Slow down").WithHeader("Retry-After", "0")
	if _, err := client.CreateSessionWithResponse(t.Context(), feather.CreateSessionRequest{}); err != nil {
		t.Fatal(err)
	}
	message := feather.SendMessageRequest{Content: "Where is my order?"}
	for _, err := range feather.Stream(client.SendMessage(t.Context(), uuid.New(), message)) {
		if err != nil {
			t.Fatal(err)
		}
	}

	var names []string
	for _, span := range spans.Ended() {
		names = append(names, span.Name())
	}
	if len(names) != 3 || names[0] != "CreateSession" || names[1] != "CreateSession" || names[2] != "SendMessage" {
		t.Errorf("spans %q", names)
	}
	if n := testutil.CollectAndCount(registry, "feather_request_duration_seconds"); n != 3 {
		t.Errorf("%d series, want CreateSession with 429 and 201, and SendMessage with 200", n)
	}
}
