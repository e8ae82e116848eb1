package tests_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/tests/rig"
)

// rows gives the cells of the table rows under a heading of a document, the table's own head left out. An empty
// heading is the whole document.
func rows(t *testing.T, document, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + document)
	if err != nil {
		t.Fatal(err)
	}
	part := string(text)
	if heading != "" {
		_, after, ok := strings.Cut(part, "\n"+heading+"\n")
		if !ok {
			t.Fatalf("%s has no heading %q", document, heading)
		}
		part, _, _ = strings.Cut(after, "\n## ")
	}
	var found [][]string
	head := true
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "|") {
			head = true
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if strings.HasPrefix(cells[0], "--") {
			head = false
			continue
		}
		if !head {
			found = append(found, cells)
		}
	}
	return found
}

// words are the words in backticks of the first cells; a row without a meaning is an error.
func words(t *testing.T, table [][]string) []string {
	t.Helper()
	var found []string
	for _, cells := range table {
		if len(cells) < 2 || cells[len(cells)-1] == "" {
			t.Errorf("row %q does not say what it means", cells)
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			found = append(found, m[1])
		}
	}
	return found
}

func texts[T interface{ String() string }](values []T) []string {
	var list []string
	for _, v := range values {
		list = append(list, v.String())
	}
	return list
}

// TestReasonsDocument: docs/cache-status.md lists every outcome and every reason, in order, and no other.
func TestReasonsDocument(t *testing.T) {
	f := func(heading string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, words(t, rows(t, "cache-status.md", heading))); diff != "" {
			t.Errorf("%s (-code +document):\n%s", heading, diff)
		}
	}
	f("## Outcomes", texts(cache.Outcomes()))
	f("## Reasons", texts(cache.Reasons()))
}

// TestSegmentsDocument: the words of the two counters and the fields of the canonical form are those of the code.
func TestSegmentsDocument(t *testing.T) {
	f := func(heading string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, words(t, rows(t, "segments.md", heading))); diff != "" {
			t.Errorf("%s (-code +document):\n%s", heading, diff)
		}
	}
	f("## The cookie", texts(segment.Reasons()))
	f("## The seal", texts(segment.SealStates()))
	text, err := os.ReadFile("../docs/segments.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n## The canonical form\n")
	_, indented, _ := strings.Cut(after, "\n\n    ")
	block, _, _ := strings.Cut(indented, "\n\n")
	if diff := cmp.Diff(segment.Fields(), strings.Fields(block)); diff != "" {
		t.Errorf("canonical form (-code +document):\n%s", diff)
	}
}

// TestMetricsDocument compares docs/metrics.md with a running edge that has fetched something, and whose transforms have read
// files: name, type, labels and help.
func TestMetricsDocument(t *testing.T) {
	edge := runStore(t)
	rig.Get(t, edge.URL+"/")
	rig.Get(t, edge.URL+"/api/sessions?items=*")
	documented := map[string][]string{}
	for _, cells := range rows(t, "metrics.md", "") {
		if name := strings.Trim(cells[0], "`"); len(cells) == 4 {
			documented[name] = cells[1:]
		}
	}
	if diff := cmp.Diff(exposed(rig.Get(t, edge.Admin+"/metrics").Body), documented); diff != "" {
		t.Errorf("series (-edge +document):\n%s", diff)
	}
}

// exposed reads what a scrape tells of aisle's series: type, labels and help by name, as the document writes them.
func exposed(scrape string) map[string][]string {
	series := map[string][]string{}
	label := regexp.MustCompile(`(\w+)="`)
	for line := range strings.Lines(scrape) {
		line = strings.TrimSpace(line)
		if !strings.Contains(line, "aisle_") && !strings.Contains(line, "promhttp_") {
			continue
		}
		if help, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, text, _ := strings.Cut(help, " ")
			series[name] = []string{"", "", text}
			continue
		}
		if kind, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, text, _ := strings.Cut(kind, " ")
			series[name][0] = text
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); series[base] != nil {
				name = base
			}
		}
		var labels []string
		if open := strings.IndexByte(line, '{'); open >= 0 {
			for _, m := range label.FindAllStringSubmatch(line[open:], -1) {
				if m[1] != "le" {
					labels = append(labels, "`"+m[1]+"`")
				}
			}
		}
		series[name][1] = strings.Join(labels, ", ")
	}
	return series
}

// TestAccessLogDocument compares the fields of the access log with docs/operations.md.
func TestAccessLogDocument(t *testing.T) {
	bin := rig.Aisle(t)
	edge := rig.RunEdge(t, bin, rig.Config(rig.RunDemo(t, bin), ""))
	for _, path := range []string{"/", "/", "/account"} {
		rig.Get(t, edge.URL+path)
	}
	if _, err := edge.WaitStdout(`"path":"/account"`); err != nil {
		t.Fatal(err)
	}
	var logged []string
	for line := range strings.Lines(edge.Stdout()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for name := range fields {
			if !slices.Contains(logged, name) {
				logged = append(logged, name)
			}
		}
	}
	documented := words(t, rows(t, "operations.md", "## Logs"))
	slices.Sort(logged)
	slices.Sort(documented)
	if diff := cmp.Diff(logged, documented); diff != "" {
		t.Errorf("fields (-log +document):\n%s", diff)
	}
}

// TestPurgeExamples runs the purges of docs/operations.md.
func TestPurgeExamples(t *testing.T) {
	bin := rig.Aisle(t)
	edge := rig.RunEdge(t, bin, rig.Config(rig.RunDemo(t, bin), ""))
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^curl -d '(.*)' http://127.0.0.1:8081/purge$`).FindAllStringSubmatch(string(text), -1)
	if len(examples) != 3 {
		t.Fatalf("%d examples were found", len(examples))
	}
	for _, example := range examples {
		r, err := rig.Fetch("POST", edge.Admin+"/purge", example[1])
		if err != nil || r.Status != 200 || !strings.Contains(r.Body, `"sequence":`) {
			t.Errorf("%s: %+v, %v", example[1], r, err)
		}
	}
}
