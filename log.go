package feather

import (
	"log/slog"
	"net/http"
	"time"
)

// WithLogger logs each try at level debug, and at level warn each retry and each response that
// fails after its head. A record contains the operation, method, host, path, status,
// duration_seconds and request id. If the try failed, it contains the error, which may quote the
// server. The record of a retry also contains wait_seconds. No record contains a query, a header
// or the API key. By default nothing is logged.
//
// An error of a call is a slog.LogValuer: pass it as an attribute by itself, not wrapped, and
// its parts become fields.
func WithLogger(logger *slog.Logger) ClientOption {
	return func(c *Client) error {
		if logger == nil {
			return failf("WithLogger was given nil")
		}
		c.options.logger = logger
		return nil
	}
}

func logTries(next Doer) Doer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		call := callOf(req)
		if call.logger == nil {
			return next.Do(req)
		}
		start := time.Now()
		rsp, err := next.Do(req)
		attrs := append(call.infoOf(req).attrs(), secondsAttr("duration_seconds", time.Since(start)))
		if err == nil {
			attrs = append(attrs, slog.Int("status", rsp.StatusCode), textAttr("request_id", call.clean(RequestID(rsp))))
		} else {
			attrs = append(attrs, errorAttrs(err)...)
		}
		call.logger.LogAttrs(req.Context(), slog.LevelDebug, "feather: request", attrs...)
		return rsp, err
	})
}

func (c *call) logRetry(req *http.Request, attempt int, wait time.Duration, err error) {
	if c.logger != nil {
		attrs := append(c.infoOf(req).attrs(), slog.Int("attempts", attempt), secondsAttr("wait_seconds", wait))
		c.logger.LogAttrs(req.Context(), slog.LevelWarn, "feather: retry", append(attrs, errorAttrs(err)...)...)
	}
}

// logFailure is for a response that fails after its head.
func (c *call) logFailure(rsp *http.Response, err error) {
	if c.logger != nil && rsp.Request != nil && c.ctx.Err() == nil { // The caller knows of the end of its context.
		attrs := append(c.infoOf(rsp.Request).attrs(), slog.Int("status", rsp.StatusCode))
		c.logger.LogAttrs(c.ctx, slog.LevelWarn, "feather: response", append(attrs, errorAttrs(err)...)...)
	}
}

func errorAttrs(err error) []slog.Attr {
	if apiErr, ok := err.(*APIError); ok {
		return append(apiErr.attrs(), textAttr("request_id", oneLine(apiErr.RequestID)))
	}
	return []slog.Attr{slog.String("error", err.Error())}
}

// secondsAttr has its unit in its name, as a handler of JSON writes a bare number.
func secondsAttr(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, d.Round(time.Millisecond).Seconds())
}

// textAttr is nothing, to every handler, where the text is empty.
func textAttr(key, text string) slog.Attr {
	if text == "" {
		return slog.Attr{}
	}
	return slog.String(key, text)
}
