package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy"
)

// listenError is an address that cannot be listened on.
type listenError struct {
	key string // of the configuration
	err error
}

func (e *listenError) Error() string { return fmt.Sprintf("%s: %v", e.key, e.err) }

// Unwrap gives the system's error.
func (e *listenError) Unwrap() error { return e.err }

// listen opens host:port or unix:/path.
func listen(key, address string) (net.Listener, error) {
	path, isSocket := strings.CutPrefix(address, "unix:")
	if !isSocket {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, &listenError{key, err}
		}
		return l, nil
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(path) {
		_ = os.Remove(path) // if it fails, so does the next line
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, &listenError{key, err}
	}
	return l, nil
}

// abandoned says that a process which did not end in order left this socket: nobody answers.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// newFront makes what stands before HTTP on a listener. Its error names the file at fault.
func newFront(key string, l *config.Listener, logger *slog.Logger) (proxy.Front, error) {
	f := proxy.Front{ProxyProtocol: l.ProxyProtocol}
	if len(l.TLS.Files) == 0 {
		return f, nil
	}
	var err error
	if f.TLS, err = proxy.NewCertificates(l.TLS, logger); err != nil {
		return proxy.Front{}, fmt.Errorf("%s.tls: %w", key, err)
	}
	return f, nil
}
