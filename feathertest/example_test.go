package feathertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"testing/synctest"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

// ask stands for the code under test: it joins the texts of a reply.
func ask(client *feather.ClientWithResponses, question string) (text string, err error) {
	body := feather.SendMessageRequest{Content: question}
	for event, err := range feather.Stream(client.SendMessage(context.Background(), uuid.Nil, body)) {
		if err != nil {
			return text, err
		}
		text += event.Data
	}
	return text, nil
}

func Example() {
	server := feathertest.NewServer() // in a test: feathertest.Start(t), and no Close
	defer server.Close()

	server.Reply(feather.Event{Data: "It is "}, feather.Event{Data: "on its way."})
	server.ReplyCut(feather.Event{Data: "It is "})

	fmt.Println(ask(server.Client(), "Where is my order?"))
	fmt.Println(ask(server.Client(), "And now?"))
	fmt.Printf("%s\n", server.Requests()[0].Body)
	// Output:
	// It is on its way. <nil>
	// It is  feather: POST /v1/ask-feather/sessions/00000000-0000-0000-0000-000000000000/messages: the response was cut off: unexpected EOF
	// {"content":"Where is my order?"}
}

// streamer is what the code under test needs of the client.
type streamer interface {
	SendMessage(context.Context, uuid.UUID, feather.SendMessageRequest,
		...feather.RequestEditorFn) (*http.Response, error)
}

type mock struct{}

func (mock) SendMessage(
	context.Context, uuid.UUID, feather.SendMessageRequest, ...feather.RequestEditorFn,
) (*http.Response, error) {
	return feathertest.Response(feather.Event{Data: "mocked"}), nil
}

// A mock of a call that streams.
func ExampleResponse() {
	var client streamer = mock{}
	for event, err := range feather.Stream(client.SendMessage(context.Background(), uuid.Nil, feather.SendMessageRequest{})) {
		fmt.Println(event.Data, err)
	}
	// Output: mocked <nil>
}

// TestREADME is what the README shows.
func TestREADME(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which waits take no time
		server := feathertest.StartInMemory(t)
		server.ReplyError(429, "rate_limited", "Slow down").WithHeader("Retry-After", "30")
		server.ReplyStall(feather.Event{Data: "It is "})

		var text string
		var last error
		message := feather.SendMessageRequest{Content: "Where is my order?"}
		rsp, err := server.Client().SendMessage(t.Context(), uuid.New(), message)
		for event, err := range feather.Stream(rsp, err) {
			text, last = text+event.Data, err
		}
		if text != "It is " || !errors.Is(last, os.ErrDeadlineExceeded) {
			t.Errorf("%q, %v", text, last)
		}
	})
}
