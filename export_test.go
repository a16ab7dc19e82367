package feather

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/featherhq/feather-go/internal/oapi"
)

// For the tests of package feather_test.
var RetryAfter = retryAfter

// Message is what an operation with a body is in the generated code, written by hand:
// no test depends on what is vendored.
type Message struct {
	HTTPResponse *http.Response
	Body         []byte
	JSON422      *struct{ Detail ValidationErrors }
}

// Send is the call that returns the response as it begins.
func Send(
	ctx context.Context,
	client *ClientWithResponses,
	body io.Reader,
	editors ...RequestEditorFn,
) (*http.Response, error) {
	c := client.ClientInterface.(*Client)
	req, err := oapi.New("/v1/messages").Build(http.MethodPost, c.Server, "application/json", body)
	return c.do(ctx, req, err, editors)
}

// SendWithResponse is the call that reads it to its end.
func SendWithResponse(
	ctx context.Context,
	client *ClientWithResponses,
	body io.Reader,
	editors ...RequestEditorFn,
) (*Message, error) {
	rsp, err := Send(ctx, client, body, editors...)
	if err != nil {
		return nil, err
	}
	message := &Message{HTTPResponse: rsp}
	if err := oapi.Read(rsp, &message.Body, oapi.Content{Status: "200"},
		oapi.Content{Status: "422", MediaType: "application/json", Field: &message.JSON422, Unmarshal: json.Unmarshal}); err != nil {
		return nil, named(err)
	}
	return message, nil
}
