package sessions

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestParseCookies(t *testing.T) {
	f := func(want string, broken int, lines ...string) {
		t.Helper()
		pairs, gotBroken := parseCookies(lines)
		var got []string
		for _, p := range pairs {
			got = append(got, p.Name+"="+p.Value)
		}
		if diff := cmp.Diff(want, strings.Join(got, "|")); diff != "" || broken != gotBroken {
			t.Errorf("%q: broken %d (-want +got)\n%s", lines, gotBroken, diff)
		}
	}
	f("", 0)
	f("", 0, "", " ; ;")
	f("a=1", 0, "a=1")
	f("a=1|b=2|c=3", 0, "a=1; b=2", "c=3")
	f("a=1|b=2", 0, "a=1;b=2;") // as @vtex/api writes it
	f("a=1|a=2", 0, "a=1; a=2")
	f("a=|b==|c=x=y", 0, "a=; b==; c=x=y")
	f("a=1|b=x y|c=,", 0, `a="1"; b=x y; c=,`)
	f("a=\"", 0, `a="`)
	f("n=José|u=%C3%A9", 0, "n=José; u=%C3%A9")
	// One that is broken is dropped, the others stay (facts, part 6, 779014).
	f("a=1|b=2", 1, "a=1; broken; b=2")
	f("a=1|b=2", 3, "a=1; =x; sp ace=1; b=2; {\"json\":1}=x")
	f("a=1", 2, "a=1; b=\x01; c=\x7f")
	f("a=1", 1, "a=1; b=\xff")
}

func TestReadCookies(t *testing.T) {
	f := func(line string, want incoming) {
		t.Helper()
		got := readCookies([]string{line})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(incoming{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", line, diff)
		}
	}
	f("", incoming{})
	f("vtex_session=s; vtex_segment=g; aisle_seal=l; x=1", incoming{
		sessions: []string{"s"}, segment: "g", seal: "l", others: []transform.Cookie{{Name: "x", Value: "1"}},
	})
	// The last first: parent paths' cookies come after those of longer paths, and may be another account's.
	f("vtex_session=s1; vtex_segment=g1; bad; vtex_session=s2; vtex_segment=g2; aisle_seal=l1; aisle_seal=l2", incoming{
		sessions: []string{"s2", "s1"}, segment: "g2", seal: "l2", broken: 1,
	})
	f("vtex_session=1; vtex_session=2; vtex_session=3; vtex_session=4; vtex_session=5; vtex_session=6", incoming{
		sessions: []string{"6", "5", "4", "3"},
	})
	f("Vtex_session=s; x=2; x=1", incoming{others: []transform.Cookie{{Name: "Vtex_session", Value: "s"}, {Name: "x", Value: "2"}, {Name: "x", Value: "1"}}})
}

func FuzzParseCookies(f *testing.F) {
	for _, seed := range []string{"", "a=1; b=2", "vtex_session=x;vtex_session=y", "a;b;=c", "a=\x00", `a="b"`, strings.Repeat("a=1;", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		pairs, broken := parseCookies([]string{line})
		if len(pairs)+broken > strings.Count(line, ";")+1 {
			t.Fatalf("%q: %d cookies and %d broken ones", line, len(pairs), broken)
		}
		for _, p := range pairs {
			if p.Name == "" || strings.ContainsAny(p.Name+p.Value, ";\x00\r\n") || !strings.Contains(line, p.Name+"=") {
				t.Fatalf("%q gives %q", line, p)
			}
		}
		in := readCookies([]string{line})
		if len(in.others)+len(in.sessions) > len(pairs) || len(in.sessions) > maxTokens {
			t.Fatalf("%q: %d and %d of %d", line, len(in.others), len(in.sessions), len(pairs))
		}
	})
}
