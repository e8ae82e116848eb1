package transform_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func wantLoop(t *testing.T, r transform.Result, apps, keys []string) {
	t.Helper()
	want := &transform.Loop{Apps: apps}
	for _, k := range keys {
		want.Keys = append(want.Keys, key(k))
	}
	if diff := cmp.Diff(want, r.Loop); diff != "" {
		t.Errorf("loop (-want +got):\n%s", diff)
	}
}

// TestLoopOfTwo: two apps that drive each other are cut, named and left without their values; and
// not called again until something changes.
func TestLoopOfTwo(t *testing.T) {
	grow := func(from, to string) func(transform.Values) transform.Values {
		return func(in transform.Values) transform.Values {
			n, _ := strconv.Atoi(in.Text(key(from)))
			return vals(to + "=" + strconv.Itoa(n+1))
		}
	}
	ping := app("ping", "public.start pong.n -> ping.n", grow("pong.n", "ping.n"))
	pong := app("pong", "ping.n -> pong.n", grow("ping.n", "pong.n"))
	calm := app("calm", "public.start -> calm.n", copyOf("public.start", "calm.n"))
	reader := app("reader", "pong.n -> reader.n", copyOf("pong.n", "reader.n"))
	s := newShopper(t, engine(t, transform.Options{Rounds: 5}, ping, pong, calm, reader))
	r := s.does("public.start=1")
	if r.Rounds != 5 {
		t.Errorf("%d rounds", r.Rounds)
	}
	wantLoop(t, r, []string{"ping", "pong", "reader"}, []string{"ping.n", "pong.n", "reader.n"})
	s.has("public.start=1", "calm.n=1")
	if r = s.does(); len(r.Calls) != 0 || r.Edited {
		t.Errorf("the next request: %+v", r)
	}
	if r = s.does("public.start=2"); r.Loop == nil {
		t.Error("the loop is not reported again")
	}
	s.has("public.start=2", "calm.n=2")
}

// TestLoopOfOne: an app that contradicts itself.
func TestLoopOfOne(t *testing.T) {
	flip := app("flip", "public.start flip.x -> flip.x", func(in transform.Values) transform.Values {
		if in.Get(key("flip.x")) == nil {
			return vals("flip.x=1")
		}
		return vals("flip.x=")
	})
	for rounds := 1; rounds <= 4; rounds++ {
		s := newShopper(t, engine(t, transform.Options{Rounds: rounds}, flip))
		r := s.does("public.start=1")
		wantLoop(t, r, []string{"flip"}, []string{"flip.x"})
		s.has("public.start=1")
		if calls := flip.calls.Swap(0); int(calls) != rounds {
			t.Errorf("%d calls in %d rounds", calls, rounds)
		}
	}
}

// TestLoopOverThePublic: what the caller wrote falls too, if the apps do not agree on it.
func TestLoopOverThePublic(t *testing.T) {
	up := app("up", "public.sc -> public.sc", func(in transform.Values) transform.Values {
		return vals("public.sc=" + in.Text(key("public.sc")) + "x")
	})
	s := newShopper(t, engine(t, transform.Options{}, up))
	r := s.does("public.sc=1")
	wantLoop(t, r, []string{"up"}, []string{"public.sc"})
	if r.Rounds != 8 {
		t.Errorf("%d rounds by default", r.Rounds)
	}
	s.has()
}

// TestAsManyRoundsAsNeeded: a chain that just fits is no loop, one round less is.
func TestAsManyRoundsAsNeeded(t *testing.T) {
	chain := []*function{
		app("a", "public.x -> a.x", upper("a")), app("b", "a.x -> b.x", upper("b")), app("c", "b.x -> c.x", upper("c")),
	}
	s := newShopper(t, engine(t, transform.Options{Rounds: 3}, chain...))
	if r := s.does("public.x=q"); r.Loop != nil {
		t.Errorf("loop %+v", r.Loop)
	}
	s.has("public.x=q", "a.x=Q", "b.x=Q", "c.x=Q")
	// What the last round changed and nobody reads has come to rest.
	chain = append(chain, app("side", "a.x -> side.x", upper("side")))
	s = newShopper(t, engine(t, transform.Options{Rounds: 2}, chain...))
	wantLoop(t, s.does("public.x=q"), []string{"c"}, []string{"b.x"})
	s.has("public.x=q", "a.x=Q", "side.x=Q")
}
