package transform_test

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestEmpty(t *testing.T) {
	f := func(value string, want bool) {
		t.Helper()
		if got := transform.Empty(json.RawMessage(value)); got != want {
			t.Errorf("Empty(%q) = %v", value, got)
		}
	}
	f("", true)
	f(`""`, true)
	f("null", true)
	f(`"0"`, false)
	f("0", false)
	f("false", false)
	f("{}", false)
	f("[]", false)
	f(`" "`, false)
}

func TestText(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		v := transform.Values{}
		v.Put(key("a.b"), json.RawMessage(raw))
		if got := v.Text(key("a.b")); got != want {
			t.Errorf("Text of %s: %q, want %q", raw, got, want)
		}
	}
	f(`"x"`, "x")
	f(`"\u00e9"`, "é")
	f(`""`, "")
	f("12", "")
	f("null", "")
	f(`["x"]`, "")
	if got := (transform.Values)(nil).Text(key("a.b")); got != "" {
		t.Errorf("of no values: %q", got)
	}
}

// TestTextValue: the text comes back, and in the form that JSON.stringify gives.
func TestTextValue(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(transform.TextValue(in)); got != want {
			t.Errorf("TextValue(%q) = %s, want %s", in, got, want)
		}
	}
	f("", `""`)
	f("a<b>&c", `"a<b>&c"`)
	f(`"\`, `"\"\\"`)
	f("é", `"é"`)
	f("\n", `"\n"`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		v := transform.Values{}
		v.Put(key("a.b"), transform.TextValue(text))
		if got := v.Text(key("a.b")); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}

// TestSetLeavesNothingEmpty: Set clears by empty values, and a namespace goes with its last key; Put keeps them.
func TestSetLeavesNothingEmpty(t *testing.T) {
	v := vals("a.x=1", "a.y=2", "b.z=3")
	v.Set(key("a.x"), transform.TextValue(""))
	v.Set(key("b.z"), json.RawMessage("null"))
	v.Set(key("c.none"), nil)
	wantValues(t, "after Set", v, vals("a.y=2"))
	if len(v) != 1 {
		t.Errorf("%d namespaces, want 1", len(v))
	}
	v.Put(key("b.z"), transform.TextValue(""))
	if string(v.Get(key("b.z"))) != `""` {
		t.Errorf("Put kept %q", v.Get(key("b.z")))
	}
}

func TestAllIsSortedAndStops(t *testing.T) {
	v := vals("b.z=1", "b.a=2", "a.x=3")
	var got []string
	for k := range v.All() {
		got = append(got, k.String())
	}
	if want := []string{"a.x", "b.a", "b.z"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for range v.All() {
		break // must not go on
	}
}

func TestCloneIsItsOwn(t *testing.T) {
	v := vals("a.x=1")
	c := v.Clone()
	c.Set(key("a.x"), transform.TextValue("2"))
	c.Set(key("b.y"), transform.TextValue("3"))
	wantValues(t, "the original", v, vals("a.x=1"))
	wantValues(t, "the copy", c, vals("a.x=2", "b.y=3"))
}

func TestCompile(t *testing.T) {
	f := func(pattern, name string, want bool) {
		t.Helper()
		list, err := (transform.Declaration{"cookie": {pattern}, "public": {"("}}).Compile()
		if err != nil || len(list) != 1 {
			t.Fatalf("%q: %d patterns, %v", pattern, len(list), err)
		}
		if got := list[0].MatchString(name); got != want {
			t.Errorf("%q on %q: %v", pattern, name, got)
		}
	}
	f("VtexIdclientAutCookie", "VtexIdclientAutCookie", true)
	f("VtexIdclientAutCookie", "VtexIdclientAutCookie_acme", false)
	f("VtexIdclientAutCookie_.*", "VtexIdclientAutCookie_acme", true)
	f("VtexIdclientAutCookie_.*", "xVtexIdclientAutCookie_acme", false)
	f("a|b", "ab", false)
	f("a|b", "b", true)
	for _, bad := range []string{"(", "a)|(b", "[", "*"} {
		if _, err := (transform.Declaration{"cookie": {bad}}).Compile(); err == nil {
			t.Errorf("%q compiled", bad)
		}
	}
}

// TestScalar: clients send channels and postal codes as text and as numbers.
func TestScalar(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := (transform.Values{"public": {"sc": json.RawMessage(in)}}).Scalar(key("public.sc")); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	f("", "")
	f(`"2"`, "2")
	f("2", "2")
	f("2.0", "2.0")
	f("true", "true")
	f("null", "")
	f(`{"a":1}`, "")
	f("[2]", "")
	f(`"broken`, "")
}
