package transform_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestNewRefuses(t *testing.T) {
	f := func(o transform.Options, want string, specs ...transform.Spec) {
		t.Helper()
		var apps []transform.App
		for _, spec := range specs {
			apps = append(apps, &function{spec: spec})
		}
		e, err := transform.New(apps, o)
		if err == nil || e != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	in := transform.Declaration{"public": {"x"}}
	none := transform.Options{}
	f(transform.Options{Rounds: -1}, "-1 rounds")
	f(transform.Options{Timeout: -time.Second}, "a timeout of -1s")
	f(transform.Options{Deadline: -time.Second}, "a deadline of -1s")
	f(none, `app "a": the name is there twice`, transform.Spec{Name: "a", Input: in}, transform.Spec{Name: "a", Input: in})
	for _, name := range []string{"cookie", "public", "account"} {
		f(none, text("app %q: the name is reserved", name), transform.Spec{Name: name, Input: in})
	}
	for _, name := range []string{"", "a b", "a/b", "é", "a\n", strings.Repeat("a", 129)} {
		f(none, text("app %q: want a name", name), transform.Spec{Name: name, Input: in})
	}
	f(none, "a timeout of -1ns", transform.Spec{Name: "a", Input: in, Timeout: -1})
	f(none, `output: no app may write the namespace cookie`, transform.Spec{Name: "a", Input: in, Output: transform.Declaration{"cookie": {"x"}}})
	f(none, `output: no app may write the namespace account`, transform.Spec{Name: "a", Input: in, Output: transform.Declaration{"account": nil}})
	f(none, `app "a": input: cookie "(":`, transform.Spec{Name: "a", Input: transform.Declaration{"cookie": {"("}}})
	f(none, `input: "" is no name of a namespace`, transform.Spec{Name: "a", Input: transform.Declaration{"": {"x"}}})
	f(none, `input: "" is no key of public`, transform.Spec{Name: "a", Input: transform.Declaration{"public": {""}}})
	f(none, `is no key of a`, transform.Spec{Name: "a", Input: in, Output: transform.Declaration{"a": {strings.Repeat("k", 129)}}})
	f(none, "without an input it would never be called", transform.Spec{Name: "a", Output: in})
	f(none, "without an input it would never be called", transform.Spec{Name: "a", Input: transform.Declaration{"public": nil}})
}

// TestNewTellsAll: every fault at once, each with the app's name.
func TestNewTellsAll(t *testing.T) {
	_, err := transform.New(list(
		&function{spec: transform.Spec{Name: "one", Timeout: -1}},
		&function{spec: transform.Spec{Name: "two", Input: transform.Declaration{"cookie": {"("}}, Output: transform.Declaration{"cookie": {"x"}}}},
	), transform.Options{Rounds: -2})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"-2 rounds", `app "one": a timeout`, `app "one": without an input`, `app "two": output`, `app "two": input: cookie`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestNewTakes(t *testing.T) {
	f := func(spec transform.Spec) {
		t.Helper()
		if _, err := transform.New(list(&function{spec: spec}), transform.Options{}); err != nil {
			t.Error(err)
		}
	}
	f(transform.Spec{Name: "a", Input: transform.Declaration{"public": {"x", "x"}}})
	f(transform.Spec{Name: "a", Input: transform.Declaration{"cookie": {"x.*"}}})
	f(transform.Spec{Name: "acme.my-app_2", RunOnCreate: true})
	f(transform.Spec{Name: "a", Refresh: true})
	f(transform.Spec{Name: "a", Input: transform.Declaration{"account": {"id"}}, Output: transform.Declaration{"public": {"sc"}, "profile": {"priceTables"}}})
}

func TestEngineTells(t *testing.T) {
	e := engine(t, transform.Options{},
		app("one", "public.a cookie.c.* -> one.x public.sc profile.priceTables", nil),
		app("two", "public.a -> two.x public.sc", nil),
		app("three", "two.x -> public.sc profile.priceTables", nil),
	)
	if diff := cmp.Diff([]string{"one", "two", "three"}, e.Names()); diff != "" {
		t.Errorf("names: %s", diff)
	}
	if diff := cmp.Diff([]string{"cookie", "one", "profile", "public", "two"}, e.Namespaces()); diff != "" {
		t.Errorf("namespaces: %s", diff)
	}
	want := []transform.Overlap{
		{Key: key("profile.priceTables"), Apps: []string{"one", "three"}},
		{Key: key("public.sc"), Apps: []string{"one", "two", "three"}},
	}
	if diff := cmp.Diff(want, e.Overlaps()); diff != "" {
		t.Errorf("overlaps: %s", diff)
	}
	if none := engine(t, transform.Options{}); len(none.Overlaps())+len(none.Namespaces())+len(none.Names()) != 0 {
		t.Error("an engine without apps tells something")
	}
}
