package isolation_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestOracleImports: an oracle that shared the edge's reading of a cookie, or its key, would agree with its faults.
func TestOracleImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-test", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/aislecache/aisle/"
	var ours []string
	for line := range strings.Lines(string(out)) {
		path, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, ok := strings.CutPrefix(path, module); ok && !strings.HasPrefix(name, "tests/isolation") {
			ours = append(ours, name)
		}
	}
	if want := []string{"examples/store", "demo", "tests/ports"}; !slices.Equal(ours, want) {
		t.Errorf("the oracle is built with %q of this module, want %q: the origin and its files, and ports", ours, want)
	}
}
