package feather

import (
	"errors"
	"net/http"
)

// guardRedirects follows only the redirects that sameRequest allows. Of a doer that is
// no *http.Client it cannot see the redirects.
func guardRedirects(next HttpRequestDoer) HttpRequestDoer {
	client, ok := next.(*http.Client)
	if !ok {
		return next
	}
	client.CheckRedirect = sameRequest(client.CheckRedirect)
	return doerFunc(func(req *http.Request) (*http.Response, error) {
		if client.Jar != nil || client.Timeout != 0 || req.URL.User != nil {
			return client.Do(req)
		}
		// Most calls need nothing of the client, which copies every header for the
		// redirect that may come: a call takes 5% longer with it.
		rsp, err := client.Transport.RoundTrip(req)
		if err == nil && rsp != nil && rsp.StatusCode/100 != 3 {
			return rsp, nil
		}
		following := *client
		following.Transport = &startingWith{rsp: rsp, err: err, next: client.Transport}
		return following.Do(req)
	})
}

// startingWith has the response to its first request already.
type startingWith struct {
	rsp  *http.Response
	err  error
	next http.RoundTripper
	done bool
}

func (s *startingWith) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.done {
		return s.next.RoundTrip(req)
	}
	s.done = true
	return s.rsp, s.err
}

// sameRequest follows only the redirects that keep origin and method: another
// origin must not get the key, and another method would drop the message, which
// the server may have acted on. It asks the caller's own policy first, as one that
// stops at a redirect is not to be told that following it was refused.
func sameRequest(policy func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	if policy == nil {
		policy = stopAfterTen
	}
	return func(req *http.Request, via []*http.Request) error {
		if err := policy(req, via); err != nil {
			return err
		}
		from, to := origin(via[0].URL), origin(req.URL)
		if from == to && via[0].Method == req.Method {
			return nil
		}
		return failf("refusing the redirect from %s %s to %s %s, which changes the origin or the method; "+
			"if the API has moved, change the base URL", via[0].Method, from, req.Method, to)
	}
}

// stopAfterTen is what net/http does where there is no policy.
func stopAfterTen(_ *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}
