// Package feather is a client for the Feather API, the customer experience
// platform. Its types and calls are generated from the API's OpenAPI document;
// around them it has live replies, typed errors, safe retries and a guard for the
// API key.
//
//	client, err := feather.New() // the key comes from FEATHER_API_KEY
//
// Every operation has two calls. The one with WithResponse reads the response to its
// end and returns it with typed fields:
//
//	session, err := client.CreateSessionWithResponse(ctx, feather.CreateSessionRequest{})
//
// The one without returns the HTTP response as it begins. Give it to [Stream], which
// yields the events of the reply as they arrive:
//
//	message := feather.SendMessageRequest{Content: "Where is order 12345?"}
//	for event, err := range feather.Stream(client.SendMessage(ctx, session.JSON201.ID, message)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(event.Type, event.Data)
//	}
//
// A session is a conversation: Feather remembers its messages. Ids are of type uuid.UUID,
// from github.com/google/uuid.
//
// # Errors
//
// Errors come from the call, for both kinds of calls, and from nowhere else:
//
//   - a response outside 2xx is an [*APIError];
//   - a response that breaks off is an error that errors.Is finds as
//     io.ErrUnexpectedEOF, and so is a connection that breaks before it;
//   - an event named error ends a stream with a [*StreamError];
//   - when the context ends, errors.Is finds its error and its cause;
//   - a server that is silent for 5 minutes is an os.ErrDeadlineExceeded;
//   - [ErrNotSent] is found where certainly nothing reached the server. Any other
//     call that failed may have reached it.
//
// The package's own messages begin with "feather: ", and none holds the API key.
//
// # Options
//
// What holds for a client is a [ClientOption] of [New]. What holds for one call is
// a [RequestEditorFn], the last argument of every call: [APIKey], [APIKeyFunc],
// [MaxRetries], [IdleTimeout], [RequireEvent], or a function of your own. Each of
// these has a ClientOption of its name with With before it.
//
// No response is compressed unless a request editor sets the Accept-Encoding header
// to gzip, since a server that compresses may hold back the events of a stream. The
// response is then decompressed.
//
// # Limits
//
// A buffered response may have 64 MiB, one event of a stream 16 MiB and the body
// of an error 1 MiB; a stream as a whole has no limit. A server may be silent for
// 5 minutes ([IdleTimeout]). All other time limits come from the context.
//
// # Testing
//
// Package feathertest is a fake Feather for your own tests. It fails on demand,
// too.
package feather
