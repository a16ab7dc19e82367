package feather_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"

	"github.com/featherhq/feather-go"
)

func TestRedirectWithinTheOriginTakesTheBodyAlong(t *testing.T) {
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
	elsewhere := serve(
		t,
		func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s arrived with %v", r.Method, r.Header) },
	)
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

// TestHTTPClientKeepsWhatItAloneCanDo has cookies and the password of a base URL, which
// no transport sends.
func TestHTTPClientKeepsWhatItAloneCanDo(t *testing.T) {
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
	if err := ask(newClient(t, strings.Replace(server.URL, "//", "//me:secret@", 1))); err != nil || password != "secret" {
		t.Errorf("password %q, error %v", password, err)
	}
}
