package transform

import (
	"encoding/json"
	"testing"
)

func TestAppendRequest(t *testing.T) {
	f := func(in Values, want string) {
		t.Helper()
		got, err := appendRequest([]byte("<"), in)
		if err != nil || string(got) != "<"+want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	f(nil, `{}`)
	f(Values{}, `{}`)
	f(Values{"public": {"b": json.RawMessage(`"<&>"`), "a": json.RawMessage(`{"x":[1e999,null]}`)}, "cookie": {"auth": json.RawMessage(`"t"`)}},
		`{"cookie":{"auth":{"value":"t"}},"public":{"a":{"value":{"x":[1e999,null]}},"b":{"value":"<&>"}}}`)
	if _, err := appendRequest(nil, Values{"public": {"a": json.RawMessage(`{secret`)}}); err == nil || err.Error() != "a value that is not JSON" {
		t.Errorf("of no JSON: %v", err)
	}
}

// TestCanonicalTag: the short form alone, in its canonical case.
func TestCanonicalTag(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, ok := canonicalTag(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, ok, want)
		}
	}
	f("pt-BR", "pt-BR")
	f("PT-br", "pt-BR")
	f("en", "en")
	f("fil-PH", "fil-PH")
	f("zh-hANT-tw", "zh-Hant-TW")
	f("sr-latn", "sr-Latn")
	f("es-419", "es-419")
	f("", "")
	f("-", "")
	f("p", "")
	f("port-BR", "")
	f("pt_BR", "")
	f("pt-", "")
	f("pt--BR", "")
	f("pt-BR-", "")
	f("pt-BRA", "")
	f("pt-B1", "")
	f("pt-41a", "")
	f("pt-BR-BR", "")
	f("pt-BR-Latn", "")
	f("pt-Latn-Latn", "")
	f("en-US-u-ca-buddhist", "")
	f("é1-BR", "")
	f("pt-BR\n", "")
	f("pt-BR ", "")
}

// TestUnitReads: inputs are told by key, cookies by pattern.
func TestUnitReads(t *testing.T) {
	u, err := newUnit(nil, Spec{Name: "a", Input: Declaration{"public": {"x", "x"}, "cookie": {"c.*"}}}, 0)
	if err != nil || len(u.keys) != 1 {
		t.Fatal(err, u)
	}
	f := func(namespace, name string, want bool) {
		t.Helper()
		if got := u.reads(Key{namespace, name}); got != want {
			t.Errorf("%s.%s: %v", namespace, name, got)
		}
	}
	f("public", "x", true)
	f("public", "y", false)
	f("private", "x", false)
	f("cookie", "c1", true)
	f("cookie", "x", false)
	f("cookie", "c.*", true)
	f("public", "c1", false)
}

// TestFingerprint: what is declared counts, not in which order, nor anything else.
func TestFingerprint(t *testing.T) {
	base := Spec{Name: "a", Input: Declaration{"p": {"x", "y"}}, Output: Declaration{"a": {"z"}}}
	f := func(name string, other Spec, same bool) {
		t.Helper()
		if got := fingerprint(other) == fingerprint(base); got != same {
			t.Errorf("%s: the same is %v", name, got)
		}
	}
	f("another order", Spec{Input: Declaration{"p": {"y", "x", "x"}}, Output: Declaration{"a": {"z"}}, Refresh: true}, true)
	f("one input less", Spec{Input: Declaration{"p": {"x"}}, Output: base.Output}, false)
	f("moved to outputs", Spec{Input: Declaration{"p": {"x"}}, Output: Declaration{"a": {"z"}, "p": {"y"}}}, false)
	f("swapped", Spec{Input: base.Output, Output: base.Input}, false)
	f("nothing", Spec{}, false)
	if base.Input["p"][0] != "x" {
		t.Error("the declaration itself was sorted")
	}
}
