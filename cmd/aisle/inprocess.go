package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
)

// inProcess is a listener that only this process can reach: each connection is a pair of sockets without a name. So the
// embedded sidecar is asked as a remote one is, and nobody else on the machine can ask it.
type inProcess struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newInProcess() *inProcess {
	return &inProcess{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// dial makes a connection.
func (l *inProcess) dial(ctx context.Context) (net.Conn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket pair: %w", err)
	}
	ours, err := connOf(fds[0])
	theirs, err2 := connOf(fds[1])
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	select {
	case l.accepted <- theirs:
		return ours, nil
	case <-l.closed:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	ours.Close()
	theirs.Close()
	return nil, err
}

// connOf takes a descriptor over.
func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "sessions")
	defer f.Close() // the connection has a copy
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("socket pair: %w", err)
	}
	return c, nil
}

// Accept implements net.Listener.
func (l *inProcess) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *inProcess) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *inProcess) Addr() net.Addr { return &net.UnixAddr{Name: "in-process", Net: "unix"} }

// unasked knows the connections to a server on which nothing has been asked yet. http.Server.Shutdown waits five seconds for
// each, since a request may be on its way. Of ours most are spare ones of a pool: session requests have ended, or go to the
// successor. A page whose segment is asked for at this moment is made without it.
type unasked struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func newUnasked() *unasked { return &unasked{conns: map[net.Conn]struct{}{}} }

// note is http.Server.ConnState.
func (u *unasked) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, c)
	case u.closed:
		_ = c.Close() // its server sees it
	default:
		u.conns[c] = struct{}{}
	}
}

func (u *unasked) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for c := range u.conns {
		_ = c.Close()
	}
}
