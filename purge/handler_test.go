package purge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/purge"
)

// scripted is an engine that writes down what it is told.
type scripted struct {
	mu    sync.Mutex
	calls []string
}

func (s *scripted) Purge(soft bool, labels ...string) uint64 {
	return s.note(fmt.Sprintf("purge soft=%v %q", soft, labels))
}

func (s *scripted) PurgeAll(soft bool) uint64 { return s.note(fmt.Sprintf("all soft=%v", soft)) }

func (s *scripted) note(call string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	return uint64(len(s.calls))
}

type fixture struct {
	engine   scripted
	registry *prometheus.Registry
	log      strings.Builder
	handler  *purge.Handler
}

func newFixture() *fixture {
	f := &fixture{registry: prometheus.NewRegistry()}
	f.handler = purge.NewHandler(purge.Options{
		Engine: &f.engine, Registry: f.registry, Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
		URLLabels: func(url string) ([]string, error) {
			if strings.Contains(url, "bad") {
				return nil, errors.New("a bad target")
			}
			return []string{"u:" + url, "v:" + url}, nil
		},
	})
	return f
}

func (f *fixture) send(method string, body io.Reader) (*httptest.ResponseRecorder, map[string]any) {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, httptest.NewRequest(method, "/purge", body))
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		answer = map[string]any{"not JSON": w.Body.String()}
	}
	return w, answer
}

func TestACallIsOnePurge(t *testing.T) {
	f := func(body string, wantCall string, want map[string]any) {
		t.Helper()
		fix := newFixture()
		w, got := fix.send("POST", strings.NewReader(body))
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %d %q", body, w.Code, w.Header().Get("Content-Type"))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		if diff := cmp.Diff([]string{wantCall}, fix.engine.calls); diff != "" {
			t.Errorf("%s: engine (-want +got):\n%s", body, diff)
		}
		if lines := strings.Count(fix.log.String(), "\n"); lines != 1 {
			t.Errorf("%s: %d lines of log, want one", body, lines)
		}
	}
	f(`{"urls": ["https://shop.example/a", "/b"], "tags": ["product-1"]}`,
		fmt.Sprintf("purge soft=false %q", []string{"u:https://shop.example/a", "v:https://shop.example/a", "u:/b", "v:/b", cache.TagLabel("product-1")}),
		map[string]any{"sequence": 1.0, "urls": 2.0, "tags": 1.0, "all": false, "soft": false})
	f(`{"tags": ["a", "é"], "soft": true}`,
		fmt.Sprintf("purge soft=true %q", []string{cache.TagLabel("a"), cache.TagLabel("é")}),
		map[string]any{"sequence": 1.0, "urls": 0.0, "tags": 2.0, "all": false, "soft": true})
	f(`{"all": true}`, "all soft=false", map[string]any{"sequence": 1.0, "urls": 0.0, "tags": 0.0, "all": true, "soft": false})
	f(`{"all": true, "soft": true, "urls": ["/x"], "tags": []}`, "all soft=true",
		map[string]any{"sequence": 1.0, "urls": 1.0, "tags": 0.0, "all": true, "soft": true})
	f(" \n{\"all\": false, \"urls\": [\"/x\"]}\n ", `purge soft=false ["u:/x" "v:/x"]`,
		map[string]any{"sequence": 1.0, "urls": 1.0, "tags": 0.0, "all": false, "soft": false})
}

func TestARefusedCallPurgesNothing(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		fix := newFixture()
		w, got := fix.send("POST", strings.NewReader(body))
		if w.Code != 400 {
			t.Errorf("%.100s: got %d, want 400", body, w.Code)
		}
		if message, _ := got["error"].(string); message != want || len(got) != 1 {
			t.Errorf("%.100s: got %v, want the error %q", body, got, want)
		}
		if len(fix.engine.calls) != 0 || fix.log.Len() != 0 {
			t.Errorf("%.100s: engine was told %q, log %q", body, fix.engine.calls, fix.log.String())
		}
	}
	f("", "the body is empty")
	f("  ", "the body is empty")
	f(`{"tags": ["a"]`, "the JSON ends too early")
	f(`{"tags": ["a"`, "the JSON ends too early")
	f(`{`, "the JSON ends too early")
	f(`[]`, `a JSON object is needed, such as {"tags": ["product-1"]}`)
	f(`"a"`, `a JSON object is needed, such as {"tags": ["product-1"]}`)
	f(`null`, `a JSON object is needed, such as {"tags": ["product-1"]}`)
	f(`{"all": flase}`, "not JSON: invalid character 'l' in literal false (expecting 'a')")
	f(`{"tags": ["a"]} {"all": true}`, "there is more than one JSON value")
	f(`{}`, "nothing to purge: give urls, tags or all")
	f(`{"soft": true}`, "nothing to purge: give urls, tags or all")
	f(`{"all": false, "urls": []}`, "nothing to purge: give urls, tags or all")
	f(`{"tag": ["a"]}`, `"tag": unknown member, known are urls, tags, all and soft`)
	f(`{"TAGS": ["a"]}`, `"TAGS": unknown member, known are urls, tags, all and soft`)
	f(`{"all": true, "all": false}`, "all: is there twice")
	f(`{"all": "yes"}`, "all: is a string, not a boolean")
	f(`{"all": 1}`, "all: is a number, not a boolean")
	f(`{"all": true, "soft": null}`, "soft: is null")
	f(`{"tags": null, "all": true}`, "tags: is null")
	f(`{"urls": "/a"}`, "urls: is not a list of texts")
	f(`{"urls": {"a": 1}}`, "urls: is not a list of texts")
	f(`{"urls": ["/a", 5]}`, "urls[1]: 5 is not a text")
	f(`{"tags": ["a", null]}`, "tags[1]: null is not a text")
	f(`{"urls": ["/a", "/b", "/c", "/bad"]}`, "urls[3]: a bad target")
	f(`{"urls": ["/bad"], "all": true}`, "urls[0]: a bad target")
	f(`{"tags": [""]}`, "tags[0]: is empty")
	f(`{"tags": ["a", "b c"]}`, `tags[1]: "b c" has a space or a control character, which no tag has`)
	f(`{"tags": ["`+strings.Repeat("x", 1025)+`"]}`, "tags[0]: has 1025 bytes, more than 1024")
	f(`{"tags": [`+strings.Repeat(`"a",`, 1000)+`"a"]}`, "1001 urls and tags, more than the 1000 of one call")
	f(`{"urls": [`+strings.Repeat(`"/a",`, 500)+`"/a"], "tags": [`+strings.Repeat(`"a",`, 499)+`"a"]}`,
		"1001 urls and tags, more than the 1000 of one call")
	f(`{"tags": ["a"], `+strings.Repeat(" ", 1<<20)+`"soft": true}`, "the body has more than 1048576 bytes")
}

func TestTheLargestCallIsTaken(t *testing.T) {
	fix := newFixture()
	if w, got := fix.send("POST", strings.NewReader(`{"tags": [`+strings.Repeat(`"a",`, 999)+`"a"]}`)); w.Code != 200 || got["tags"] != 1000.0 {
		t.Errorf("got %d %v", w.Code, got)
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PURGE", "OPTIONS"} {
		fix := newFixture()
		w, _ := fix.send(method, strings.NewReader(`{"all": true}`))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: got %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
		if len(fix.engine.calls) != 0 {
			t.Errorf("%s purged: %q", method, fix.engine.calls)
		}
	}
}

func TestABrokenBodyPurgesNothing(t *testing.T) {
	fix := newFixture()
	body := io.MultiReader(strings.NewReader(`{"all": true}`), iotest.ErrReader(io.ErrUnexpectedEOF))
	if w, got := fix.send("POST", body); w.Code != 400 || got["error"] != "the body ended early: unexpected EOF" {
		t.Errorf("got %d %v", w.Code, got)
	}
	if len(fix.engine.calls) != 0 {
		t.Errorf("purged: %q", fix.engine.calls)
	}
}

func TestPurgesAreCounted(t *testing.T) {
	fix := newFixture()
	for _, body := range []string{`{"urls": ["/a", "/b"], "tags": ["x"]}`, `{"urls": ["/a"], "soft": true}`, `{"all": true}`, `{}`, `{"x": 1}`} {
		fix.send("POST", strings.NewReader(body))
	}
	const want = `
# HELP aisle_purges_refused_total Calls of the purge interface that were refused and purged nothing.
# TYPE aisle_purges_refused_total counter
aisle_purges_refused_total 2
# HELP aisle_purges_total URLs, tags and whole caches purged over the admin interface.
# TYPE aisle_purges_total counter
aisle_purges_total{kind="all",mode="hard"} 1
aisle_purges_total{kind="all",mode="soft"} 0
aisle_purges_total{kind="tag",mode="hard"} 1
aisle_purges_total{kind="tag",mode="soft"} 0
aisle_purges_total{kind="url",mode="hard"} 2
aisle_purges_total{kind="url",mode="soft"} 1
`
	if err := testutil.GatherAndCompare(fix.registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(fix.registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

func TestKindsHaveDistinctNames(t *testing.T) {
	var names []string
	for k := range purge.KindAll + 1 {
		names = append(names, k.String())
	}
	if diff := cmp.Diff([]string{"url", "tag", "all"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever comes in, an engine is told of it once and with an answer of 200, or not at all.
func FuzzPurge(f *testing.F) {
	for _, seed := range []string{`{"urls": ["/a"], "tags": ["b"], "all": false, "soft": true}`, `{"all": true}`, `{"tags": [1]}`, `[{`, ``, `{"all":true,"all":1}`, `{"a":`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fix := newFixture()
		w, got := fix.send("POST", strings.NewReader(body))
		purged := len(fix.engine.calls) == 1
		if purged != (w.Code == 200) || len(fix.engine.calls) > 1 {
			t.Fatalf("%q: %d after %q", body, w.Code, fix.engine.calls)
		}
		if _, refused := got["error"].(string); refused == purged {
			t.Fatalf("%q: %d with %v", body, w.Code, got)
		}
		if purged && !json.Valid([]byte(body)) {
			t.Fatalf("%q is no JSON and purged %q", body, fix.engine.calls)
		}
	})
}

var _ purge.Engine = (*cache.Engine)(nil)
