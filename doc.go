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
// A workflow, which a message may name, is what an organization has set up in Feather to
// handle its messages. [Pages] turns the calls of a list into a loop. OPERATIONS.md in the
// repository lists all calls by topic.
//
// # Errors
//
// Every call returns its errors itself:
//
//   - [*APIError] for a response outside 2xx;
//   - an error that errors.Is finds as io.ErrUnexpectedEOF for a response, or a
//     connection, that breaks off;
//   - [*StreamError] for an event named error, which ends a stream;
//   - an error that errors.Is finds as os.ErrDeadlineExceeded for a server that is silent
//     for 5 minutes;
//   - the context's error and its cause, for errors.Is, when the context ends.
//
// errors.Is finds [ErrNotSent] in the error of a call that certainly did not reach the
// server. Any other call that failed may have reached it.
//
// The package's own messages begin with "feather: ". No error contains the API key.
//
// # Options
//
// A [ClientOption] of [New] is for all calls of a client, a [RequestEditorFn] as the last
// argument of a call is for that call. [APIKey], [APIKeyFunc], [MaxRetries], [IdleTimeout]
// and [RequireEvent] exist as both: the option's name begins with With.
//
// The client does not ask for compressed responses, because a server that compresses may
// hold back the events of a stream. A request editor may set Accept-Encoding to gzip; the
// response is then decompressed.
//
// # Limits
//
// A buffered response may have 64 MiB, an event of a stream 16 MiB, and the body of an error
// 1 MiB. A stream has no limit. A server may be silent for 5 minutes ([IdleTimeout]), the
// body of an error may take 5 seconds, and the transport limits what it does to connect. All
// other time limits come from the context.
//
// # Testing
//
// Package feathertest is a fake Feather for your own tests, which fails on demand. The
// examples below use it: fake is such a server, and client a client for it.
package feather
