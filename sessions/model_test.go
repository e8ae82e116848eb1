package sessions_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
)

// TestModel: whatever is written, by whatever call, a session reads as a map would.
func TestModel(t *testing.T) {
	r := newRig(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{rig: r, model: map[string]string{}}
		t.Repeat(map[string]func(*rapid.T){
			"write": m.write,
			"items": m.items,
			"":      m.check,
		})
	})
}

// machine is a shopper and what they should read.
type machine struct {
	rig     *rig
	model   map[string]string // public key to JSON
	version uint64
	old     []string // every token so far
}

// call sends a request with some token of the session.
func (m *machine) call(t *rapid.T, method, target, body string) *answer {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	if len(m.old) > 0 {
		request.Header.Set("Cookie", "vtex_session="+rapid.SampledFrom(m.old).Draw(t, "token"))
	}
	a := m.rig.serve(request)
	if a.status/100 != 2 {
		t.Fatalf("%s %s %s: %d %s", method, target, body, a.status, a.body)
	}
	if c := a.cookies["vtex_session"]; c != nil {
		m.old = append(m.old, c.Value)
	}
	return a
}

func drawKey(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "ab", "abc", "A", "a.b", "é", "<x>", "items2"}).Draw(t, "key")
}

// write draws a body and a query, and applies both to the model.
func (m *machine) write(t *rapid.T) {
	after := maps.Clone(m.model)
	query := url.Values{}
	for range rapid.IntRange(0, 2).Draw(t, "query keys") {
		key, value := drawKey(t), rapid.SampledFrom([]string{"", "q", "a b&c", "ü", `"\`}).Draw(t, "query value")
		query.Set(key, value)
		put(after, key, jsonText(value))
	}
	body := map[string]map[string]json.RawMessage{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		key := drawKey(t)
		value := rapid.SampledFrom([]string{`""`, "null", `"v"`, "0", "1.50", "false", `{"a":["<"]}`, "[]", `" "`}).Draw(t, "value")
		body[key] = map[string]json.RawMessage{"value": json.RawMessage(value)}
		put(after, key, value)
	}
	var text strings.Builder
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false) // values come back as they were sent
	if err := to.Encode(map[string]any{"public": body, "profile": body}); err != nil {
		t.Fatal(err)
	}
	method := rapid.SampledFrom([]string{"POST", "PATCH"}).Draw(t, "method")
	created := len(m.old) == 0
	m.call(t, method, "/api/sessions?"+query.Encode(), text.String())
	if created || !maps.Equal(m.model, after) {
		m.version++
	}
	m.model = after
}

func put(model map[string]string, key, value string) {
	if value == `""` || value == "null" {
		delete(model, key)
		return
	}
	model[key] = value
}

func jsonText(s string) string { return string(transform.TextValue(s)) }

// items reads some keys alone.
func (m *machine) items(t *rapid.T) {
	if len(m.old) == 0 {
		return
	}
	key := drawKey(t)
	got := m.call(t, "GET", "/api/sessions?items="+url.QueryEscape("public."+key), "").session()
	if got.value("public", key) != m.model[key] || len(got.Namespaces["public"]) > 1 || len(got.Namespaces) > 1 {
		t.Fatalf("%s: %+v, want %s", key, got.Namespaces, m.model[key])
	}
}

func (m *machine) check(t *rapid.T) {
	if len(m.old) == 0 {
		return
	}
	got := m.call(t, "GET", "/api/sessions?items=public.*", "").session()
	shown := map[string]string{}
	for key := range got.Namespaces["public"] {
		shown[key] = got.value("public", key)
	}
	if diff := cmp.Diff(m.model, shown); diff != "" || got.Version != m.version {
		t.Fatalf("version %d, want %d (-want +got)\n%s", got.Version, m.version, diff)
	}
}

// TestParallelWriters: whoever writes what and when, every acknowledged key is there, and the last value of one that
// several wrote is one of theirs.
func TestParallelWriters(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		r := newRig(outer, nil)
		cookie := "vtex_session=" + r.do("POST", "/api/sessions", "{}").cookies["vtex_session"].Value
		plans := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 16).Draw(t, "plans")
		var writers sync.WaitGroup
		statuses := make([]int, len(plans))
		for i, shared := range plans {
			writers.Go(func() {
				own := "own" + jsonText(strings.Repeat("x", i))
				request := httptest.NewRequest("PATCH", "/api/sessions", strings.NewReader(public(own, "1", shared, own)))
				request.Header.Set("Cookie", cookie)
				recorder := httptest.NewRecorder()
				r.handler.ServeHTTP(recorder, request)
				statuses[i] = recorder.Code
			})
		}
		writers.Wait()
		got := r.do("GET", "/api/sessions?items=*", "", "Cookie", cookie).session()
		for i, shared := range plans {
			own := "own" + jsonText(strings.Repeat("x", i))
			if statuses[i] != 200 || got.value("public", own) != `"1"` || got.value("public", shared) == "" {
				t.Fatalf("writer %d of %d: status %d, %s", i, len(plans), statuses[i], got.value("public", own))
			}
		}
	})
}
