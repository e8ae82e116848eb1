package upstream

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWeight(t *testing.T) {
	c := midnight()
	f := func(after, slow time.Duration, want float64) {
		t.Helper()
		if got := (&server{back: c.at}).weight(c.at.Add(after), slow); got != want {
			t.Errorf("weight %v after %v of %v is not %v", got, after, slow, want)
		}
	}
	f(0, 10*time.Second, leastWeight)
	f(500*time.Millisecond, 10*time.Second, leastWeight)
	f(5*time.Second, 10*time.Second, 0.5)
	f(10*time.Second, 10*time.Second, 1)
	f(time.Hour, 10*time.Second, 1)
	f(-time.Second, 10*time.Second, leastWeight) // ejected still, and asked since there is no other
	f(0, 0, 1)
	if got := new(server).weight(c.at, time.Hour); got != 1 {
		t.Errorf("a server that never was out has weight %v", got)
	}
}

// share gives how many of n choices, none of which lasts, fall on s.
func share(u *Upstream, s *server, n int) (got int) {
	for range n {
		c := u.pick()
		if c == s {
			got++
		}
		u.put(c)
	}
	return got
}

// TestSlowStart: a server that was ejected gets little at first, more with time,
// and its full share in the end.
func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := threeServers(t)
		s := u.servers[1]
		f := func(step string, least, most int) {
			t.Helper()
			if got := share(u, s, 300); got < least || got > most {
				t.Errorf("%s: %d of 300, want %d to %d", step, got, least, most)
			}
		}
		f("before", 100, 100)
		for range ejectAfter {
			u.unanswered(s, false)
		}
		f("ejected", 0, 0)
		time.Sleep(ejectFor)
		f("back", 20, 30)
		time.Sleep(5 * time.Second)
		f("half-way", 60, 100)
		time.Sleep(5 * time.Second)
		f("in the end", 100, 100)
	})
}

// TestSlowStartAlone: where all servers start slowly, requests are still spread evenly.
func TestSlowStartAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := threeServers(t)
		for _, s := range u.servers {
			s.back = time.Now()
		}
		for _, s := range u.servers {
			if got := share(u, s, 300); got < 80 || got > 120 {
				t.Errorf("%d of 300", got)
			}
		}
	})
}
