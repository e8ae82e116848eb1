package sessions_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

// directory is the app `profile` with a price table that an operator changes meanwhile.
func directory(table *atomic.Value) transform.App {
	return app{transform.Spec{
		Name: "profile", Input: transform.Declaration{"cookie": {"login"}}, Refresh: true, Output: transform.Declaration{"profile": {"priceTables"}},
	}, func(_ context.Context, in transform.Values) (transform.Values, error) {
		text := ""
		if in.Text(transform.Key{Namespace: "cookie", Name: "login"}) != "" {
			text = table.Load().(string)
		}
		out := transform.Values{}
		out.Put(transform.Key{Namespace: "profile", Name: "priceTables"}, transform.TextValue(text))
		return out, nil
	}}
}

// member is a rig with one shopper who has the gold table.
func member(t *testing.T) (*rig, *shopper, *atomic.Value) {
	t.Helper()
	table := &atomic.Value{}
	table.Store("gold")
	r := newRig(t, func(o *options) { o.apps = []transform.App{directory(table)} })
	s := r.shopper()
	s.jar["login"] = "zed"
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	if got := tablesOf(t, s.jar["vtex_segment"]); got != "gold" {
		t.Fatalf("the shopper has %q", got)
	}
	return r, s, table
}

func tablesOf(t *testing.T, token string) string {
	t.Helper()
	s, reason := segment.Decode([]byte(token), 4096)
	if reason != segment.OK {
		t.Fatalf("%s: %s", token, reason)
	}
	value, _ := s.Get("priceTables")
	return value
}

// TestRecoverLooksUpAnew: what was taken away since the last call is not sealed once more for who never calls again.
func TestRecoverLooksUpAnew(t *testing.T) {
	r, s, table := member(t)
	f := func(want string) {
		t.Helper()
		out, err := r.service.Recover(t.Context(), s.jar["vtex_session"])
		r.must(err)
		if got := tablesOf(t, out.Segment.Token); got != want {
			t.Errorf("recovered with %q, want %q", got, want)
		}
	}
	f("gold")
	table.Store("")
	f("")
	if stored := r.store.stored(t, s.read().ID); stored.Values.Text(transform.Key{Namespace: "profile", Name: "priceTables"}) != "" {
		t.Error("what was recovered was not stored")
	}
}

// TestASealRunsOutWithinItsTime: who keeps the cookies of a better segment has it no longer than segment.seal_ttl and a quarter
// of an hour.
func TestASealRunsOutWithinItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, table := member(t)
		token, seal := []byte(s.jar["vtex_segment"]), []byte(s.jar["aisle_seal"])
		table.Store("")
		s.do("POST", "/api/sessions", "{}").want(201)
		if got := tablesOf(t, s.jar["vtex_segment"]); got != "" {
			t.Errorf("the next call issues %q", got)
		}
		f := func(after time.Duration, want segment.SealState) {
			t.Helper()
			if state, _ := r.sealer.Open(time.Now().Add(after), token, seal); state != want {
				t.Errorf("after %v: %v, want %v", after, state, want)
			}
		}
		f(0, segment.SealValid)
		f(59*time.Minute, segment.SealValid)
		f(75*time.Minute, segment.SealExpired)
	})
}

// TestRevokeVoidsWhatWasReplaced: the seals of a segment that the session no longer has are void as well.
func TestRevokeVoidsWhatWasReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, table := member(t)
		gold, seal := []byte(s.jar["vtex_segment"]), []byte(s.jar["aisle_seal"])
		table.Store("silver")
		s.do("POST", "/api/sessions", "{}").want(201)
		silver, later := []byte(s.jar["vtex_segment"]), []byte(s.jar["aisle_seal"])
		done, err := r.service.Revoke(t.Context(), s.jar["vtex_session"])
		r.must(err)
		if len(done.Seals) != 2 {
			t.Errorf("%+v", done)
		}
		for _, pair := range [][2][]byte{{gold, seal}, {silver, later}} {
			if state, _ := r.sealer.Open(time.Now(), pair[0], pair[1]); state != segment.SealRevoked {
				t.Errorf("%s: %v", pair[0], state)
			}
		}
	})
}

// TestRevokeASegment ends no session: who has it gets a seal anew.
func TestRevokeASegment(t *testing.T) {
	r, s, _ := member(t)
	token, seal := s.jar["vtex_segment"], s.jar["aisle_seal"]
	done, err := r.service.Revoke(t.Context(), token)
	r.must(err)
	if done.ID != "" || len(done.Seals) != 1 {
		t.Errorf("%+v", done)
	}
	if state, _ := r.sealer.Open(time.Now(), []byte(token), []byte(seal)); state != segment.SealRevoked {
		t.Errorf("the seal of before: %v", state)
	}
	out, err := r.service.Recover(t.Context(), s.jar["vtex_session"])
	r.must(err)
	if state, _ := r.sealer.Open(time.Now(), []byte(token), []byte(r.service.Seal(out.Segment.Token))); state != segment.SealValid || out.Segment.Token != token {
		t.Errorf("the seal anew: %v", state)
	}
	for _, text := range []string{"", "nothing", "eyJ", s.jar["vtex_session"] + "x"} {
		if _, err := r.service.Revoke(t.Context(), text); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestReplacedIsBounded: a session that changes all the time does not grow by it.
func TestReplacedIsBounded(t *testing.T) {
	r, s, table := member(t)
	for i := range 80 {
		table.Store(strings.Repeat("x", i+1))
		s.do("POST", "/api/sessions", "{}").want(201)
	}
	if stored := r.store.stored(t, s.read().ID); len(stored.Replaced) != 32 {
		t.Errorf("%d tokens are remembered", len(stored.Replaced))
	}
}

func TestOperator(t *testing.T) {
	r, s, _ := member(t)
	operator := sessions.NewOperator(sessions.OperatorOptions{
		Service: r.service, Explain: func(values transform.Values, _ time.Time) any {
			return []string{values.Text(transform.Key{Namespace: "profile", Name: "priceTables"})}
		},
	})
	f := func(method, target, body string, status int, parts ...string) (text string) {
		t.Helper()
		w := httptest.NewRecorder()
		operator.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		text = w.Body.String()
		if w.Code != status || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: %d %s", method, target, w.Code, text)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %s:\n%s", target, part, text)
			}
		}
		return text
	}
	id := s.read().ID
	if text := f("POST", "/sessions/show", s.jar["vtex_session"], 200, id, `"priceTables":"gold"`, s.jar["vtex_segment"]); strings.Contains(text, "zed") || strings.Contains(text, "audiences") {
		t.Errorf("it shows a log-in, or what was not asked for: %s", text)
	}
	f("POST", "/sessions/show?explain", id+"\n", 200, `"audiences":["gold"]`)
	f("POST", "/sessions/show", "nobody", 404, "NotFound")
	f("POST", "/sessions/show", strings.Repeat("x", 9<<10), 400, "BadRequest")
	f("GET", "/sessions/show", "", 405, "POST")
	f("POST", "/sessions/other", id, 404, "show, revoke and erase")
	f("POST", "/sessions/revoke", id, 200, id, `"seals":[{"t":"`)
	f("POST", "/sessions/show", id, 200, `"active":false`)
	f("POST", "/sessions/erase", id, 200, id)
	f("POST", "/sessions/show", id, 404)
	elsewhere := sessions.NewOperator(sessions.OperatorOptions{Revoke: r.service.Revoke})
	w := httptest.NewRecorder()
	elsewhere.ServeHTTP(w, httptest.NewRequest("POST", "/sessions/show", strings.NewReader(id)))
	if w.Code != http.StatusNotImplemented {
		t.Errorf("without a sidecar: %d %s", w.Code, w.Body)
	}
}

// TestCheckout: what another handler answers is counted, and its panics are as ours.
func TestCheckout(t *testing.T) {
	r := newRig(t, func(o *options) {
		o.http.Checkout = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Query().Has("panic") {
				panic("a value")
			}
			if q.Method != http.MethodGet {
				w.WriteHeader(http.StatusMethodNotAllowed) // in a form of its own
			}
			_, _ = w.Write([]byte("[]"))
		})
	})
	for target, want := range map[string]int{
		"/api/checkout/pub/regions/?country=BRA": 200, "/br/api/checkout/pub/postal-code/BRA/1": 200, "/api/checkout/other": 404, "/api/checkout/pub/regions?panic": 500,
	} {
		r.do("GET", target, "").want(want)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if a := r.do(method, "/api/checkout/pub/regions", "{}").want(405); a.body != "[]" {
			t.Errorf("%s: %s", method, a.body)
		}
	}
	r.do("OPTIONS", "/api/checkout/pub/regions", "").want(204)
	r.counts(t, "aisle_sessions_panics_total", map[string]float64{"": 1})
	newRig(t, nil).do("GET", "/api/checkout/pub/regions", "").want(404)
}
