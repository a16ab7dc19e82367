//go:build soak

package feather_test

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featherhq/feather-go"
)

const haproxyConfig = `
global
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend in
	bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1
	default_backend out
backend out
	server service %s
`

// TestSoakBehindHAProxy has HTTP/2 in front of a service that acts on a request and hangs up:
// haproxy then resets the stream with REFUSED_STREAM, and hopes that the client tries again.
func TestSoakBehindHAProxy(t *testing.T) {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed: apt-get install haproxy")
	}
	hangingUp := map[string]string{
		"without a response":  "",
		"after half a head":   "HTTP/1.1 200 O",
		"after a 1xx":         "HTTP/1.1 103 Early Hints\r\n\r\n",
		"in the middle of it": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
	}
	for name, response := range hangingUp {
		t.Run(name, func(t *testing.T) {
			var acted atomic.Int64
			base, transport := startHAProxy(t, haproxy, serviceThatHangsUp(t, &acted, response))
			client := newClient(t, base, over(transport))
			for kind, body := range bodies {
				before := acted.Load()
				rsp, err := client.Request(t.Context(), "POST", "/v1/messages", body(), header("Idempotency-Key", "1"))
				if err == nil {
					_, err = io.ReadAll(rsp.Body)
					_ = rsp.Body.Close()
				}
				time.Sleep(3 * time.Second) // net/http would repeat it within that time.
				if got := acted.Load() - before; got != 1 || err == nil || errors.Is(err, feather.ErrNotSent) {
					t.Errorf("%s: acted %d times, error %v", kind, got, err)
				}
			}
		})
	}
}

// serviceThatHangsUp acts on each request, writes a response, and closes the connection.
func serviceThatHangsUp(t *testing.T, acted *atomic.Int64, response string) (address string) {
	return serveConns(t, func(conn net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			acted.Add(1)
			_, _ = io.WriteString(conn, response)
		}
	})
}

func startHAProxy(t *testing.T, haproxy, service string) (base string, transport *http.Transport) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	certificate := certified.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bundle := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	crt, config := filepath.Join(dir, "crt.pem"), filepath.Join(dir, "haproxy.cfg")
	text := fmt.Sprintf(haproxyConfig, port, crt, service)
	if err := errors.Join(os.WriteFile(crt, bundle, 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(haproxy, "-db", "-f", config)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 100 {
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	transport = feather.NewTransport()
	transport.TLSClientConfig = certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return fmt.Sprint("https://127.0.0.1:", port), transport
}
