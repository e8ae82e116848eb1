package segment_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/segment"
)

// goldenSeal was computed by Python's hmac module over \x02v1\x04acme\x0a1800000000\x03abc.
const goldenSeal = "v1.k1.1800000000.42be44f3d4de62ebe220789c7e2e4f90"

func TestSealIsTheDocumentedMAC(t *testing.T) {
	if got := sealer(t).Seal(now.Add(-time.Hour), []byte("abc")); got != goldenSeal {
		t.Errorf("%s, want %s", got, goldenSeal)
	}
}

func TestSealExpiryIsRoundedUp(t *testing.T) {
	f := func(at time.Time, want int64) {
		t.Helper()
		s := sealer(t)
		state, expiry := s.Open(at, []byte("abc"), []byte(s.Seal(at, []byte("abc"))))
		if state != segment.SealValid || expiry.Unix() != want {
			t.Errorf("at %d: %v until %d, want %d", at.Unix(), state, expiry.Unix(), want)
		}
	}
	f(now, 1_800_003_600)
	f(now.Add(1), 1_800_004_500)
	f(now.Add(time.Second), 1_800_004_500)
	f(now.Add(15*time.Minute), 1_800_004_500)
	f(now.Add(-1), 1_800_003_600)
}

func TestOpen(t *testing.T) {
	text := []byte("abc")
	before := now.Add(-time.Second)
	f := func(name string, s *segment.Sealer, at time.Time, token []byte, seal string, want segment.SealState) {
		t.Helper()
		got, expiry := s.Open(at, token, []byte(seal))
		genuine := want == segment.SealValid || want == segment.SealExpired
		if got != want || expiry.IsZero() == genuine {
			t.Errorf("%s: %v until %v, want %v", name, got, expiry, want)
		}
	}
	made := func(account, lines string) *segment.Sealer {
		s, err := segment.NewSealer(account, keys(t, lines), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	other := "k2 " + strings.Repeat("AQEBAQ", 10)
	s := made("acme", keyLine)
	f("good", s, before, text, goldenSeal, segment.SealValid)
	f("at its expiry", s, now, text, goldenSeal, segment.SealExpired)
	f("long after", s, now.AddDate(1, 0, 0), text, goldenSeal, segment.SealExpired)
	f("none", s, before, text, "", segment.SealAbsent)
	f("second key opens", made("acme", other+"\n"+keyLine), before, text, goldenSeal, segment.SealValid)
	f("key gone", made("acme", other), before, text, goldenSeal, segment.SealUnknownKey)
	f("other account", made("acme2", keyLine), before, text, goldenSeal, segment.SealForged)
	f("same id, other secret", made("acme", "k1"+other[2:]), before, text, goldenSeal, segment.SealForged)
	f("other token", s, before, []byte("abd"), goldenSeal, segment.SealForged)
	f("padded token", s, before, []byte("abc="), goldenSeal, segment.SealForged)
	f("quoted token", s, before, []byte(`"abc"`), goldenSeal, segment.SealForged)
	f("later expiry", s, before, text, strings.Replace(goldenSeal, "1800000000", "1900000000", 1), segment.SealForged)
	f("zero before expiry", s, before, text, strings.Replace(goldenSeal, "1800000000", "01800000000", 1), segment.SealForged)
	f("plus before expiry", s, before, text, strings.Replace(goldenSeal, "1800000000", "+1800000000", 1), segment.SealForged)
	f("no number", s, before, text, strings.Replace(goldenSeal, "1800000000", "soon", 1), segment.SealForged)
	f("overflow", s, before, text, strings.Replace(goldenSeal, "1800000000", "9999999999999999999", 1), segment.SealForged)
	f("other version", s, before, text, "v2"+goldenSeal[2:], segment.SealForged)
	f("upper case", s, before, text, strings.ToUpper(goldenSeal), segment.SealForged)
	f("short MAC", s, before, text, goldenSeal[:len(goldenSeal)-2], segment.SealForged)
	f("no MAC", s, before, text, "v1.k1.1800000000.", segment.SealForged)
	f("more", s, before, text, goldenSeal+".", segment.SealForged)
	f("long", s, before, text, goldenSeal+strings.Repeat("0", 200), segment.SealForged)
	f("words", s, before, text, "hello", segment.SealForged)
}

func TestSealProperties(t *testing.T) {
	s := sealer(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(rt, "token")
		at := time.Unix(rapid.Int64Range(1, 1<<33).Draw(rt, "at"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns"))
		seal := []byte(s.Seal(at, text))
		state, expiry := s.Open(at, text, seal)
		left := expiry.Sub(at)
		if state != segment.SealValid || left < time.Hour || left > 75*time.Minute || expiry.Unix()%900 != 0 {
			rt.Fatalf("%v, %v left", state, left)
		}
		if state, _ := s.Open(expiry, text, seal); state != segment.SealExpired {
			rt.Fatalf("%v at its expiry", state)
		}
		i := rapid.IntRange(0, len(seal)-1).Draw(rt, "i")
		seal[i] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		if state, _ := s.Open(at, text, seal); state == segment.SealValid || state == segment.SealExpired {
			rt.Fatalf("%q opens", seal)
		}
	})
}

func FuzzOpen(f *testing.F) {
	s := sealer(f)
	f.Add([]byte("abc"), []byte(goldenSeal))
	f.Add([]byte("abc"), []byte("v1..."))
	f.Add([]byte(""), []byte("v1.k1.-1.00"))
	f.Fuzz(func(t *testing.T, token, seal []byte) {
		state, _ := s.Open(now.Add(-time.Second), token, seal)
		if state == segment.SealValid && (string(token) != "abc" || string(seal) != goldenSeal) {
			t.Fatalf("%q opens for %q", seal, token)
		}
		if (state == segment.SealAbsent) != (len(seal) == 0) {
			t.Fatalf("%q is %v", seal, state)
		}
	})
}

func TestNewSealerErrors(t *testing.T) {
	f := func(k []segment.SealKey, ttl time.Duration, want string) {
		t.Helper()
		if _, err := segment.NewSealer("acme", k, ttl, nil); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good := keys(t, keyLine)[0]
	f(nil, 0, "segment.keys_file: no key")
	f([]segment.SealKey{{}}, 0, "segment.keys_file: key 1: an empty key")
	f([]segment.SealKey{good, good}, -time.Hour, "segment.keys_file: key id \"k1\" is there twice\nsegment.seal_ttl: -1h0m0s is negative")
}

func TestParseKeys(t *testing.T) {
	secret := strings.Fields(keyLine)[1]
	text := "# first seals\r\n\n  " + keyLine + "  \r\nold-2_ \t" + strings.TrimRight(secret, "=")
	got := keys(t, text)
	if len(got) != 2 || got[0].ID() != "k1" || got[1].ID() != "old-2_" || got[0].Line() != keyLine || got[1].Line() != "old-2_ "+secret {
		t.Errorf("%d keys", len(got))
	}
	if !got[0].Equal(keys(t, keyLine)[0]) || got[0].Equal(got[1]) || got[0].Equal(segment.SealKey{}) || !(segment.SealKey{}).Equal(segment.SealKey{}) {
		t.Error("Equal is wrong")
	}
	if (segment.SealKey{}).Line() != "" {
		t.Error("the zero key has a line")
	}
}

func TestParseKeysErrors(t *testing.T) {
	secret := strings.Fields(keyLine)[1]
	f := func(text string, want ...string) {
		t.Helper()
		got, err := segment.ParseKeys([]byte(text))
		if err == nil || got != nil {
			t.Fatalf("%q: %d keys, %v", text, len(got), err)
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), err.Error()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if strings.Contains(err.Error(), secret[:10]) {
			t.Errorf("%v shows the secret", err)
		}
	}
	f("", "no key in the file")
	f("# nothing\n", "no key in the file")
	f(secret, "line 1: 1 words, want two: id and base64 secret")
	f("a b c", "line 1: 3 words, want two: id and base64 secret")
	f("\na "+secret+"!", "line 2: the secret is not base64")
	f("a "+secret[:12], `line 1: the secret of key "a" has 9 bytes, want at least 32`)
	f("a.b "+secret, `line 1: key id "a.b" is not 1 to 32 of letters, digits, _ and -`)
	f(keyLine+"\n#\n"+keyLine+"\nx yy", `line 3: key id "k1" is there twice`, `line 4: the secret of key "x" has 1 bytes, want at least 32`)
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("# c\n" + keyLine + "\n\nb " + strings.Repeat("AQEB", 11)))
	f.Add([]byte("a b\nc"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := segment.ParseKeys(text)
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%d keys, %v", len(got), err)
		}
		var lines []string
		for _, k := range got {
			lines = append(lines, k.Line())
		}
		if err == nil && !cmp.Equal(got, keys(t, strings.Join(lines, "\n"))) {
			t.Fatalf("%q does not read back", lines)
		}
	})
}

func TestGenerateKey(t *testing.T) {
	a, err := segment.GenerateKey()
	b, err2 := segment.GenerateKey()
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if a.Equal(b) || a.ID() == b.ID() {
		t.Error("two generated keys are equal")
	}
	if !keys(t, a.Line())[0].Equal(a) {
		t.Error("the line does not read back")
	}
}

// TestSecretIsNeverPrinted prints a key in every way at hand, alone and within the values that hold one.
func TestSecretIsNeverPrinted(t *testing.T) {
	line := "k1 " + strings.Repeat("QUJDREVGR0hJSktM", 3) // ABCDEFGHIJKL…
	k := keys(t, line)[0]
	s, err := segment.NewSealer("acme", []segment.SealKey{k}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct{ key segment.SealKey }{k}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3v"} {
		alone := fmt.Sprintf(verb, k)
		if alone != "<secret>" {
			t.Errorf("%s prints %s", verb, alone)
		}
		for _, holder := range []any{&k, s, *s, hidden, &hidden, segment.Options{Keys: []segment.SealKey{k}}} {
			text := fmt.Sprintf(verb, holder)
			for _, leak := range []string{"ABCDEF", "414243", "QUJDREVG", "65 66 67", "0x41, 0x42"} {
				if strings.Contains(text, leak) {
					t.Errorf("%s of %T shows the secret", verb, holder)
				}
			}
		}
	}
	text, err := json.Marshal(k)
	if err != nil || !strings.Contains(string(text), "secret") || strings.Contains(string(text), "QUJD") {
		t.Errorf("JSON %s, %v", text, err)
	}
	if k.String() != "<secret>" || k.GoString() != "<secret>" {
		t.Error("String or GoString shows more")
	}
}
