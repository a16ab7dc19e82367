package feathertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/featherhq/feather-go"
)

// memory is a listener without a network, and the transport that leads to it. All it waits
// for are channels, which testing/synctest knows of.
type memory struct {
	conns     chan net.Conn
	closed    chan struct{}
	isClosed  atomic.Bool // for a client that is used in another bubble, which no channel may enter
	transport *http.Transport
}

func newMemory() *memory {
	m := &memory{conns: make(chan net.Conn), closed: make(chan struct{}), transport: feather.NewTransport()}
	m.transport.DialContext = m.dial
	return m
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if m.isClosed.Load() {
		return nil, m.dialError()
	}
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, m.dialError()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) dialError() error {
	return &net.OpError{
		Op:   "dial",
		Net:  "memory",
		Addr: m.Addr(),
		Err:  errors.New("the server of feathertest is closed"),
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	if !m.isClosed.Swap(true) {
		close(m.closed)
	}
	return nil
}

// Addr is a loopback address, to which a key may go without TLS.
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
