package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	anthropic "github.com/anthropics/anthropic-sdk-go/packages/ssestream"
	"github.com/featherhq/feather-go"
	"github.com/featherhq/feather-go/bench/ogenclient"
	"github.com/google/uuid"
	openai "github.com/openai/openai-go/v3/packages/ssestream"
)

var sessionID = uuid.MustParse("7d444840-9dc0-11d1-b245-5ffdce74fad2")

const key = "sk-bench-0123456789abcdef"

const (
	byHandName = "net/http by hand"
	bareName   = "bare generated client"
	ogenName   = "ogen (drops the reply)"
)

// peer is a way to make the call. What a peer cannot do is nil.
type peer struct {
	name string
	// call sends a message and reads the whole reply.
	call func(content string) error
	// fail sends a message that the server refuses, and checks the typed error.
	fail func(content string) error
	// stream yields the data of each event of a reply.
	stream func(ctx context.Context, content string, yield func(data string)) error
}

// newPeers returns feather-go first: the others are measured against it.
func newPeers(baseURL string) ([]peer, error) {
	ours, err := feather.New(feather.WithBaseURL(baseURL), feather.WithAPIKey(key))
	if err != nil {
		return nil, err
	}
	bare, err := feather.NewClientWithResponses(
		baseURL,
		feather.WithHTTPClient(http.DefaultClient),
		feather.WithAPIKey(key),
	)
	if err != nil {
		return nil, err
	}
	ogen, err := ogenclient.NewClient(baseURL, ogenKey{})
	if err != nil {
		return nil, err
	}
	hand := newByHand(baseURL)
	return []peer{
		{"feather-go", generatedCall(ours), ourFail(ours), ourStream(ours)},
		{byHandName, hand.call, hand.fail, hand.streamWith(scanEvents)},
		{bareName, generatedCall(bare), bareFail(bare), nil},
		{ogenName, ogenCall(ogen), ogenFail(ogen), nil},
		{"openai-go's reader", nil, nil, hand.streamWith(readOpenAI)},
		{"anthropic-sdk-go's reader", nil, nil, hand.streamWith(readAnthropic)},
	}, nil
}

func generatedCall(client *feather.ClientWithResponses) func(string) error {
	return func(content string) error {
		rsp, err := client.SendMessageWithResponse(
			context.Background(),
			sessionID,
			feather.SendMessageRequest{Content: content},
		)
		if err != nil {
			return err
		}
		return expect(string(rsp.Body) == reply)
	}
}

func ourFail(client *feather.ClientWithResponses) func(string) error {
	return func(content string) error {
		_, err := client.SendMessageWithResponse(
			context.Background(),
			sessionID,
			feather.SendMessageRequest{Content: content},
		)
		apiErr, ok := err.(*feather.APIError)
		return expect(ok && apiErr.StatusCode == 422 && len(apiErr.Validation) == 1)
	}
}

func bareFail(client *feather.ClientWithResponses) func(string) error {
	return func(content string) error {
		rsp, err := client.SendMessageWithResponse(
			context.Background(),
			sessionID,
			feather.SendMessageRequest{Content: content},
		)
		return expect(err == nil && rsp.JSON422 != nil && len(rsp.JSON422.Detail) == 1)
	}
}

func ourStream(client *feather.ClientWithResponses) func(context.Context, string, func(string)) error {
	return func(ctx context.Context, content string, yield func(string)) error {
		for event, err := range feather.Stream(client.SendMessage(ctx, sessionID, feather.SendMessageRequest{Content: content})) {
			if err != nil {
				return err
			}
			yield(event.Data)
		}
		return nil
	}
}

// byHand is what one writes without a client: the floor. Its connection pool is
// as large as feather-go's.
type byHand struct {
	client  *http.Client
	baseURL string
}

func newByHand(baseURL string) byHand {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 512
	return byHand{&http.Client{Transport: transport}, baseURL}
}

type message struct {
	Content string `json:"content"`
}

func (h byHand) send(ctx context.Context, content string) (*http.Response, error) {
	body, err := json.Marshal(message{content})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		h.baseURL+"/v1/ask-feather/sessions/"+sessionID.String()+"/messages",
		bytes.NewReader(body),
	)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("User-Agent", "by-hand")
	return h.client.Do(req)
}

func (h byHand) call(content string) error {
	rsp, err := h.send(context.Background(), content)
	if err != nil {
		return err
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(rsp.Body)
	if err != nil {
		return err
	}
	return expect(rsp.StatusCode == 200 && string(body) == reply)
}

func (h byHand) fail(content string) error {
	rsp, err := h.send(context.Background(), content)
	if err != nil {
		return err
	}
	defer rsp.Body.Close()
	var problem struct {
		Detail []struct {
			Loc       []any
			Msg, Type string
			Input     any
			Ctx       map[string]any
		}
	}
	if err := json.NewDecoder(rsp.Body).Decode(&problem); err != nil {
		return err
	}
	return expect(rsp.StatusCode == 422 && len(problem.Detail) == 1)
}

func (h byHand) streamWith(
	read func(*http.Response, func(string)) error,
) func(context.Context, string, func(string)) error {
	return func(ctx context.Context, content string, yield func(string)) error {
		rsp, err := h.send(ctx, content)
		if err != nil {
			return err
		}
		defer rsp.Body.Close()
		return read(rsp, yield)
	}
}

// scanEvents is the least that reads server-sent events of one line of data.
func scanEvents(rsp *http.Response, yield func(string)) error {
	scanner := bufio.NewScanner(rsp.Body)
	for scanner.Scan() {
		if data, ok := bytes.CutPrefix(scanner.Bytes(), []byte("data: ")); ok {
			yield(string(data))
		}
	}
	return scanner.Err()
}

func readOpenAI(rsp *http.Response, yield func(string)) error {
	decoder := openai.NewDecoder(rsp)
	for decoder.Next() {
		yield(string(decoder.Event().Data))
	}
	return decoder.Err()
}

func readAnthropic(rsp *http.Response, yield func(string)) error {
	decoder := anthropic.NewDecoder(rsp)
	for decoder.Next() {
		yield(string(decoder.Event().Data))
	}
	return decoder.Err()
}

type ogenKey struct{}

func (ogenKey) APIKeyHeader(context.Context, ogenclient.OperationName) (ogenclient.APIKeyHeader, error) {
	return ogenclient.APIKeyHeader{APIKey: key}, nil
}

func ogenSend(client *ogenclient.Client, content string) (any, error) {
	return client.SendMessageV1AskFeatherSessionsSessionIDMessagesPost(context.Background(),
		&ogenclient.SrcAskFeatherSchemasSendMessageRequest{Content: content},
		ogenclient.SendMessageV1AskFeatherSessionsSessionIDMessagesPostParams{SessionID: sessionID})
}

// ogenCall has no reply to check: ogen's client does not read it.
func ogenCall(client *ogenclient.Client) func(string) error {
	return func(content string) error {
		_, err := ogenSend(client, content)
		return err
	}
}

func ogenFail(client *ogenclient.Client) func(string) error {
	return func(content string) error {
		rsp, err := ogenSend(client, content)
		problem, ok := rsp.(*ogenclient.HTTPValidationError)
		return expect(err == nil && ok && len(problem.Detail) == 1)
	}
}

func expect(ok bool) error {
	if !ok {
		return fmt.Errorf("the peer did not get what the server sent")
	}
	return nil
}
