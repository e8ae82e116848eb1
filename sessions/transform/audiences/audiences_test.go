package audiences_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/audiences"
)

var campaigns = transform.Key{Namespace: "rnb", Name: "campaigns"}

// vals makes Values of words "ns.key=text".
func vals(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		namespace, key, _ := strings.Cut(name, ".")
		v.Put(transform.Key{Namespace: namespace, Name: key}, transform.TextValue(text))
	}
	return v
}

func newApp(t testing.TB, o audiences.Options) *audiences.Audiences {
	t.Helper()
	a, err := audiences.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// sketch are the audiences of the configuration's sketch.
func sketch() []audiences.Audience {
	return []audiences.Audience{
		{ID: "9a2e", Name: "black friday", When: `public.utm_campaign == "black friday"`},
		{ID: "7f1c", Name: "vip", When: `profile.email endsWith "@vip.example"`, Priority: 10, From: day("1999-01-01"), Until: day("2100-01-01")},
	}
}

func TestTransform(t *testing.T) {
	f := func(o audiences.Options, want string, words ...string) {
		t.Helper()
		out, err := newApp(t, o).Transform(t.Context(), vals(words...))
		if err != nil || out.Text(campaigns) != want || len(out) != 1 || len(out["rnb"]) != 1 {
			t.Errorf("%q: %v, %v; want %q", words, out, err, want)
		}
	}
	two := audiences.Options{Audiences: sketch()}
	f(two, "")
	f(two, "7f1c", "profile.email=ann@vip.example")
	f(two, "9a2e", "public.utm_campaign=black friday", "profile.email=ann@x.example")
	f(two, "7f1c,9a2e", "public.utm_campaign=black friday", "profile.email=ann@vip.example")
	f(audiences.Options{}, "")

	one := audiences.Options{Audiences: sketch(), Limit: 1}
	f(one, "7f1c", "public.utm_campaign=black friday", "profile.email=ann@vip.example")
	f(one, "9a2e", "public.utm_campaign=black friday")

	// What cannot be evaluated grants nothing, and keeps nobody out of the other audiences.
	odd := audiences.Options{Audiences: append(sketch(), audiences.Audience{ID: "odd", When: `not (int(public.age) > 17)`})}
	f(odd, "7f1c", "public.age=secret", "profile.email=ann@vip.example")
	f(odd, "odd", "public.age=3")
}

// TestTimes: the bounds themselves, and beside them.
func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		app := newApp(t, audiences.Options{Audiences: []audiences.Audience{
			{ID: "a", When: "true", From: start.Add(time.Hour), Until: start.Add(2 * time.Hour)},
			{ID: "b", When: "true", From: start.Add(90 * time.Minute)},
			{ID: "c", When: "true", Until: start.Add(90 * time.Minute)},
		}})
		f := func(after time.Duration, want string) {
			t.Helper()
			time.Sleep(time.Until(start.Add(after)))
			out, err := app.Transform(t.Context(), nil)
			if err != nil || out.Text(campaigns) != want {
				t.Errorf("after %v: %q, %v; want %q", after, out.Text(campaigns), err, want)
			}
		}
		f(0, "c")
		f(time.Hour-1, "c")
		f(time.Hour, "a,c")
		f(90*time.Minute-1, "a,c")
		f(90*time.Minute, "a,b")
		f(2*time.Hour-1, "a,b")
		f(2*time.Hour, "b")
	})
}

// TestEndsAtTheNextCall: in an Engine, by a request that changes nothing.
func TestEndsAtTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, audiences.Options{Audiences: []audiences.Audience{
			{ID: "a", When: `public.utm_campaign == "x"`, From: time.Now().Add(time.Hour), Until: time.Now().Add(2 * time.Hour)},
		}})
		engine, err := transform.New([]transform.App{app}, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var state transform.Values
		var marks transform.Marks
		f := func(want string, words ...string) {
			t.Helper()
			r, err := engine.Run(t.Context(), state, transform.Change{Values: vals(words...), Marks: marks, Created: marks == nil})
			if err != nil || r.Values.Text(campaigns) != want {
				t.Errorf("%q, %v; want %q", r.Values.Text(campaigns), err, want)
			}
			state, marks = r.Values, r.Marks
		}
		f("", "public.utm_campaign=x")
		time.Sleep(time.Hour)
		f("a")
		time.Sleep(time.Hour - 1)
		f("a")
		time.Sleep(time.Nanosecond)
		f("")
		if _, there := state["rnb"]; there {
			t.Errorf("left over: %v", state)
		}
	})
}

// TestNewConfiguration: the next call answers by new audiences, though the inputs are the same.
func TestNewConfiguration(t *testing.T) {
	run := func(id string, state transform.Values, marks transform.Marks) transform.Result {
		t.Helper()
		app := newApp(t, audiences.Options{Audiences: []audiences.Audience{{ID: id, When: `public.a != ""`}}})
		engine, err := transform.New([]transform.App{app}, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := engine.Run(t.Context(), state, transform.Change{Values: vals("public.a=1"), Marks: marks})
		if err != nil || r.Values.Text(campaigns) != id {
			t.Errorf("%v, %v; want %s", r.Values, err, id)
		}
		return r
	}
	r := run("old", nil, nil)
	run("new", r.Values, r.Marks)
}

func TestSpec(t *testing.T) {
	spec := newApp(t, audiences.Options{
		Audiences: append(sketch(), audiences.Audience{ID: "x", When: `$env["my-app"].tier == "gold"`}),
		Known:     []transform.Declaration{{"my-app": {"tier"}}},
	}).Spec()
	want := transform.Spec{
		Name: "rnb", Refresh: true, Output: transform.Declaration{"rnb": {"campaigns"}},
		Input: transform.Declaration{"public": {"utm_campaign"}, "profile": {"email"}, "my-app": {"tier"}},
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, o := range []audiences.Options{{}, {Audiences: sketch()}} {
		if err := newApp(t, o).Spec().Validate(); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestNewGivesEveryFault(t *testing.T) {
	_, err := audiences.New(audiences.Options{Limit: -1, Audiences: []audiences.Audience{
		{ID: "", When: "true"},
		{ID: "a,b", When: "true"},
		{ID: strings.Repeat("x", 65), When: "true"},
		{ID: "twice", When: "true"},
		{ID: "twice", When: "true"},
		{ID: "times", When: "true", From: day("2030-01-01"), Until: day("2030-01-01")},
		{ID: "typo", When: `profile.mail == ""`},
		{ID: "type", When: `profile.email`},
		{ID: "empty"},
		{ID: "self", When: `rnb.campaigns == ""`},
		{ID: "two", When: `now() > now()`, From: day("2031-01-01"), Until: day("2030-01-01")},
	}})
	if err == nil {
		t.Fatal("all is well")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		"rnb.limit: -1 is not", `rnb.audiences[0].id: "": want`, `rnb.audiences[1].id: "a,b": want`, `rnb.audiences[2].id: "xxx`, `rnb.audiences[4].id: "twice" is there twice`,
		"rnb.audiences[5].until: 2030-01-01T00:00:00Z is not after from, 2030-01-01T00:00:00Z", "rnb.audiences[6].when: at character 9: nothing writes profile.mail",
		"rnb.audiences[7].when: expected bool", "rnb.audiences[8].when: the expression is empty", "rnb.audiences[9].when: rnb.campaigns is what audiences make",
		"rnb.audiences[10].until: ", "rnb.audiences[10].when: at character ",
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d, a line each:\n%v", len(got), len(want), err)
	}
	for i, begin := range want {
		if !strings.HasPrefix(got[i], begin) {
			t.Errorf("line %d is %q, want %q", i, got[i], begin)
		}
	}
	if _, err := audiences.New(audiences.Options{Limit: audiences.MaxLimit + 1}); err == nil || !strings.Contains(err.Error(), "limit: 17 is not") {
		t.Errorf("more than a segment takes: %v", err)
	}
	if _, err := audiences.New(audiences.Options{Audiences: make([]audiences.Audience, 1001)}); err == nil || !strings.Contains(err.Error(), "1000 are allowed") {
		t.Errorf("%v", err)
	}
}

func TestExplain(t *testing.T) {
	list := []audiences.Audience{
		{ID: "low", When: `public.a == "x"`},
		{ID: "vip", Name: "the best", When: `profile.email endsWith "@vip.example"`, Priority: 10},
		{ID: "later", When: "true", From: day("2030-01-02")},
		{ID: "over", When: "true", Until: day("2030-01-01")},
		{ID: "odd", When: `int(public.n) > 1`},
		{ID: "no", When: `public.gone == "y"`},
	}
	app := newApp(t, audiences.Options{Audiences: list, Limit: 1})
	in := vals("public.a=x", "profile.email=ann@vip.example", "public.other=1")
	in.Put(transform.Key{Namespace: "public", Name: "n"}, json.RawMessage(`{"b":1}`))
	got := app.Explain(in, day("2030-01-01"))
	want := []audiences.Explanation{
		{
			ID: "vip", Name: "the best", Priority: 10, Reason: audiences.Matched, When: list[1].When,
			Read: map[string]string{"profile.email": "ann@vip.example"},
		},
		{ID: "low", Reason: audiences.Limited, When: list[0].When, Read: map[string]string{"public.a": "x"}},
		{ID: "later", From: day("2030-01-02"), Reason: audiences.NotBegun, When: "true", Read: map[string]string{}},
		{ID: "over", Until: day("2030-01-01"), Reason: audiences.Ended, When: "true", Read: map[string]string{}},
		{ID: "odd", Reason: audiences.Unreadable, When: list[4].When, Read: map[string]string{"public.n": `{"b":1}`}},
		{ID: "no", Reason: audiences.Unmet, When: list[5].When, Read: map[string]string{"public.gone": ""}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if text, err := json.Marshal(got[5]); err != nil || !strings.HasSuffix(string(text), `"read":{"public.gone":""}}`) {
		t.Errorf("%s, %v", text, err)
	}
	text, err := json.Marshal(got[1])
	if err != nil || string(text) != `{"id":"low","reason":"limited","when":"public.a == \"x\"","read":{"public.a":"x"}}` {
		t.Errorf("%s, %v", text, err)
	}
}

// TestExplainAgrees: what is explained as matched is what the app gives, for any session and any limit.
func TestExplainAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := audiences.Options{Limit: rapid.IntRange(0, 3).Draw(t, "limit")}
		for i := range rapid.IntRange(0, 6).Draw(t, "audiences") {
			o.Audiences = append(o.Audiences, audiences.Audience{
				ID: string(rune('a' + i)), Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
				When: rapid.SampledFrom([]string{"true", "false", `public.a == "1"`, `int(public.a) > 1`, `not (public.b == "")`}).Draw(t, "when"),
			})
		}
		app, err := audiences.New(o)
		if err != nil {
			t.Fatal(err)
		}
		in := transform.Values{}
		for _, name := range []string{"a", "b"} {
			in.Set(transform.Key{Namespace: "public", Name: name}, transform.TextValue(rapid.SampledFrom([]string{"", "1", "2", "x"}).Draw(t, name)))
		}
		out, err := app.Transform(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var matched []string
		for _, e := range app.Explain(in, time.Now()) {
			if e.Reason == audiences.Matched {
				matched = append(matched, e.ID)
			}
		}
		if got := out.Text(campaigns); got != strings.Join(matched, ",") {
			t.Errorf("%q, and explained %q", got, matched)
		}
	})
}

// TestBoundOfTheSegment: what falls off is told, also where the configuration sets no limit.
func TestBoundOfTheSegment(t *testing.T) {
	var o audiences.Options
	for i := range audiences.MaxLimit + 4 {
		o.Audiences = append(o.Audiences, audiences.Audience{ID: string(rune('a' + i)), When: "true"})
	}
	app := newApp(t, o)
	out, err := app.Transform(t.Context(), nil)
	if got := strings.Split(out.Text(campaigns), ","); err != nil || len(got) != audiences.MaxLimit {
		t.Errorf("%q, %v", got, err)
	}
	for i, e := range app.Explain(nil, time.Now()) {
		want := audiences.Matched
		if i >= audiences.MaxLimit {
			want = audiences.Limited
		}
		if e.Reason != want {
			t.Errorf("audience %d is explained %v", i, e.Reason)
		}
	}
}

func TestReasons(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range audiences.Reasons() {
		word := r.String()
		if word == "" || seen[word] || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("%q", word)
		}
		seen[word] = true
		if text, err := r.MarshalText(); err != nil || string(text) != word {
			t.Errorf("%s, %v", text, err)
		}
	}
	if len(seen) != int(audiences.Limited)+1 {
		t.Errorf("%d reasons", len(seen))
	}
}
