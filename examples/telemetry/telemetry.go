// Package telemetry shows OpenTelemetry spans and a Prometheus histogram for the calls of a
// client, both under the names of the operations. A path has ids in it, of which no metric may
// make a label.
package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// WithSpans makes a span of each try of a call. A span ends when the response body ends. The span
// of a stream therefore lasts as long as the stream.
func WithSpans(opts ...otelhttp.Option) feather.ClientOption {
	named := otelhttp.WithSpanNameFormatter(func(_ string, req *http.Request) string {
		name, _ := feather.OperationOf(req.Context())
		return name
	})
	return feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(next, append(opts, named)...)
	})
}

// WithHistogram measures how long each try takes to the head of its response, by operation and
// status; the status is empty where there was no response.
func WithHistogram(registry prometheus.Registerer) feather.ClientOption {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "feather_request_duration_seconds",
		Help:    "Time to the head of the response.",
		Buckets: prometheus.DefBuckets,
	}, []string{"operation", "status"})
	registry.MustRegister(durations)
	return feather.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			start, status := time.Now(), ""
			rsp, err := next.RoundTrip(req)
			if err == nil {
				status = strconv.Itoa(rsp.StatusCode)
			}
			name, _ := feather.OperationOf(req.Context())
			durations.WithLabelValues(name, status).Observe(time.Since(start).Seconds())
			return rsp, err
		})
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
