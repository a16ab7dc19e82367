package feathertest_test

import (
	"context"
	"fmt"

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
