// Package feather is a client for the Feather API, the customer experience platform. Its types
// and calls are generated from the API's OpenAPI document. It adds live streams, typed errors
// and safe retries, and it keeps the API key safe.
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
// handle its messages. [Pages] turns the calls of a list into a loop, and [Resume] goes on with
// a stream that was cut, where the API lets it. [Client.Request] makes calls that this version
// does not have yet. OPERATIONS.md in the repository lists all calls by topic.
//
// # Values
//
// A nil pointer, list or map is left out of a request; an empty list is sent as []. [Null] is
// sent as null:
//
//	update := MockUpdate{
//		Name:        &name,                   // sets the name
//		Description: feather.Null[*string](), // clears the description
//		Tags:        []string{},              // empties the tags
//	} // and leaves everything else alone
//
// Numbers keep all their digits: where the Go type is any, a number is a json.Number, both ways.
// A time that the server sends without an offset is in UTC. [Response.Missing] names the
// required members that a response lacks, whose fields are zero.
//
// # Errors
//
// Every call returns its errors itself, in three kinds:
//
//   - [*APIError] is a response outside 2xx.
//   - [*DecodeError] is a response within 2xx that is not what the API document declares. The
//     server has acted.
//   - Every other error wraps what happened: [ErrNotSent] if nothing reached the server,
//     io.ErrUnexpectedEOF if the response or the connection was cut off,
//     os.ErrDeadlineExceeded if the server was silent for 5 minutes, and the context's error and
//     its cause if the context ended. An event named error ends a stream with a [*StreamError].
//
// [SafeToRepeat] says whether a call that failed certainly had no effect.
//
// The package's own messages begin with "feather: ". The text of no error contains the API key.
//
// # Options
//
// A [ClientOption] of [New] is for all calls of a client, a [RequestEditorFn] as the last
// argument of a call is for that call. [APIKey], [APIKeyFunc], [MaxRetries], [SilenceTimeout],
// [EventTimeout] and [RequireEvent] exist as both: the option's name begins with With.
//
// The client does not ask for compressed responses, because a server that compresses may
// hold back the events of a stream. A request editor that deletes the header Accept-Encoding
// lets net/http ask for gzip and decompress it.
//
// # Limits
//
// A buffered response can be at most 64 MiB, an event of a stream 16 MiB, and the body of an
// error 1 MiB. A stream and a body that you read yourself have no limit. A server can be silent
// for 5 minutes ([SilenceTimeout]), the body of an error can take 5 seconds, and the transport
// limits how long it takes to connect. All other time limits come from the context.
//
// # Testing
//
// Package feathertest is a fake Feather for your own tests, which fails on demand. The
// examples below use it: fake is such a server, and client a client for it.
package feather
