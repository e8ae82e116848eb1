package segment_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// revocable is a sealer and a resolver that share their revocations.
func revocable(t testing.TB) (*segment.Sealer, *segment.Resolver, *segment.Revocations) {
	t.Helper()
	revoked := &segment.Revocations{}
	s, err := segment.NewSealer("acme", keys(t, keyLine), time.Hour, revoked)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Revoked = revoked
	return s, resolver(t, o), revoked
}

func TestARevokedTokensSealsAreVoidAtOnce(t *testing.T) {
	s, r, revoked := revocable(t)
	gold, silver := token(`{"channel":"1","priceTables":"gold"}`), token(`{"channel":"1","priceTables":"silver"}`)
	old, other := []byte(s.Seal(now, gold)), []byte(s.Seal(now, silver))
	f := func(what string, token, seal []byte, want segment.SealState, table string) {
		t.Helper()
		for range 2 { // from the memo as well
			c := r.Resolve(now, token, seal, false, nil)
			if got := get(c.Verified(), "priceTables"); c.Seal() != want || got != table {
				t.Errorf("%s: %v with %q, want %v with %q", what, c.Seal(), got, want, table)
			}
		}
	}
	f("before", gold, old, segment.SealValid, "gold")
	until := revoked.Revoke(now, segment.DigestOf(gold))
	f("after", gold, old, segment.SealRevoked, "")
	f("another token", silver, other, segment.SealValid, "silver")
	again := []byte(s.Seal(now, gold))
	f("issued anew", gold, again, segment.SealValid, "gold")
	if _, expiry := s.Open(now, gold, again); !expiry.After(until) {
		t.Errorf("a seal until %v, void until %v", expiry, until)
	}
	revoked.Revoke(now, segment.DigestOf(gold))
	f("revoked again", gold, again, segment.SealRevoked, "")
	f("issued once more", gold, []byte(s.Seal(now, gold)), segment.SealValid, "gold")
}

// TestRevocationsAreBounded: past the cap a floor voids the seals of all tokens, and those that are issued anew count.
func TestRevocationsAreBounded(t *testing.T) {
	s, _, revoked := revocable(t)
	bystander := token(`{"channel":"1","priceTables":"gold"}`)
	seal := s.Seal(now, bystander)
	f := func(seal string, want segment.SealState) {
		t.Helper()
		if state, _ := s.Open(now, bystander, []byte(seal)); state != want {
			t.Errorf("%v, want %v", state, want)
		}
	}
	for i := range segment.MaxRevoked {
		revoked.Void(now, segment.DigestOf(fmt.Append(nil, i)), now.Add(2*time.Hour))
	}
	f(seal, segment.SealValid)
	revoked.Void(now, segment.DigestOf([]byte("one too many")), now.Add(2*time.Hour))
	f(seal, segment.SealRevoked)
	f(s.Seal(now, bystander), segment.SealValid)
}

// TestRevokedIsWhatWasIssuedBefore holds any order of sealing and revoking, at any times, to what was meant: a seal counts if and
// only if it is in time and was issued after the last revocation of its token.
func TestRevokedIsWhatWasIssuedBefore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, _, revoked := revocable(t)
		type issued struct {
			token, seal []byte
			void        bool
		}
		var all []issued
		at := now
		tokens := [][]byte{token(`{"channel":"1"}`), token(`{"channel":"2"}`)}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Minute)).Draw(rt, "wait")))
			which := tokens[rapid.IntRange(0, 1).Draw(rt, "token")]
			if rapid.Bool().Draw(rt, "revoke") {
				revoked.Revoke(at, segment.DigestOf(which))
				for i := range all {
					all[i].void = all[i].void || string(all[i].token) == string(which)
				}
			} else {
				all = append(all, issued{token: which, seal: []byte(s.Seal(at, which))})
			}
			for _, i := range all {
				state, expiry := s.Open(at, i.token, i.seal)
				want := segment.SealValid
				switch {
				case !at.Before(expiry):
					want = segment.SealExpired
				case i.void:
					want = segment.SealRevoked
				}
				if state != want {
					rt.Fatalf("at %v: %v, want %v", at, state, want)
				}
			}
		}
	})
}

// TestRevocationsOutliveAProcess: what one has said, the next one knows, beside what it was told itself.
func TestRevocationsOutliveAProcess(t *testing.T) {
	s, _, revoked := revocable(t)
	gold, silver := token(`{"priceTables":"gold"}`), token(`{"priceTables":"silver"}`)
	seals := [2]string{s.Seal(now, gold), s.Seal(now, silver)}
	f := func(want ...segment.SealState) {
		t.Helper()
		for i, token := range [][]byte{gold, silver} {
			if state, _ := s.Open(now, token, []byte(seals[i])); state != want[i] {
				t.Errorf("%s: %v, want %v", token, state, want[i])
			}
		}
	}
	var before segment.Revocations
	before.Void(now, segment.DigestOf(gold), now.Add(2*time.Hour))
	text, err := json.Marshal(&before)
	if err != nil {
		t.Fatal(err)
	}
	f(segment.SealValid, segment.SealValid)
	for range 2 {
		if err := json.Unmarshal(text, revoked); err != nil {
			t.Fatal(err)
		}
		f(segment.SealRevoked, segment.SealValid)
	}
	revoked.Revoke(now, segment.DigestOf(silver))
	f(segment.SealRevoked, segment.SealRevoked)
	for i := range segment.MaxRevoked {
		before.Void(now, segment.DigestOf(fmt.Append(nil, i)), now.Add(2*time.Hour))
	}
	text, err = json.Marshal(&before)
	var after segment.Revocations
	if err != nil || len(text) > 100 || json.Unmarshal(text, &after) != nil || after.Revoke(now, segment.DigestOf(gold)).Before(now.Add(2*time.Hour)) {
		t.Errorf("a floor is kept as %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"tokens":{"x":1}}`), &after); err == nil {
		t.Error("a token that is no digest")
	}
}

func TestDigestText(t *testing.T) {
	want := segment.DigestOf([]byte("abc"))
	text, err := want.MarshalText()
	if err != nil || string(text) != "ba7816bf8f01cfea414140de5dae2223" { // SHA-256 of abc (FIPS 180-4), cut
		t.Fatalf("%s, %v", text, err)
	}
	var got segment.Digest
	if err := got.UnmarshalText(text); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "ba", string(text) + "00", "z" + string(text[1:])} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a digest", bad)
		}
	}
}
