package tests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

// TestSegmentsDocumentExamples runs the examples of docs/segments.md, in their order, on the edge of `make run`. What it says of
// a reload and of a restart is true of that edge as well.
func TestSegmentsDocumentExamples(t *testing.T) {
	s := runStore(t)
	s.runExamples(t, "segments.md", 11)
	revoked := func() bool {
		t.Helper()
		r := rig.Get(t, s.URL+"/table-lamp-aurora/p", "Cookie: vtex_segment="+s.cookie(t, "before", "vtex_segment"), "Cookie: aisle_seal="+s.cookie(t, "before", "aisle_seal"))
		list, gold := strings.Contains(r.Body, "data-live-price>R$ 168,90<"), strings.Contains(r.Body, "data-live-price>R$ 143,57<")
		if list == gold {
			t.Errorf("%d without one of the two prices", r.Status)
		}
		return list
	}
	s.reload(t, "seal_ttl: 1h", "seal_ttl: 2h")
	if !revoked() {
		t.Error("a reload has forgotten the revocation")
	}
	s.stop(t)
	s.start(t)
	if !revoked() {
		t.Error("a restart has forgotten the revocation")
	}
}

// cookie finds one in a jar of curl's.
func (s *workedStore) cookie(t *testing.T, jar, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, jar))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(strings.TrimSpace(line), "\t"); len(cells) == 7 && cells[5] == name {
			return cells[6]
		}
	}
	t.Fatalf("%s has no %s", jar, name)
	return ""
}

// reload changes the configuration by pairs of old and new text, and has the edge follow.
func (s *workedStore) reload(t *testing.T, changes ...string) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, s.config, strings.NewReplacer(changes...).Replace(string(text)))
	if r, err := rig.Fetch("POST", s.Admin+"/-/reload", ""); err != nil || r.Status != 200 || !strings.Contains(r.Body, "reloaded") {
		t.Fatalf("reload: %+v, %v", r, err)
	}
}
