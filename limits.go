package feather

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// What one reply may put into memory. A stream as a whole has no limit.
const (
	maxReply     = 64 << 20
	maxEvent     = 16 << 20
	maxErrorBody = 1 << 20
)

var (
	errReplyTooLarge = errors.New("feather: the reply is larger than the limit of 64 MiB; read it with Stream, event by event")
	errEventTooLarge = errors.New("feather: an event is larger than the limit of 16 MiB")
)

// limitReplies bounds what a generated call reads into memory, compressed or
// not and whatever the server said of the length.
func limitReplies(next HttpRequestDoer) HttpRequestDoer {
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		rsp, err := next.Do(req)
		if err != nil {
			return rsp, err
		}
		if isSuccess(rsp.StatusCode) {
			rsp.Body = &limitedBody{ReadCloser: rsp.Body, req: req, left: maxReply}
		} else {
			rsp.Body = &errorBody{ReadCloser: rsp.Body, rsp: rsp}
		}
		return rsp, nil
	})
}

type limitedBody struct {
	io.ReadCloser
	req  *http.Request
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errReplyTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return n - 1, errReplyTooLarge
	case err != nil && err != io.EOF:
		return n, brokenOff(b.req, err)
	}
	return n, err
}

// unlimited is for Stream, which has bounds of its own: for each event, and for
// the body of an error.
func unlimited(body io.Reader) io.Reader {
	switch b := body.(type) {
	case *limitedBody:
		return b.ReadCloser
	case *errorBody:
		return b.ReadCloser
	}
	return body
}

// errorBody is the body of an answer outside 2xx. A generated Parse function
// throws the answer away when it cannot read the body: cut short, endless, or
// said to be JSON when it is none. Then the read fails with the *APIError that
// the caller would have had, and Check passes it on.
type errorBody struct {
	io.ReadCloser
	rsp     *http.Response
	content io.Reader
}

func (b *errorBody) Read(p []byte) (int, error) {
	if b.content == nil {
		b.content = b.load()
	}
	return b.content.Read(p)
}

func (b *errorBody) load() io.Reader {
	body, err := io.ReadAll(io.LimitReader(b.ReadCloser, maxErrorBody))
	parsed := strings.Contains(b.rsp.Header.Get("Content-Type"), "json")
	if err != nil || parsed && !isObject(body) {
		return failingReader{newAPIError(b.rsp, body)}
	}
	return bytes.NewReader(body)
}

func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && json.Valid(body)
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
