// Package feather is a client for the Feather API, the customer experience
// platform. Its types and calls are generated from the API's OpenAPI document;
// around them it has live replies, typed errors, safe retries and a guard for the
// API key.
//
//	client, err := feather.New() // the key comes from FEATHER_API_KEY
//
// Every operation has two calls. The one without WithResponse returns the HTTP
// response as it begins: give it to Stream, which yields the reply's events as
// they arrive.
//
//	body := feather.SendMessageRequest{Content: "Where is order 12345?"}
//	for event, err := range feather.Stream(client.SendMessage(ctx, sessionID, body)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(event.Type, event.Data)
//	}
//
// The one with WithResponse reads the reply to its end and returns it with typed
// fields: give it to Check, which turns an answer outside 2xx into an error.
//
//	rsp, err := feather.Check(client.SendMessageWithResponse(ctx, sessionID, body))
//
// # Errors
//
// An answer outside 2xx is an *APIError, whether it comes from Check or from
// Stream. A reply that breaks off is an error that errors.Is finds as
// io.ErrUnexpectedEOF, and the end of the context one that it finds as
// context.Canceled or context.DeadlineExceeded. The package's own messages begin
// with "feather: ", and none holds the API key.
//
// # Options
//
// What holds for a client is a ClientOption of New; what holds for one call is a
// RequestEditorFn, the last argument of every call: APIKey, APIKeyFunc,
// MaxRetries, or a function of your own. WithRequestEditorFn makes one hold for
// the client. Time limits come from the context.
//
// # Limits
//
// A buffered reply may have 64 MiB, one event of a stream 16 MiB and the body of
// an error 1 MiB; a stream as a whole has no limit.
//
// # Testing
//
// Package feathertest is a fake Feather for your own tests. It fails on demand,
// too.
package feather
