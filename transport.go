package feather

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// idleConnections is how long a connection is kept for the next call. Load balancers close theirs
// after 60 seconds and more, and a POST that meets the close fails, because it must not be repeated
// blindly. A bare uvicorn closes after 5 seconds: of 400 POSTs that were aimed within 20 ms of that
// moment, 3 failed. Where you call one directly, set IdleConnTimeout of NewTransport to 4 seconds.
const idleConnections = 50 * time.Second

// NewTransport returns a transport with the settings that [New] uses, for a program that must
// change something in it, such as a proxy, a certificate authority or a client certificate:
//
//	transport := feather.NewTransport()
//	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
//	client, err := feather.New(feather.WithHTTPClient(&http.Client{Transport: transport}))
//
// It is like http.DefaultTransport, but keeps up to 512 idle connections to a host, each for
// up to 50 seconds, and finds dead HTTP/2 connections within 45 seconds. Every call returns a
// new transport with its own connections.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.MaxIdleConns = 0 // no limit but the one for each host
	t.MaxIdleConnsPerHost = 512
	t.IdleConnTimeout = idleConnections
	// Over HTTP/2 a dead connection shows only when it is asked.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second}
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = proxyResponded
	}
	return t
}

// sharedTransport is one for all clients, as http.DefaultTransport is, so that
// a program which makes a client for every request still reuses connections.
var sharedTransport = sync.OnceValue(func() http.RoundTripper {
	if _, ok := http.DefaultTransport.(*http.Transport); !ok {
		return http.DefaultTransport // The program put its own there; it knows better.
	}
	return NewTransport()
})

// network returns what sends the requests: an http.Client with the middleware around its
// transport, or somebody else's Doer.
func (c *Client) network() (Doer, error) {
	client := &http.Client{Transport: sharedTransport()}
	switch doer := c.options.doer.(type) {
	case nil:
	case *http.Client:
		*client = *doer
		if client.Transport == nil {
			client.Transport = http.DefaultTransport
		}
	default:
		if len(c.options.middleware) > 0 {
			return nil, failf("WithMiddleware needs an *http.Client, and WithHTTPClient was given a %T", doer)
		}
		once := &sendOnce{next: doerFunc(doer.Do), isDoer: true}
		return doerFunc(once.RoundTrip), nil
	}
	client.CheckRedirect = sameRequest(client.CheckRedirect)
	t, isHTTPTransport := client.Transport.(*http.Transport)
	client.Transport = &sendOnce{
		next:            client.Transport,
		isHTTPTransport: isHTTPTransport,
		cleartextHTTP2: isHTTPTransport && t.Protocols != nil &&
			t.Protocols.UnencryptedHTTP2() && !t.Protocols.HTTP1(),
	}
	for _, wrap := range slices.Backward(c.options.middleware) {
		if wrap == nil {
			return nil, failf("WithMiddleware was given nil")
		}
		if client.Transport = wrap(client.Transport); client.Transport == nil {
			return nil, failf("a wrapper of WithMiddleware returned nil")
		}
	}
	return client, nil
}

// proxyResponded names the proxy that refuses a connection, where net/http has
// only the text of its status.
func proxyResponded(_ context.Context, proxy *url.URL, _ *http.Request, rsp *http.Response) error {
	if rsp.StatusCode == http.StatusOK {
		return nil
	}
	return &failure{
		text:      fmt.Sprintf("the proxy %s refused the connection: %s", origin(proxy), rsp.Status),
		permanent: rsp.StatusCode < 500,
	}
}
