package feather_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/feathertest"
	"github.com/google/uuid"
)

// What the examples have in common.
var (
	fake      = newFake()
	client    = fake.Client()
	ctx       = context.Background()
	sessionID = uuid.MustParse("0190a5b4-0000-7000-8000-000000000001")
)

// newFake starts a server that TestMain closes.
func newFake() *feathertest.Server {
	server := feathertest.NewServer()
	atEnd = append(atEnd, server.Close)
	return server
}

func setEnvironment() (restore func()) {
	os.Setenv("FEATHER_API_KEY", "your key")
	os.Setenv("FEATHER_BASE_URL", fake.URL)
	return func() {
		os.Unsetenv("FEATHER_API_KEY")
		os.Unsetenv("FEATHER_BASE_URL")
	}
}

func ExampleNew() {
	defer setEnvironment()() // FEATHER_API_KEY, FEATHER_BASE_URL

	client, err := feather.New()
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.CreateSessionWithResponse(ctx, feather.CreateSessionRequest{})
	if err != nil {
		log.Fatal(err)
	}
	message := feather.SendMessageRequest{Content: "Where is order 12345?"}
	for event, err := range feather.Stream(client.SendMessage(ctx, session.JSON201.ID, message)) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Type == "delta" {
			var delta struct{ Text string }
			if err := event.Decode(&delta); err != nil {
				log.Fatal(err)
			}
			fmt.Print(delta.Text)
		}
	}
	fmt.Println()
	// Output: Your order is on its way.
}

func ExampleStream() {
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

// All kinds of errors of a call.
func ExampleAPIError() {
	_, err := client.SendMessageWithResponse(context.Background(), uuid.Nil, feather.SendMessageRequest{})

	var apiErr *feather.APIError
	var decodeErr *feather.DecodeError
	switch {
	case err == nil:
		return
	case errors.As(err, &apiErr): // a response outside 2xx; also Code, RequestID, RetryAfter, Body
		fmt.Println(apiErr.StatusCode, apiErr.Message)
		for _, problem := range apiErr.Validation { // the entries of a 422
			fmt.Printf("%s is wrong (%s): %s\n", problem.Path(), problem.Type, problem.Msg)
		}
	case errors.As(err, &decodeErr): // a 2xx that does not fit; the server has acted
		fmt.Printf("status %d: %s\n", decodeErr.StatusCode, decodeErr.Body)
	default: // the network, the context, or a stream that broke or ended with an error
		fmt.Println(err)
	}
	fmt.Println("certainly without an effect:", feather.SafeToRepeat(err))
	// Output:
	// 422 body.content: String should have at least 1 character
	// body.content is wrong (string_too_short): String should have at least 1 character
	// certainly without an effect: true
}

// A key for each tenant, from the context of the call.
func ExampleWithAPIKeyFunc() {
	defer setEnvironment()() // FEATHER_API_KEY, FEATHER_BASE_URL

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
	client, err := feather.New(feather.WithAPIKeyFunc(keyOf))
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"acme", "nobody"} {
		ctx := context.WithValue(context.Background(), tenant{}, name)
		_, err := client.SendMessageWithResponse(ctx, uuid.New(), feather.SendMessageRequest{Content: "hi"})
		fmt.Println(name, err)
	}
	requests := fake.Requests()
	fmt.Println(requests[len(requests)-1].Header.Get("x-api-key"))
	// Output:
	// acme <nil>
	// nobody feather: looking up the API key: no key for tenant "nobody"
	// key of acme
}

// A key from a secret store, kept for a minute.
func ExampleWithAPIKeyFunc_secretStore() {
	lookups := 0
	store := func(context.Context, string) (string, error) { lookups++; return "key from the store", nil }

	var mu sync.Mutex
	var key string
	var expires time.Time
	cached := func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Now().Before(expires) {
			return key, nil
		}
		fresh, err := store(ctx, "feather/api-key")
		if err != nil {
			return "", err
		}
		key, expires = fresh, time.Now().Add(time.Minute)
		return key, nil
	}
	client := fake.Client(feather.WithAPIKeyFunc(cached))
	for range 3 {
		_, err := client.SendMessageWithResponse(context.Background(), uuid.New(),
			feather.SendMessageRequest{Content: "hi"})
		fmt.Println(err)
	}
	fmt.Println(lookups, "lookup")
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// 1 lookup
}

// A stream that must end with an event of a certain type. This one ends too soon, in a
// way that nothing but its events can show.
func ExampleRequireEvent() {
	fake.Reply(feather.Event{Type: "delta", Data: "It is"})
	body := feather.SendMessageRequest{Content: "Where is order 12345?"}

	stream := feather.Stream(client.SendMessage(ctx, sessionID, body, feather.RequireEvent("complete")))
	for event, err := range stream {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			fmt.Println(err)
			break
		}
		fmt.Println(event.Data)
	}
	// Output:
	// It is
	// feather: POST /v1/ask-feather/sessions/0190a5b4-0000-7000-8000-000000000001/messages: the stream ended without an event of type complete
}

// A server that sends a stream on to a browser.
func ExampleEvent_WriteTo() {
	relay := func(w http.ResponseWriter, r *http.Request) {
		body := feather.SendMessageRequest{Content: r.FormValue("question")}
		w.Header().Set("Content-Type", "text/event-stream")
		for event, err := range feather.Stream(client.SendMessage(r.Context(), uuid.New(), body)) {
			if err != nil {
				event = feather.Event{Type: "error", Data: `{"error": "interrupted"}`}
			}
			if _, err := event.WriteTo(w); err != nil {
				return // The browser is gone; leaving the loop ends the stream.
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
	browser := httptest.NewRecorder()
	relay(browser, httptest.NewRequest("GET", "/?question=where", nil))
	fmt.Print(browser.Body)
	// Output:
	// event: delta
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

// The context limits a stream as a whole.
func ExampleStream_timeout() {
	fake.ReplyStall(feather.Event{Data: "It is"})

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	for event, err := range feather.Stream(client.SendMessage(ctx, uuid.New(), feather.SendMessageRequest{Content: "hi"})) {
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("that took too long")
			break
		}
		_ = event // show it
	}
	// Output: that took too long
}

// A span for each try. Tracing libraries have such a wrapper ready, such as
// otelhttp.NewTransport.
func ExampleWithMiddleware() {
	fake.ReplyStatus(http.StatusTooManyRequests, "Slow down").WithHeader("Retry-After", "0")

	trace := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			fmt.Println("span begins:", req.Method, "retry", cmp.Or(req.Header.Get("X-Retry-Count"), "0"))
			defer fmt.Println("span ends")
			return next.RoundTrip(req)
		})
	}
	client := fake.Client(feather.WithMiddleware(trace))
	rsp, err := client.SendMessageWithResponse(context.Background(), uuid.New(),
		feather.SendMessageRequest{Content: "hi"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rsp.HTTPResponse.Status)
	// Output:
	// span begins: POST retry 0
	// span ends
	// span begins: POST retry 1
	// span ends
	// 200 OK
}

// Each try is logged at debug, each retry at warn.
func ExampleWithLogger() {
	fake.ReplyStatus(http.StatusNotFound, "Session not found")
	withoutTimes := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration_seconds" || a.Key == "host" || a.Key == "path" {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTimes})

	client := fake.Client(feather.WithLogger(slog.New(handler)))
	_, err := client.SendMessageWithResponse(context.Background(), uuid.Nil, feather.SendMessageRequest{Content: "hi"})
	fmt.Println(err)
	// Output:
	// level=DEBUG msg="feather: request" operation=SendMessage method=POST status=404 detail="Session not found"
	// feather: POST /v1/ask-feather/sessions/00000000-0000-0000-0000-000000000000/messages: 404 Not Found: Session not found
}

// A transport with a certificate authority of your own, and New's settings for the
// rest.
func ExampleNewTransport() {
	roots := x509.NewCertPool() // with your authority

	transport := feather.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	client, err := feather.New(
		feather.WithAPIKey("your key"),
		feather.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		log.Fatal(err)
	}
	_ = client
}

// fakeClient mocks the one call that the code under test makes, and embeds the
// rest, so that it compiles when the API grows. What passes through the network,
// such as streams and errors, is better tested against package feathertest.
type fakeClient struct {
	feather.ClientWithResponsesInterface
}

func (fakeClient) SendMessageWithResponse(context.Context, uuid.UUID, feather.SendMessageRequest,
	...feather.RequestEditorFn) (*feather.SendMessageResponse, error) {
	return &feather.SendMessageResponse{Response: feather.Response{Body: []byte("mocked")}}, nil
}

// A mock, for code that takes the interface.
func ExampleClientWithResponsesInterface() {
	var client feather.ClientWithResponsesInterface = fakeClient{}
	rsp, err := client.SendMessageWithResponse(ctx, sessionID, feather.SendMessageRequest{Content: "hi"})
	fmt.Println(string(rsp.Body), err)
	// Output: mocked <nil>
}

// Retries off, for one call.
func ExampleMaxRetries() {
	fake.ReplyStatus(http.StatusTooManyRequests, "Slow down").WithHeader("Retry-After", "30")
	_, err := client.SendMessageWithResponse(context.Background(), uuid.New(),
		feather.SendMessageRequest{Content: "hi"}, feather.MaxRetries(0))

	var apiErr *feather.APIError
	if errors.As(err, &apiErr) && apiErr.RetryAfter > 0 {
		fmt.Println("come back in", apiErr.RetryAfter.Round(time.Second))
	}
	// Output: come back in 30s
}

// MockUpdate is what a generated type of a PATCH is.
type MockUpdate struct {
	Name        *string  `json:"name,omitempty"`
	Description *string  `json:"description,omitempty"`
	Tags        []string `json:"tags,omitzero"`
	Labels      []string `json:"labels,omitzero"`
}

// Set, clear, empty, and leave alone.
func ExampleNull() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(os.Stdout, r.Body)
	}))
	defer server.Close()
	client := fake.Client(feather.WithBaseURL(server.URL))

	name := "Orders"
	update := MockUpdate{
		Name:        &name,                   // sets the name
		Description: feather.Null[*string](), // clears the description
		Tags:        []string{},              // empties the tags
	} // and leaves everything else alone
	rsp, err := client.Request(context.Background(), "PATCH", "/v1/mocks/7", update)
	if err != nil {
		log.Fatal(err)
	}
	_ = rsp.Body.Close()
	// Output: {"name":"Orders","description":null,"tags":[]}
}

// turns stands for a later version of the API: a POST returns the id of a turn, and a GET its
// events. The first subscription breaks.
func turns() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/turns", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"turn_id": "7"}`)
	})
	mux.HandleFunc("GET /v1/turns/7/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if r.Header.Get("Last-Event-ID") == "1" {
			_, _ = feather.Event{ID: "2", Type: "complete", Data: "on its way."}.WriteTo(w)
			return
		}
		_, _ = feather.Event{ID: "1", Type: "delta", Data: "It is"}.WriteTo(w)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	return httptest.NewServer(mux)
}

// Send a message, get the id of its turn, watch it, and go on after a cut.
func ExampleResume() {
	server := turns()
	defer server.Close()
	client, err := feather.New(feather.WithBaseURL(server.URL), feather.WithAPIKey("your key"))
	if err != nil {
		log.Fatal(err)
	}

	turn, err := feather.JSON[struct {
		ID string `json:"turn_id"`
	}](client.Request(ctx, "POST", "/v1/turns", map[string]string{"content": "Where is my order?"}))
	if err != nil {
		log.Fatal(err)
	}
	events := feather.Resume(ctx, func(lastEventID string) (*http.Response, error) {
		fmt.Printf("subscribe after %q\n", lastEventID)
		return client.Request(ctx, "GET", "/v1/turns/"+turn.ID+"/events", nil,
			feather.LastEventID(lastEventID), feather.RequireEvent("complete"))
	})
	for event, err := range events {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Data)
	}
	// Output:
	// subscribe after ""
	// It is
	// subscribe after "1"
	// on its way.
}

// A call for which this version has no method.
func ExampleClient_Request() {
	fake.ReplyStatus(http.StatusOK, "not yet generated")
	type reply struct{ Detail string }

	path := "/v1/ask-feather/sessions/" + sessionID.String() + "/messages"
	body := map[string]string{"content": "hi"}
	got, err := feather.JSON[reply](client.Request(ctx, "POST", path, body))
	fmt.Println(got.Detail, err)
	// Output: not yet generated <nil>
}

// Whether a call may be made again, whatever its method.
func ExampleSafeToRepeat() {
	fake.ReplyStatus(http.StatusConflict, "The session is busy")
	fake.ReplyStatus(http.StatusInternalServerError, "Oops")

	for range 2 {
		_, err := client.SendMessageWithResponse(ctx, sessionID, feather.SendMessageRequest{Content: "hi"})
		fmt.Println(feather.SafeToRepeat(err))
	}
	// Output:
	// true
	// false
}

// The name of a call, for spans and metrics: a path contains ids.
func ExampleOperationOf() {
	named := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			fmt.Println(feather.OperationOf(req.Context()))
			return next.RoundTrip(req)
		})
	}
	_, err := fake.Client(feather.WithMiddleware(named)).SendMessageWithResponse(ctx, sessionID,
		feather.SendMessageRequest{Content: "hi"})
	fmt.Println(err)
	// Output:
	// SendMessage /v1/ask-feather/sessions/{session_id}/messages
	// <nil>
}
