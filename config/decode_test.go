package config_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/config"
)

func faults(t *testing.T, text string) config.Problems {
	t.Helper()
	_, err := config.Parse([]byte(text))
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%.200q: got %v, want Problems", text, err)
	}
	return problems
}

func TestAFaultNamesItsLine(t *testing.T) {
	got := faults(t, "account: a\n"+minimal+"routes:\n  - match: {path: /a}\n    ttl: 5x\n")
	if len(got) != 1 || got[0].Line != 5 || got[0].Path != "routes[0].ttl" || got[0].Message != `"5x" is not a duration` {
		t.Errorf("got %+v, want one on line 5", got)
	}
}

func TestTheErrorListsAllFaultsByLine(t *testing.T) {
	got := faults(t, "hosts: []\nlisten: 5x\nupstreams: {}\n")
	want := []string{
		"hosts: is empty: every request would be refused",
		`listen: "5x" is not an address such as :8080, 127.0.0.1:8080 or unix:/run/aisle.sock`,
		"upstreams: at least one upstream is needed",
	}
	if diff := cmp.Diff(want, got.Errors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Error() != strings.Join(want, "\n") {
		t.Errorf("Error() is %q", got.Error())
	}
}

// A file of 40 KB that unfolds to eight million values: without a count, the time and the
// memory of a decoder grow with the square of the file, or worse.
func TestAliasesDoNotUnfoldWithoutEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString(minimal + "hosts: &h [")
	for i := range 4000 {
		fmt.Fprintf(&b, "a%d,", i)
	}
	b.WriteString("a]\nroutes:\n  - match: {path: /a}\n    key: &k {headers: {" + manyAliases("X", 2000) + "}}\n")
	b.WriteString("    ttl: 5x\n")
	if got := faults(t, b.String()); !strings.Contains(got.Error(), "the aliases unfold to more than") {
		t.Errorf("got %d faults, the last %q", len(got), got[len(got)-1])
	}
}

func TestNobodyHasToReadMoreThanAThousandFaults(t *testing.T) {
	got := faults(t, minimal+"hosts: ["+strings.Repeat("'a b', ", 2000)+"]\n")
	if last := got[len(got)-1]; len(got) != 1001 || last.Message != "more than 1000 faults: the others are left out" {
		t.Errorf("got %d faults, the last %q", len(got), last)
	}
}

func manyAliases(name string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(name + strings.Repeat("y", i%7) + string(rune('a'+i%26)) + strings.Repeat("z", i/26) + ": *h, ")
	}
	return b.String()
}

func TestAnAliasOfItselfEnds(t *testing.T) {
	got := faults(t, minimal+"routes: &r [{match: *r, key: &k {headers: *k}}]\n")
	if len(got) == 0 {
		t.Error("accepted")
	}
}

func TestAnOversizedFileIsNotRead(t *testing.T) {
	got := faults(t, minimal+strings.Repeat("# padding\n", 120000))
	if len(got) != 1 || !strings.Contains(got[0].Message, "more than the 1048576 allowed") {
		t.Errorf("got %v", got)
	}
}

func TestAPasswordIsNotRepeated(t *testing.T) {
	got := faults(t, `upstreams: {a: {servers: ["http://root:hunter2@h:1", "ftp://root:hunter2@h:1"]}}`)
	if len(got) != 2 || strings.Contains(got.Error(), "hunter2") || !strings.Contains(got.Error(), "<secret>") {
		t.Errorf("got %v", got)
	}
}

func TestALongValueIsCutShort(t *testing.T) {
	got := faults(t, minimal+"drain_timeout: "+strings.Repeat("x", 5000)+"\n"+strings.Repeat("y", 5000)+": 1\n")
	for _, p := range got {
		if len(p.Message) > 200 {
			t.Errorf("a message of %d bytes", len(p.Message))
		}
	}
}

func TestANullKeepsTheDefault(t *testing.T) {
	with := parse(t, minimal+"listen:\naccount: ~\nsegment: null\ncache: {memory: }\nsessions: {store: }\nroutes:\n").Effective()
	without := parse(t, minimal).Effective()
	if diff := cmp.Diff(string(without), string(with)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSuggestions(t *testing.T) {
	f := func(key, want string) {
		t.Helper()
		got := faults(t, minimal+key+": 1\n")
		hint := ""
		if want != "" {
			hint = ` (did you mean "` + want + `"?)`
		}
		if len(got) != 1 || got[0].Message != "unknown key"+hint {
			t.Errorf("%s: got %v, want the hint %q", key, got, want)
		}
	}
	f("accuont", "account")
	f("Hosts", "hosts")
	f("trusted_proxy", "trusted_proxies")
	f("caches", "cache")
	f("upstream", "upstreams")
	f("lgo", "log")
	f("banana", "")
	f("x", "")
}
