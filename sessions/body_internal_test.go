package sessions

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func smallLimits() Limits { return Limits{Name: 10, Value: 20, Depth: 3}.withDefaults() }

func TestParseBody(t *testing.T) {
	f := func(text string, backend bool, want string, ignored int) {
		t.Helper()
		got, err := parseBody([]byte(text), backend, smallLimits())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		values, err := json.Marshal(got.values)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(values)); diff != "" || got.ignored != ignored {
			t.Errorf("%s: ignored %d (-want +got)\n%s", text, got.ignored, diff)
		}
	}
	// Nothing, in every form that a client sends it in.
	f("", false, `{}`, 0)
	f(" \r\n", false, `{}`, 0)
	f("{}", false, `{}`, 0)
	f(`{"public":{}}`, false, `{}`, 0)
	f(`{"public":null}`, false, `{}`, 0)
	f(`null`, false, `{}`, 0)

	// Values of any JSON type; "" and null are changes too.
	f(`{"public":{"sc":{"value":"2"}}}`, false, `{"public":{"sc":"2"}}`, 0)
	f(`{"public":{"n":{"value":1e999}}}`, false, `{"public":{"n":1e999}}`, 0)
	f(`{"public":{"b":{"value":true},"c":{"value":null},"d":{"value":""}}}`, false, `{"public":{"b":true,"c":null,"d":""}}`, 0)
	f(`{"public":{"o":{"value": {"a" : [ 1 ]} }}}`, false, `{"public":{"o":{"a":[1]}}}`, 0)
	f(`{"public":{"o":{"value":"x","other":1}}}`, false, `{"public":{"o":"x"}}`, 0)
	// Two keys with one beginning (facts, part 6, 885011).
	f(`{"public":{"ab":{"value":"1"},"abc":{"value":"2"}}}`, false, `{"public":{"ab":"1","abc":"2"}}`, 0)

	// Namespaces that are none of the client's, whatever stands in them.
	f(`{"profile":{"email":{"value":"a@b"}},"public":{"a":{"value":1}},"x":3,"cookie":{"a":1}}`, false, `{"public":{"a":1}}`, 3)
	f(`{"Public":{"a":{"value":1}}}`, false, `{}`, 1)
	f(`{"profile":{"email":{"value":"a@b"}},"public":{"a":{"value":1}}}`, true, `{"profile":{"email":"a@b"},"public":{"a":1}}`, 0)
	f(`{"cookie":{"email":{"value":"a@b"}}}`, true, `{}`, 1)

	// As long and as deep as may be.
	f(`{"public":{"1234567890":{"value":"123456789012345678"}}}`, false, `{"public":{"1234567890":"123456789012345678"}}`, 0)
	f(`{"public":{"a":{"value":[[[1]]]}}}`, false, `{"public":{"a":[[[1]]]}}`, 0)
	f(`{"public":{"a":{"value":["\"[[[[[","\\"]}}}`, false, `{"public":{"a":["\"[[[[[","\\"]}}`, 0)
}

func TestParseBodyFaults(t *testing.T) {
	f := func(text string, backend bool, status int, part string) {
		t.Helper()
		_, err := parseBody([]byte(text), backend, smallLimits())
		var fault *Fault
		if !errors.As(err, &fault) || fault.Status != status || !strings.Contains(fault.Message, part) {
			t.Errorf("%s: got %v, want %d with %q", text, err, status, part)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has a value in it: %v", text, err)
		}
	}
	bad := http.StatusBadRequest
	f(`{`, false, bad, "malformed at byte")
	f(`{"public":{"a":{"value":secret}}}`, false, bad, "malformed at byte 25")
	f(`{"public":{}} x`, false, bad, "malformed at byte")
	f(`{} {}`, false, bad, "malformed at byte 4")
	f(`[]`, false, bad, "no JSON object")
	f(`"secret"`, false, bad, "no JSON object")
	f(`3`, false, bad, "no JSON object")
	f("{\"public\":{\"a\":{\"value\":\"\xff\"}}}", false, bad, "UTF-8")
	f(`{"public":[]}`, false, bad, `namespace "public" is not an object`)
	f(`{"public":"secret"}`, false, bad, `namespace "public" is not an object`)
	// What is no item is a client's mistake, and is not taken for a value or for nothing.
	f(`{"public":{"k":"secret"}}`, false, bad, `"public"."k" is not an object`)
	f(`{"public":{"k":null}}`, false, bad, `"public"."k" is not an object`)
	f(`{"public":{"k":[1]}}`, false, bad, `"public"."k" is not an object`)
	f(`{"public":{"k":{}}}`, false, bad, `has no value`)
	f(`{"public":{"k":{"Value":"secret"}}}`, false, bad, `has no value`) // facts 1.2
	f(`{"public":{"k":{"value":1,"keepAlive":"secret"}}}`, false, bad, `keepAlive of "public"."k"`)
	// Limits.
	f(`{"public":{"":{"value":1}}}`, false, bad, "1 to 10 bytes")
	f(`{"public":{"12345678901":{"value":1}}}`, false, bad, "1 to 10 bytes")
	f(`{"public":{"a\u0007":3}}`, false, bad, `"a\a" is not an object`) // no control character gets into a terminal
	f(`{"12345678901":{"a":{"value":1}}}`, true, bad, "1 to 10 bytes")
	f(`{"":{"a":{"value":1}}}`, true, bad, "1 to 10 bytes")
	f(`{"public":{"a":{"value":"1234567890123456789"}}}`, false, http.StatusRequestEntityTooLarge, "more than 20 bytes")
	f(`{"public":{"a":{"value":[[[[1]]]]}}}`, false, bad, "nested more than")
	f(strings.Repeat("[", 100_000), false, bad, "nested more than")
	f(`{"a":`+strings.Repeat("[", 8)+strings.Repeat("]", 8)+`}`, false, bad, "nested more than")
}

func TestParseBodyKeepAlive(t *testing.T) {
	got, err := parseBody([]byte(`{"public":{"a":{"value":1,"keepAlive":true},"b":{"value":1,"keepAlive":false},"c":{"value":1}}}`), false, smallLimits())
	want := map[transform.Key]bool{{Namespace: "public", Name: "a"}: true, {Namespace: "public", Name: "b"}: false}
	if diff := cmp.Diff(want, got.keepAlive); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestParseBodyKeepsNothingOfTheText(t *testing.T) {
	text := []byte(`{"public":{"a":{"value":"before"}}}`)
	got, err := parseBody(text, false, Limits{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = 'x'
	}
	if value := got.values["public"]["a"]; string(value) != `"before"` {
		t.Errorf("the value became %s", value)
	}
}

func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"public":{"a":{"value":"b"}}}`, `{"public":{"a":{"value":{"x":[1,2,{"y":null}]},"keepAlive":true}}}`,
		`{"public":{"a":"b"}}`, `[[[[`, `{"profile":{"a":{"value":1}}}`, `{"public":{"a":{"value":"\ud800"}}}`, `{"public":{"a":{"value":1}},"public":{"b":{"value":2}}}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	limits := smallLimits()
	f.Fuzz(func(t *testing.T, text []byte, backend bool) {
		b, err := parseBody(text, backend, limits)
		if err != nil {
			var fault *Fault
			if !errors.As(err, &fault) || fault.Status/100 != 4 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for k, v := range b.values.All() {
			if !json.Valid(v) || len(v) > limits.Value || len(k.Name) > limits.Name || k.Namespace == transform.CookieNamespace {
				t.Fatalf("%q gives %v = %s", text, k, v)
			}
			if !backend && k.Namespace != transform.PublicNamespace {
				t.Fatalf("%q writes %v", text, k)
			}
		}
		for k := range b.keepAlive {
			if b.values.Get(k) == nil {
				t.Fatalf("%q flags %v, which it does not write", text, k)
			}
		}
	})
}
