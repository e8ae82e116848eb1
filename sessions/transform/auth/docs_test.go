package auth_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
)

// TestDocument: docs/authentication.md lists every verdict, step and output, and its key set is one.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/authentication.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	table := func(title string, want []string) {
		t.Helper()
		_, rows, found := strings.Cut(text, title+"\n|---|---|\n")
		if !found {
			t.Fatalf("no table %s", title)
		}
		var got []string
		for line := range strings.Lines(rows) {
			if !strings.HasPrefix(line, "| `") {
				break
			}
			got = append(got, strings.Split(line, "`")[1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
	}
	var verdicts, steps []string
	for _, v := range auth.Verdicts() {
		verdicts = append(verdicts, v.String())
	}
	for _, k := range transform.StepKinds() {
		steps = append(steps, k.String())
	}
	table("| verdict | meaning |", verdicts)
	table("| step | meaning |", steps)

	keys := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, `{"keys"`) {
			keys++
			if set, passed, err := auth.ParseKeys([]byte(line)); err != nil || set.Len() != 1 || passed != 0 {
				t.Errorf("%v", err)
			}
		}
	}
	if keys != 1 {
		t.Errorf("%d key sets", keys)
	}
	a, _ := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(hmacKey("k", secret)))})
	for _, name := range a.Spec().Output["authentication"] {
		if !strings.Contains(text, "`."+name+"`") && !strings.Contains(text, "`authentication."+name+"`") {
			t.Errorf("%s is not in it", name)
		}
	}
	for name := range a.Spec().Output {
		if name != "authentication" {
			t.Error(name)
		}
	}
}
