package feather

import (
	"errors"
	"net/http"
	"time"
)

// sameRequest follows only the redirects that keep origin and method: another origin must
// not get the key, and another method would drop the message, which the server may have
// acted on. It asks the caller's own policy first, so that http.ErrUseLastResponse works.
func sameRequest(policy func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if policy == nil && len(via) >= 10 { // as net/http does
			return errors.New("stopped after 10 redirects")
		}
		if policy != nil {
			if err := policy(req, via); err != nil {
				return err
			}
		}
		if req.Response != nil {
			// net/http reads on before it closes the body; one that trickles would hold it up.
			time.AfterFunc(maxErrorTime, func() { closeBody(req.Response.Body) })
		}
		from, to := origin(via[0].URL), origin(req.URL)
		if from == to && via[0].Method == req.Method {
			return nil
		}
		return failf("refusing the redirect from %s %s to %s %s, which changes the origin or the method; "+
			"if the API has moved, change the base URL", via[0].Method, from, req.Method, to)
	}
}
