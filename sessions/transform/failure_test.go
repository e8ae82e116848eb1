package transform_test

import (
	"context"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

// TestFailureKeepsOrClears is the rule of the package doc, case by case: a session in which the app succeeded,
// and a change at which it fails.
func TestFailureKeepsOrClears(t *testing.T) {
	f := func(name string, before, change []string, kept bool) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			a := newMoody("a", "public.zip public.storeUserEmail public.vtex-impersonated-customer-email profile.id -> a.out", func(transform.Values) transform.Values {
				return vals("a.out=gold")
			})
			s := newShopper(t, engine(t, transform.Options{}, a.function))
			s.does(before...)
			a.bad.Store(true)
			r := s.does(change...)
			wantOutcomes(t, r, "a:failed")
			if got := s.values.Text(key("a.out")); (got == "gold") != kept || (got == "") == kept {
				t.Errorf("out is %q, kept should be %v", got, kept)
			}
			if !s.marks["a"].Pending {
				t.Error("it is not due at the next request")
			}
			// Due at every request until it succeeds, without another change.
			wantOutcomes(t, s.does(), "a:failed")
			if got := s.values.Text(key("a.out")); (got == "gold") != kept {
				t.Errorf("a request later out is %q", got)
			}
			a.bad.Store(false)
			wantOutcomes(t, s.does(), "a:ok")
			if got := s.values.Text(key("a.out")); got != "gold" || s.marks["a"].Pending {
				t.Errorf("recovered: out is %q, marks %+v", got, s.marks)
			}
		})
	}
	zip, id := []string{"public.zip=1"}, []string{"public.zip=1", "profile.id=ann"}
	f("a public value replaced", zip, []string{"public.zip=2"}, true)
	f("a public value added", id, []string{"public.storeUserEmail=ann@x.org"}, true)
	f("a proof added", zip, []string{"profile.id=ann"}, true)
	f("a public value cleared", zip, []string{"public.zip="}, false)
	f("a public value cleared beside others", id, []string{"public.zip="}, false)
	f("a proof cleared", id, []string{"profile.id="}, false)
	f("a proof replaced", id, []string{"profile.id=bob"}, false)
	f("a proof replaced, and more said", id, []string{"profile.id=bob", "public.zip=2"}, false)
	f("an e-mail replaced", []string{"public.storeUserEmail=ann@x.org"}, []string{"public.storeUserEmail=bob@x.org"}, false)
	f("an impersonated customer replaced", []string{"public.vtex-impersonated-customer-email=a"}, []string{"public.vtex-impersonated-customer-email=b"}, false)
}

// TestFailureOfARefresh: nothing has changed, so what was true is.
func TestFailureOfARefresh(t *testing.T) {
	a := newMoody("a", "profile.id -> a.out", copyOf("profile.id", "a.out"))
	a.spec.Refresh = true
	s := newShopper(t, engine(t, transform.Options{}, a.function))
	s.does("profile.id=ann")
	a.bad.Store(true)
	if r := s.does(); !r.Edited { // the mark alone
		t.Error("nothing to store")
	}
	if r := s.does(); r.Edited {
		t.Error("the second failure changes nothing more")
	}
	s.has("profile.id=ann", "a.out=ann")
}

// TestFailuresInARow: the rule holds over steps of which none succeeds.
func TestFailuresInARow(t *testing.T) {
	a := newMoody("a", "public.zip profile.id -> a.out", copyOf("profile.id", "a.out"))
	s := newShopper(t, engine(t, transform.Options{}, a.function))
	s.does("profile.id=ann", "public.zip=1")
	a.bad.Store(true)
	s.does("public.zip=2")
	s.has("profile.id=ann", "public.zip=2", "a.out=ann")
	s.does("profile.id=bob")
	s.has("profile.id=bob", "public.zip=2")
	s.does("profile.id=ann") // back, but the app has not said so
	s.has("profile.id=ann", "public.zip=2")
}

// TestFailureDownAChain: the log-out of who was logged in clears what hangs on it, though every app is down; and the
// next customer has nothing of theirs.
func TestFailureDownAChain(t *testing.T) {
	login := newMoody("login", "cookie.auth -> user.id", copyOf("cookie.auth", "user.id"))
	profile := newMoody("profile", "user.id -> profile.priceTables", copyOf("user.id", "profile.priceTables"))
	prices := newMoody("prices", "profile.priceTables public.zip -> prices.x", copyOf("profile.priceTables", "prices.x"))
	for name, next := range map[string][]transform.Cookie{"logged out": nil, "another": {{Name: "auth", Value: "bob"}}} {
		s := newShopper(t, engine(t, transform.Options{}, login.function, profile.function, prices.function))
		s.cookie = []transform.Cookie{{Name: "auth", Value: "ann"}}
		s.does("public.zip=1")
		s.has("cookie.auth=ann", "user.id=ann", "profile.priceTables=ann", "prices.x=ann", "public.zip=1")
		for _, m := range []*moody{login, profile, prices} {
			m.bad.Store(true)
		}
		s.cookie = next
		s.does()
		want := []string{"public.zip=1"}
		if next != nil {
			want = append(want, "cookie.auth=bob")
		}
		s.has(want...)
		for _, m := range []*moody{profile, login, prices} {
			m.bad.Store(false)
		}
		s.does()
		if next != nil {
			want = append(want, "user.id=bob", "profile.priceTables=bob", "prices.x=bob")
		}
		t.Run(name, func(t *testing.T) { s.has(want...) })
	}
}

// TestFailureClearsOnlyWhatItGave: not what it might have given, nor what the caller writes in the same change.
func TestFailureClearsOnlyWhatItGave(t *testing.T) {
	a := newMoody("a", "user.id -> public.sc public.regionId profile.priceTables", func(in transform.Values) transform.Values {
		return vals("public.sc="+in.Text(key("user.id")), "public.regionId="+in.Text(key("user.id")))
	})
	s := newShopper(t, engine(t, transform.Options{}, a.function))
	s.does("user.id=7", "profile.priceTables=by-the-backend")
	s.has("user.id=7", "profile.priceTables=by-the-backend", "public.sc=7", "public.regionId=7")
	a.bad.Store(true)
	s.does("user.id=", "public.sc=2")
	s.has("public.sc=2", "profile.priceTables=by-the-backend")
}

// TestFailureSparesWhatItTookBack: a key that the app cleared is no longer its own.
func TestFailureSparesWhatItTookBack(t *testing.T) {
	a := newMoody("a", "public.zip -> a.out", func(in transform.Values) transform.Values {
		if in.Text(key("public.zip")) == "1" {
			return vals("a.out=mine")
		}
		return vals("a.out=")
	})
	s := newShopper(t, engine(t, transform.Options{}, a.function))
	s.does("public.zip=1")
	s.has("public.zip=1", "a.out=mine")
	s.does("public.zip=2")
	s.does("a.out=theirs")
	a.bad.Store(true)
	s.does("public.zip=")
	s.has("a.out=theirs")
}

// TestFailureAfterSuccessInOneRun: the last call counts, not the last request.
func TestFailureAfterSuccessInOneRun(t *testing.T) {
	login := app("login", "cookie.auth -> user.id", copyOf("cookie.auth", "user.id"))
	calls := 0
	second := failing("second", "cookie.auth user.id -> second.x", func(_ context.Context, in transform.Values) (transform.Values, error) {
		if calls++; calls%2 == 0 {
			return nil, errMood
		}
		return vals("second.x=" + in.Text(key("cookie.auth"))), nil
	})
	s := newShopper(t, engine(t, transform.Options{}, login, second))
	s.cookie = []transform.Cookie{{Name: "auth", Value: "ann"}}
	wantOutcomes(t, s.does(), "login:ok second:ok second:failed")
	s.has("cookie.auth=ann", "user.id=ann", "second.x=ann") // user.id was added
	s.cookie[0].Value = "bob"
	calls = 0
	wantOutcomes(t, s.does(), "login:ok second:ok second:failed")
	s.has("cookie.auth=bob", "user.id=bob") // user.id was ann's when second answered
}

// TestFailureOnCreate: the first round tries again.
func TestFailureOnCreate(t *testing.T) {
	a := failing("a", "public.x -> a.x", func(_ context.Context, in transform.Values) (transform.Values, error) {
		if len(in) == 0 {
			return nil, errMood
		}
		return vals("a.x=1"), nil
	})
	a.spec.RunOnCreate = true
	r, err := engine(t, transform.Options{}, a).Run(t.Context(), nil, transform.Change{Created: true, Values: vals("public.x=1")})
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, r, "a:failed a:ok")
	if r.Marks["a"].Pending {
		t.Error("still due")
	}
}

// TestFailureDoesNotLiftARefusal: it is not the app's word.
func TestFailureDoesNotLiftARefusal(t *testing.T) {
	guard := failing("guard", "public.sc user.id -> guard.x", func(_ context.Context, in transform.Values) (transform.Values, error) {
		if in.Get(key("user.id")) != nil {
			return nil, errMood
		}
		return nil, &transform.Refusal{Status: 401, Of: key("public.sc")}
	})
	s := newShopper(t, engine(t, transform.Options{}, guard, app("login", "public.sc -> user.id", copyOf("public.sc", "user.id"))))
	if r, err := s.try("public.sc=3"); err == nil {
		t.Errorf("stored: %+v", r)
	}
}

// TestFailureOfOneOutput: an output that is no JSON fails the call as a whole. What it was to replace is another's, and the
// outputs beside it are half of an answer.
func TestFailureOfOneOutput(t *testing.T) {
	bad := false
	a := app("a", "profile.id -> a.out a.privacy", func(in transform.Values) transform.Values {
		out := vals("a.out="+in.Text(key("profile.id")), "a.privacy=private")
		if bad {
			out["a"]["privacy"] = []byte(`"private`)
		}
		return out
	})
	s := newShopper(t, engine(t, transform.Options{}, a))
	s.does("profile.id=ann")
	bad = true
	wantOutcomes(t, s.does("profile.id=bob"), "a:failed")
	s.has("profile.id=bob")
	bad = false
	wantOutcomes(t, s.does(), "a:ok")
	s.has("profile.id=bob", "a.out=bob", "a.privacy=private")
}
