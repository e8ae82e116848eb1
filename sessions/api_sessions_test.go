package sessions_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

// TestCreate: facts 1.1.
func TestCreate(t *testing.T) {
	s := newRig(t, nil).shopper()
	a := s.do("POST", "/api/sessions", public("variable1", "value1", "variable2", "value2")).want(201)
	var pair struct{ SessionToken, SegmentToken string }
	a.read(&pair)
	if pair.SessionToken != s.jar["vtex_session"] || pair.SegmentToken != s.jar["vtex_segment"] || pair.SessionToken == "" {
		t.Errorf("the tokens of the body are not those of the cookies: %s", a.body)
	}
	want := map[string]any{
		"campaigns": nil, "channel": "1", "priceTables": nil, "regionId": nil, "utm_campaign": nil, "utm_source": nil, "utmi_campaign": nil,
		"currencyCode": "BRL", "currencySymbol": "R$", "countryCode": "BRA", "cultureInfo": "pt-BR", "channelPrivacy": "public",
	}
	if diff := cmp.Diff(want, s.segment()); diff != "" {
		t.Errorf("segment (-want +got)\n%s", diff)
	}
	got := s.read()
	if got.Version != 1 || !got.Active || got.Debug || !regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`).MatchString(got.ID) {
		t.Errorf("%+v", got)
	}
	if got.value("public", "variable1") != `"value1"` || got.value("public", "variable2") != `"value2"` || got.value("account", "accountName") != `"acme"` {
		t.Errorf("%+v", got.Namespaces)
	}
	if id := got.Namespaces["account"]["id"]; len(id.Value) != 38 || !id.KeepAlive {
		t.Errorf("account.id is %s, keepAlive %v", id.Value, id.KeepAlive)
	}
}

// TestHead: the fields of answers, and the three cookies as lines of their own, in order.
func TestHead(t *testing.T) {
	a := newRig(t, nil).do("POST", "/api/sessions", "{}", "x-vtex-operation-id", "op-1").want(201)
	f := func(name, want string) {
		t.Helper()
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	f("Cache-Control", "private, no-store")
	f("Vary", "Origin, Cookie")
	f("Content-Type", "application/json; charset=utf-8")
	f("X-Vtex-Operation-Id", "op-1")
	f("Access-Control-Allow-Origin", "")
	lines := a.header.Values("Set-Cookie")
	if len(lines) != 3 {
		t.Fatalf("%d Set-Cookie lines", len(lines))
	}
	for i, name := range []string{"vtex_session", "vtex_segment", "aisle_seal"} {
		if !strings.HasPrefix(lines[i], name+"=") || !strings.HasSuffix(lines[i], "; Path=/; Max-Age=432000; Secure; HttpOnly; SameSite=None") {
			t.Errorf("line %d: %s", i, lines[i])
		}
	}
}

func TestOperationID(t *testing.T) {
	r := newRig(t, nil)
	f := func(given string, echoed bool) {
		t.Helper()
		got := r.do("GET", "/api/sessions/.well-known/jwks.json", "", "x-vtex-operation-id", given).header.Get("x-vtex-operation-id")
		if (got == given) != echoed || got == "" || len(got) > 64 {
			t.Errorf("%q: got %q", given, got)
		}
	}
	f("3b241101-e2bb-4255-8caf-4136c566a962", true)
	f("a.b_c:d", true)
	f(strings.Repeat("a", 64), true)
	f(strings.Repeat("a", 65), false)
	f("a b", false)
	f("a\"b", false)
	f("é", false)
}

// TestEditKeepsTheSession: POST with a cookie edits, PATCH merges per key (facts 1.1, 1.3).
func TestEditKeepsTheSession(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", public("variable1", "value1", "variable2", "value2")).want(201)
	first := s.read()
	s.do("PATCH", "/api/sessions", public("variable2", "patched", "variable3", "value3")).want(200)
	s.do("POST", "/api/sessions", public("variable4", "value4")).want(201)
	got := s.read()
	if got.ID != first.ID || got.Version != 3 {
		t.Errorf("session %s at %d, was %s", got.ID, got.Version, first.ID)
	}
	for key, want := range map[string]string{"variable1": "value1", "variable2": "patched", "variable3": "value3", "variable4": "value4"} {
		if got.value("public", key) != `"`+want+`"` {
			t.Errorf("%s is %s", key, got.value("public", key))
		}
	}
	// A value of any type; "" and null clear.
	s.do("PATCH", "/api/sessions", `{"public":{"variable1":{"value":""},"variable2":{"value":null},"n":{"value":12.50},"o":{"value":{"a":["<b>"]}},"variable3":{"value":false}}}`).want(200)
	got = s.read()
	want := map[string]string{"variable3": "false", "variable4": `"value4"`, "n": "12.50", "o": `{"a":["<b>"]}`}
	shown := map[string]string{}
	for key := range got.Namespaces["public"] {
		shown[key] = got.value("public", key)
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestPatchCreates: PATCH without a session begins one, with its own status (facts 1.3).
func TestPatchCreates(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("PATCH", "/api/sessions", public("a", "1")).want(200)
	if got := s.read(); got.Version != 1 || got.value("public", "a") != `"1"` {
		t.Errorf("%+v", got)
	}
}

// TestWritesWithItems: facts 1.4.
func TestWritesWithItems(t *testing.T) {
	s := newRig(t, nil).shopper()
	f := func(method, items string, status int, want string) {
		t.Helper()
		a := s.do(method, "/api/sessions?items="+items, public("country", "BRA")).want(status)
		got := a.session()
		if a.cookies["vtex_session"] == nil || a.cookies["vtex_segment"] == nil || a.cookies["aisle_seal"] == nil {
			t.Errorf("%s: cookies %v", items, a.cookies)
		}
		var whole map[string]json.RawMessage
		a.read(&whole)
		if diff := cmp.Diff(want, string(whole["namespaces"])); diff != "" || got.ID == "" {
			t.Errorf("%s: id %q (-want +got)\n%s", items, got.ID, diff)
		}
	}
	f("POST", "public.country", 201, `{"public":{"country":{"value":"BRA"}}}`)
	f("PATCH", "public.country,store.channel", 200, `{"public":{"country":{"value":"BRA"}},"store":{"channel":{"value":"1"}}}`)
	f("PATCH", "", 200, `{}`) // @vtex/api sends `items=` for []
	f("POST", "nothing.there", 201, `{}`)
	f("POST", "store.*", 201, `{"store":{"channel":{"value":"1"},"channelPrivacy":{"value":"public"},"countryCode":{"value":"BRA"},`+
		`"cultureInfo":{"value":"pt-BR"},"currencyCode":{"value":"BRL"},"currencySymbol":{"value":"R$"}}}`)
}

// TestNoFalseEdits: what changes nothing is not written, and is no new version.
func TestNoFalseEdits(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions?utm_source=x", public("a", "<1>")).want(201)
	for _, c := range [][2]string{
		{"/api/sessions", "{}"}, {"/api/sessions", ""}, {"/api/sessions", public("a", "<1>")}, {"/api/sessions?utm_source=x", `{"public":{"b":{"value":""}}}`},
	} {
		s.do("PATCH", c[0], c[1]).want(200)
		s.do("GET", c[0]+"?items=*", "").want(200)
	}
	if saves, touches := r.store.counts(); saves != 1 || touches != 0 || s.read().Version != 1 {
		t.Errorf("%d saves and %d touches, version %d", saves, touches, s.read().Version)
	}
}

// TestQuery: facts 1.5.
func TestQuery(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions?utm_source=google&utm_campaign=black+friday&utmi_cp=banner&sc=2&an=acme&workspace=w&session_path=p&__bindingId=b"+
		"&supportedLocales=l&facets=evil%3D1&broken=%zz&twice=1&twice=2&both=query&items=public.*", public("both", "body")).want(201)
	got := s.read()
	want := map[string]string{
		"utm_source": "google", "utm_campaign": "black friday", "utmi_cp": "banner", "sc": "2", "twice": "2", "both": "body",
	}
	shown := map[string]string{}
	for key, v := range got.Namespaces["public"] {
		shown[key] = strings.Trim(string(v.Value), `"`)
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	seg := s.segment()
	for field, want := range map[string]any{"utm_source": "google", "utm_campaign": "black friday", "utmi_campaign": "banner", "channel": "2", "currencyCode": "USD", "facets": nil} {
		if seg[field] != want {
			t.Errorf("segment %s is %v", field, seg[field])
		}
	}
	r.counts(t, "aisle_sessions_dropped_total", map[string]float64{"denied-query": 1, "broken-query": 1})
	// A read takes nothing from the query.
	s.do("GET", "/api/sessions?items=*&utm_source=other", "").want(200)
	if got := s.read().value("public", "utm_source"); got != `"google"` {
		t.Errorf("after GET: %s", got)
	}
}

func TestDeniedQuery(t *testing.T) {
	s := newRig(t, func(o *options) { o.service.DeniedQuery = []string{"storeUserEmail"} }).shopper()
	s.do("POST", "/api/sessions?storeUserEmail=a@b.example&facets=x", "{}").want(201)
	got := s.read()
	if got.value("public", "storeUserEmail") != "" || got.value("public", "facets") != `"x"` {
		t.Errorf("%+v", got.Namespaces["public"])
	}
}

// TestForeignNamespaces: only a backend writes outside of public.
func TestForeignNamespaces(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	body := `{"profile":{"priceTables":{"value":"gold"}},"cookie":{"x":{"value":"1"}},"public":{"a":{"value":"1"}}}`
	s.do("POST", "/api/sessions", body).want(201)
	if got := s.read(); got.value("profile", "priceTables") != "" || got.value("public", "a") == "" {
		t.Errorf("a stranger wrote %+v", got.Namespaces)
	}
	s.do("POST", "/api/sessions", body, "X-Aisle-Backend-Key", testBackend).want(201)
	if got := s.read().value("profile", "priceTables"); got != `"gold"` || s.segment()["priceTables"] != "gold" {
		t.Errorf("a backend wrote %s", got)
	}
	for _, wrong := range []string{"", "erp", "erp:", "erp:wrong", "other:" + testBackend[4:], testBackend + "x", testBackend[4:]} {
		s.do("PATCH", "/api/sessions", public("a", "2"), "X-Aisle-Backend-Key", wrong).fault(401, "Unauthorized")
	}
	s.do("PATCH", "/api/sessions", public("a", "2"), "X-Aisle-Backend-Key", testBackend, "X-Aisle-Backend-Key", "erp:wrong").fault(401, "Unauthorized")
	if got := s.read().value("public", "a"); got != `"1"` {
		t.Errorf("a refused write changed a to %s", got)
	}
	r.counts(t, "aisle_sessions_dropped_total", map[string]float64{"foreign-namespace": 3})
}

func TestKeepAlive(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", `{"public":{"a":{"value":"1","keepAlive":true},"b":{"value":"1"}}}`).want(201)
	f := func(key string, want bool) {
		t.Helper()
		if got := s.read().Namespaces["public"][key].KeepAlive; got != want {
			t.Errorf("keepAlive of %s is %v", key, got)
		}
	}
	f("a", true)
	f("b", false)
	s.do("PATCH", "/api/sessions", public("a", "2")).want(200)
	f("a", true) // a write that does not say leaves it
	s.do("PATCH", "/api/sessions", `{"public":{"a":{"value":"2","keepAlive":false},"b":{"value":"1","keepAlive":true}}}`).want(200)
	f("a", false)
	f("b", true)
	s.do("PATCH", "/api/sessions", public("b", "")).want(200)
	s.do("PATCH", "/api/sessions", public("b", "1")).want(200)
	f("b", false) // the flag goes with the value
}

// TestBodies: what is no body at all is fine, and what is broken is told.
func TestBodies(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", "").want(201)
	s.do("POST", "/api/sessions", "{}").want(201)
	s.do("POST", "/api/sessions", " \n", "Content-Type", "text/plain").want(201)
	s.do("POST", "/api/sessions", public("a", "1"), "Content-Type", "application/x-www-form-urlencoded").want(201)
	s.do("POST", "/api/sessions", "{", "Content-Type", "application/json").fault(400, "BadRequest")
	s.do("POST", "/api/sessions", "[]").fault(400, "BadRequest")
	s.do("POST", "/api/sessions", `{"public":{"k":"v"}}`).fault(400, "BadRequest")
	s.do("POST", "/api/sessions", `{"public":{"demo":{"Value":"v"}}}`).fault(400, "BadRequest")
	s.do("POST", "/api/sessions", "{}", "Content-Encoding", "gzip").fault(415, "UnsupportedMediaType")
	s.do("POST", "/api/sessions", "{}", "Content-Encoding", "Identity").want(201)
	s.do("POST", "/api/sessions", `{"public":{"a":{"value":"`+strings.Repeat("x", 70_000)+`"}}}`).fault(413, "TooLarge")
	if got := s.read(); got.value("public", "a") != `"1"` || got.Version != 2 {
		t.Errorf("refused writes left %+v", got)
	}
}

// TestRefusedChannel: nothing that the request says is stored (facts, part 4).
func TestRefusedChannel(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	r.do("POST", "/api/sessions?sc=3", "{}").fault(401, "Unauthorized")
	r.do("POST", "/api/sessions", public("sc", "99")).fault(401, "Unauthorized")
	if saves, _ := r.store.counts(); saves != 0 {
		t.Errorf("%d sessions were stored", saves)
	}
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	s.do("PATCH", "/api/sessions", public("a", "2", "sc", "3")).fault(401, "Unauthorized")
	s.jar["login"] = "ann"
	s.do("PATCH", "/api/sessions", public("a", "2", "sc", "3")).failure(403, "Forbidden")
	s.do("PATCH", "/api/sessions", public("a", "2", "sc", "3")).fault(403, "Forbidden")
	if got := s.read(); got.value("public", "a") != `"1"` || got.value("public", "sc") != "" {
		t.Errorf("refused writes left %+v", got.Namespaces["public"])
	}
	s.do("PATCH", "/api/sessions", public("sc", "2")).want(200)
	if got := s.segment()["currencyCode"]; got != "USD" {
		t.Errorf("currency %v", got)
	}
}

// TestGet: items that are empty or absent show nothing but the id.
func TestGet(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	id := s.read().ID
	empty := `{"id":"` + id + `","namespaces":{},"version":1,"active":true,"debug":false}`
	s.do("GET", "/api/sessions", "").want(200).same(empty)
	s.do("GET", "/api/sessions?items=", "").want(200).same(empty)
	s.do("GET", "/api/sessions?items=nothing.there", "").want(200).same(empty)
	s.do("GET", "/br/api/sessions?items=public.a", "").want(200).same(
		`{"id":"` + id + `","namespaces":{"public":{"a":{"value":"1"}}},"version":1,"active":true,"debug":false}`)
	s.do("GET", "/api/sessions?items="+strings.Repeat("a.b,", 300), "").fault(400, "BadRequest")
	a := s.do("GET", "/api/sessions?items=*", "")
	if len(a.cookies) != 0 {
		t.Errorf("a read that changes nothing set %v", a.cookies)
	}
	// Who has lost the segment or its seal gets them back.
	delete(s.jar, "aisle_seal")
	if a := s.do("GET", "/api/sessions?items=*", ""); a.cookies["aisle_seal"] == nil || a.cookies["vtex_session"] != nil {
		t.Errorf("without a seal: %v", a.cookies)
	}
	s.jar["vtex_segment"] = "forged"
	s.do("GET", "/api/sessions?items=*", "").want(200)
	if s.segment()["channel"] != "1" {
		t.Error("a forged segment stayed")
	}
}

// TestInvalidToken: facts 1.8. The session of the cookie is left behind.
func TestInvalidToken(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	before := s.read()
	a := s.do("GET", "/api/sessions/invalidToken?items=*", "").want(200)
	got := a.session()
	if got.ID == before.ID || got.value("public", "a") != "" || a.cookies["vtex_session"] == nil || a.cookies["vtex_segment"] == nil {
		t.Errorf("%s: %+v, cookies %v", before.ID, got, a.cookies)
	}
	if again := s.read(); again.ID != got.ID {
		t.Errorf("the next read is of %s", again.ID)
	}
}

// TestPathToken: facts 1.7. A token in the path wins over the cookie.
func TestPathToken(t *testing.T) {
	r := newRig(t, nil)
	one, other := r.shopper(), r.shopper()
	one.do("POST", "/api/sessions", public("name", "one")).want(201)
	other.do("POST", "/api/sessions", public("name", "other")).want(201)
	token := one.jar["vtex_session"]
	f := func(method, target string, status int, body string) session {
		t.Helper()
		a := r.do(method, target, body, "Cookie", "vtex_session="+other.jar["vtex_session"])
		return a.want(status).session()
	}
	if got := f("GET", "/api/sessions/"+token+"?items=*", 200, ""); got.value("public", "name") != `"one"` {
		t.Errorf("GET: %+v", got)
	}
	f("POST", "/api/sessions/"+token+"?items=*", 201, public("edited", "post"))
	f("PATCH", "/x/api/sessions/"+strings.ReplaceAll(token, ".", "%2E")+"/?items=*", 200, public("again", "patch"))
	if got := one.read(); got.value("public", "edited") != `"post"` || got.value("public", "again") != `"patch"` {
		t.Errorf("one: %+v", got)
	}
	if got := other.read(); got.Version != 1 {
		t.Errorf("other: %+v", got)
	}
}

// TestOldTokens: every unexpired token of a session reads its latest state (facts 2.2).
func TestOldTokens(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	old := s.jar["vtex_session"]
	s.do("PATCH", "/api/sessions", public("a", "2")).want(200)
	if s.jar["vtex_session"] == old {
		t.Error("an edit gave no new token")
	}
	got := r.do("GET", "/api/sessions?items=*", "", "Cookie", "vtex_session="+old).want(200).session()
	if got.value("public", "a") != `"2"` || got.Version != 2 {
		t.Errorf("%+v", got)
	}
}

// TestTwoSessionCookies: the last that is genuine counts, whatever stands beside it (facts, part 6, 925071).
func TestTwoSessionCookies(t *testing.T) {
	r := newRig(t, nil)
	one, two := r.shopper(), r.shopper()
	one.do("POST", "/api/sessions", public("name", "one")).want(201)
	two.do("POST", "/api/sessions", public("name", "two")).want(201)
	now := time.Now()
	foreign := issue(t, newTokens(t, "other", newKey(t)), now, &sessions.Session{ID: "x", Expires: now.Add(time.Hour)})
	f := func(want string, tokens ...string) {
		t.Helper()
		var line []string
		for _, token := range tokens {
			line = append(line, "vtex_session="+token)
		}
		got := r.do("GET", "/api/sessions?items=*", "", "Cookie", strings.Join(line, "; ")).want(200).session()
		if got.value("public", "name") != want {
			t.Errorf("%d tokens: %s, want %s", len(tokens), got.value("public", "name"), want)
		}
	}
	a, b := one.jar["vtex_session"], two.jar["vtex_session"]
	f(`"two"`, a, b)
	f(`"one"`, b, a)
	f(`"one"`, a, foreign)
	f(`"one"`, a, "garbage", "")
	f("", foreign, "garbage")
}

// TestManyCookies: 100 of them, broken ones, 64 KiB: never a 5xx.
func TestManyCookies(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	f := func(cookies string) {
		t.Helper()
		a := s.do("GET", "/api/sessions?items=public.a", "", "Cookie", cookies).want(200)
		if got := a.session().value("public", "a"); got != `"1"` {
			t.Errorf("%.40s: %s", cookies, got)
		}
	}
	f(strings.Repeat("c=x; ", 100))
	f(strings.Repeat("broken; ", 100))
	f("big=" + strings.Repeat("x", 64<<10))
	f("\x01=\x02; =; ;;; a=\"; {}=1")
}

func TestMethods(t *testing.T) {
	r := newRig(t, nil)
	f := func(method, target, allow string) {
		t.Helper()
		a := r.do(method, target, "")
		a.fault(http.StatusMethodNotAllowed, "MethodNotAllowed")
		if got := a.header.Get("Allow"); got != allow {
			t.Errorf("%s %s: Allow %q", method, target, got)
		}
	}
	f("PUT", "/api/sessions", "GET, HEAD, POST, PATCH, OPTIONS")
	f("DELETE", "/api/sessions", "GET, HEAD, POST, PATCH, OPTIONS")
	f("PUT", "/api/sessions/x", "GET, HEAD, POST, PATCH, DELETE, OPTIONS")
	f("POST", "/api/segments", "GET, HEAD, OPTIONS")
	f("PATCH", "/api/segments/x", "GET, HEAD, OPTIONS")
	f("POST", "/api/sessions/.well-known/jwks.json", "GET, HEAD, OPTIONS")
	r.do("GET", "/api/other", "").fault(404, "NotFound")
	r.do("GET", "/", "").fault(404, "NotFound")
}

func TestErase(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	before := s.read()
	token := s.jar["vtex_session"]
	s.do("DELETE", "/api/sessions/"+token, "").fault(401, "Unauthorized")
	s.do("DELETE", "/api/sessions/"+token, "", "X-Aisle-Backend-Key", "erp:wrong").fault(401, "Unauthorized")
	r.do("DELETE", "/api/sessions/"+token, "", "X-Aisle-Backend-Key", testBackend).want(204)
	r.do("DELETE", "/api/sessions/"+token, "", "X-Aisle-Backend-Key", testBackend).fault(404, "NotFound")
	r.do("DELETE", "/api/sessions/junk", "", "X-Aisle-Backend-Key", testBackend).fault(404, "NotFound")
	if got := s.read(); got.ID == before.ID || got.value("public", "a") != "" {
		t.Errorf("an erased session reads %+v", got)
	}
	// By its id, as well.
	r.do("DELETE", "/api/sessions/"+s.read().ID, "", "X-Aisle-Backend-Key", testBackend).want(204)
	if n, err := r.store.Len(t.Context()); n != 0 || err != nil {
		t.Errorf("%d sessions are left, %v", n, err)
	}
}
