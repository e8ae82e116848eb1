package transform_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// after answers after a while, and heeds its context.
func after(d time.Duration, f func(transform.Values) transform.Values) func(context.Context, transform.Values) (transform.Values, error) {
	return func(ctx context.Context, in transform.Values) (transform.Values, error) {
		select {
		case <-time.After(d):
			return f(in), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// TestTimeouts: each app has its own, and a round lasts as long as its slowest.
func TestTimeouts(t *testing.T) {
	f := func(o transform.Options, own, takes, lasts time.Duration, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			slow := failing("slow", "public.x -> slow.x", after(takes, upper("slow")))
			slow.spec.Timeout = own
			quick := app("quick", "public.x -> quick.x", upper("quick"))
			s := newShopper(t, engine(t, o, slow, quick))
			began := time.Now()
			r := s.does("public.x=q")
			if got := time.Since(began); got != lasts {
				t.Errorf("it took %v, want %v", got, lasts)
			}
			wantOutcomes(t, r, "slow:"+want+" quick:ok")
			if s.values.Text(key("quick.x")) != "Q" || r.Calls[0].Took != lasts || r.Calls[1].Took != 0 {
				t.Errorf("%v, calls %+v", plain(s.values), r.Calls)
			}
			if late := want == "timeout"; late != errors.Is(r.Calls[0].Err, context.DeadlineExceeded) || late != s.marks["slow"].Pending {
				t.Errorf("error %v, marks %+v", r.Calls[0].Err, s.marks)
			}
		})
	}
	f(transform.Options{}, 0, 499*time.Millisecond, 499*time.Millisecond, "ok")
	f(transform.Options{}, 0, 501*time.Millisecond, 500*time.Millisecond, "timeout")
	f(transform.Options{}, 2*time.Second, time.Second, time.Second, "ok")
	f(transform.Options{}, time.Millisecond, time.Second, time.Millisecond, "timeout")
	f(transform.Options{Timeout: time.Minute}, 0, 4*time.Second, 3*time.Second, "timeout")
	f(transform.Options{Timeout: time.Minute, Deadline: time.Minute}, 0, 4*time.Second, 4*time.Second, "ok")
}

// TestDeafApp: one that does not heed its context is left behind, with what it gives in the end.
func TestDeafApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := failing("deaf", "public.x -> deaf.x", func(_ context.Context, in transform.Values) (transform.Values, error) {
			time.Sleep(time.Hour)
			in.Set(key("public.x"), nil)
			return vals("deaf.x=late"), nil
		})
		s := newShopper(t, engine(t, transform.Options{}, deaf))
		began := time.Now()
		wantOutcomes(t, s.does("public.x=1"), "deaf:timeout")
		if got := time.Since(began); got != 500*time.Millisecond {
			t.Errorf("it took %v", got)
		}
		time.Sleep(2 * time.Hour)
		s.has("public.x=1")
	})
}

// TestDeadline: what there is no time left for counts as failed, whether it was called or not.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Int64
		lagging := func(to string) func(context.Context, transform.Values) (transform.Values, error) {
			return func(ctx context.Context, in transform.Values) (transform.Values, error) {
				return after(time.Duration(slow.Load()), upper(to))(ctx, in)
			}
		}
		last := failing("d", "c.x -> d.x", lagging("d"))
		e := engine(t, transform.Options{Deadline: time.Second},
			failing("a", "user.x -> a.x", lagging("a")), failing("b", "a.x -> b.x", lagging("b")), failing("c", "b.x -> c.x", lagging("c")), last)
		s := newShopper(t, e)
		s.does("user.x=q")
		s.has("user.x=q", "a.x=Q", "b.x=Q", "c.x=Q", "d.x=Q")

		slow.Store(int64(400 * time.Millisecond))
		began := time.Now()
		r := s.does("user.x=r")
		if got := time.Since(began); got != time.Second {
			t.Errorf("it took %v", got)
		}
		wantOutcomes(t, r, "a:ok b:ok c:timeout d:timeout")
		s.has("user.x=r", "a.x=R", "b.x=R") // nothing of q is left
		if len(r.Calls) != 4 || r.Calls[3].Took != 0 || r.Calls[2].Took == 0 || r.Loop != nil || r.Rounds != 3 || last.calls.Load() != 1 {
			t.Errorf("calls %+v, loop %+v, %d rounds", r.Calls, r.Loop, r.Rounds)
		}

		slow.Store(0)
		wantOutcomes(t, s.does(), "c:ok d:ok d:ok")
		s.has("user.x=r", "a.x=R", "b.x=R", "c.x=R", "d.x=R")
	})
}

// TestDeadlineAtTheLastRound is not taken for a loop.
func TestDeadlineAtTheLastRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, transform.Options{Deadline: time.Second, Timeout: time.Minute, Rounds: 1},
			failing("a", "public.x -> a.x", after(2*time.Minute, upper("a"))), app("b", "public.x -> b.x", upper("b")), app("c", "b.x -> c.x", upper("c")))
		s := newShopper(t, e)
		r := s.does("public.x=q")
		wantOutcomes(t, r, "a:timeout b:ok c:timeout")
		if r.Loop != nil || !s.marks["c"].Pending {
			t.Errorf("loop %+v, marks %+v", r.Loop, s.marks)
		}
	})
}

// TestCallerGoesAway: the run ends with the caller's context, nothing comes of it, and no app is blamed for a client that
// hung up.
func TestCallerGoesAway(t *testing.T) {
	f := func(created bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			a := failing("a", "public.x -> a.x", after(400*time.Millisecond, upper("a")))
			a.spec.RunOnCreate = true
			e := engine(t, transform.Options{Observe: func(c transform.Call) { t.Errorf("blamed: %+v", c) }}, a)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			began := time.Now()
			r, err := e.Run(ctx, nil, transform.Change{Values: vals("public.x=q"), Created: created})
			if !errors.Is(err, context.Canceled) || r.Values != nil || time.Since(began) != 100*time.Millisecond {
				t.Errorf("%v, %+v after %v", err, r, time.Since(began))
			}
		})
	}
	f(false)
	f(true)
}

// TestCallersDeadline: one that is shorter than the Engine's ends the run as an error: there is nobody to answer.
func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, transform.Options{}, failing("a", "public.x -> a.x", after(400*time.Millisecond, upper("a"))))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if r, err := e.Run(ctx, nil, transform.Change{Values: vals("public.x=q")}); !errors.Is(err, context.DeadlineExceeded) || r.Values != nil {
			t.Errorf("%v, %+v", err, r)
		}
	})
}
