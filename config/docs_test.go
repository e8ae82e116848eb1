package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/config"
)

// docRow is a line of the tables in docs/configuration.md: key, value, default, meaning.
type docRow struct{ key, kind, def, meaning string }

func docRows(t *testing.T) []docRow {
	t.Helper()
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []docRow
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 4 {
			continue
		}
		for i, c := range cells {
			cells[i] = strings.TrimSpace(c)
		}
		rows = append(rows, docRow{strings.Trim(cells[0], "`"), cells[1], strings.Trim(cells[2], "`"), cells[3]})
	}
	return rows
}

func TestTheDocumentationListsEveryKeyAndItsKind(t *testing.T) {
	var want, got []string
	for _, k := range config.Keys() {
		want = append(want, k.Path+" "+k.Kind)
	}
	for _, r := range docRows(t) {
		got = append(got, r.key+" "+r.kind)
		if len(r.meaning) < 10 {
			t.Errorf("%s: the meaning is %q", r.key, r.meaning)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/configuration.md against Keys (-keys +docs):\n%s", diff)
	}
}

func TestTheDocumentationGivesTheDefaults(t *testing.T) {
	defaults := map[string]string{}
	var root yaml.Node
	text := parse(t, minimal+"routes: [{match: {path: /a}}]\nsegment: {channels: {1: {}}}").Effective()
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	flatten(t, defaults, "", root.Content[0])
	delete(defaults, "routes[].match.path") // the file above has to give one
	defaults["routes[].upstream"] = "the first"
	compared := 0
	for _, r := range docRows(t) {
		if want, ok := defaults[r.key]; ok && r.def != "required" {
			compared++
			if r.def != want {
				t.Errorf("%s: documented default %q, effective %q", r.key, r.def, want)
			}
		}
	}
	if compared < 30 {
		t.Errorf("%d defaults compared", compared)
	}
}

// flatten gives each value that is no mapping of known keys, on one line, under the path that Keys uses.
func flatten(t *testing.T, into map[string]string, at string, n *yaml.Node) {
	t.Helper()
	switch {
	case n.Kind == yaml.MappingNode && at != "segment.overlay":
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if at == "upstreams" || at == "segment.channels" {
				name = "*"
			}
			flatten(t, into, strings.TrimPrefix(at+"."+name, "."), n.Content[i+1])
		}
	case at == "routes":
		for _, route := range n.Content {
			flatten(t, into, "routes[]", route)
		}
	default:
		n.Style = yaml.FlowStyle
		text, err := yaml.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		into[at] = strings.TrimSpace(string(text))
	}
}
