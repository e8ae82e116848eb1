package audiences_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/sessions/transform/audiences"
)

// page is docs/campaign-audiences.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/campaign-audiences.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block gives the example of a kind.
func block(t *testing.T, kind string) string {
	t.Helper()
	_, text, found := strings.Cut(page(t), "```"+kind+"\n")
	if !found {
		t.Fatalf("no example of %s", kind)
	}
	text, _, _ = strings.Cut(text, "```")
	return text
}

// TestDocumentConditions: those of the page are accepted, and those that it calls refused are refused.
func TestDocumentConditions(t *testing.T) {
	for kind, fine := range map[string]bool{"expr": true, "refused": false} {
		lines := strings.Split(strings.TrimSpace(block(t, kind)), "\n")
		if len(lines) != 7 {
			t.Errorf("%d examples of %s", len(lines), kind)
		}
		for _, when := range lines {
			_, err := audiences.New(audiences.Options{Audiences: []audiences.Audience{{ID: "a", When: when}}})
			if (err == nil) != fine {
				t.Errorf("%s: %s: %v", kind, when, err)
			}
		}
	}
}

// TestDocumentAudiences: the configuration of the page makes audiences.
func TestDocumentAudiences(t *testing.T) {
	var file struct {
		Sessions struct {
			Transforms struct {
				RNB struct {
					Audiences []struct {
						ID, Name, When string
						Priority       int
						From, Until    time.Time
					}
				} `yaml:"rnb"`
			}
		}
	}
	if err := yaml.Unmarshal([]byte(block(t, "yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var o audiences.Options
	for _, a := range file.Sessions.Transforms.RNB.Audiences {
		o.Audiences = append(o.Audiences, audiences.Audience(a))
	}
	var got []string
	for _, e := range newApp(t, o).Explain(vals("profile.email=ann@vip.example", "public.utm_campaign=black friday"), day("2026-11-27")) {
		got = append(got, e.ID+" "+e.Name+" "+e.Reason.String())
	}
	if diff := cmp.Diff([]string{"7f1c vip matched", "9a2e black friday matched"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDocumentReasons: the page lists every reason, in order and no other.
func TestDocumentReasons(t *testing.T) {
	_, table, _ := strings.Cut(page(t), "| reason | means |\n|---|---|\n")
	var got, want []string
	for line := range strings.Lines(table) {
		got = append(got, strings.Split(line, "`")[1])
	}
	for _, r := range audiences.Reasons() {
		want = append(want, r.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
