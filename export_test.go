package feather

import (
	"context"
	"io"
	"net/http"

	"github.com/featherhq/feather-go/internal/oapi"
)

// For the tests of package feather_test.
var RetryAfter = retryAfter

// Message is what a generated wrapper is, for an operation that no document names.
type Message struct{ Response }

// Send is a call that returns the response as it begins.
func Send(
	ctx context.Context, c *ClientWithResponses, body io.Reader, editors ...RequestEditorFn,
) (*http.Response, error) {
	return c.do(ctx, oapi.NewRequest("SendMessage", http.MethodPost, "/v1/messages").Body("application/json", body), editors)
}

// SendWithResponse is the call that reads it to its end.
func SendWithResponse(
	ctx context.Context, c *ClientWithResponses, body io.Reader, editors ...RequestEditorFn,
) (*Message, error) {
	rsp, err := Send(ctx, c, body, editors...)
	r := &Message{}
	return read(rsp, err, r, &r.Response, oapi.Untyped(200))
}

// Upload is a PUT of multipart/form-data with a file.
func Upload(ctx context.Context, c *ClientWithResponses, file File) (*http.Response, error) {
	form := struct {
		File File `json:"file"`
	}{file}
	return c.do(ctx, oapi.NewRequest("Upload", http.MethodPut, "/v1/files").Multipart("multipart/form-data", form), nil)
}
