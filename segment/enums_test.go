package segment_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aislecache/aisle/segment"
)

func checkWords[T fmt.Stringer](t *testing.T, values []T, want ...string) {
	t.Helper()
	word := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	if len(values) != len(want) {
		t.Fatalf("%d values, want %d", len(values), len(want))
	}
	for i, v := range values {
		if v.String() != want[i] || !word.MatchString(v.String()) {
			t.Errorf("value %d is %q, want %q", i, v, want[i])
		}
	}
}

func TestEnums(t *testing.T) {
	checkWords(t, segment.Reasons(), "absent", "ok", "malformed", "oversized", "duplicate")
	checkWords(t, segment.SealStates(), "absent", "valid", "expired", "forged", "unknown-key", "revoked")
	checkWords(t, segment.OverlayReasons(), "none", "applied", "unlisted", "private", "invalid", "oversized")
	checkWords(t, []segment.Unsealed{segment.UnsealedDefault, segment.UnsealedPass}, "default", "pass")
}

// TestEnumsAreReached makes every value happen once, so that none is dead.
func TestEnumsAreReached(t *testing.T) {
	o := options(t)
	o.MaxBytes = 600
	r := resolver(t, o)
	good := token(`{"channel":"2"}`)
	long := make([]byte, 601)
	other, err := segment.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := segment.NewSealer("acme", []segment.SealKey{other}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	seal := sealer(t).Seal(now, good)
	reasons, seals, overlays := map[segment.Reason]bool{}, map[segment.SealState]bool{}, map[segment.OverlayReason]bool{}
	f := func(token []byte, seal string, duplicates bool, overlay []byte) {
		c := r.Resolve(now, token, []byte(seal), duplicates, overlay)
		reasons[c.Reason()], seals[c.Seal()], overlays[c.Overlay()] = true, true, true
	}
	f(nil, "", false, nil)
	f(good, seal, false, overlay("sc", "2"))
	f(good, "v1.k1.1800000000.00", false, overlay("sc", "9"))
	f(good, sealer(t).Seal(now.AddDate(0, 0, -1), good), false, overlay("sc", "3"))
	f(good, foreign.Seal(now, good), false, overlay("utm_source", "\n"))
	f([]byte("!"), "", false, long)
	f(long, "", false, nil)
	f(good, "", true, nil)
	revoking, _, revoked := revocable(t)
	void := revoking.Seal(now, good)
	revoked.Revoke(now, segment.DigestOf(good))
	state, _ := revoking.Open(now, good, []byte(void))
	seals[state] = true
	if len(reasons) != len(segment.Reasons()) || len(seals) != len(segment.SealStates()) || len(overlays) != len(segment.OverlayReasons()) {
		t.Errorf("reached %v, %v, %v", reasons, seals, overlays)
	}
}

func TestParseFieldList(t *testing.T) {
	f := func(want []string, ok bool, lines ...string) {
		t.Helper()
		got, gotOK := segment.ParseFieldList(lines...)
		if gotOK != ok || fmt.Sprint(got) != fmt.Sprint(want) || ok && got == nil {
			t.Errorf("%q: %q, %v; want %q, %v", lines, got, gotOK, want, ok)
		}
	}
	f([]string{"priceTables", "regionId"}, true, "priceTables, regionId")
	f([]string{"priceTables", "regionId"}, true, "regionid,PRICETABLES")
	f([]string{"priceTables", "regionId"}, true, "regionId", "priceTables,regionId")
	f([]string{"channel"}, true, " \tchannel ,, ")
	f([]string{"admin_cultureInfo", "utm_campaign"}, true, "utm_campaign, admin_cultureInfo")
	f([]string{}, true, "")
	f([]string{}, true, " , ", "")
	f(nil, false)
	f(nil, false, "*")
	f(nil, false, "channel, *")
	f(nil, false, "channel;q=1")
	f(nil, false, "channel regionId")
	f(nil, false, `"channel"`)
	f(nil, false, "channel", "unknown")
	f(segment.Fields()[1:2], true, "channel")
}

func FuzzParseFieldList(f *testing.F) {
	f.Add("priceTables, regionId", "")
	f.Add("*", "channel")
	f.Add("FACETS,,facets", " \t")
	f.Fuzz(func(t *testing.T, a, b string) {
		names, ok := segment.ParseFieldList(a, b)
		if !ok {
			if names != nil {
				t.Fatal("names without ok")
			}
			return
		}
		joined, joinedOK := segment.ParseFieldList(a + "," + b)
		if !joinedOK || fmt.Sprint(joined) != fmt.Sprint(names) {
			t.Fatalf("two lines give %q, one gives %q", names, joined)
		}
		known := map[string]bool{}
		for _, name := range segment.Fields() {
			known[name] = true
		}
		for i, name := range names {
			if !known[name] || i > 0 && names[i-1] >= name {
				t.Fatalf("%q is not a sorted list of known fields", names)
			}
		}
	})
}
