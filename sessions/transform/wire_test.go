package transform_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestParseReply(t *testing.T) {
	f := func(reply string, want transform.Values) {
		t.Helper()
		got, err := transform.ParseReply([]byte(reply))
		if err != nil {
			t.Errorf("%s: %v", reply, err)
		}
		wantValues(t, reply, got, want)
	}
	raw := func(text string) transform.Values { return transform.Values{"a": {"x": json.RawMessage(text)}} }
	f(`{}`, nil)
	f(` { "a" : { "x" : { "value" : [ 1, {"b": null} ] } } } `, raw(`[1,{"b":null}]`))
	f(`{"a":{"x":{"value":"1"},"y":{"value":2}},"b":{"z":{"value":false}}}`,
		transform.Values{"a": {"x": json.RawMessage(`"1"`), "y": json.RawMessage("2")}, "b": {"z": json.RawMessage("false")}})
	f(`{"a":{"x":{"value":""}}}`, raw(`""`))
	f(`{"a":{"x":{"value":null}}}`, raw("null"))
	f(`{"a":{"x":null}}`, raw("null"))
	f(`{"a":{"x":{"value":1,"keepAlive":true,"Value":2}}}`, raw("1"))
	f(`{"a":{"x":{"value":"\u003c{[\""}}}`, raw(`"\u003c{[\""`))
	f(`{"a":{"x":{"value":1}},"a":{"x":{"value":2}}}`, raw("2"))
	// Left out, so that it stays as it is.
	f(`{"a":{"x":{}}}`, nil)
	f(`{"a":{"x":{"Value":"1"}}}`, nil)
	f(`{"a":{}}`, nil)
	f(`{"a":null}`, nil)
	f(`{"a":{"x":{"value":`+strings.Repeat("[", 29)+strings.Repeat("]", 29)+`}}}`, raw(strings.Repeat("[", 29)+strings.Repeat("]", 29)))
}

// TestParseReplyRefuses: with the place of the fault, and nothing of the text.
func TestParseReplyRefuses(t *testing.T) {
	f := func(reply, want string) {
		t.Helper()
		got, err := transform.ParseReply([]byte(reply))
		if err == nil || err.Error() != want || got != nil {
			t.Errorf("%.40q: %v, %v; want %q", reply, got, err, want)
		}
	}
	f("", "reply is not JSON, at byte 0")
	f("secret", "reply is not JSON, at byte 1")
	f(`{"a":{"x":{"value":secret}}}`, "reply is not JSON, at byte 20")
	f(`{} secret`, "reply is not JSON, at byte 4")
	f("null", "reply is not a JSON object")
	f("[]", "reply is not a JSON object")
	f(`"secret"`, "reply is not a JSON object")
	f(`{"message":"secret"}`, "reply has a namespace that is not an object")
	f(`{"a":[]}`, "reply has a namespace that is not an object")
	f(`{"a":{"x":"secret"}}`, "reply has a field that is not an object")
	f(`{"a":{"x":["value"]}}`, "reply has a field that is not an object")
	f("{\"a\":{\"x\":{\"value\":\"\xff\"}}}", "reply is not UTF-8")
	f(strings.Repeat("[", 33), "reply is nested more than 32 deep")
	f(`{"a":{"x":{"value":`+strings.Repeat("[", 30), "reply is nested more than 32 deep")
	f(strings.Repeat(`{"a":`, 100000), "reply of more than 262144 bytes")
	f(`{"a":{"x":{"value":"`+strings.Repeat("x", 256<<10)+`"}}}`, "reply of more than 262144 bytes")
}

func FuzzParseReply(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"x":{"value":"1"},"y":{"value":""}}}`, `{"a":{"x":null},"b":null}`, `{"a":{"x":{"value":[{"b":"\"]}"}]}}}`, `{"a":{"x":1}}`, "[[[[", "\xff", `{"":{"":{"value":0}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		got, err := transform.ParseReply(reply)
		if err != nil {
			if got != nil {
				t.Fatal("values beside an error")
			}
			return
		}
		// What was read says the same in the form that aisle itself writes.
		form := map[string]map[string]map[string]json.RawMessage{}
		for k, v := range got.All() {
			if !json.Valid(v) || !utf8.Valid(v) {
				t.Fatalf("%s is %q", k, v)
			}
			if form[k.Namespace] == nil {
				form[k.Namespace] = map[string]map[string]json.RawMessage{}
			}
			form[k.Namespace][k.Name] = map[string]json.RawMessage{"value": v}
		}
		text, err := json.Marshal(form)
		if err != nil {
			t.Fatal(err)
		}
		again, err := transform.ParseReply(text)
		if err != nil && len(text) <= 256<<10 {
			t.Fatalf("%s: %v", text, err)
		}
		for k, v := range again.All() {
			var a, b any
			if errA, errB := json.Unmarshal(v, &a), json.Unmarshal(got.Get(k), &b); (errA == nil) != (errB == nil) {
				t.Fatalf("%s: %s became %s", k, got.Get(k), v)
			}
		}
	})
}
