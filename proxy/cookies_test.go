package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// want is what a jar says, nil written as "-".
type jarSays struct {
	Present        bool
	Segment        string
	Duplicates     bool
	Seal, Session  string
	KeyedAB, Alien string
}

func orDash(b []byte) string {
	if b == nil {
		return "-"
	}
	return string(b)
}

func (j *cookieJar) says() jarSays {
	token, duplicates := j.segment()
	return jarSays{j.present, orDash(token), duplicates, orDash(j.seal()), orDash(j.only(sessionCookie)), orDash(j.only("ab")), orDash(j.only("alien"))}
}

func TestCookieJar(t *testing.T) {
	names := wantedCookies("vtex_segment", []Keyed{{Name: "ab"}})
	var jar cookieJar
	f := func(want jarSays, lines ...string) {
		t.Helper()
		jar.begin(names)
		for _, l := range lines {
			jar.add([]byte(l))
		}
		for _, slot := range []*string{&want.Segment, &want.Seal, &want.Session, &want.KeyedAB, &want.Alien} {
			if *slot == "" {
				*slot = "-"
			} else if *slot == "EMPTY" {
				*slot = ""
			}
		}
		if diff := cmp.Diff(want, jar.says()); diff != "" {
			t.Errorf("%q: %s", lines, diff)
		}
	}
	f(jarSays{})
	f(jarSays{}, "", " ; ;;")
	f(jarSays{Present: true}, "alien=1")
	f(jarSays{Present: true}, "junk")
	f(jarSays{Present: true, Segment: "eyJ0==", Seal: "v1.k.1.aa", Session: "jwt", KeyedAB: "b"}, "x=1; vtex_segment=eyJ0==; aisle_seal=v1.k.1.aa;vtex_session=jwt ; ab=b")
	f(jarSays{Present: true, Segment: "a", Session: "s"}, "vtex_segment=a", "vtex_session=s")
	// Malformed neighbours hide nobody (known issue 779014).
	f(jarSays{Present: true, Segment: "a", KeyedAB: "b"}, `bad"=";x; =nameless; "; \; {"a":"b"}; vtex_segment=a; \x00=\xff; q="open; ab=b`)
	f(jarSays{Present: true, Segment: `"quoted"`}, `vtex_segment="quoted"`)
	f(jarSays{Present: true, Segment: "EMPTY"}, "vtex_segment=")
	f(jarSays{Present: true}, "vtex_segment")
	f(jarSays{Present: true, Segment: "a"}, "  vtex_segment \t= a \t;")
	f(jarSays{Present: true}, "VTEX_SEGMENT=a; vtex_segment2=b; xvtex_segment=c")
	// Duplicates.
	f(jarSays{Present: true, Segment: "a"}, "vtex_segment=a; vtex_segment=a", "vtex_segment=a")
	f(jarSays{Present: true, Segment: "a", Duplicates: true}, "vtex_segment=a; vtex_segment=b")
	f(jarSays{Present: true, Segment: "a", Duplicates: true}, "vtex_segment=a", "vtex_segment=")
	f(jarSays{Present: true, Segment: "EMPTY", Duplicates: true}, "vtex_segment=; vtex_segment=a; vtex_segment=")
	f(jarSays{Present: true}, "aisle_seal=1; aisle_seal=2; ab=a; ab=b; vtex_session=1; vtex_session=2")
	f(jarSays{Present: true, Seal: "1"}, "aisle_seal=1; aisle_seal=1")
}

func TestCookieJarForgets(t *testing.T) {
	var jar cookieJar
	jar.begin(wantedCookies("seg", []Keyed{{Name: "ab"}, {Name: "cd"}}))
	jar.add([]byte("seg=1; seg=2; ab=x; cd=y"))
	jar.begin(wantedCookies("seg", nil))
	if token, duplicates := jar.segment(); token != nil || duplicates || jar.present {
		t.Errorf("%q, %v outlived their request", token, duplicates)
	}
	jar.begin(wantedCookies("seg", []Keyed{{Name: "cd"}, {Name: "ab"}}))
	if jar.only("ab") != nil || jar.only("cd") != nil {
		t.Error("a keyed cookie outlived its request")
	}
}

func TestCookiesWithout(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := appendCookiesWithout([]byte("x"), []byte(line), "aisle_seal"); string(got) != "x"+want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	f("", "")
	f("a=1; b=2", "a=1; b=2")
	f("a=1; aisle_seal=x; b=2", "a=1; b=2")
	f("aisle_seal=x; b=2", "b=2")
	f("a=1; aisle_seal=x", "a=1")
	f("a=1; aisle_seal=x;", "a=1")
	f("aisle_seal=x", "")
	f("aisle_seal=", "")
	f("aisle_seal=x; aisle_seal=y", "")
	f("aisle_seal=x;aisle_seal=y;b=2;aisle_seal=z", "b=2")
	f(" aisle_seal = x ;b", "b")
	f("aisle_seal", "aisle_seal") // no cookie at all
	f("aisle_seal2=x; xaisle_seal=y; AISLE_SEAL=z", "aisle_seal2=x; xaisle_seal=y; AISLE_SEAL=z")
	f("a=1;;  b==\"x;", "a=1;;  b==\"x;")
	f(";a", ";a")
	f("a;", "a;")
}

// What is left holds no seal, and every other cookie in its order, byte for byte.
func TestCookiesWithoutKeepsTheRest(t *testing.T) {
	part := rapid.SampledFrom([]string{"a=1", " b=2", "aisle_seal=x", " aisle_seal=y", "junk", "", " ", "\tc=\"q", "=d"})
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 0, 6).Draw(t, "parts")
		var want []string
		for _, p := range parts {
			if !strings.HasPrefix(strings.TrimSpace(p), "aisle_seal=") {
				want = append(want, strings.TrimSpace(p))
			}
		}
		line := strings.Join(parts, ";")
		got := string(appendCookiesWithout(nil, []byte(line), "aisle_seal"))
		if !strings.Contains(line, "aisle_seal") && got != line {
			t.Fatalf("%q was changed to %q", line, got)
		}
		var left []string
		for _, p := range strings.Split(got, ";") {
			left = append(left, strings.TrimSpace(p))
		}
		if compact(left) != compact(want) {
			t.Fatalf("%q became %q", line, got)
		}
	})
}

// compact joins what is not empty: separators may go with the seal.
func compact(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		if p != "" {
			b.WriteString(p + "|")
		}
	}
	return b.String()
}

func FuzzCookies(f *testing.F) {
	f.Add([]byte(`a=1; vtex_segment="x"; aisle_seal=v1`), []byte("vtex_segment=y"))
	f.Add([]byte("=;;=aisle_seal=;aisle_seal =1"), []byte{0xff, ';'})
	names := wantedCookies("vtex_segment", []Keyed{{Name: "ab"}})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var jar, after cookieJar
		jar.begin(names)
		jar.add(first)
		jar.add(second)
		// A cookie that is well formed is found whatever stands around it.
		jar.add(append(append([]byte{}, second...), ";ab=found"...))
		if !jar.present || !jar.found[len(names)-1].found {
			t.Fatal("junk hid a cookie")
		}
		rest := appendCookiesWithout(nil, first, sealCookie)
		after.begin(names)
		after.add(rest)
		if after.found[sealSlot].found || len(rest) > len(first) {
			t.Fatalf("%q became %q", first, rest)
		}
		before := cookieJar{}
		before.begin(names)
		before.add(first)
		token, _ := before.segment()
		if left, _ := after.segment(); !bytes.Equal(left, token) {
			t.Fatalf("%q became %q: the segment changed", first, rest)
		}
	})
}

func TestCookiesAllocateNothing(t *testing.T) {
	names := wantedCookies("vtex_segment", []Keyed{{Name: "ab"}})
	line := []byte("x=1; vtex_segment=eyJ; aisle_seal=v1.k.1.aa; junk; vtex_session=a.b.c; ab=b")
	var jar cookieJar
	jar.begin(names)
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		jar.begin(names)
		jar.add(line)
		jar.only("ab")
		appendCookiesWithout(dst, line, sealCookie)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
