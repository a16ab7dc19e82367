package feather_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/featherhq/feather-go"
)

func TestRedirectWithinTheOriginKeepsTheBody(t *testing.T) {
	var body, key string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusTemporaryRedirect)
			return
		}
		b := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(b)
		body, key = string(b), r.Header.Get("x-api-key")
	})
	if err := ask(newClient(t, server.URL)); err != nil {
		t.Fatal(err)
	}
	if body != `{"content":"hello"}` || key != testKey {
		t.Errorf("after the redirect: body %q, key %q", body, key)
	}
}

func TestRedirectToAnotherOriginIsRefused(t *testing.T) {
	elsewhere := serve(t,
		func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s arrived with %v", r.Method, r.Header) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		tries := 0
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			tries++
			http.Redirect(w, r, elsewhere.URL+"/stolen", status)
		})
		for name, opts := range map[string][]feather.ClientOption{
			"New's client":  nil,
			"another":       {feather.WithHTTPClient(http.DefaultClient)},
			"its own rules": {feather.WithHTTPClient(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }})},
		} {
			tries = 0
			err := ask(newClient(t, server.URL, opts...))
			if err == nil || !strings.Contains(err.Error(), server.URL) ||
				!strings.Contains(err.Error(), elsewhere.URL) {
				t.Errorf("%d, %s: error %v, want one that names both origins", status, name, err)
			}
			if tries != 1 {
				t.Errorf("%d, %s: %d tries", status, name, tries)
			}
		}
	}
	if http.DefaultClient.CheckRedirect != nil {
		t.Error("the caller's http.Client was modified")
	}
}

func TestOwnRedirectPolicyIsKept(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://other.example/", http.StatusTemporaryRedirect)
	})
	hc := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	err := ask(newClient(t, server.URL, feather.WithHTTPClient(hc)))
	var apiErr *feather.APIError
	if !errors.As(err, &apiErr) || apiErr.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("error %v, want the 307 itself", err)
	}

	server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	})
	if err := ask(newClient(t, server.URL)); err == nil ||
		!strings.Contains(err.Error(), "stopped after 10 redirects") {
		t.Errorf("an endless redirect: error %v", err)
	}
}

// TestRedirectThatWouldChangeTheMethodIsRefused has a server that acts on a message
// and then sends the client to a page, in every way that HTTP has for it.
func TestRedirectThatWouldChangeTheMethodIsRefused(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		var methods []string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			methods = append(methods, r.Method)
			if r.URL.Path != "/login" {
				http.Redirect(w, r, "/login", status)
				return
			}
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		err := ask(newClient(t, server.URL))
		want := "refusing the redirect from POST " + server.URL + " to GET " + server.URL
		if len(methods) != 1 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, error %v", status, methods, err)
		}
	}
	var methods []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if methods = append(methods, r.Method); r.URL.Path != "/moved" {
			http.Redirect(w, r, "/moved", http.StatusFound)
		}
	})
	rsp, err := newClient(t, server.URL).Request(t.Context(), "GET", "/", nil)
	if err != nil || !slices.Equal(methods, []string{"GET", "GET"}) {
		t.Fatalf("a GET: %v, error %v", methods, err)
	}
	_ = rsp.Body.Close()
}

// TestLocationThatIsNoURLIsTriedOnce: the server has responded.
func TestLocationThatIsNoURLIsTriedOnce(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		tries := 0
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			tries++
			w.Header().Set("Location", "http://[no")
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		_, err := newClient(t, server.URL).Request(t.Context(), method, "/", nil)
		want := "feather: " + method + " /: 307 Temporary Redirect: failed to parse Location header"
		if tries != 1 || err == nil || !strings.HasPrefix(err.Error(), want) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %d tries, error %v", method, tries, err)
		}
	}
}

// TestRedirectWhoseBodyTricklesIsFollowed has a body of which a byte comes every second.
func TestRedirectWhoseBodyTricklesIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		transport := feather.NewTransport()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			isFirst := first
			first = false
			go func() {
				defer far.Close()
				if _, err := http.ReadRequest(bufio.NewReader(far)); err != nil {
					return
				}
				if !isFirst {
					_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					return
				}
				_, err := io.WriteString(far, "HTTP/1.1 307 Moved\r\nLocation: /moved\r\nContent-Length: 1000\r\n\r\n")
				for err == nil {
					time.Sleep(time.Second)
					_, err = io.WriteString(far, "x")
				}
			}()
			return near, nil
		}
		client := newClient(t, "http://localhost", over(transport))
		start := time.Now()
		rsp, err := client.Request(t.Context(), "GET", "/", nil)
		if took := time.Since(start); err != nil || took > 6*time.Second {
			t.Fatalf("error %v after %v", err, took)
		}
		_ = rsp.Body.Close()
		transport.CloseIdleConnections()
		time.Sleep(10 * time.Second) // The server finds out, and the timer of the redirect ends.
	})
}

// TestHTTPClientKeepsItsOwnFields has cookies and the password of a base URL, which
// no transport sends.
func TestHTTPClientKeepsItsOwnFields(t *testing.T) {
	var cookie, password string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cookie = r.Header.Get("Cookie")
		_, password, _ = r.BasicAuth()
		http.SetCookie(w, &http.Cookie{Name: "route", Value: "a"})
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL, feather.WithHTTPClient(&http.Client{Jar: jar}))
	for range 2 {
		if err := ask(client); err != nil {
			t.Fatal(err)
		}
	}
	if cookie != "route=a" {
		t.Errorf("the second call sent the cookie %q", cookie)
	}
	if err := ask(newClient(t, strings.Replace(server.URL, "//", "//me:secret@", 1))); err != nil ||
		password != "secret" {
		t.Errorf("password %q, error %v", password, err)
	}
}
