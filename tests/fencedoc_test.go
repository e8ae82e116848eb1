package tests_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fenced are the examples of one kind on a page, and the test that runs them all: its folder and name.
type fenced struct {
	Kind  string
	Count int
	Test  string
}

// runners says of every fenced example of the pages on sessions which test runs it. Whoever adds one to a page says here which.
func runners() map[string][]fenced {
	const profile, regions, audiences = "sessions/transform/profile", "sessions/transform/regions", "sessions/transform/audiences"
	return map[string][]fenced{
		"sessions.md": {
			{"yaml", 2, "tests TestSessionsDocumentConfigurations"},
			{"sh", 17, "tests TestSessionsDocument"},
			{"text", 16, "tests TestSessionsDocument"}, // one block of commands has definitions
		},
		"segments.md": {
			{"sh", 12, "tests TestSegmentsDocumentExamples"},
			{"text", 11, "tests TestSegmentsDocumentExamples"},
			{"js", 1, "tests TestSegmentsDocumentScript"},
		},
		"price-tables.md": {
			{"csv", 2, profile + " TestDocument"},
			{"yaml", 1, profile + " TestDocument"},
			{"text", 1, profile + " TestDocumentError"},
			{"question", 1, profile + " TestDocumentEndpoint"},
			{"answer", 1, profile + " TestDocumentEndpoint"},
			{"sql", 1, profile + " TestDocumentQuery"},
		},
		"regions.md": {
			{"csv", 2, regions + " TestDocument"},
			{"text", 1, regions + " TestDocument"},
			{"json", 1, regions + " TestDocument"},
			{"http", 5, regions + " TestDocument"},
		},
		"campaign-audiences.md": {
			{"yaml", 1, audiences + " TestDocumentAudiences"},
			{"expr", 1, audiences + " TestDocumentConditions"},
			{"refused", 1, audiences + " TestDocumentConditions"},
		},
		"authentication.md": nil, // its examples are indented: TestDocument of sessions/transform/auth, TestTransformsDocumentConfigurations
		"transforms.md":     nil, // likewise: TestDocument of sessions/transform, TestTransformsDocumentConfigurations
	}
}

// TestFencedExamples: every fenced example of these pages is of a kind that a test runs, and the test is there.
func TestFencedExamples(t *testing.T) {
	for page, want := range runners() {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, m := range regexp.MustCompile("(?ms)^```([^\n]*)\n.*?^```$").FindAllStringSubmatch(string(text), -1) {
			counts[m[1]]++
		}
		listed := map[string]int{}
		for _, f := range want {
			listed[f.Kind] = f.Count
			if dir, name, _ := strings.Cut(f.Test, " "); !declared(filepath.Join("..", dir), name) {
				t.Errorf("%s: there is no test %s", page, f.Test)
			}
		}
		if diff := cmp.Diff(listed, counts); diff != "" {
			t.Errorf("%s (-listed +page):\n%s", page, diff)
		}
	}
}

// TestArchitectureDocument: every package has a row in docs/architecture.md, or is below one whose row says so.
func TestArchitectureDocument(t *testing.T) {
	described := map[string]string{}
	for _, cells := range rows(t, "architecture.md", "## Packages") {
		described[strings.Trim(cells[0], "`")] = cells[1]
	}
	for name := range layers() {
		if strings.HasPrefix(name, "tests") || strings.HasSuffix(name, "test") {
			continue // for tests alone
		}
		parent := filepath.Dir(name)
		if described[name] == "" && !strings.Contains(described[parent], "below it") && !strings.Contains(described[parent], "acceptance suite") {
			t.Errorf("%s is not told of", name)
		}
	}
	for name := range described {
		if _, err := os.Stat("../" + name); err != nil {
			t.Errorf("%s is not there", name)
		}
	}
}
