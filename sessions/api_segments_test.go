package sessions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

const defaultSegment = `{"campaigns":null,"channel":"1","priceTables":null,"utm_campaign":null,"utm_source":null,"utmi_campaign":null,` +
	`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"pt-BR","channelPrivacy":"public"}`

// TestSegment: facts 1.6. regionId is absent where it is null, since the API description does not let it be null.
func TestSegment(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	a := s.do("GET", "/api/segments", "").want(200)
	if diff := cmp.Diff(defaultSegment, a.body); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// The clients of apps read the segment from the cookie.
	if a.cookies["vtex_segment"] == nil || a.cookies["vtex_session"] != nil {
		t.Errorf("cookies %v", a.cookies)
	}
	if s.segment()["channel"] != "1" {
		t.Errorf("segment %v", s.segment())
	}
	if saves, _ := r.store.counts(); saves != 0 {
		t.Errorf("%d sessions were stored for a segment", saves)
	}
	// The same again needs no cookie.
	if a := s.do("GET", "/api/segments", "").want(200); len(a.cookies) != 0 {
		t.Errorf("cookies %v", a.cookies)
	}
}

// TestSegmentOverrides: an ephemeral segment; the session is untouched.
func TestSegmentOverrides(t *testing.T) {
	r := newRig(t, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("utm_source", "own", "sc", "2")).want(201)
	token := s.jar["vtex_segment"]
	a := s.do("GET", "/api/segments?cultureInfo=fr-FR&utm_source=google&facets=x&session_path=&workspace=master&an=acme", "").want(200)
	a.same(`{"campaigns":null,"channel":"2","priceTables":null,"utm_campaign":null,"utm_source":"google","utmi_campaign":null,` +
		`"currencyCode":"USD","currencySymbol":"$","countryCode":"USA","cultureInfo":"fr-FR","channelPrivacy":"public"}`)
	if len(a.cookies) != 0 {
		t.Errorf("cookies %v", a.cookies)
	}
	// Who has lost the cookie gets back that of the session, not the one asked for.
	delete(s.jar, "vtex_segment")
	s.do("GET", "/api/segments?utm_source=google", "").want(200)
	if s.jar["vtex_segment"] != token {
		t.Errorf("the cookie became %v", s.segment())
	}
	if got := s.read(); got.value("public", "utm_source") != `"own"` || got.Version != 1 {
		t.Errorf("the session became %+v", got)
	}
	s.do("GET", "/api/segments?sc=3", "").fault(401, "Unauthorized")
}

// TestSegmentOverridesOfAStranger are in the cookie, since the clients of apps have nowhere else to read it.
func TestSegmentOverridesOfAStranger(t *testing.T) {
	s := newRig(t, nil).shopper()
	s.do("GET", "/api/segments?an=acme&cultureInfo=en-US&utm_source=google&session_path=&workspace=master", "").want(200)
	if got := s.segment(); got["utm_source"] != "google" || got["cultureInfo"] != "en-US" {
		t.Errorf("%v", got)
	}
}

func TestDecodeSegment(t *testing.T) {
	r := newRig(t, nil)
	f := func(token string, want string) {
		t.Helper()
		a := r.do("GET", "/api/segments/"+token+"?an=acme&session_path=&workspace=master", "").want(200)
		if diff := cmp.Diff(want, a.body); diff != "" {
			t.Errorf("%s (-want +got)\n%s", token, diff)
		}
		if a.header.Get("Cache-Control") != "public, max-age=3600, immutable" || a.header.Get("Vary") != "Origin" || len(a.cookies) != 0 {
			t.Errorf("%s: %v", token, a.header)
		}
	}
	seg, err := segment.Make(map[string]string{"channel": "1", "utm_source": "ÿÿ??>>~~"})
	r.must(err)
	want := string(seg.AppendJSON(nil))
	token := string(seg.AppendToken(nil))
	if !strings.ContainsAny(token, "+/") {
		t.Fatalf("%s has nothing to escape", token)
	}
	f(token, want)
	f(token+"==", want)
	f(token+"%3D%3d", want)
	f(strings.NewReplacer("/", "%2F", "+", "%2B").Replace(token), want)
	f(strings.NewReplacer("/", "_", "+", "-").Replace(token), want)
	// A decode proves nothing and verifies nothing.
	f("eyJjaGFubmVsIjoiMyIsIngiOjF9", `{"campaigns":null,"channel":"3","priceTables":null,"regionId":null,"utm_campaign":null,"utm_source":null,`+
		`"utmi_campaign":null,"currencyCode":null,"currencySymbol":null,"countryCode":null,"cultureInfo":null,"channelPrivacy":null,"x":1}`)

	for _, bad := range []string{"!", "abc==", "W10", strings.Repeat("a", 5000)} {
		r.do("GET", "/api/segments/"+bad, "").fault(400, "BadRequest")
	}
}

// withFacets is a rig whose search.facets are what the shopper says, for want of a search app.
func withFacets(t *testing.T) *rig {
	return newRig(t, func(o *options) {
		o.apps = append(o.apps, copier(map[string]transform.Key{
			"wish": {Namespace: "search", Name: "facets"}, "tables": {Namespace: "profile", Name: "priceTables"},
		}))
	})
}

// TestFacetsReference: long facets are kept by the sidecar, which resolves the reference whoever asks.
func TestFacetsReference(t *testing.T) {
	r := withFacets(t)
	s := r.shopper()
	facets := strings.Repeat("productClusterIds=158;", 60)
	s.do("POST", "/api/sessions", public("wish", facets)).want(201)
	short, _ := s.segment()["facets"].(string)
	reference, ok := strings.CutPrefix(short, "ref=")
	if !ok || len(s.jar["vtex_segment"]) > 700 {
		t.Fatalf("facets %q", short)
	}
	if got, err := r.service.Facets(t.Context(), reference); got != facets || err != nil {
		t.Errorf("resolved to %.40q, %v", got, err)
	}
	for _, target := range []string{"/api/segments", "/api/segments/" + s.jar["vtex_segment"]} {
		var got struct{ Facets string }
		s.do("GET", target, "").want(200).read(&got)
		if got.Facets != facets {
			t.Errorf("%.20s: facets %.40q", target, got.Facets)
		}
	}
	// A campaign that is called as the reference is stays a campaign.
	named, err := segment.Make(map[string]string{"utm_campaign": short, "facets": short})
	r.must(err)
	var got struct {
		Campaign string `json:"utm_campaign"`
		Facets   string
	}
	r.do("GET", "/api/segments/"+string(named.AppendToken(nil)), "").want(200).read(&got)
	if got.Campaign != short || got.Facets != facets {
		t.Errorf("campaign %.40q, facets %.40q", got.Campaign, got.Facets)
	}
	unknown, err := segment.Make(map[string]string{"facets": "ref=" + strings.Repeat("0", 64)})
	r.must(err)
	r.do("GET", "/api/segments/"+string(unknown.AppendToken(nil)), "").fault(404, "NotFound")
	r.counts(t, "aisle_sessions_segment_references_total", map[string]float64{"": 1})
}

// TestFacetsBeforeTheSession: no reference is given away that cannot be resolved.
func TestFacetsBeforeTheSession(t *testing.T) {
	r := withFacets(t)
	r.store.before = func(op string) error {
		if op == "put-facets" {
			return sessions.ErrUnavailable
		}
		return nil
	}
	r.do("POST", "/api/sessions", public("wish", strings.Repeat("a=b;", 300))).fault(503, "Unavailable")
	r.do("GET", "/api/segments?wish="+strings.Repeat("a%3Db;", 300), "").fault(503, "Unavailable")
	if saves, _ := r.store.counts(); saves != 0 {
		t.Errorf("%d sessions were stored", saves)
	}
}

// TestFacetsSlide: what a sliding session refers to does not end before it.
func TestFacetsSlide(t *testing.T) {
	r := newRig(t, func(o *options) {
		o.service.TTL, o.service.Sliding = 40*time.Second, true
		o.apps = append(o.apps, copier(map[string]transform.Key{"wish": {Namespace: "search", Name: "facets"}}))
	})
	s := r.shopper()
	s.do("POST", "/api/sessions", public("wish", strings.Repeat("a=b;", 300))).want(201)
	before := r.store.facets
	for ref, stored := range before {
		stored.Expires = time.Now().Add(time.Second) // as if most of the ttl had passed
		r.store.facets[ref] = stored
	}
	restarted := newRig(t, func(o *options) {
		o.service.TTL, o.service.Sliding, o.service.Store, o.service.Tokens = 40*time.Second, true, r.store, r.tokens
		o.apps = append(o.apps, copier(map[string]transform.Key{"wish": {Namespace: "search", Name: "facets"}}))
	})
	restarted.do("GET", "/api/sessions?items=*", "", "Cookie", "vtex_session="+s.jar["vtex_session"]).want(200)
	for ref, stored := range r.store.facets {
		if left := time.Until(stored.Expires); left < 30*time.Second {
			t.Errorf("%s ends in %v", ref, left)
		}
	}
}

// TestSegmentTooLarge: refused at the write, and nothing is stored.
func TestSegmentTooLarge(t *testing.T) {
	r := withFacets(t)
	s := r.shopper()
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	s.do("PATCH", "/api/sessions", public("a", "2", "tables", strings.Repeat("t", 3000))).fault(413, "SegmentTooLarge")
	if got := s.read(); got.value("public", "a") != `"1"` || got.Version != 1 {
		t.Errorf("%+v", got)
	}
	// A link is not the shopper's fault: without its query the call is fine.
	s.do("PATCH", "/api/sessions?tables="+strings.Repeat("t", 3000), public("a", "3")).want(200)
	if got := s.read(); got.value("public", "a") != `"3"` || got.value("public", "tables") != "" {
		t.Errorf("%+v", got)
	}
	r.counts(t, "aisle_sessions_dropped_total", map[string]float64{"oversized-query": 1})
}

// TestFacetsTooLong: what would show a shopper more than they asked for is refused, and no session is made (facts, part 6, 1416519).
func TestFacetsTooLong(t *testing.T) {
	r := newRig(t, func(o *options) {
		search, err := transform.NewSearch(transform.SearchOptions{Facets: []string{"productClusterIds"}, MaxBytes: 512})
		if err != nil {
			t.Fatal(err)
		}
		o.apps = append(o.apps, search)
	})
	s := r.shopper()
	long := "productClusterIds=not:" + strings.Repeat("1", 500)
	a := s.do("POST", "/api/sessions", public("facets", long))
	a.fault(413, "TooLarge")
	if !strings.Contains(a.body, "public.facets") || !strings.Contains(a.body, "512") || len(a.cookies) != 0 || len(r.store.sessions) != 0 {
		t.Errorf("%s, %v, %d sessions", a.body, a.cookies, len(r.store.sessions))
	}
}
