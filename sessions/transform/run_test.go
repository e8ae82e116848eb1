package transform_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

// TestRounds: a change runs down a chain, and an app is called once for each time that its inputs change.
func TestRounds(t *testing.T) {
	one := app("one", "public.a -> one.b", copyOf("public.a", "one.b"))
	two := app("two", "one.b -> two.c", copyOf("one.b", "two.c"))
	three := app("three", "public.a two.c -> three.d", copyOf("two.c", "three.d"))
	s := newShopper(t, engine(t, transform.Options{}, three, two, one)) // against the order of the chain

	r := s.does("public.a=1", "public.other=x")
	s.has("public.a=1", "public.other=x", "one.b=1", "two.c=1", "three.d=1")
	wantOutcomes(t, r, "three:ok one:ok two:ok three:ok")
	if r.Rounds != 3 || r.Loop != nil || !r.Edited {
		t.Errorf("%d rounds, loop %v, edited %v", r.Rounds, r.Loop, r.Edited)
	}
	if rounds := []int{r.Calls[0].Round, r.Calls[1].Round, r.Calls[2].Round, r.Calls[3].Round}; !cmp.Equal(rounds, []int{1, 1, 2, 3}) {
		t.Errorf("in rounds %d", rounds)
	}
	want := []transform.Key{key("one.b"), key("public.a"), key("public.other"), key("three.d"), key("two.c")}
	if diff := cmp.Diff(want, r.Changed); diff != "" {
		t.Errorf("changed: %s", diff)
	}

	if r = s.does("public.a=1", "public.other=y"); len(r.Calls) != 0 || r.Rounds != 0 || !r.Edited || len(r.Changed) != 1 {
		t.Errorf("a value that nobody reads: %+v", r)
	}
	if r = s.does(); r.Edited || r.Changed != nil || len(r.Calls) != 0 {
		t.Errorf("no change: %+v", r)
	}
	s.does("public.a=")
	s.has("public.other=y")
}

// TestInputs: all declared inputs that have a value, changed or not, and nothing else; cookies by their patterns.
func TestInputs(t *testing.T) {
	var got transform.Values
	a := app("a", "public.x public.y cookie.auth_.* -> a.out", func(in transform.Values) transform.Values {
		got = in
		in.Set(key("public.secret"), transform.TextValue("mine")) // it has maps of its own
		return nil
	})
	b := app("b", "cookie.basket -> b.out", copyOf("cookie.basket", "b.out"))
	s := newShopper(t, engine(t, transform.Options{}, a, b))
	s.cookie = []transform.Cookie{{Name: "auth_acme", Value: "old"}, {Name: "basket", Value: "9"}, {Name: "tracker", Value: "z"},
		{Name: "", Value: "nameless"}, {Name: "auth_none", Value: ""}, {Name: "auth_acme", Value: "t"}}
	s.does("public.x=1", "public.secret=s", "private.y=2")
	wantValues(t, "inputs of a", got, vals("public.x=1", "cookie.auth_acme=t", "public.secret=mine"))
	s.has("public.x=1", "public.secret=s", "private.y=2", "cookie.auth_acme=t", "cookie.basket=9", "b.out=9")

	got = nil
	s.does("public.y=3")
	wantValues(t, "inputs of a, one of them changed", got, vals("public.x=1", "public.y=3", "cookie.auth_acme=t", "public.secret=mine"))

	got, s.cookie = nil, s.cookie[1:2]
	r := s.does()
	wantValues(t, "inputs of a, logged out", got, vals("public.x=1", "public.y=3", "public.secret=mine"))
	wantOutcomes(t, r, "a:ok")
	s.cookie = nil
	s.does()
	s.has("public.x=1", "public.y=3", "public.secret=s", "private.y=2")
}

// TestCookiesCannotBeWritten: only the request's own cookies are in the namespace.
func TestCookiesCannotBeWritten(t *testing.T) {
	s := newShopper(t, engine(t, transform.Options{}, app("a", "cookie.auth -> a.user", copyOf("cookie.auth", "a.user"))))
	if r := s.does("cookie.auth=forged", "public.x=1"); len(r.Calls) != 0 {
		t.Errorf("calls %+v", r.Calls)
	}
	s.has("public.x=1")
}

// TestCleared: who wants to know is shown what a request takes away, as long as it runs; everybody else is not.
func TestCleared(t *testing.T) {
	var seen []map[string]string
	one := app("one", "public.a public.b cookie.c -> one.x", func(in transform.Values) transform.Values {
		seen = append(seen, plain(in))
		return nil
	})
	one.spec.Cleared, one.spec.Refresh, one.spec.RunOnCreate = true, true, true
	e := engine(t, transform.Options{}, one)
	f := func(change transform.Change, want ...string) {
		t.Helper()
		seen = nil
		_, err := e.Run(t.Context(), vals("public.b=2"), change)
		if err != nil || !cmp.Equal(seen[len(seen)-1], plain(vals(want...))) {
			t.Errorf("seen %v, %v, want %v", seen, err, want)
		}
		if change.Created && len(seen[0]) > 0 {
			t.Errorf("a new session has %v", seen[0])
		}
	}
	f(transform.Change{}, "public.b=2")
	f(transform.Change{Values: vals("public.a=", "public.b=", "public.other=", "cookie.c=")}, "public.a=", "public.b=")
	f(transform.Change{Values: transform.Values{"public": {"a": json.RawMessage("null")}}, Created: true}, "public.a=", "public.b=2")
	one.spec.Cleared = false
	e = engine(t, transform.Options{}, one)
	f(transform.Change{Values: vals("public.a=")}, "public.b=2")
}

// TestOutputs: what is not declared is dropped and counted; a key left out leaves what was; empty values clear.
func TestOutputs(t *testing.T) {
	var reply transform.Values
	s := newShopper(t, engine(t, transform.Options{}, app("a", "public.x -> a.one a.two public.y", func(transform.Values) transform.Values { return reply })))
	f := func(write, outcome string, dropped int, gives transform.Values, want ...string) {
		t.Helper()
		reply = gives
		r := s.does("public.x=" + write)
		wantOutcomes(t, r, outcome)
		if r.Calls[0].Dropped != dropped {
			t.Errorf("%d dropped, want %d", r.Calls[0].Dropped, dropped)
		}
		s.has(append(want, "public.x="+write)...)
	}
	f("1", "a:ok", 0, vals("a.one=1", "a.two=2", "public.y=3"), "a.one=1", "a.two=2", "public.y=3")
	f("2", "a:ok", 0, vals("a.one=5"), "a.one=5", "a.two=2", "public.y=3")
	f("3", "a:dropped", 3, vals("a.three=5", "public.x=9", "cookie.auth=8", "a.two=7"), "a.one=5", "a.two=7", "public.y=3")
	f("4", "a:ok", 0, vals("a.one=", "public.y="), "a.two=7")
	f("5", "a:ok", 0, transform.Values{"a": {"two": json.RawMessage("null")}})
	f("6", "a:failed", 0, transform.Values{"a": {"two": json.RawMessage("{")}})
	reply = transform.Values{"a": {"one": json.RawMessage(`{"any":[1,true]}`)}}
	s.does("public.x=7")
	wantValues(t, "values of any type", s.values, transform.Values{"a": {"one": json.RawMessage(`{"any":[1,true]}`)}, "public": {"x": json.RawMessage(`"7"`)}})
}

// TestMergeOrder: in one round the later app in the configuration wins, whoever answers first.
func TestMergeOrder(t *testing.T) {
	first := make(chan struct{})
	slow := app("slow", "public.x -> public.sc", func(transform.Values) transform.Values { <-first; return vals("public.sc=slow") })
	quick := app("quick", "public.x -> public.sc", func(transform.Values) transform.Values { defer close(first); return vals("public.sc=quick") })
	s := newShopper(t, engine(t, transform.Options{}, slow, quick))
	s.does("public.x=1")
	s.has("public.x=1", "public.sc=quick")

	first = make(chan struct{})
	s = newShopper(t, engine(t, transform.Options{}, quick, slow))
	s.does("public.x=1")
	s.has("public.x=1", "public.sc=slow")
}

// TestAllAtOnce: each of the affected apps waits for the others to be called.
func TestAllAtOnce(t *testing.T) {
	var all sync.WaitGroup
	all.Add(3)
	meet := func(transform.Values) transform.Values { all.Done(); all.Wait(); return nil }
	r := newShopper(t, engine(t, transform.Options{}, app("a", "public.x", meet), app("b", "public.x", meet), app("c", "public.x", meet))).does("public.x=1")
	wantOutcomes(t, r, "a:ok b:ok c:ok")
}

// TestCreate: apps with RunOnCreate get empty inputs, then what the caller writes stands over what they gave.
func TestCreate(t *testing.T) {
	var seen []string
	starter := app("starter", "public.sc account.id -> public.sc starter.n", func(in transform.Values) transform.Values {
		seen = append(seen, in.Text(key("public.sc")))
		if len(in) == 0 {
			return vals("public.sc=1", "starter.n=empty")
		}
		return vals("starter.n=" + in.Text(key("account.id")))
	})
	starter.spec.RunOnCreate = true
	idle := app("idle", "public.other -> idle.n", upper("idle"))
	e := engine(t, transform.Options{}, starter, idle)
	before := vals("account.id=acme")
	run := func(words ...string) transform.Result {
		t.Helper()
		seen = nil
		r, err := e.Run(t.Context(), before, transform.Change{Created: true, Values: vals(words...)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run("public.sc=3")
	wantValues(t, "with sc", r.Values, vals("public.sc=3", "starter.n=acme", "account.id=acme"))
	if !cmp.Equal(seen, []string{"", "3"}) || r.Calls[0].Round != 0 || r.Calls[1].Round != 1 || r.Rounds != 1 {
		t.Errorf("seen %q, calls %+v, %d rounds", seen, r.Calls, r.Rounds)
	}
	r = run()
	wantValues(t, "without", r.Values, vals("public.sc=1", "starter.n=acme", "account.id=acme"))
	wantValues(t, "the session before", before, vals("account.id=acme"))
	wantOutcomes(t, r, "starter:ok starter:ok")

	// A session that is older than the app gets it at the next request.
	r, err := e.Run(t.Context(), vals("account.id=acme"), transform.Change{})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, r, "starter:ok")
}

// TestCreateWithNothing: empty inputs alone are a whole life.
func TestCreateWithNothing(t *testing.T) {
	starter := app("starter", "public.sc -> starter.n", func(transform.Values) transform.Values { return vals("starter.n=1") })
	starter.spec.RunOnCreate = true
	r, err := engine(t, transform.Options{}, starter).Run(t.Context(), nil, transform.Change{Created: true})
	if err != nil || r.Rounds != 0 || starter.calls.Load() != 1 {
		t.Errorf("%v, %d rounds, %d calls", err, r.Rounds, starter.calls.Load())
	}
	wantValues(t, "new", r.Values, vals("starter.n=1"))
}

// TestRefresh: an app that looks things up elsewhere is called at every request, once.
func TestRefresh(t *testing.T) {
	revoked := false
	audience := app("audience", "public.x -> audience.in", func(transform.Values) transform.Values {
		if revoked {
			return vals("audience.in=")
		}
		return vals("audience.in=vip")
	})
	audience.spec.Refresh = true
	s := newShopper(t, engine(t, transform.Options{}, audience))
	s.does()
	s.has("audience.in=vip")
	if r := s.does(); r.Edited || audience.calls.Load() != 2 || r.Rounds != 1 {
		t.Errorf("edited %v, %d calls, %d rounds", r.Edited, audience.calls.Load(), r.Rounds)
	}
	revoked = true
	s.does()
	s.has()
}

// TestNewcomers: an app that is new, or declares something else, sees sessions that were there before; what an app gave
// that is gone, or no longer gives it, goes.
func TestNewcomers(t *testing.T) {
	s := newShopper(t, engine(t, transform.Options{}, app("old", "public.x -> old.x shared.y", func(in transform.Values) transform.Values {
		return vals("old.x="+in.Text(key("public.x")), "shared.y=old")
	})))
	s.does("public.x=1", "public.z=2")
	s.has("public.x=1", "public.z=2", "old.x=1", "shared.y=old")

	s.engine = engine(t, transform.Options{}, app("new", "public.x -> new.x", upper("new")), app("idle", "public.none -> idle.x", upper("idle")))
	r := s.does()
	wantOutcomes(t, r, "new:ok")
	s.has("public.x=1", "public.z=2", "new.x=1")
	if _, ok := s.marks["old"]; ok || len(s.marks) != 1 || !r.Edited {
		t.Errorf("marks %+v, edited %v", s.marks, r.Edited)
	}

	s.engine = engine(t, transform.Options{}, app("new", "public.x public.z -> new.z", copyOf("public.z", "new.z")))
	wantOutcomes(t, s.does(), "new:ok")
	s.has("public.x=1", "public.z=2", "new.z=2")
	if r := s.does(); len(r.Calls) != 0 || r.Edited {
		t.Errorf("settled: %+v", r)
	}
}

// TestOrphanWithAnHeir: a key that another app gave as well stays when one of them is gone.
func TestOrphanWithAnHeir(t *testing.T) {
	gone := app("gone", "public.x -> shared.y", func(transform.Values) transform.Values { return vals("shared.y=1") })
	stays := app("stays", "public.x -> shared.y", func(transform.Values) transform.Values { return vals("shared.y=2") })
	s := newShopper(t, engine(t, transform.Options{}, gone, stays))
	s.does("public.x=1")
	s.engine = engine(t, transform.Options{}, stays)
	s.does()
	s.has("public.x=1", "shared.y=2")
}

// TestRefusal: nothing of the change is seen, the last word counts, and a refusal of what is not said now is withheld.
func TestRefusal(t *testing.T) {
	guard := failing("guard", "public.sc user.id -> guard.channel", func(_ context.Context, in transform.Values) (transform.Values, error) {
		switch sc := in.Text(key("public.sc")); {
		case sc == "" || sc == "1" || in.Text(key("user.id")) == "member":
			return vals("guard.channel=" + sc), nil
		default:
			return vals("guard.channel=default"), &transform.Refusal{Status: 401, Reason: "no", Of: key("public.sc")}
		}
	})
	login := app("login", "cookie.auth -> user.id", copyOf("cookie.auth", "user.id"))
	s := newShopper(t, engine(t, transform.Options{}, guard, login))
	refused := func(words ...string) {
		t.Helper()
		before := s.values.Clone()
		r, err := s.try(words...)
		var refusal *transform.Refusal
		if !errors.As(err, &refusal) || refusal.Status != 401 || err.Error() != "no" || r.Values != nil {
			t.Errorf("%q: %v, %+v", words, err, r)
		}
		wantValues(t, "after a refusal", s.values, before)
	}
	s.does("public.sc=1")
	refused("public.sc=3", "public.x=1")
	s.has("public.sc=1", "guard.channel=1")

	s.cookie = []transform.Cookie{{Name: "auth", Value: "member"}}
	r := s.does("public.sc=3") // known only in the second round
	wantOutcomes(t, r, "guard:refused login:ok guard:ok")
	s.has("public.sc=3", "guard.channel=3", "cookie.auth=member", "user.id=member")

	s.cookie = nil
	refused("public.sc=3")
	wantOutcomes(t, s.does(), "login:ok guard:withheld")
	s.has("public.sc=3", "guard.channel=default")
	wantOutcomes(t, s.does(), "guard:withheld") // each time, until it is settled
	refused("public.sc=3")                      // stated again, unchanged: the request's own wish now
	s.does("public.sc=1")
	if r := s.does(); len(r.Calls) != 0 {
		t.Errorf("settled: %+v", r.Calls)
	}
}

// TestRefusalWithoutKey refuses the request as a whole, also of a new session.
func TestRefusalWithoutKey(t *testing.T) {
	guard := failing("guard", "public.x -> guard.x", func(context.Context, transform.Values) (transform.Values, error) {
		return nil, &transform.Refusal{Status: 403, Reason: "never"}
	})
	guard.spec.RunOnCreate = true
	e := engine(t, transform.Options{}, guard)
	for _, change := range []transform.Change{{Created: true}, {Values: vals("public.x=1")}} {
		_, err := e.Run(t.Context(), nil, change)
		var refusal *transform.Refusal
		if !errors.As(err, &refusal) || refusal.Status != 403 {
			t.Errorf("%+v: %v", change, err)
		}
	}
}

// TestRunLeavesItsArguments: what the session was, and the change, are as they were.
func TestRunLeavesItsArguments(t *testing.T) {
	e := engine(t, transform.Options{}, app("a", "public.x cookie.c -> a.x public.y", func(in transform.Values) transform.Values {
		return vals("a.x="+in.Text(key("public.x")), "public.y=")
	}))
	before := vals("public.x=1", "public.y=1", "cookie.c=1", "a.x=0")
	change := transform.Change{Values: vals("public.x=2", "public.z="), Cookies: []transform.Cookie{{Name: "c", Value: "2"}}}
	r, err := e.Run(t.Context(), before, change)
	if err != nil {
		t.Fatal(err)
	}
	wantValues(t, "result", r.Values, vals("public.x=2", "cookie.c=2", "a.x=2"))
	r.Values.Set(key("public.x"), nil)
	wantValues(t, "before", before, vals("public.x=1", "public.y=1", "cookie.c=1", "a.x=0"))
	if !sameMaps(change.Values, transform.Values{"public": {"x": transform.TextValue("2"), "z": transform.TextValue("")}}) {
		t.Errorf("the change is now %v", plain(change.Values))
	}
}

// TestConcurrentRuns: one engine, many sessions at once.
func TestConcurrentRuns(t *testing.T) {
	e := engine(t, transform.Options{}, app("a", "public.x -> a.x", upper("a")), app("b", "a.x -> b.x", upper("b")))
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			r, err := e.Run(t.Context(), nil, transform.Change{Values: vals(text("public.x=s%d", i))})
			if want := text("S%d", i); err != nil || r.Values.Text(key("b.x")) != want {
				t.Errorf("%v, %v; want %s", plain(r.Values), err, want)
			}
		})
	}
	all.Wait()
}
