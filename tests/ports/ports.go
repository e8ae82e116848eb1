// Package ports gives tests the ports of loopback on which the programs that they start are to listen. One that is found
// by listening on 127.0.0.1:0 and closing may be anybody's before the program has it: the system gives it again to another
// test, or to an outgoing connection. What is given here is nobody else's until the test is over.
package ports

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// Free gives a port of 127.0.0.1 that nobody listens on. Until the test is over no other call gives it, in any process of
// the machine, and neither does the system.
func Free(t testing.TB) int {
	t.Helper()
	port, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// Address gives a port as Free does, as in 127.0.0.1:12345.
func Address(t testing.TB) string {
	t.Helper()
	return address(Free(t))
}

// Take gives a port as Free does, until release is called or the process ends.
func Take() (port int, release func(), err error) {
	text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range") // there on Linux alone
	return draw(span(string(text)))
}

const (
	least = 10_000 // below it are the ports of well-known servers
	last  = 65_535
	// enough ports are so many that tests side by side seldom draw the same.
	enough = 2_000
	// The first port that the system gives to connections where it does not tell: Linux's own, and others begin later.
	firstGiven = 32_768
	// tries are how often a port is drawn. They fail all only where something else is wrong than that ports are taken.
	tries = 1_000
)

// span gives the first port to draw and the one after the last, beside those that the system chooses from, which text
// tells as Linux does.
func span(text string) (first, end int) {
	var low, high int
	if _, err := fmt.Sscan(text, &low, &high); err != nil {
		return least, firstGiven
	}
	switch {
	case low-least >= enough:
		return least, low
	case last-high >= enough:
		return max(least, high+1), last + 1
	default: // a machine set up to give nearly all; tests keep out of each other's way nevertheless
		return least, firstGiven
	}
}

func draw(first, end int) (port int, release func(), err error) {
	for range tries {
		port = first + rand.IntN(end-first)
		if release, err = take(port); err == nil {
			return port, release, nil
		}
	}
	return 0, nil, fmt.Errorf("no port from %d to %d can be had, after %d tries: %w", first, end-1, tries, err)
}

// take holds a port, and only then looks whether somebody listens: who holds it may be about to.
func take(port int) (release func(), err error) {
	held, err := hold(runtime.GOOS, port)
	if err != nil {
		return nil, err
	}
	release = func() { _ = held.Close() } // nothing was written to it
	if err := vacant(port); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// hold keeps a port's number by a socket that only one process can have. The kernel ends it with the process, and needs no
// file for it: on Linux it has an abstract name, which belongs to a network namespace as the port does; elsewhere it is the
// port of UDP.
func hold(system string, port int) (io.Closer, error) {
	if system == "linux" {
		return net.Listen("unix", "@aisle-port-"+strconv.Itoa(port))
	}
	return net.ListenPacket("udp", address(port))
}

// vacant fails where a program listens that had its port from elsewhere.
func vacant(port int) error {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
