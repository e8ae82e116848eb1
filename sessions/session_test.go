package sessions_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

// drawSession draws any session.
func drawSession(t *rapid.T) *sessions.Session {
	s := &sessions.Session{
		ID: rapid.String().Draw(t, "id"), Account: rapid.String().Draw(t, "account"), Version: rapid.Uint64().Draw(t, "version"),
		Active: rapid.Bool().Draw(t, "active"), Debug: rapid.Bool().Draw(t, "debug"), Values: transform.Values{},
		Created: time.Unix(rapid.Int64Range(1, 1<<40).Draw(t, "created"), 0).UTC(),
		Expires: time.Unix(rapid.Int64Range(1, 1<<40).Draw(t, "expires"), 0).UTC(),
	}
	if rapid.Bool().Draw(t, "voided") {
		s.SealsVoid = time.Unix(rapid.Int64Range(1, 1<<40).Draw(t, "void"), 0).UTC()
	}
	for range rapid.IntRange(0, 6).Draw(t, "values") {
		k := transform.Key{Namespace: rapid.String().Draw(t, "namespace"), Name: rapid.String().Draw(t, "name")}
		s.Values.Set(k, json.RawMessage(rapid.SampledFrom([]string{`"a"`, `1e999`, `true`, `{"a":[null,"<"]}`, `[]`}).Draw(t, "value")))
		if rapid.Bool().Draw(t, "keep") {
			if s.KeepAlive == nil {
				s.KeepAlive = map[transform.Key]bool{}
			}
			s.KeepAlive[k] = true
		}
	}
	if rapid.Bool().Draw(t, "marked") {
		s.Marks = transform.Marks{"app": {Spec: "x", Pending: true, Outputs: transform.Declaration{"app": {"a", "b"}}}}
	}
	return s
}

func TestSessionCodec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSession(t)
		data, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := sessions.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] = 'x'
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

func TestDecodeFaults(t *testing.T) {
	f := func(data, want string) {
		t.Helper()
		if s, err := sessions.Decode([]byte(data)); err == nil || !strings.Contains(err.Error(), want) || s != nil {
			t.Errorf("%s: %v, %v", data, s, err)
		}
	}
	f("", "session record")
	f("{", "session record")
	f("{}", "format 0, want 1")
	f(`{"f":2}`, "format 2, want 1")
	f(`{"f":1,"n":3}`, "session record")
}
