package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

func TestNewFaults(t *testing.T) {
	_, err := sessions.New(sessions.Options{TTL: time.Millisecond})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"no Account", "no Store", "no Tokens", "no Sealer", "no Engine", "1ms"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if _, err := sessions.NewHandler(sessions.HandlerOptions{}); err == nil {
		t.Error("a handler of nothing")
	}
}

// TestLogIn: a cookie that an app reads shows at the next call, a GET included; and when it is gone the shopper is nobody
// again (facts, part 4).
func TestLogIn(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	s := r.shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	f := func(what, priceTables, authenticated string, version uint64) {
		t.Helper()
		got := s.read()
		table, _ := s.segment()["priceTables"].(string)
		if table != priceTables || got.value("profile", "isAuthenticated") != authenticated || got.Version != version {
			t.Errorf("%s: price tables %q, authenticated %s, version %d", what, table, got.value("profile", "isAuthenticated"), got.Version)
		}
		if got.Namespaces["cookie"] != nil {
			t.Errorf("%s: cookies are shown: %v", what, got.Namespaces["cookie"])
		}
	}
	f("at first", "", "", 1)
	s.jar["login"], s.jar["unrelated"] = "ann", "x"
	f("logged in", "ann", `"true"`, 2)
	f("once more", "ann", `"true"`, 2)
	s.jar["login"] = "ben"
	f("another shopper", "ben", `"true"`, 3)
	delete(s.jar, "login")
	f("logged out", "", `"false"`, 4)
	if got := r.store.stored(t, s.read().ID).Values["cookie"]; got != nil {
		t.Errorf("cookies are stored: %v", got)
	}
}

// TestServersCallsDoNotLogOut: an app's server sends vtex_session alone (facts, part 3), and says nothing by the
// cookies that it does not send.
func TestServersCallsDoNotLogOut(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions", "{}").want(201)
	token := s.jar["vtex_session"]
	f := func(method, target, cookie, want string) {
		t.Helper()
		a := r.do(method, target, "", "Cookie", cookie)
		if got := a.session().value("profile", "email"); got != want {
			t.Errorf("%s %.30s with %.20s: %s", method, target, cookie, got)
		}
	}
	f("GET", "/api/sessions?items=profile.email", "vtex_session="+token+";", `"ann@shop.example"`)
	f("POST", "/api/sessions?items=profile.email", "vtex_session="+token, `"ann@shop.example"`)
	f("GET", "/api/sessions/"+token+"?items=profile.email", "vtex_segment=x", `"ann@shop.example"`)
	// What it does send counts.
	f("GET", "/api/sessions?items=profile.email", "vtex_session="+token+"; login=ben", `"ben@shop.example"`)
	f("GET", "/api/sessions?items=profile.email", "vtex_session="+token+"; login=", "")
}

// TestTokensThatAreNone begin a new session with a new id.
func TestTokensThatAreNone(t *testing.T) {
	r := newRig(t, nil)
	now := time.Now()
	session := &sessions.Session{ID: "11111111-2222-4333-8444-555555555555", Version: 1, Expires: now.Add(time.Hour)}
	f := func(name, token string) {
		t.Helper()
		a := r.do("POST", "/api/sessions?items=public.a", public("a", "1"), "Cookie", "vtex_session="+token).want(201)
		if got := a.session(); got.ID == session.ID || got.Version != 1 || a.cookies["vtex_session"] == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	f("forged", issue(t, newTokens(t, testAccount, newKey(t)), now, session))
	f("foreign", issue(t, newTokens(t, "other", newKey(t)), now, session))
	f("malformed", "invalidToken")
	f("of a session that there is not", issue(t, r.tokens, now, session))
	session.Expires = now.Add(-time.Second)
	f("expired", issue(t, r.tokens, now, session))
	r.counts(t, "aisle_sessions_tokens_total", map[string]float64{"unknown-key": 2, "malformed": 1, "valid": 1, "expired": 1})
	r.counts(t, "aisle_sessions_created_total", map[string]float64{"": 5})
}

func TestFixedLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *options) { o.service.TTL = time.Hour })
		s := r.shopper()
		s.do("POST", "/api/sessions", public("a", "1")).want(201)
		id := s.read().ID
		time.Sleep(30 * time.Minute)
		a := s.do("PATCH", "/api/sessions", public("a", "2")).want(200)
		if got := a.cookies["vtex_session"].MaxAge; got != 1800 {
			t.Errorf("half way the cookie lives %d s", got)
		}
		time.Sleep(30*time.Minute - time.Second)
		if got := s.read(); got.ID != id {
			t.Error("the session ended early")
		}
		time.Sleep(time.Second)
		if got := s.read(); got.ID == id || got.value("public", "a") != "" {
			t.Error("the session outlived its ttl")
		}
	})
}

func TestSlidingLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *options) { o.service.TTL, o.service.Sliding = time.Hour, true })
		s := r.shopper()
		s.do("POST", "/api/sessions", public("a", "1")).want(201)
		id := s.read().ID
		for range 100 { // a read every minute: far beyond the ttl
			time.Sleep(time.Minute)
			if got := s.read(); got.ID != id {
				t.Fatal("the session ended while it was used")
			}
		}
		// Bounded to one write in a twentieth of the ttl, which is 3 minutes.
		if saves, touches := r.store.counts(); saves != 1 || touches > 34 || touches < 20 {
			t.Errorf("%d saves and %d touches in 100 reads", saves, touches)
		}
		a := s.do("POST", "/api/sessions", "{}").want(201)
		if got := a.cookies["vtex_session"].MaxAge; got < 3600-180 || got > 3600 {
			t.Errorf("the cookie lives %d s", got)
		}
		time.Sleep(time.Hour)
		if got := s.read(); got.ID == id {
			t.Error("an unused session outlived its ttl")
		}
	})
}

// TestSlidingAfterRestart: another process does not know what this one has moved.
func TestSlidingAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *options) { o.service.TTL, o.service.Sliding = time.Hour, true })
		s := r.shopper()
		s.do("POST", "/api/sessions", public("a", "1")).want(201)
		for range 3 {
			time.Sleep(50 * time.Minute)
			s.read()
		}
		restarted := newRig(t, func(o *options) {
			o.service.TTL, o.service.Sliding, o.service.Store, o.service.Tokens = time.Hour, true, r.store, r.tokens
		})
		s.rig = restarted
		if got := s.read(); got.value("public", "a") != `"1"` {
			t.Errorf("after a restart: %+v", got)
		}
	})
}

// TestSlidingRecovery: a session that was only read for longer than its ttl is still given cookies that live.
func TestSlidingRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *options) { o.service.TTL, o.service.Sliding = time.Hour, true })
		s := r.shopper()
		s.do("POST", "/api/sessions", "{}").want(201)
		for range 3 {
			time.Sleep(50 * time.Minute)
			s.read()
		}
		client, _ := newClient(r)
		_, _, cookies, err := client.Recover(t.Context(), s.jar["vtex_session"])
		if err != nil || !strings.Contains(cookies[0], "; Max-Age=3600;") {
			t.Errorf("%q, %v", cookies, err)
		}
	})
}

// TestEditsOfManyProcesses: 64 writers in each of two processes over one store, and every key is there.
func TestEditsOfManyProcesses(t *testing.T) {
	one := newRig(t, nil)
	two := newRig(t, func(o *options) { o.service.Store, o.service.Tokens = one.store, one.tokens })
	s := one.shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	token := "vtex_session=" + s.jar["vtex_session"]
	var writers sync.WaitGroup
	for i := range 64 {
		for p, r := range []*rig{one, two} {
			writers.Go(func() {
				key := fmt.Sprintf("k%d-%d", p, i)
				if a := r.do("PATCH", "/api/sessions", public(key, key), "Cookie", token); a.status != 200 {
					t.Errorf("%s: status %d: %s", key, a.status, a.body)
				}
			})
		}
	}
	writers.Wait()
	got := s.read()
	for i := range 64 {
		for p := range 2 {
			if key := fmt.Sprintf("k%d-%d", p, i); got.value("public", key) != `"`+key+`"` {
				t.Errorf("%s is lost", key)
			}
		}
	}
	if got.Version != 129 {
		t.Errorf("version %d after 128 edits", got.Version)
	}
}

// TestEditAgainOnConflict: the same change is made again, on what the other has left.
func TestEditAgainOnConflict(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	r.conflicts(3)
	s.do("PATCH", "/api/sessions", public("b", "2")).want(200)
	if got := s.read(); got.value("public", "a") != `"1"` || got.value("public", "b") != `"2"` || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	r.counts(t, "aisle_sessions_conflicts_total", map[string]float64{"": 3})
}

func TestEndlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.shopper()
		s.do("POST", "/api/sessions", public("a", "1")).want(201)
		r.store.before = func(op string) error {
			if op == "save" {
				time.Sleep(100 * time.Millisecond)
				return sessions.ErrConflict
			}
			return nil
		}
		began := time.Now()
		s.do("PATCH", "/api/sessions", public("b", "2")).fault(503, "Unavailable")
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

// TestStoreErrors: told without detail, and with what to do.
func TestStoreErrors(t *testing.T) {
	f := func(op, method, target string, err error, status int, kind string) {
		t.Helper()
		r := newRig(t, nil)
		s := r.shopper()
		s.do("POST", "/api/sessions", public("a", "1")).want(201)
		r.store.before = func(got string) error {
			if got == op {
				return err
			}
			return nil
		}
		a := s.do(method, target, public("a", "2"))
		a.fault(status, kind)
		if (a.header.Get("Retry-After") == "1") != (status == 503) || strings.Contains(a.body, "secret") {
			t.Errorf("%s: Retry-After %q, %s", op, a.header.Get("Retry-After"), a.body)
		}
		r.store.before = nil
		if got := s.read(); got.value("public", "a") != `"1"` {
			t.Errorf("%s: a became %s", op, got.value("public", "a"))
		}
		r.counts(t, "aisle_sessions_store_errors_total", map[string]float64{"": 1})
	}
	away := fmt.Errorf("redis at secret.example: %w", sessions.ErrUnavailable)
	f("load", "GET", "/api/sessions?items=*", away, 503, "Unavailable")
	f("load", "PATCH", "/api/sessions", away, 503, "Unavailable")
	f("save", "POST", "/api/sessions", away, 503, "Unavailable")
	f("save", "POST", "/api/sessions", errors.New("secret bug"), 500, "InternalError")
	f("load", "GET", "/api/segments", away, 503, "Unavailable")
}

// TestErasedMeanwhile: an edit whose session goes in the middle begins a new one, and does not bring the old one back.
func TestErasedMeanwhile(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	id := s.read().ID
	once := true
	r.store.before = func(op string) error {
		if op == "save" && once {
			once = false
			if err := r.service.Erase(context.Background(), id); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	s.do("PATCH", "/api/sessions", public("b", "2")).want(200)
	got := s.read()
	if got.ID == id || got.value("public", "a") != "" || got.value("public", "b") != `"2"` {
		t.Errorf("%+v", got)
	}
}

// TestCorruptRecord: the shopper begins anew, and is not locked out.
func TestCorruptRecord(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	id := s.read().ID
	for _, data := range []string{"", "{", `{"f":9}`, `{"f":1,"id":"another","a":"acme","e":9999999999}`, `{"f":1,"id":"` + id + `","a":"other","e":9999999999}`} {
		stored := r.store.sessions[id]
		stored.Data = []byte(data)
		r.store.sessions[id] = stored
		got := r.do("GET", "/api/sessions?items=*", "", "Cookie", "vtex_session="+s.jar["vtex_session"]).want(200).session()
		if got.ID == id || got.value("public", "a") != "" {
			t.Errorf("%s: %+v", data, got)
		}
	}
	r.counts(t, "aisle_sessions_corrupt_total", map[string]float64{"": 3})
}

func TestRevoke(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	token, id := s.jar["vtex_session"], s.read().ID
	ctx := t.Context()
	revocation, err := r.service.Revoke(ctx, id)
	r.must(err)
	if revocation.ID != id || len(revocation.Seals) != 1 || revocation.Seals[0].Token != segment.DigestOf([]byte(s.jar["vtex_segment"])) {
		t.Errorf("%+v", revocation)
	}
	if got, err := r.service.Show(ctx, id); err != nil || got.Active || got.SealsVoid.IsZero() || got.Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := r.service.Recover(ctx, token); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("recovering: %v", err)
	}
	if got := s.read(); got.ID == id || got.value("public", "a") != "" {
		t.Errorf("a revoked session reads %+v", got)
	}
	if _, err := r.service.Revoke(ctx, "11111111-2222-4333-8444-555555555555"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("revoking nothing: %v", err)
	}
}

// TestRevokeAgainOnConflict: an edit that comes between does not save the session.
func TestRevokeAgainOnConflict(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	id := s.read().ID
	left := 2
	r.store.before = func(op string) error {
		if op == "save" && left > 0 {
			left--
			return sessions.ErrConflict
		}
		return nil
	}
	_, err := r.service.Revoke(t.Context(), id)
	r.must(err)
	if r.store.stored(t, id).Active || left != 0 {
		t.Error("the session is still active")
	}
	r.store.before = func(string) error { return sessions.ErrUnavailable }
	if _, err := r.service.Revoke(t.Context(), id); !errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("with the store away: %v", err)
	}
}

// TestAnotherAccountsSession in one store is none of ours to show, to revoke or to erase.
func TestAnotherAccountsSession(t *testing.T) {
	r := newRig(t, nil)
	other := &sessions.Session{ID: "11111111-2222-4333-8444-555555555555", Account: "other", Version: 1, Active: true, Expires: time.Now().Add(time.Hour)}
	data, err := other.Encode()
	r.must(err)
	r.must(r.store.Save(t.Context(), other.ID, 1, data, other.Expires))
	_, revoking := r.service.Revoke(t.Context(), other.ID)
	for name, got := range map[string]error{"erase": r.service.Erase(t.Context(), other.ID), "revoke": revoking} {
		if !errors.Is(got, sessions.ErrNotFound) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if diff := cmp.Diff(uint64(1), r.store.stored(t, other.ID).Version); diff != "" {
		t.Error(diff)
	}
}

func TestID(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	id := s.read().ID
	f := func(text, want string) {
		t.Helper()
		if got := r.service.ID(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	f(id, id)
	f(s.jar["vtex_session"], id)
	f("", "")
	f("junk", "")
	f(strings.ToUpper(id), "")
	f(strings.ReplaceAll(id, "-", ""), "")
	f(issue(t, newTokens(t, "other", newKey(t)), time.Now(), &sessions.Session{ID: id, Expires: time.Now().Add(time.Hour)}), "")
}

// TestRefresh: an app that looks things up outside is asked at every read.
func TestRefresh(t *testing.T) {
	audience := "vip"
	rnb := app{transform.Spec{Name: "rnb", RunOnCreate: true, Refresh: true, Output: transform.Declaration{"rnb": {"campaigns"}}},
		func(context.Context, transform.Values) (transform.Values, error) {
			return transform.Values{"rnb": {"campaigns": transform.TextValue(audience)}}, nil
		}}
	s := newRig(t, func(o *options) { o.apps = append(o.apps, rnb) }).shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	if got := s.segment()["campaigns"]; got != "vip" {
		t.Errorf("campaigns %v", got)
	}
	audience = ""
	s.read()
	if got := s.segment()["campaigns"]; got != nil {
		t.Errorf("after its end: %v", got)
	}
}

// TestSlowTransform: the request's deadline holds, and others are not kept waiting.
func TestSlowTransform(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := app{transform.Spec{Name: "slow", Timeout: time.Minute, Input: transform.Declaration{"public": {"slow"}}, Output: transform.Declaration{"slow": {"x"}}},
			func(ctx context.Context, _ transform.Values) (transform.Values, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}
		r := newRig(t, func(o *options) { o.apps = append(o.apps, slow) })
		s := r.shopper()
		s.do("POST", "/api/sessions", "{}").want(201)
		began := time.Now()
		s.do("PATCH", "/api/sessions", public("slow", "1")).want(200) // the app's failure is not the request's
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		r.counts(t, "aisle_sessions_transforms_total", map[string]float64{"slow timeout": 1, "store ok": 1})
	})
}
