package feather

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/featherhq/feather-go/internal/oapi"
)

// Request makes a call for which this version of the package has no method, with the same
// retries, limits and errors as every other call. pathAndQuery follows the base URL, as in
// /v1/agents?limit=5; escape what you put into it with url.PathEscape and url.QueryEscape. body
// is nil, an io.Reader, or a value that is encoded as JSON. Give the response to [JSON] or
// [Stream], or read and close its body.
//
// Request returns an error for a path that does not begin with a slash, and for one with an
// empty segment, with . or with .., which servers resolve to another path.
func (c *Client) Request(
	ctx context.Context, method, pathAndQuery string, body any, editors ...RequestEditorFn,
) (*http.Response, error) {
	method = strings.ToUpper(method)
	r := oapi.NewRequest(method, method, pathAndQuery)
	switch body := body.(type) {
	case nil:
	case io.Reader:
		r.Body("application/json", body)
	default:
		r.JSON("application/json", body)
	}
	path, _, _ := strings.Cut(pathAndQuery, "?")
	if err := checkPath(path); err != nil {
		r.Close()
		return nil, notSent(err)
	}
	r.Operation, r.PathTemplate = method+" "+path, path
	return c.do(ctx, r, editors)
}

func checkPath(path string) error {
	segments, ok := strings.CutPrefix(path, "/")
	if _, err := url.Parse(path); !ok || err != nil || strings.Contains(path, "#") {
		return failf("the path must begin with a slash and be escaped, as /v1/agents is")
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(segments, "/"), "/") {
		if err := oapi.CheckSegment("a segment of the path", segment); err != nil && path != "/" {
			return failf("%w", err)
		}
	}
	return nil
}

// JSON reads a response to its end and decodes it, for [Client.Request]:
//
//	agents, err := feather.JSON[AgentList](client.Request(ctx, "GET", "/v1/agents?limit=5", nil))
//
// It returns the error of the call as it is, and a [*DecodeError] for a response that is no
// JSON or does not fit T. With null it returns the zero value of T.
func JSON[T any](rsp *http.Response, err error) (T, error) {
	var value *T
	var r Response
	if err == nil {
		err = checkMock(rsp)
	}
	if err == nil {
		_, err = read(rsp, nil, &r, &r, oapi.JSON(rsp.StatusCode, &value, false))
		if err == nil && value == nil && strings.TrimSpace(string(r.Body)) != "null" {
			err = newDecodeError(rsp, r.Body, failf("the response is not JSON"))
		}
	}
	if err != nil || value == nil {
		return *new(T), err
	}
	return *value, nil
}
