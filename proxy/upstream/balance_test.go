package upstream

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream/acceptance"
	"github.com/aislecache/aisle/tests/ports"
)

// threeServers is an upstream that is asked for choices only. Addresses need no
// look-up, so that nothing runs behind it.
func threeServers(t interface{ Fatal(...any) }) *Upstream {
	u, err := New(Options{Name: "x", Servers: []string{"http://10.0.0.1", "http://10.0.0.2", "http://10.0.0.3"}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// chosen says whether s is among the choices of two rounds.
func chosen(u *Upstream, s *server) bool {
	got := false
	for range 2 * len(u.servers) {
		c := u.pick()
		got = got || c == s
		u.put(c)
	}
	return got
}

// TestSkip: a server that could not be connected to comes last for a second,
// and only while there is another.
func TestSkip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := threeServers(t)
		a, b, c := u.servers[0], u.servers[1], u.servers[2]
		f := func(step string, wants bool) {
			t.Helper()
			if got := chosen(u, a); got != wants {
				t.Errorf("%s: a was chosen: %v", step, got)
			}
		}
		f("all well", true)
		u.unanswered(a, true)
		f("at once", false)
		time.Sleep(skipFor - 1)
		f("just before the end", false)
		time.Sleep(time.Nanosecond)
		f("after it", true)
		u.unanswered(a, true)
		u.unanswered(b, true)
		u.unanswered(c, true)
		f("nobody is well", true)
	})
}

// TestFailureSkips: only a server that cannot be connected to is skipped.
func TestFailureSkips(t *testing.T) {
	up := acceptance.Listen(t, func(c *acceptance.Conn) { c.Head() })
	u, err := New(Options{Name: "x", Servers: []string{"http://" + ports.Address(t), up.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	_, err = u.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"})
	if oe, ok := errors.AsType[*cache.OriginError](err); !ok || oe.Reason != cache.ReasonReset || oe.Server != up.Address() {
		t.Errorf("error %v", err)
	}
	for i, skipped := range []bool{true, false} {
		if s := u.servers[i]; s.skipped.IsZero() == skipped || s.inFlight != 0 {
			t.Errorf("server %d: skipped until %v, %d in flight", i, s.skipped, s.inFlight)
		}
	}
}

// TestPick: the chosen server never has more fetches in flight than another, is
// never the one to avoid, and equal ones take turns.
func TestPick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := threeServers(t)
		var open []*server
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(open) > 0 && rapid.Bool().Draw(t, "end one") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				u.put(open[i])
				open = append(open[:i], open[i+1:]...)
				continue
			}
			not := rapid.SampledFrom(append(u.servers[:len(u.servers):len(u.servers)], nil)).Draw(t, "not")
			s := u.pick(not)
			if s == not {
				t.Fatal("the server to avoid was chosen")
			}
			for _, other := range u.servers {
				if other != not && other.inFlight < s.inFlight-1 {
					t.Fatalf("chosen with %d in flight, another has %d", s.inFlight-1, other.inFlight)
				}
			}
			open = append(open, s)
		}
	})
	u := threeServers(t)
	seen := make(map[*server]int)
	for range 9 {
		s := u.pick()
		u.put(s)
		seen[s]++
	}
	for s, n := range seen {
		if n != 3 {
			t.Errorf("server %s was chosen %d times of 9 among equals", s.url.Host, n)
		}
	}
}

func TestPickAlone(t *testing.T) {
	u, err := New(Options{Name: "x", Servers: []string{"http://10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	only := u.pick()
	if other := u.pick(only); other != nil {
		t.Errorf("another server than the only one: %s", other.url)
	}
	if only.inFlight != 1 {
		t.Errorf("%d in flight", only.inFlight)
	}
}
