package main

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

func TestStreamThatIsCut(t *testing.T) {
	server := feathertest.Start(t)
	server.ReplyCut(feather.Event{Data: "half"})
	var last error
	for _, err := range feather.Stream(server.Client().SendMessage(context.Background(), uuid.New(), feather.SendMessageRequest{Content: "hi"})) {
		last = err
	}
	if !errors.Is(last, io.ErrUnexpectedEOF) {
		t.Error(last)
	}
}

func TestMessageThatIsRefused(t *testing.T) {
	server := feathertest.Start(t)
	_, err := server.Client().SendMessageWithResponse(context.Background(), uuid.New(), feather.SendMessageRequest{})
	var apiErr *feather.APIError
	if !errors.As(err, &apiErr) || len(apiErr.Validation) != 1 {
		t.Error(err)
	}
}
