package tests_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged are the fields of each line of the edge's log, by msg, those of every line left out.
func (s *workedStore) logged(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	for text := range strings.Lines(s.Stderr()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		msg, _ := line["msg"].(string)
		if found[msg] == nil {
			found[msg] = map[string]bool{}
		}
		for name := range line {
			if name != "time" && name != "level" && name != "msg" {
				found[msg][name] = true
			}
		}
	}
	return found
}

// TestLogLinesDocument: the lines of the sessions system that docs/operations.md lists are those that an edge logs when all of that
// happens, with these fields; and no e-mail, token or postal code is in any.
func TestLogLinesDocument(t *testing.T) {
	const search = "    search: {"
	s := runStore(t, search, `    apps: [{name: down, url: "http://127.0.0.1:1", refresh: yes}]`+"\n"+search)
	customers := filepath.Join(s.dir, "examples/store/customers.csv")
	text, err := os.ReadFile(customers)
	if err != nil {
		t.Fatal(err)
	}
	s.do(t, `curl -s -o none -c op "$EDGE/login" -d email=olivia@acme.example -d as=operator
curl -s -o none -b op -c op -X POST "$EDGE/api/sessions" -d '{"public":{"vtex-impersonated-customer-email":{"value":"sofia@silver.example"},"postalCode":{"value":"20040020"}}}'
for tool in revoke erase; do bin/aisle sessions $tool "$(awk '$6 == "vtex_session" {print $7}' op)" --config examples/store/config.yaml; done`)
	if _, err := s.WaitStderr(`"step":"started"`); err != nil {
		t.Fatal(err)
	}
	s.write(t, customers, "id\nc\n")
	if _, err := s.WaitStderr(`"customers":1,`); err != nil {
		t.Fatal(err)
	}
	s.write(t, customers, string(text)+"no customer\n")
	if _, err := s.WaitStderr("not read"); err != nil {
		t.Fatal(err)
	}
	documented, logged := map[string][]string{}, s.logged(t)
	for _, cells := range rows(t, "operations.md", "## Lines of the sessions system") {
		documented[strings.Trim(cells[0], "`")] = nil
		var fields []string
		for i, part := range strings.Split(cells[2], "`") {
			if i%2 == 1 && !slices.Contains([]string{"profile", "authentication"}, part) {
				fields = append(fields, part)
			}
		}
		slices.Sort(fields)
		documented[strings.Trim(cells[0], "`")] = fields
	}
	got := map[string][]string{}
	for msg, fields := range logged {
		if strings.HasPrefix(msg, "transform") || strings.HasPrefix(msg, "sessions") || msg == "impersonation" {
			got[msg] = slices.Sorted(maps.Keys(fields))
		}
	}
	if diff := cmp.Diff(got, documented); diff != "" {
		t.Errorf("(-log +document):\n%s", diff)
	}
	for _, secret := range []string{"@silver.example", "@acme.example", "20040020", s.cookie(t, "op", "vtex_session")} {
		if strings.Contains(s.Stderr()+s.Stdout(), secret) {
			t.Errorf("%q is in a log", secret)
		}
	}
}
