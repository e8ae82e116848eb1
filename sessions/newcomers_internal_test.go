package sessions

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// refused gives the Retry-After of an admission that was refused.
func refused(t *testing.T, err error) time.Duration {
	t.Helper()
	var fault *Fault
	if !errors.As(err, &fault) || fault.Status != http.StatusTooManyRequests || fault.RetryAfter <= 0 {
		t.Fatalf("got %v, want a fault 429 that says when to come again", err)
	}
	return fault.RetryAfter
}

func TestNewcomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewcomers(0.5, 3)
		one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for range 3 {
			if err := n.admit(one); err != nil {
				t.Fatal(err)
			}
		}
		if wait := refused(t, n.admit(one)); wait != 2*time.Second {
			t.Errorf("wait %v, want 2s", wait)
		}
		if err := n.admit(other); err != nil {
			t.Errorf("another address: %v", err)
		}
		// Who was refused is none the worse for having asked.
		time.Sleep(2 * time.Second)
		if err := n.admit(one); err != nil {
			t.Errorf("after 2s: %v", err)
		}
		refused(t, n.admit(one))
	})
}

func TestNewcomersIPv6(t *testing.T) {
	n := newNewcomers(0.001, 1)
	f := func(address string, ok bool) {
		t.Helper()
		if err := n.admit(netip.MustParseAddr(address)); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	f("2001:db8::1", true)
	f("2001:db8::2", false) // one subscriber's /64
	f("2001:db8:0:1::1", true)
	f("192.0.2.1", true)
	f("::ffff:192.0.2.1", false)
	f("fe80::1%eth0", true)
	f("fe80::2%eth1", false)
}

func TestNewcomersUnbounded(t *testing.T) {
	n := newNewcomers(-1, 0)
	for range 10_000 {
		if err := n.admit(netip.Addr{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewcomersDefaults(t *testing.T) {
	f := func(perSecond float64, burst, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) { // where no time passes between two calls
			n := newNewcomers(perSecond, burst)
			admitted := 0
			for n.admit(netip.Addr{}) == nil {
				admitted++
			}
			if admitted != want {
				t.Errorf("%v per second: %d at once, want %d", perSecond, admitted, want)
			}
		})
	}
	f(0, 0, 1000)
	f(2, 0, 20)
	f(0.5, 0, 10)
	f(0.5, 3, 3)
}

func TestClientAddress(t *testing.T) {
	p := peers{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	f := func(remote, want string, forwarded ...string) {
		t.Helper()
		got := p.client(remote, forwarded)
		if fmt.Sprint(got) != want {
			t.Errorf("%s %q: got %v, want %s", remote, forwarded, got, want)
		}
	}
	// A stranger's word does not count.
	f("192.0.2.1:1", "192.0.2.1")
	f("192.0.2.1:1", "192.0.2.1", "203.0.113.5")
	f("[::ffff:192.0.2.1]:1", "192.0.2.1")
	// An edge's does, up to the first that is no proxy of ours.
	f("10.0.0.1:1", "203.0.113.5", "203.0.113.5")
	f("10.0.0.1:1", "203.0.113.5", "1.2.3.4, 203.0.113.5, 10.1.1.1")
	f("10.0.0.1:1", "203.0.113.5", "1.2.3.4", "203.0.113.5,10.1.1.1")
	f("[fd00::1]:1", "2001:db8::5", "2001:db8::5")
	f("10.0.0.1:1", "10.0.0.1")
	f("10.0.0.1:1", "10.0.0.9", "10.0.0.9") // a shopper within the house
	f("10.0.0.1:1", "10.0.0.9", "203.0.113.5, junk, 10.0.0.9")
	// A unix socket, a pipe.
	f("@", "203.0.113.5", "203.0.113.5")
	f("", "203.0.113.5", "203.0.113.5")
	f("pipe", "invalid IP")
}
