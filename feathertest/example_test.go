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

// TestAsk is what the README shows.
func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which waits take no time
		server := feathertest.StartInMemory(t)
		server.ReplyError(429, "rate_limited", "Slow down").WithHeader("Retry-After", "30")
		server.Reply(feather.Event{Data: "It is "}, feather.Event{Data: "on its way."})
		server.ReplyStall(feather.Event{Data: "It is "})

		if text, err := ask(server.Client(), "Where?"); text != "It is on its way." || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := ask(server.Client(), "And now?"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a silent server: %v", err)
		}
	})
}
