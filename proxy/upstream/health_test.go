package upstream

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/tests/ports"
)

func TestRating(t *testing.T) {
	// + and - are checks, u and d what the rating says after them.
	f := func(rise, fall int, checks, want string) {
		t.Helper()
		var r rating
		var got strings.Builder
		for _, c := range checks {
			before := r.down
			if changed := r.observe(c == '+', rise, fall); changed != (r.down != before) {
				t.Errorf("%s: changed %v from %v to %v", checks, changed, before, r.down)
			}
			got.WriteByte("ud"[map[bool]int{true: 1}[r.down]])
		}
		if got.String() != want {
			t.Errorf("rise %d, fall %d, checks %s: %s instead of %s", rise, fall, checks, got.String(), want)
		}
	}
	f(2, 3, "+++", "uuu")
	f(2, 3, "--+--+---", "uuuuuuuud")
	f(2, 3, "---+-++", "uuddddu")
	f(1, 1, "-+-+", "dudu")
	f(3, 1, "-++-+++", "ddddddu")
}

// TestEjection: tries in a row without an answer put a server out, each time for
// longer; one answer forgets it all.
func TestEjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := threeServers(t)
		s := u.servers[0]
		fail := func(n int) {
			for range n {
				u.unanswered(s, false)
			}
		}
		outFor := func(want time.Duration) {
			t.Helper()
			if got := time.Until(s.skipped); got != want || s.inFlight != 0 {
				t.Errorf("out for %v instead of %v", got, want)
			}
			fail(100) // what was under way makes it no worse
			time.Sleep(want - time.Nanosecond)
			if !s.out(time.Now()) {
				t.Error("back before its time")
			}
			time.Sleep(time.Nanosecond)
			if s.out(time.Now()) {
				t.Error("not back in time")
			}
		}
		fail(ejectAfter - 1)
		u.answered(s)
		fail(ejectAfter - 1)
		if s.out(time.Now()) {
			t.Fatal("out too early")
		}
		fail(1)
		outFor(ejectFor)
		fail(1)
		outFor(2 * ejectFor)
		for range 10 {
			fail(1)
			time.Sleep(ejectMost)
		}
		fail(1)
		outFor(ejectMost)
		u.answered(s)
		fail(ejectAfter)
		outFor(ejectFor)
	})
}

// sick is an origin whose health checks a test decides.
type sick struct {
	*httptest.Server
	status atomic.Int64
	served atomic.Int64 // requests that were no checks

	mu   sync.Mutex
	host string // guarded by mu; of the last check
}

func newSick(t *testing.T) *sick {
	s := new(sick)
	s.status.Store(200)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/healthz?deep=1" {
			s.served.Add(1)
			return
		}
		s.mu.Lock()
		s.host = r.Host
		s.mu.Unlock()
		w.WriteHeader(int(s.status.Load()))
	}))
	t.Cleanup(s.Close)
	return s
}

// await waits for what the health checks bring about.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for: %s", what)
		}
	}
}

// TestHealthChecks: a server whose checks fail gets no requests until they go well
// again, and is asked all the same where there is no other.
func TestHealthChecks(t *testing.T) {
	a, b := newSick(t), newSick(t)
	u, err := New(Options{Name: "x", Servers: []string{a.URL, b.URL}, SlowStart: time.Nanosecond,
		Health: Health{Path: "/healthz?deep=1", Host: "shop.example", Interval: 5 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	down := func(i int) bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.servers[i].check.down
	}
	ask := func(n int) {
		t.Helper()
		for range n {
			resp, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "GET", Host: "h", Target: "/"})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	f := func(step string, wantA, wantB bool) {
		t.Helper()
		beforeA, beforeB := a.served.Load(), b.served.Load()
		ask(10)
		if gotA, gotB := a.served.Load() > beforeA, b.served.Load() > beforeB; gotA != wantA || gotB != wantB {
			t.Errorf("%s: a asked: %v, b asked: %v", step, gotA, gotB)
		}
	}
	f("both well", true, true)
	for _, status := range []int64{503, 404, 400} {
		a.status.Store(status)
		await(t, "a down", func() bool { return down(0) })
		f("a is down", false, true)
		a.status.Store(399)
		await(t, "a up", func() bool { return !down(0) })
		f("a is up", true, true)
	}
	a.status.Store(500)
	b.Config.SetKeepAlivesEnabled(false)
	b.status.Store(500)
	await(t, "both down", func() bool { return down(0) && down(1) })
	f("both down", true, true)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.host != "shop.example" {
		t.Errorf("Host %q", a.host)
	}
}

// TestHealthOfTheDead: a refused connection and a check that hangs are failures.
func TestHealthOfTheDead(t *testing.T) {
	hang := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer hung.Close()
	defer close(hang)
	u, err := New(Options{Name: "x", Servers: []string{hung.URL, "http://" + ports.Address(t)}, Health: Health{Path: "/", Interval: 20 * time.Millisecond, Fall: 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	await(t, "both down", func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.servers[0].check.down && u.servers[1].check.down
	})
}
