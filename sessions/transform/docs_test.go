package transform_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

// TestDocument: docs/transforms.md lists every outcome, in order and no other, and its example is read as it says.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/transforms.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(raw), "| `outcome` | meaning |\n|---|---|\n")
	if !found {
		t.Fatal("no table of outcomes")
	}
	var got, want []string
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") {
			break
		}
		got = append(got, strings.Split(line, "`")[1])
	}
	for _, o := range transform.Outcomes() {
		want = append(want, o.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	examples := 0
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
			examples++
			if _, err := transform.ParseReply([]byte(line)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if examples != 2 {
		t.Errorf("%d examples", examples)
	}
}
