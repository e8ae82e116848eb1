package upstream

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) move(d time.Duration) { c.at = c.at.Add(d) }

// midnight is where the tests of this package begin.
func midnight() *clock { return &clock{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

// drill is a breaker under test.
type drill struct {
	*testing.T
	*clock
	b *breaker
}

func newDrill(t *testing.T, ratio float64) *drill {
	return &drill{t, midnight(), newBreaker(Breaker{ErrorRatio: ratio, Window: 10 * time.Second, OpenFor: 5 * time.Second})}
}

// fetch runs n fetches that end with v, and fails unless they are admitted.
func (d *drill) fetch(n int, v verdict) (tripped bool) {
	d.Helper()
	for range n {
		t, wait, refused := d.b.admit(d.at)
		if refused {
			d.Fatalf("refused for %v", wait)
		}
		tripped = d.b.report(t, v, d.at)
	}
	return tripped
}

func (d *drill) is(want BreakerState) {
	d.Helper()
	if got := d.b.now(d.at); got != want {
		d.Fatalf("%s instead of %s", got, want)
	}
}

// refusedFor checks that nothing is let through for exactly this long.
func (d *drill) refusedFor(want time.Duration) {
	d.Helper()
	_, wait, refused := d.b.admit(d.at)
	if _, peek := d.b.refuses(d.at); !refused || !peek || wait != want {
		d.Fatalf("refused: %v and %v, for %v instead of %v", refused, peek, wait, want)
	}
}

// opened is a drill whose breaker has just opened.
func opened(t *testing.T) *drill {
	d := newDrill(t, 0.5)
	d.fetch(breakerVolume-1, saysIll)
	d.is(BreakerClosed)
	if !d.fetch(1, saysIll) {
		t.Fatal("the last failure did not trip it")
	}
	d.is(BreakerOpen)
	return d
}

func TestBreakerOpensForAWhile(t *testing.T) {
	d := opened(t)
	d.refusedFor(5 * time.Second)
	d.move(5*time.Second - 1)
	d.refusedFor(1)
	d.move(1)
	d.is(BreakerHalfOpen)
}

// TestBreakerRatio: the share counts, not the number, and only of the window.
func TestBreakerRatio(t *testing.T) {
	d := newDrill(t, 0.5)
	d.fetch(21, saysWell)
	d.fetch(20, saysIll)
	d.is(BreakerClosed)
	d.fetch(1, saysIll)
	d.is(BreakerOpen)

	d = newDrill(t, 0.5)
	d.fetch(9, saysIll)
	d.move(11 * time.Second)
	d.fetch(9, saysIll) // those before are forgotten
	d.is(BreakerClosed)

	d = newDrill(t, 1)
	d.fetch(1, saysWell)
	d.fetch(100, saysIll)
	d.is(BreakerClosed)
}

// TestBreakerSaysNothing: what shoppers broke off is no failure, and no success.
func TestBreakerSaysNothing(t *testing.T) {
	d := newDrill(t, 0.5)
	d.fetch(100, saysNothing)
	d.fetch(9, saysIll)
	d.is(BreakerClosed)
	d.fetch(1, saysIll)
	d.is(BreakerOpen)
}

func TestBreakerHalfOpen(t *testing.T) {
	probing := func() *drill {
		d := opened(t)
		d.move(5 * time.Second)
		return d
	}
	d := probing()
	d.fetch(breakerProbes-1, saysWell)
	d.is(BreakerHalfOpen)
	d.fetch(1, saysWell)
	d.is(BreakerClosed)
	d.fetch(breakerVolume-1, saysIll) // a new window
	d.is(BreakerClosed)

	d = probing()
	d.fetch(1, saysWell)
	if !d.fetch(1, saysIll) {
		t.Error("a probe that failed did not trip it")
	}
	d.refusedFor(5 * time.Second)

	d = probing()
	var open []ticket
	for range breakerProbes {
		leave, _, refused := d.b.admit(d.at)
		if refused {
			t.Fatal("a probe was refused")
		}
		open = append(open, leave)
	}
	d.refusedFor(probeAgain)
	d.b.report(open[0], saysNothing, d.at) // its place is free again
	d.fetch(1, saysWell)
	d.refusedFor(probeAgain)
	d.b.report(open[1], saysWell, d.at)
	d.b.report(open[2], saysWell, d.at)
	d.is(BreakerClosed)
}

// TestBreakerEras: a fetch that began before a change says nothing of what is after it.
func TestBreakerEras(t *testing.T) {
	d := newDrill(t, 0.5)
	early, _, _ := d.b.admit(d.at)
	late, _, _ := d.b.admit(d.at)
	d.fetch(breakerVolume, saysIll)
	d.is(BreakerOpen)
	d.b.report(early, saysWell, d.at)
	d.is(BreakerOpen)
	d.move(5 * time.Second)
	d.b.report(late, saysIll, d.at)
	d.is(BreakerHalfOpen)
	d.fetch(breakerProbes, saysWell)
	d.is(BreakerClosed)
}

func TestNoBreaker(t *testing.T) {
	b := newBreaker(Breaker{Window: time.Second, OpenFor: time.Second})
	now := midnight().at
	for range 100 {
		leave, _, refused := b.admit(now)
		if _, peek := b.refuses(now); refused || peek || b.report(leave, saysIll, now) {
			t.Fatal("a breaker that is none refuses")
		}
	}
	if got := b.now(now); got != BreakerClosed {
		t.Errorf("state %s", got)
	}
}

// TestBreakerNeverSticks: whatever happens, an upstream that is well again is asked
// again, and one that was not asked ill is never refused.
func TestBreakerNeverSticks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := midnight()
		b := newBreaker(Breaker{ErrorRatio: 0.5, Window: 10 * time.Second, OpenFor: 5 * time.Second})
		var open []ticket
		ill := 0
		end := func(v verdict) {
			b.report(open[0], v, c.at)
			open = open[1:]
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			c.move(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			if leave, _, refused := b.admit(c.at); !refused {
				open = append(open, leave)
			} else if ill < breakerVolume/2 && len(open) < breakerProbes {
				t.Fatalf("refused after %d failures", ill)
			}
			if len(open) > 0 && rapid.Bool().Draw(t, "one ends") {
				v := verdict(rapid.IntRange(0, 2).Draw(t, "verdict"))
				if v == saysIll {
					ill++
				}
				end(v)
			}
		}
		for len(open) > 0 {
			end(saysNothing)
		}
		c.move(5 * time.Second)
		for range breakerProbes {
			leave, wait, refused := b.admit(c.at)
			if refused {
				t.Fatalf("still refused, for %v", wait)
			}
			b.report(leave, saysWell, c.at)
		}
		if s := b.now(c.at); s != BreakerClosed {
			t.Fatalf("state %s", s)
		}
	})
}

// TestWindow compares a window with a list of all that was counted. It may be
// short by up to one step.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := midnight()
		w := window{step: time.Second}
		type event struct {
			at     time.Time
			marked int
		}
		var all []event
		since := func(span time.Duration) (n, marked int) {
			for _, e := range all {
				if c.at.Sub(e.at) < span {
					n++
					marked += e.marked
				}
			}
			return n, marked
		}
		for range rapid.IntRange(1, 100).Draw(t, "events") {
			c.move(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			marked := rapid.IntRange(0, 1).Draw(t, "marked")
			all = append(all, event{c.at, marked})
			w.add(c.at, marked)
			n, m := w.sum(c.at)
			leastN, leastM := since(9 * time.Second)
			mostN, mostM := since(10 * time.Second)
			if n < leastN || n > mostN || m < leastM || m > mostM {
				t.Fatalf("%d of %d marked, want %d..%d of %d..%d", m, n, leastM, mostM, leastN, mostN)
			}
		}
		c.move(time.Hour)
		if n, m := w.sum(c.at); n != 0 || m != 0 {
			t.Fatalf("an hour later %d, %d", n, m)
		}
	})
}
