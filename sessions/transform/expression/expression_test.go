package expression_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/expression"
)

// vals makes Values of words "ns.key=json".
func vals(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, raw, _ := strings.Cut(word, "=")
		namespace, key, _ := strings.Cut(name, ".")
		v.Put(transform.Key{Namespace: namespace, Name: key}, json.RawMessage(raw))
	}
	return v
}

func compile(t testing.TB, text string, more ...transform.Declaration) *expression.Condition {
	t.Helper()
	c, err := expression.Compile(text, more...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

func TestEval(t *testing.T) {
	f := func(text string, want bool, words ...string) {
		t.Helper()
		got, err := compile(t, text).Eval(vals(words...))
		if err != nil || got != want {
			t.Errorf("%s with %q: %v, %v", text, words, got, err)
		}
	}
	// Those of the configuration's sketch.
	f(`profile.isAuthenticated == "true"`, true, `profile.isAuthenticated="true"`)
	f(`profile.isAuthenticated == "true"`, true, `profile.isAuthenticated=true`)
	f(`profile.isAuthenticated == "true"`, false, `profile.isAuthenticated="false"`)
	f(`profile.isAuthenticated == "true"`, false)
	f(`profile.email endsWith "@vip.example"`, true, `profile.email="ann@vip.example"`)
	f(`profile.email endsWith "@vip.example"`, false, `profile.email="ann@vip.example.org"`)
	f(`public.utm_campaign == "black friday"`, true, `public.utm_campaign="black friday"`)
	f(`authentication.adminUserEmail endsWith "@acme.example"`, false)

	f(`"gold" in split(profile.priceTables, ",")`, true, `profile.priceTables="silver,gold"`)
	f(`"gold" in split(profile.priceTables, ",")`, false, `profile.priceTables="golden"`)
	f(`public.country in ["BRA", "ARG"] and not (checkout.regionId == "")`, true, `public.country="BRA"`, `checkout.regionId="v2.1"`)
	f(`public["utm-x"] == "a" || $env["public"].b == "c"`, true, `public.b="c"`)
	f(`int(public.age) >= 18`, true, `public.age=18`)
	f(`public.age != "" && int(public.age) >= 18`, false)
	f(`lower(public.a) matches "^x+$"`, true, `public.a="XXX"`)
	f(`lower(public.a) == "josé"`, true, `public.a="JOSÉ"`)
	f(`upper(public.a) == "JOSÉ"`, true, `public.a="josé"`)
	f(`public.a | lower() == "x"`, true, `public.a="X"`)
	f(`lower(public.a) == "kim@acme.example"`, true, `public.a="KIM@ACME.EXAMPLE"`)
	f(`lower(public.a) == "kim@acme.example"`, false, `public.a="\u212aim@acme.example"`) // a Kelvin sign
	f(`lower(public.a) == "kim@acme.example"`, false, `public.a="k\u0130m@acme.example"`) // an I with its dot
	f(`upper(public.a) == "ſı"`, true, `public.a="\u017f\u0131"`)
	f(`public.a == "" && public.b == "" && public.c == ""`, true, `public.a={"x":1}`, `public.b=[1]`, `public.c=null`)
	f(`len(public.a) == 1 ? true : false`, true, `public.a="é"`)
	f(`split(public.a, "@")[1] == "x.example"`, true, `public.a="ann@x.example"`)
	f(`true`, true)
	f(`-1 < 2`, true)
}

func TestEvalTellsNoValue(t *testing.T) {
	f := func(text string, words ...string) {
		t.Helper()
		got, err := compile(t, text).Eval(vals(words...))
		if err == nil || got {
			t.Fatalf("%s: %v, %v", text, got, err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
	f(`int(public.a) > 1`, `public.a="secret"`)
	f(`not (int(public.a) > 1)`, `public.a="secret"`)
	f(`public.a == ""`, `public.a="secret`)
	f(`public.a != "x"`, `public.a="`+strings.Repeat("secret", 2000)+`"`)
	f(`split(public.a, ",")[7] == ""`, `public.a="secret"`)
}

// TestEvalOnlyCompares: no value makes an evaluation fail that only compares.
func TestEvalOnlyCompares(t *testing.T) {
	c := compile(t, `public.a == "x" or public.a startsWith "y" or "z" in split(public.a, ",")`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		want := text == "x" || strings.HasPrefix(text, "y")
		for part := range strings.SplitSeq(text, ",") {
			want = want || part == "z"
		}
		got, err := c.Eval(transform.Values{"public": {"a": transform.TextValue(text)}})
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	})
}

func TestCompileRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := expression.Compile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("", "empty")
	f(" \n", "empty")
	f("profile.email ==", "unexpected token")
	f(`profile.email`, "expected bool")
	f(`profile.email > 3`, "invalid operation")
	f(`profile.email + 1 == "x"`, "invalid operation")
	f(`profile.emial == "x"`, "nothing writes profile.emial")
	f(`profil.email == "x"`, "at character 8: nothing writes profil.email")
	f(`cookie.a == "x"`, "nothing writes cookie.a")
	f(`profile == "x"`, "profile alone")
	f(`$env.profile == "x"`, "want namespace.key")
	f(`$env["profile"][public.a] == "x"`, "want namespace.key")
	f(`public[public.a] == "x"`, "want namespace.key")
	f(`public.a.b == "x"`, "want namespace.key")
	f(`public.a?.b == "x"`, "is not allowed")
	f(`public.a == nil`, "nil")

	// Whatever could cost more than its length, or depends on the time.
	f(`all(1..1000000, # > 0)`, "all() is not allowed")
	f(`1 in 1..100000000`, "ranges are not allowed")
	f(`let a = public.a + public.a; a == ""`, "let is not allowed")
	f(`repeat(public.a, 1000000) == ""`, "repeat() is not allowed")
	f(`replace(public.a, "a", "aa") == ""`, "replace() is not allowed")
	f(`now() > now()`, "now() is not allowed")
	f(`filter(split(public.a, ","), # == "x") == []`, "filter() is not allowed")
	f(`public.a matches public.b`, "matches wants a pattern in quotes")
	f(`public.a matches "("`, "missing closing )")
	f(`whatever(public.a)`, "whatever")
	f(`true; true`, "a sequence is not allowed")
	f(`public.a[1:2] == ""`, "a slice is not allowed")
	f(`{"a": 1} == {"a": 1}`, "a map is not allowed")
	f(`public.a == "`+strings.Repeat("x", 5000)+`"`, "4096 are allowed")
	f(strings.Repeat("!", 600)+"true", "exceeds maximum")
	f(`env.a == ""`, "nothing writes env.a")
}

func TestCompileGivesEveryFault(t *testing.T) {
	_, err := expression.Compile(`profile.x == "" and now() > now() and store.y == ""`)
	for _, want := range []string{"profile.x", "now()", "store.y"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestCompileKnowsMore: what the operator's own apps write.
func TestCompileKnowsMore(t *testing.T) {
	apps := transform.Declaration{"my-app": {"tier"}, "profile": {"score"}, "open": nil, "cookie": {"x"}}
	f := func(text string, want bool) {
		t.Helper()
		if _, err := expression.Compile(text, apps); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	f(`$env["my-app"].tier == "gold"`, true)
	f(`$env["my-app"]["tier"] == "gold"`, true)
	f(`$env["my-app"].teir == "gold"`, false)
	f(`profile.score == "1" or profile.email == ""`, true)
	f(`open.anything == ""`, true)
	f(`public.anything == ""`, true)
	f(`cookie.x == ""`, false)

	backends := expression.Backends()
	g := func(text string, want bool) {
		t.Helper()
		if _, err := expression.Compile(text, apps, backends); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	g(`creditControl.deadline == "30"`, true)
	g(`profile.emial == "x"`, false) // of a namespace that an app writes the keys are known
	g(`$env["my-app"].teir == "gold"`, false)
	g(`cookie.x == ""`, false)
	g(`creditControl == ""`, false)

	got, err := compile(t, `$env["my-app"].tier == "gold"`, apps).Eval(vals(`my-app.tier="gold"`))
	if !got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestInputs(t *testing.T) {
	a := compile(t, `public.b == "" or public.a == "" or profile.email == public.a`)
	got := expression.Inputs(a, nil, compile(t, `public.c == ""`))
	want := transform.Declaration{"public": {"a", "b", "c"}, "profile": {"email"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if keys := a.Keys(); len(keys) != 3 || keys[0].String() != "profile.email" || a.String()[:8] != "public.b" {
		t.Errorf("%v of %s", keys, a)
	}
	if len(expression.Inputs()) != 0 {
		t.Error("inputs of nothing")
	}
}

// TestNativeIsTheCallers: what one caller does to it, no other sees.
func TestNativeIsTheCallers(t *testing.T) {
	expression.Native()["profile"][0] = "changed"
	compile(t, `profile.id == ""`)
}

// TestEvalCost: the longest value and the dearest functions stay within an allocation bound.
func TestEvalCost(t *testing.T) {
	c := compile(t, strings.Repeat(`upper(public.a) contains "b" or `, 60)+`len(split(public.a, "")) > 9000`)
	in := vals(`public.a="` + strings.Repeat("a", 8000) + `"`)
	if got, err := c.Eval(in); got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if n := testing.AllocsPerRun(5, func() { _, _ = c.Eval(in) }); n > 1000 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		`profile.email endsWith "@vip.example"`, `"a" in split(public.a, ",")`, `not (public.a in ["a", "b"])`,
		`$env["public"]["x"] == ""`, `public.a | lower() == "x" ? 1 > 2 : true`, `int(public.a) ** 2 > 4`, `if true {1} else {2}`, `((`, `'\x`,
	} {
		f.Add(text, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		c, err := expression.Compile(text)
		if err != nil {
			return
		}
		in := transform.Values{}
		for _, k := range c.Keys() {
			in.Put(k, transform.TextValue(value))
		}
		first, err := c.Eval(in)
		if err != nil && first {
			t.Errorf("%q: an error, and true", text)
		}
		if again, err2 := c.Eval(in); again != first || (err == nil) != (err2 == nil) {
			t.Errorf("%q of %q: %v, then %v", text, value, first, again)
		}
	})
}
