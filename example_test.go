package feather_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

func ExampleNew() {
	server := feathertest.NewServer()
	defer server.Close()
	os.Setenv("FEATHER_API_KEY", "your key")
	defer os.Unsetenv("FEATHER_API_KEY")
	os.Setenv("FEATHER_BASE_URL", server.URL) // unset, it is the sandbox
	defer os.Unsetenv("FEATHER_BASE_URL")
	ctx, sessionID := context.Background(), uuid.New()

	client, err := feather.New()
	if err != nil {
		log.Fatal(err)
	}
	body := feather.SendMessageRequest{Content: "Where is order 12345?"}
	rsp, err := feather.Check(client.SendMessageWithResponse(ctx, sessionID, body))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rsp.Status(), string(rsp.Body))
	// Output:
	// 200 OK event: delta
	// data: {"text":"Your order "}
	//
	// event: delta
	// data: {"text":"is on "}
	//
	// event: delta
	// data: {"text":"its way."}
	//
	// event: complete
	// data: {"text":"Your order is on its way."}
}

func ExampleStream() {
	server := feathertest.NewServer()
	defer server.Close()
	client := server.Client()
	ctx, sessionID := context.Background(), uuid.New()
	body := feather.SendMessageRequest{Content: "Where is order 12345?"}

	for event, err := range feather.Stream(client.SendMessage(ctx, sessionID, body)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Type, event.Data)
	}
	// Output:
	// delta {"text":"Your order "}
	// delta {"text":"is on "}
	// delta {"text":"its way."}
	// complete {"text":"Your order is on its way."}
}

func ExampleCheck() {
	server := feathertest.NewServer()
	defer server.Close()
	client := server.Client()

	_, err := feather.Check(client.SendMessageWithResponse(context.Background(), uuid.Nil, feather.SendMessageRequest{}))
	fmt.Println(err)

	var apiErr *feather.APIError
	if errors.As(err, &apiErr) && apiErr.StatusCode == http.StatusUnprocessableEntity {
		for _, problem := range apiErr.Validation {
			fmt.Printf("%s is wrong (%s): %s\n", problem.Path(), problem.Type, problem.Msg)
		}
	}
	// Output:
	// feather: POST /v1/ask-feather/sessions/00000000-0000-0000-0000-000000000000/messages: 422 Unprocessable Entity: body.content: String should have at least 1 character
	// body.content is wrong (string_too_short): String should have at least 1 character
}

// A key for each tenant, from the context of the call.
func ExampleAPIKeyFunc() {
	server := feathertest.NewServer()
	defer server.Close()
	os.Setenv("FEATHER_BASE_URL", server.URL) // unset, it is the sandbox
	defer os.Unsetenv("FEATHER_BASE_URL")

	type tenant struct{}
	keys := map[string]string{"acme": "key of acme", "zoo": "key of zoo"}
	keyOf := func(ctx context.Context) (string, error) {
		name, _ := ctx.Value(tenant{}).(string)
		key, ok := keys[name]
		if !ok {
			return "", fmt.Errorf("no key for tenant %q", name)
		}
		return key, nil
	}
	client, err := feather.New(feather.WithRequestEditorFn(feather.APIKeyFunc(keyOf)))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"acme", "nobody"} {
		ctx := context.WithValue(context.Background(), tenant{}, name)
		_, err := feather.Check(client.SendMessageWithResponse(ctx, uuid.New(), feather.SendMessageRequest{Content: "hi"}))
		fmt.Println(name, err)
	}
	fmt.Println(server.Requests()[0].Header.Get("x-api-key"))
	// Output:
	// acme <nil>
	// nobody feather: looking up the API key: no key for tenant "nobody"
	// key of acme
}

func ExampleMaxRetries() {
	server := feathertest.NewServer()
	defer server.Close()
	client := server.Client()

	server.ReplyStatus(http.StatusTooManyRequests, "Slow down", http.Header{"Retry-After": {"30"}})
	_, err := feather.Check(client.SendMessageWithResponse(context.Background(), uuid.New(), feather.SendMessageRequest{Content: "hi"}, feather.MaxRetries(0)))

	var apiErr *feather.APIError
	if errors.As(err, &apiErr) && apiErr.RetryAfter > 0 {
		fmt.Println("come back in", apiErr.RetryAfter.Round(time.Second))
	}
	// Output: come back in 30s
}
