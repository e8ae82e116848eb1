package acceptance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/tests/ports"
)

// soon is a timeout under test; a failure by it must come after soon and, by a
// wide margin for a busy machine, before late.
const (
	soon = 100 * time.Millisecond
	late = 5 * time.Second
)

// inTime runs f and checks how long it took.
func inTime(t *testing.T, atLeast time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took < atLeast || took > late {
		t.Errorf("took %v, not between %v and %v", took, atLeast, late)
	}
}

// closedPort is a server that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	return "http://" + ports.Address(t)
}

func (s suite) connectRefused(t *testing.T) {
	err := fails(t, s.transport(t, []string{closedPort(t)}, Options{}), get("/"), cache.ReasonConnect)
	if !errors.Is(err, syscall.ECONNREFUSED) || err.Server == "" {
		t.Errorf("error %v of server %q", err, err.Server)
	}
}

// unknownName: the name is reserved (RFC 2606), so that no resolver knows it.
func (s suite) unknownName(t *testing.T) {
	fails(t, s.transport(t, []string{"http://nowhere.invalid:80"}, Options{}), get("/"), cache.ReasonConnect)
}

// connectTimeout: a listener whose queue is full does not answer further SYNs.
func (s suite) connectTimeout(t *testing.T) {
	address := fullListener(t)
	transport := s.transport(t, []string{"http://" + address}, Options{Connect: soon})
	inTime(t, soon, func() { fails(t, transport, get("/"), cache.ReasonTimeout) })
}

// fullListener gives the address of a listener with no room for connections.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}).String()
	for range 64 {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this system's listener took 64 connections into a queue of none")
	return ""
}

// headTimeout: the time runs until the head is whole.
func (s suite) headTimeout(t *testing.T) {
	f := func(name, begin string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(begin); c.AwaitEnd() })
			transport := s.transport(t, []string{o.URL()}, Options{FirstByte: soon})
			inTime(t, soon, func() { fails(t, transport, get("/"), cache.ReasonTimeout) })
		})
	}
	f("nothing", "")
	f("half a status line", "HTTP/1.1 2")
	f("half a head", "HTTP/1.1 200 OK\r\nX: y\r\n")
	f("interim answer only", "HTTP/1.1 103 Early Hints\r\n\r\n")
}

// idleBody: silence within a body is a timeout, and the connection is dropped.
func (s suite) idleBody(t *testing.T) {
	f := func(name, answer string) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(answer); c.AwaitEnd() })
			resp := fetch(t, s.transport(t, []string{o.URL()}, Options{Idle: soon}), get("/"))
			inTime(t, soon, func() {
				b, err := io.ReadAll(resp.Body)
				if string(b) != "hell" {
					t.Errorf("body %q", b)
				}
				because(t, err, cache.ReasonTimeout)
			})
		})
	}
	f("length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
	f("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n")
	f("until close", "HTTP/1.1 200 OK\r\n\r\nhell")
}

// slowSteady: a body has no deadline as a whole; it takes several times the idle
// timeout here. The origin's pace is the behaviour under test.
func (s suite) slowSteady(t *testing.T) {
	const idle, pace, pieces = time.Second, 150 * time.Millisecond, 10
	o := Listen(t, func(c *Conn) {
		c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
		for range pieces {
			time.Sleep(pace)
			c.Write("x")
		}
	})
	resp := fetch(t, s.transport(t, []string{o.URL()}, Options{FirstByte: idle, Idle: idle}), get("/"))
	if got := whole(t, resp); len(got) != pieces {
		t.Errorf("body %q", got)
	}
}

// slowReader: the idle timeout is the server's; a reader may take its time. The
// body is larger than any buffer, so that a connection given up shows.
func (s suite) slowReader(t *testing.T) {
	const size, idle = 16 << 20, 5 * soon
	answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	o := Listen(t, func(c *Conn) { c.Answer(answer) })
	resp := fetch(t, s.transport(t, []string{o.URL()}, Options{Idle: idle}), get("/"))
	p := make([]byte, 1)
	if n, err := resp.Body.Read(p); n != 1 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	time.Sleep(2 * idle) // the reader's pace is the behaviour under test
	if got := whole(t, resp); len(got) != size-1 {
		t.Errorf("rest of %d bytes", len(got))
	}
}

// reset: an end or a RST before the head is whole, and a RST within the body.
func (s suite) reset(t *testing.T) {
	f := func(name string, script Script) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, script)
			if err := fails(t, s.one(t, o), get("/"), cache.ReasonReset); err.Server != o.Address() {
				t.Errorf("server %q", err.Server)
			}
		})
	}
	f("closed before the request", func(c *Conn) {})
	f("closed after the request", func(c *Conn) { c.Head() })
	f("reset after the request", func(c *Conn) { c.Head(); c.Reset() })
	f("closed within the status line", func(c *Conn) { c.Answer("HTTP/1.1 20") })
	f("closed within the head", func(c *Conn) { c.Answer("HTTP/1.1 200 OK\r\nX: y\r\nConte") })
	f("closed after an interim answer", func(c *Conn) { c.Answer("HTTP/1.1 100 Continue\r\n\r\n") })
	t.Run("within the body", func(t *testing.T) {
		arrived := make(chan struct{})
		o := Listen(t, func(c *Conn) {
			c.Answer("HTTP/1.1 200 OK\r\n\r\nhell")
			c.Await(arrived)
			c.Reset()
		})
		resp := fetch(t, s.one(t, o), get("/"))
		var got bytes.Buffer
		if _, err := io.CopyN(&got, resp.Body, 4); err != nil {
			t.Fatal(err)
		}
		close(arrived)
		_, err := got.ReadFrom(resp.Body)
		because(t, err, cache.ReasonTruncated)
		if !errors.Is(err, io.ErrUnexpectedEOF) || got.String() != "hell" {
			t.Errorf("body %q, %v", got.String(), err)
		}
	})
}

// cancelled: the caller's context bounds the head and the body, and its error is
// in ours.
func (s suite) cancelled(t *testing.T) {
	f := func(name, answer string, cancelInBody bool) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(bounded(t))
			defer cancel()
			o := Listen(t, func(c *Conn) {
				c.Answer(answer)
				if !cancelInBody {
					cancel()
				}
				c.AwaitEnd()
			})
			transport := s.one(t, o)
			if !cancelInBody {
				if err := failsUnder(t, ctx, transport, get("/"), cache.ReasonReset); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v", err)
				}
				return
			}
			resp, err := transport.Fetch(ctx, get("/"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			time.AfterFunc(soon, cancel) // most likely while Read blocks
			if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
				t.Errorf("body ended with %v", err)
			}
		})
	}
	f("before the head", "", false)
	f("within the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true)
}

// deadline: the caller's own.
func (s suite) deadline(t *testing.T) {
	f := func(name, answer string, check func(ctx context.Context, transport cache.Origin) error) {
		t.Run(name, func(t *testing.T) {
			o := Listen(t, func(c *Conn) { c.Answer(answer); c.AwaitEnd() })
			ctx, cancel := context.WithTimeout(bounded(t), 3*soon)
			defer cancel()
			inTime(t, 2*soon, func() {
				if err := because(t, check(ctx, s.one(t, o)), cache.ReasonTimeout); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
	f("before the head", "", func(ctx context.Context, transport cache.Origin) error {
		_, err := transport.Fetch(ctx, get("/"))
		return err
	})
	f("within the body", "HTTP/1.1 200 OK\r\n\r\nhell", func(ctx context.Context, transport cache.Origin) error {
		resp, err := transport.Fetch(ctx, get("/"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	})
}
