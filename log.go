package feather

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// WithLogger logs each try at level debug, and each retry, with its wait and its reason, at
// level warn. A record has the method, path, status, duration and request id, or the error.
// It never has a body, a query, a header or the API key. By default nothing is logged.
func WithLogger(logger *slog.Logger) ClientOption {
	return func(c *Client) error {
		if logger == nil {
			return failf("WithLogger was given nil")
		}
		return forNew("WithLogger", func(o *newOptions) { o.logger = logger })(c)
	}
}

func logTries(next HttpRequestDoer, logger *slog.Logger) HttpRequestDoer {
	if logger == nil {
		return next
	}
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		start := time.Now()
		rsp, err := next.Do(req)
		attrs := append(requestAttrs(req), slog.Duration("duration", time.Since(start)))
		if err == nil {
			attrs = append(attrs, slog.Int("status", rsp.StatusCode), textAttr("request_id", RequestID(rsp)))
		} else {
			attrs = append(attrs, errorAttrs(err)...)
		}
		logger.LogAttrs(req.Context(), slog.LevelDebug, "feather: request", attrs...)
		return rsp, err
	})
}

func logRetry(ctx context.Context, logger *slog.Logger, req *http.Request, attempt int, wait time.Duration, err error) {
	if logger != nil {
		attrs := append(requestAttrs(req), slog.Int("attempts", attempt), slog.Duration("wait", wait))
		logger.LogAttrs(ctx, slog.LevelWarn, "feather: retry", append(attrs, errorAttrs(err)...)...)
	}
}

func requestAttrs(req *http.Request) []slog.Attr {
	return []slog.Attr{slog.String("method", req.Method), slog.String("path", req.URL.EscapedPath())}
}

func errorAttrs(err error) []slog.Attr {
	if apiErr, ok := err.(*APIError); ok {
		return []slog.Attr{slog.Int("status", apiErr.StatusCode),
			textAttr("code", apiErr.Code), textAttr("request_id", apiErr.RequestID)}
	}
	return []slog.Attr{slog.String("error", err.Error())}
}

// textAttr is nothing, to every handler, where the text is empty.
func textAttr(key, text string) slog.Attr {
	if text == "" {
		return slog.Attr{}
	}
	return slog.String(key, text)
}
