package demo_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/demo"
)

// browser is a client of the sessions API that keeps cookies as a browser does.
type browser struct {
	*shop
	cookies map[string]string
}

func newBrowser(s *shop) *browser { return &browser{shop: s, cookies: map[string]string{}} }

func (b *browser) send(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		header = append(header, "Cookie", name+"="+b.cookies[name])
	}
	a := b.do(t, method, path, body, header...)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return a
}

// segment is what the browser's own cookie says.
func (b *browser) segment(t testing.TB) demo.Segment {
	t.Helper()
	s, err := demo.DecodeSegment(b.cookies["vtex_segment"])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type tokens struct{ SessionToken, SegmentToken string }

type session struct {
	ID         string
	Namespaces map[string]map[string]struct{ Value any }
}

func TestPostMakesASessionAndPatchEditsIt(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	a := b.send(t, "POST", "/api/sessions", `{"public":{"variable1":{"value":"one"}}}`)
	var first tokens
	a.json(t, &first)
	if a.status != http.StatusCreated || first.SegmentToken != demo.DefaultSegment().Token() || len(first.SessionToken) != 36 {
		t.Fatalf("%d %+v", a.status, first)
	}
	if b.cookies["vtex_session"] != first.SessionToken || b.cookies["vtex_segment"] != first.SegmentToken {
		t.Errorf("cookies %v, tokens %+v", b.cookies, first)
	}
	for _, name := range []string{"vtex_session", "vtex_segment"} {
		c, _ := a.cookie(name)
		if c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 5*24*3600 || c.Domain != "" {
			t.Errorf("cookie %s", c)
		}
	}
	a = b.send(t, "PATCH", "/api/sessions", `{"public":{"variable2":{"value":"two"},"utm_campaign":{"value":"vip"}}}`)
	var second tokens
	a.json(t, &second)
	if a.status != http.StatusOK || second.SessionToken != first.SessionToken || second.SegmentToken == first.SegmentToken {
		t.Errorf("%d %+v after %+v", a.status, second, first)
	}
	a = b.send(t, "POST", "/api/sessions", `{}`)
	var third tokens
	a.json(t, &third)
	if a.status != http.StatusCreated || third != second {
		t.Errorf("a POST with a session: %d %+v", a.status, third)
	}
	var whole session
	b.send(t, "GET", "/api/sessions?items=*", "").json(t, &whole)
	want := map[string]any{"variable1": "one", "variable2": "two", "utm_campaign": "vip"}
	if diff := cmp.Diff(want, values(whole, "public")); diff != "" || whole.ID != first.SessionToken {
		t.Errorf("session %s, public (-want +got):\n%s", whole.ID, diff)
	}
	if n := b.State().Sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func values(s session, ns string) map[string]any {
	out := map[string]any{}
	for k, v := range s.Namespaces[ns] {
		out[k] = v.Value
	}
	return out
}

func TestItemsAskForTheSession(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(method, items string, status int, want map[string][]string) {
		t.Helper()
		a := b.send(t, method, "/api/sessions?"+newQuery("items", items), "{}")
		var s session
		a.json(t, &s)
		got := map[string][]string{}
		for ns, v := range s.Namespaces {
			got[ns] = slices.Sorted(maps.Keys(v))
		}
		if diff := cmp.Diff(want, got); diff != "" || a.status != status || s.ID == "" {
			t.Errorf("%s %q: %d, id %q, items (-want +got):\n%s", method, items, a.status, s.ID, diff)
		}
	}
	store := []string{"channel", "channelPrivacy", "countryCode", "cultureInfo", "currencyCode", "currencySymbol"}
	f("POST", "store.channel,store.countryCode,public.none", 201, map[string][]string{"store": {"channel", "countryCode"}})
	f("PATCH", "store.*", 200, map[string][]string{"store": store})
	f("GET", "store.channel, account.id", 200, map[string][]string{"store": {"channel"}, "account": {"id"}})
	f("GET", "*", 200, map[string][]string{"store": store, "account": {"accountName", "id"}, "profile": {"isAuthenticated"}})
	f("POST", "", 201, map[string][]string{})
	b.send(t, "PATCH", "/api/sessions?"+newQuery("postalCode", "04561-000", "sc", "3", "email", "Gold@x.example"), "")
	f("GET", "checkout.*,authentication.*,profile.*,public.*", 200, map[string][]string{
		"checkout": {"regionId"}, "authentication": {"storeUserEmail"}, "profile": {"email", "isAuthenticated", "priceTables"}, "public": {"email", "postalCode", "sc"},
	})
}

func TestBooleansAreStrings(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	f := func(email, want string) {
		t.Helper()
		var s session
		b.send(t, "POST", "/api/sessions?items=profile.isAuthenticated", `{"public":{"email":{"value":"`+email+`"}}}`).json(t, &s)
		if got := s.Namespaces["profile"]["isAuthenticated"].Value; got != want {
			t.Errorf("email %q: isAuthenticated %#v, want %q", email, got, want)
		}
	}
	f("", "false")
	f("a@b.example", "true")
}

func TestSegmentIsDerivedFromPublicValues(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(name, query, body string, change func(*demo.Segment)) {
		t.Helper()
		b := newBrowser(s)
		if a := b.send(t, "POST", "/api/sessions?"+query, body); a.status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		want := demo.DefaultSegment()
		change(&want)
		if diff := cmp.Diff(want, b.segment(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	region := func(country, code string) string {
		r, _ := s.Catalogue().RegionOf(country, code)
		return r.ID
	}
	channel := func(c string) func(*demo.Segment) { return func(s *demo.Segment) { *s = demo.ChannelSegment(c) } }
	f("nothing", "", "", channel("1"))
	f("sc", "sc=2", "{}", channel("2"))
	f("sc as a number", "", `{"public":{"sc":{"value":2}}}`, channel("2"))
	f("an unknown sc", "sc=9", "", channel("1"))
	f("the private channel, nobody", "sc=3", "", channel("1"))
	f("the private channel, somebody", "sc=3&email=a@b.example", "", channel("3"))
	f("utm", "utm_source=google&utm_campaign=black+friday&utmi_cp=banner&utm_medium=cpc", "", func(s *demo.Segment) {
		s.UTMSource, s.UTMCampaign, s.UTMICampaign = "google", "black friday", "banner"
	})
	f("postal code", "postalCode=04561-000", "", func(s *demo.Segment) { s.RegionID = region("BRA", "04561000") })
	f("postal code of the channel's country", "postalCode=94103&sc=2", "", func(s *demo.Segment) {
		*s = demo.ChannelSegment("2")
		s.RegionID = region("USA", "94103")
	})
	f("postal code of a country named", "postalCode=94103&country=USA", "", func(s *demo.Segment) { s.RegionID = region("USA", "94103") })
	f("a postal code that is none", "postalCode=xyz", "", channel("1"))
	f("gold", "email=gold@a.example", "", func(s *demo.Segment) { s.PriceTables = "gold" })
	f("silver in capitals", "email=SILVER@a.example", "", func(s *demo.Segment) { s.PriceTables = "silver" })
	f("vip", "email=vip@a.example", "", func(s *demo.Segment) { s.Campaigns = "vip" })
	f("somebody else", "email=golden@a.example", "", channel("1"))
	f("culture", "cultureInfo=en-US", "", func(s *demo.Segment) { s.CultureInfo = "en-US" })
	f("the body wins over the query", "sc=2", `{"public":{"sc":{"value":"1"}}}`, channel("1"))
	f("control parameters are no values", "facets=productClusterIds%3D1&items2=x&an=acme", "", channel("1"))
	f("a value that is an object", "", `{"public":{"sc":{"value":{"a":1}},"utm_source":{"value":["x"]}}}`, channel("1"))
	f("a bad pair in the query", "sc=2&x=%zz", "", channel("2"))
	f("other namespaces", "", `{"profile":{"email":{"value":"gold@x"}},"store":{"channel":{"value":"3"}}}`, channel("1"))
}

func TestAnEmptyValueClears(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	b.send(t, "POST", "/api/sessions?utm_campaign=newsletter", "")
	b.send(t, "PATCH", "/api/sessions", `{"public":{"utm_campaign":{"value":""}}}`)
	if got := b.segment(t); got != demo.DefaultSegment() {
		t.Errorf("segment %+v", got)
	}
}

func TestControlParametersDoNotReachThePublicNamespace(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	var s session
	b.send(t, "POST", "/api/sessions?items=public.*&an=acme&workspace=master&session_path=&__bindingId=b&supportedLocales=x&facets=y&gclid=z", "{}").json(t, &s)
	if diff := cmp.Diff(map[string]any{"gclid": "z"}, values(s, "public")); diff != "" {
		t.Errorf("public (-want +got):\n%s", diff)
	}
}

func TestBadBodiesChangeNothing(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	b.send(t, "POST", "/api/sessions?utm_source=a", "")
	f := func(body string) {
		t.Helper()
		a := b.send(t, "PATCH", "/api/sessions?utm_source=b", body)
		var got struct{ Type, Message string }
		a.json(t, &got)
		if _, set := a.cookie("vtex_segment"); a.status != http.StatusBadRequest || got.Type != "BadRequest" || got.Message == "" || set {
			t.Errorf("%.40q: %d %s", body, a.status, a.body)
		}
	}
	f("{")
	f("[]")
	f(`"x"`)
	f(`{"public":[]}`)
	f(`{"public":{"a":"b"}}`)
	f(strings.Repeat(" ", 64<<10) + "{}")
	var s session
	b.send(t, "GET", "/api/sessions?items=public.*", "").json(t, &s)
	if diff := cmp.Diff(map[string]any{"utm_source": "a"}, values(s, "public")); diff != "" {
		t.Errorf("public (-want +got):\n%s", diff)
	}
}

func TestSessionsAreNamedByPathAndHeaderToo(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	b.send(t, "POST", "/api/sessions", "")
	id := b.cookies["vtex_session"]
	f := func(a answer, want string) {
		t.Helper()
		var got session
		a.json(t, &got)
		if got.ID != want {
			t.Errorf("%d %s: want the session %q", a.status, a.body, want)
		}
	}
	f(s.get(t, "/api/sessions/"+id+"?items=*"), id)
	f(s.get(t, "/api/sessions?items=*", "X-Vtex-Session", id), id)
	f(s.do(t, "POST", "/api/sessions/"+id+"?items=public.a", `{"public":{"a":{"value":1}}}`), id)
	f(s.get(t, "/api/sessions?items=*"), "")
	if n := s.State().Sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestABadTokenInThePathEndsTheSession(t *testing.T) {
	s := newShop(t, demo.Options{})
	b := newBrowser(s)
	b.send(t, "POST", "/api/sessions", "")
	a := b.send(t, "GET", "/api/sessions/invalidToken?items=*", "")
	if !json.Valid(a.body) || a.status != http.StatusNotFound || len(b.cookies) != 0 || s.State().Sessions != 0 {
		t.Errorf("%d %s, cookies %v, %d sessions", a.status, a.body, b.cookies, s.State().Sessions)
	}
	a = b.send(t, "GET", "/api/sessions?items=*", "", "Cookie", "vtex_session=stale")
	if _, set := a.cookie("vtex_session"); a.status != http.StatusNotFound || set {
		t.Errorf("a stale cookie: %d, fields %v", a.status, a.header)
	}
}

func TestSessionsAPIRefusals(t *testing.T) {
	s := newShop(t, demo.Options{})
	f := func(method, path string, status int, kind string) {
		t.Helper()
		a := s.do(t, method, path, "")
		var got struct{ Type string }
		a.json(t, &got)
		if a.status != status || got.Type != kind || a.header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s %s: %d %s, fields %v", method, path, a.status, a.body, a.header)
		}
	}
	f("DELETE", "/api/sessions", 405, "MethodNotAllowed")
	f("GET", "/api/sessions", 404, "NotFound")
	f("GET", "/api/sessionsx", 404, "NotFound")
	f("GET", "/api/segments/!!!", 400, "BadRequest")
}

func TestSegmentsAPI(t *testing.T) {
	s := newShop(t, demo.Options{})
	gold := demo.DefaultSegment()
	gold.PriceTables = "gold"
	f := func(path string, cookie, want demo.Segment, control string) {
		t.Helper()
		a := s.get(t, path, "Cookie", "vtex_segment="+cookie.Token())
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, a.body) || a.status != http.StatusOK || a.header.Get("Cache-Control") != control {
			t.Errorf("%s: %d %s\nwant %s", path, a.status, a.body, data)
		}
		c, set := a.cookie("vtex_segment")
		if own := control != "public, max-age=3600"; set != own || own && c.Value != want.Token() {
			t.Errorf("%s: cookie %v", path, c)
		}
	}
	const private, public = "private, no-store", "public, max-age=3600"
	f("/api/segments", gold, gold, private)
	over := demo.ChannelSegment("2")
	over.PriceTables, over.UTMSource, over.UTMCampaign, over.UTMICampaign = "gold", "google", "black friday", "b"
	f("/api/segments?sc=2&utm_source=google&utm_campaign=black+friday&utmi_cp=b&an=acme", gold, over, private)
	f("/api/segments?sc=3", gold, gold, private)
	f("/api/segments/"+url.PathEscape(gold.Token()), demo.DefaultSegment(), gold, public)
	f("/api/segments/"+gold.Token()+"==?an=acme&session_path=", demo.DefaultSegment(), gold, public)
	f("/api/segments/"+gold.Token()+"%3D%3D", demo.DefaultSegment(), gold, public)
	odd := demo.DefaultSegment()
	odd.UTMSource = "a?b>c~ÿ??>>"
	f("/api/segments/"+odd.Token(), demo.DefaultSegment(), odd, public)
	f("/api/segments/"+strings.ReplaceAll(strings.ReplaceAll(odd.Token(), "/", "%2F"), "+", "%2B"), demo.DefaultSegment(), odd, public)
}

func TestPricesFollowTheSession(t *testing.T) {
	b := newBrowser(newShop(t, demo.Options{}))
	p := productWhere(t, b.Catalogue(), func(p *demo.Product) bool { return p.OwnPrice && p.ByCampaign && p.ByUTM })
	f := func(name string, change func(*demo.Segment)) {
		t.Helper()
		want := demo.DefaultSegment()
		change(&want)
		if got, q := offerIn(t, b.send(t, "GET", p.Path(), "").body, p.ID), demo.Quote(p, 0, want); got.Price != q.Price || got.Stock != q.Stock {
			t.Errorf("%s: price %d, stock %d; want %d, %d", name, got.Price, got.Stock, q.Price, q.Stock)
		}
	}
	f("nobody", func(*demo.Segment) {})
	b.send(t, "POST", "/login", "email=gold%40x.example", "Content-Type", "application/x-www-form-urlencoded")
	f("gold", func(s *demo.Segment) { s.PriceTables = "gold" })
	b.send(t, "PATCH", "/api/sessions?postalCode=20000000", "")
	region, _ := b.Catalogue().RegionOf("BRA", "20000000")
	f("gold in Rio", func(s *demo.Segment) { s.PriceTables, s.RegionID = "gold", region.ID })
	b.send(t, "POST", "/logout", "")
	f("nobody again", func(*demo.Segment) {})
}
