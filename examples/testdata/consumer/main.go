// Command consumer is code of somebody who imports the package: what a compatible
// bump must not break.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/featherhq/feather-go"
	"github.com/google/uuid"
)

// fake mocks the one call that it needs, and embeds the rest, so that it compiles
// when the API grows.
type fake struct {
	feather.ClientWithResponsesInterface
}

func (fake) SendMessageWithResponse(context.Context, uuid.UUID, feather.SendMessageRequest, ...feather.RequestEditorFn) (*feather.SendMessageResponse, error) {
	return &feather.SendMessageResponse{}, nil
}

var _ feather.ClientWithResponsesInterface = fake{}

func main() {
	client, err := feather.New(feather.WithAPIKey("key"))
	if err != nil {
		panic(err)
	}
	workflow := "returns"
	body := feather.SendMessageRequest{Content: "hi", Workflow: &workflow}
	var rsp *feather.SendMessageResponse
	rsp, err = client.SendMessageWithResponse(context.Background(), uuid.New(), body)
	if err == nil {
		fmt.Println(rsp.StatusCode())
	}
	var apiErr *feather.APIError
	if errors.As(err, &apiErr) {
		for _, problem := range apiErr.Validation {
			var message string = problem.Msg
			fmt.Println(problem.Path(), message)
		}
	}
	for event, err := range feather.Stream(client.SendMessage(context.Background(), uuid.New(), body)) {
		fmt.Println(event.Type, event.Data, err)
	}
}
