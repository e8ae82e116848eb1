package transform_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// drawnApps are apps over a few keys that write different ones: each output is a table from the inputs, so anything
// from a chain to a loop happens.
func drawnApps(t *rapid.T) []*function {
	keys := []string{"public.a", "public.b", "n.c", "n.d", "n.e", "n.f"}
	var apps []*function
	for i, out := range rapid.Permutation(keys).Draw(t, "outputs")[:rapid.IntRange(1, 5).Draw(t, "apps")] {
		in := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, 3, rapid.ID[string]).Draw(t, "inputs")
		table := rapid.SliceOfN(rapid.SampledFrom([]string{"", "1", "2"}), 7, 7).Draw(t, "table")
		seed := rapid.IntRange(0, 6).Draw(t, "seed")
		a := app(text("app%d", i), strings.Join(in, " ")+" -> "+out, func(values transform.Values) transform.Values {
			sum := seed
			for k := range values.All() {
				sum = sum*3 + int(k.Name[0]) + int(values.Text(k)[0])
			}
			return vals(out + "=" + table[sum%7])
		})
		a.spec.RunOnCreate = rapid.Bool().Draw(t, "create")
		a.spec.Refresh = rapid.Bool().Draw(t, "refresh")
		apps = append(apps, a)
	}
	return apps
}

func drawnChange(t *rapid.T) transform.Values {
	v := transform.Values{}
	for _, name := range []string{"public.a", "public.b", "n.c"} {
		if rapid.Bool().Draw(t, "write "+name) {
			v.Put(key(name), transform.TextValue(rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, name)))
		}
	}
	return v
}

// TestOrderOfApps: apps that write different keys come to the same session, loops included, in whatever order they are
// configured and however quickly they answer.
func TestOrderOfApps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apps := drawnApps(t)
		shuffled := rapid.Permutation(apps).Draw(t, "order")
		one, err := transform.New(list(apps...), transform.Options{Rounds: 6})
		two, err2 := transform.New(list(shuffled...), transform.Options{Rounds: 6})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		var a, b transform.Result
		for i := range rapid.IntRange(1, 4).Draw(t, "requests") {
			change := transform.Change{Values: drawnChange(t), Created: i == 0, Marks: a.Marks}
			a, err = one.Run(t.Context(), a.Values, change)
			b, err2 = two.Run(t.Context(), b.Values, change)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			if !sameMaps(a.Values, b.Values) || !a.Marks.Equal(b.Marks) || a.Rounds != b.Rounds || !cmp.Equal(a.Loop, b.Loop) {
				t.Fatalf("%v\n%v\nmarks %v\n%v\nloops %v %v", plain(a.Values), plain(b.Values), a.Marks, b.Marks, a.Loop, b.Loop)
			}
		}
	})
}

// TestFixedPoint: where the rounds come to rest, one more request finds nothing to do, and calling each app once more
// changes nothing.
func TestFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		apps := drawnApps(t)
		e, err := transform.New(list(apps...), transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first, err := e.Run(t.Context(), nil, transform.Change{Values: drawnChange(t), Created: true})
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.Run(t.Context(), first.Values, transform.Change{Marks: first.Marks})
		if err != nil {
			t.Fatal(err)
		}
		if first.Loop != nil {
			return // settled without what the apps would say
		}
		if again.Edited || len(again.Changed) > 0 {
			t.Fatalf("edited %v, changed %v", again.Edited, again.Changed)
		}
		refreshed := slices.DeleteFunc(slices.Clone(apps), func(a *function) bool { return !a.spec.Refresh })
		if len(again.Calls) != len(refreshed) {
			t.Fatalf("%s, want %d calls", outcomes(again), len(refreshed))
		}
	})
}

// down says which apps fail. The zero value is none.
type down map[string]bool

// shop is a chain as real ones are: who is logged in, what they may have, what they see for it. Each output names what
// it was made from, so that a value that outlives its reason is seen.
func shop(failing down) []*function {
	say := func(to string, from ...string) func(context.Context, transform.Values) (transform.Values, error) {
		name, _, _ := strings.Cut(to, ".")
		return func(_ context.Context, in transform.Values) (transform.Values, error) {
			if failing[name] {
				return nil, errors.New("down")
			}
			var parts []string
			for _, k := range from {
				if v := in.Text(key(k)); v != "" {
					parts = append(parts, v)
				}
			}
			return vals(to + "=" + strings.Join(parts, "+")), nil
		}
	}
	make := func(name, to string, from ...string) *function {
		a := &function{spec: transform.Spec{Name: name, Input: declare(strings.Join(from, " ")), Output: declare(to)}}
		a.f = say(to, from...)
		return a
	}
	return []*function{
		make("authentication", "authentication.user", "cookie.auth"),
		make("profile", "profile.tables", "authentication.user", "public.storeUserEmail"),
		make("region", "region.id", "public.zip"),
		make("prices", "prices.list", "profile.tables", "region.id"),
	}
}

// TestFailuresNeverGrant: whatever fails whenever, no output names a customer or a word that the success path would not
// find in the session now, but a public word that was replaced; and what has recovered is as if it had never failed.
func TestFailuresNeverGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failing := down{}
		e, err := transform.New(list(shop(failing)...), transform.Options{})
		healthy, err2 := transform.New(list(shop(down{})...), transform.Options{})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		var got, want transform.Result
		for range rapid.IntRange(1, 8).Draw(t, "requests") {
			for _, name := range e.Names() {
				failing[name] = rapid.Bool().Draw(t, name+" is down")
			}
			change := transform.Change{Values: shopChange(t)}
			if user := rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "auth"); user != "" {
				change.Cookies = []transform.Cookie{{Name: "auth", Value: user}}
			}
			got, want = next(t, e, got, change), next(t, healthy, want, change)
			noMore(t, got.Values, want.Values)
		}
		clear(failing)
		if got = next(t, e, got, transform.Change{Cookies: cookiesIn(got.Values)}); !sameMaps(got.Values, want.Values) {
			t.Fatalf("recovered: %v\nwant %v", plain(got.Values), plain(want.Values))
		}
	})
}

func next(t *rapid.T, e *transform.Engine, last transform.Result, change transform.Change) transform.Result {
	change.Marks = last.Marks
	r, err := e.Run(t.Context(), last.Values, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func cookiesIn(v transform.Values) (list []transform.Cookie) {
	for name := range v["cookie"] {
		list = append(list, transform.Cookie{Name: name, Value: v.Text(key("cookie." + name))})
	}
	return list
}

func shopChange(t *rapid.T) transform.Values {
	v := transform.Values{}
	for name, texts := range map[string][]string{"public.storeUserEmail": {"", "ann@x", "bob@x"}, "public.zip": {"", "100", "200"}} {
		if rapid.Bool().Draw(t, "write "+name) {
			v.Put(key(name), transform.TextValue(rapid.SampledFrom(texts).Draw(t, name)))
		}
	}
	return v
}

// noMore compares with the session of the same shopper where nothing fails.
func noMore(t *rapid.T, got, want transform.Values) {
	t.Helper()
	for k, names := range map[string][]string{
		"authentication.user": {"cookie.auth"}, "profile.tables": {"authentication.user", "public.storeUserEmail"},
		"prices.list": {"authentication.user", "public.storeUserEmail", "public.zip"},
	} {
		allowed := map[string]bool{"": true}
		for _, name := range names {
			allowed[want.Text(key(name))] = true
		}
		for part := range strings.SplitSeq(got.Text(key(k)), "+") {
			zip := strings.HasSuffix(part, "00") && want.Get(key("public.zip")) != nil
			if !allowed[part] && !(zip && k == "prices.list") {
				t.Fatalf("%s is %q, the session is %v", k, got.Text(key(k)), plain(want))
			}
		}
	}
	if want.Get(key("public.zip")) == nil && got.Get(key("region.id")) != nil {
		t.Fatalf("a region %q without a postal code", got.Text(key("region.id")))
	}
}
