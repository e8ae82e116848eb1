package tests_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unproven gives what is wrong with the last cell of a row, which names the tests that show a behaviour: each as its
// folder and function in backticks, and behind it, in brackets, the scripts that it runs where they are meant.
func unproven(root, cell string) []string {
	var found []string
	named := regexp.MustCompile("`([^` ]+) (Test\\w+|Fuzz\\w+|Benchmark\\w+)`(?: \\(([^)]*)\\))?").FindAllStringSubmatch(cell, -1)
	if len(named) == 0 {
		return []string{fmt.Sprintf("%q names no test", cell)}
	}
	for _, m := range named {
		if !declared(filepath.Join(root, m[1]), m[2]) {
			found = append(found, fmt.Sprintf("%s has no test %s", m[1], m[2]))
		}
		for script := range strings.SplitSeq(m[3], ", ") {
			if script != "" && !isScript(filepath.Join(root, m[1]), script) {
				found = append(found, fmt.Sprintf("%s has no script %s", m[1], script))
			}
		}
	}
	if rest := strings.Count(cell, "`"); rest != 2*len(named) {
		found = append(found, fmt.Sprintf("%q names something else than tests", cell))
	}
	return found
}

// declared tells whether a test file of a folder has a function of that name.
func declared(dir, name string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	// An acceptance suite's tests are in files of its package, for others to call.
	more, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, file := range append(files, more...) {
		if src, err := os.ReadFile(file); err == nil && strings.Contains(string(src), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

func isScript(dir, name string) bool {
	for _, place := range []string{"", "testdata/script", "testdata"} {
		if _, err := os.Stat(filepath.Join(dir, place, name+".txtar")); err == nil {
			return true
		}
	}
	return false
}

// TestProxyingDocument: every behaviour that docs/proxying.md tells of stands with tests that exist.
func TestProxyingDocument(t *testing.T) {
	table := rows(t, "proxying.md", "")
	proofs := 0
	for _, cells := range table {
		if len(cells) != 2 || !strings.Contains(cells[1], " Test") {
			continue // a table of another kind
		}
		proofs++
		for _, fault := range unproven("..", cells[1]) {
			t.Errorf("%s: %s", cells[0], fault)
		}
	}
	if proofs < 25 {
		t.Errorf("only %d behaviours have a test", proofs)
	}
}

// TestUnproven shows what the check finds.
func TestUnproven(t *testing.T) {
	f := func(cell string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, unproven("..", cell)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", cell, diff)
		}
	}
	f("`tests TestUnproven`")
	f("`tests TestUnproven`, `tests/rig TestFetch`")
	f("`tests/scenarios TestScenarios` (a01-miss-hit-head-304, a02-downstream)")
	f("`tests TestNone`", "tests has no test TestNone")
	f("`nowhere TestUnproven`", "nowhere has no test TestUnproven")
	f("`tests/scenarios TestScenarios` (a02-downstream, z99)", "tests/scenarios has no script z99")
	f("by hand", `"by hand" names no test`)
	f("`tests TestUnproven`, `go vet`", "\"`tests TestUnproven`, `go vet`\" names something else than tests")
}
