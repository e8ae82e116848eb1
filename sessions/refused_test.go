package sessions_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/transform"
)

// club is a store whose private channel is open to whoever is logged in, but for those in barred.
func club(t *testing.T, barred map[string]bool) *rig {
	t.Helper()
	store, err := transform.NewStore(transform.StoreOptions{
		Channels: testChannels(),
		Member: func(_ string, in transform.Values) bool {
			name, _, _ := strings.Cut(in.Text(transform.Key{Namespace: "profile", Name: "email"}), "@")
			return name != "" && !barred[name]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := transform.New([]transform.App{refreshed{store}, login()}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, func(o *options) { o.service.Engine = engine })
}

// refreshed is an app that is called at every request.
type refreshed struct{ transform.App }

func (r refreshed) Spec() transform.Spec {
	spec := r.App.Spec()
	spec.Refresh = true
	return spec
}

// TestLogOutOfARefusedCall: a client restates its channel with every call. The one that shows the log-out is refused for it,
// and logs out all the same.
func TestLogOutOfARefusedCall(t *testing.T) {
	r := club(t, nil)
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions?sc=3&utm_source=a", "{}").want(201)
	if got := s.segment(); got["channel"] != "3" || got["priceTables"] != "ann" {
		t.Fatalf("logged in: %v", got)
	}
	delete(s.jar, "login")
	a := s.do("PATCH", "/api/sessions?sc=3&utm_source=b", public("a", "1"))
	a.failure(http.StatusUnauthorized, "Unauthorized")
	if a.cookies["vtex_session"] == nil || a.cookies["aisle_seal"] == nil {
		t.Errorf("cookies %v", a.cookies)
	}
	if got := s.segment(); got["channel"] != "1" || got["priceTables"] != nil || got["utm_source"] != "a" {
		t.Errorf("logged out: %v", got)
	}
	// Said once: what follows is refused, and changes nothing.
	s.do("PATCH", "/api/sessions?sc=3&utm_source=b", public("a", "1")).fault(http.StatusUnauthorized, "Unauthorized")
	got := s.read()
	if got.Version != 2 || got.value("public", "sc") != `"3"` || got.value("public", "utm_source") != `"a"` || got.value("public", "a") != "" {
		t.Errorf("%+v", got)
	}
	// Whoever lost the answer is told at the next call.
	delete(s.jar, "aisle_seal")
	s.do("PATCH", "/api/sessions?sc=3", "{}").failure(http.StatusUnauthorized, "Unauthorized")
	s.segment()
	// And back: the channel is the one of before.
	s.jar["login"] = "ann"
	if s.read(); s.segment()["channel"] != "3" {
		t.Errorf("logged in again: %v", s.segment())
	}
}

// TestMembershipEndsInARefusedCall is a 403: the shopper is still who they are.
func TestMembershipEndsInARefusedCall(t *testing.T) {
	barred := map[string]bool{}
	r := club(t, barred)
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions?sc=3", "{}").want(201)
	barred["ann"] = true
	s.do("PATCH", "/api/sessions?sc=3", "{}").failure(http.StatusForbidden, "Forbidden")
	if got := s.segment(); got["channel"] != "1" || got["priceTables"] != "ann" {
		t.Errorf("%v", got)
	}
	barred["ann"] = false
	if s.read(); s.segment()["channel"] != "3" {
		t.Errorf("renewed: %v", s.segment())
	}
}

// TestLogOutOfACallThatIsTooLarge: what is too large is what the call says, not who makes it.
func TestLogOutOfACallThatIsTooLarge(t *testing.T) {
	r := newRig(t, func(o *options) {
		o.service.Limits.Session = 4000
		o.apps = append(o.apps, login())
	})
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions", public("a", "1")).want(201)
	delete(s.jar, "login")
	s.do("PATCH", "/api/sessions", public("a", strings.Repeat("v", 4000))).failure(http.StatusRequestEntityTooLarge, "TooLarge")
	if got := s.segment()["priceTables"]; got != nil {
		t.Errorf("price tables %v", got)
	}
	if got := s.read().value("public", "a"); got != `"1"` {
		t.Errorf("a is %.10s", got)
	}
}

// TestRefusedBesideAnotherEdit: after a conflict the refused call is judged anew, on what the other has left.
func TestRefusedBesideAnotherEdit(t *testing.T) {
	r := club(t, nil)
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions?sc=3", public("a", "1")).want(201)
	delete(s.jar, "login")
	r.conflicts(3)
	s.do("PATCH", "/api/sessions?sc=3", public("a", "2")).failure(http.StatusUnauthorized, "Unauthorized")
	if got := s.segment()["channel"]; got != "1" {
		t.Errorf("channel %v", got)
	}
	if got := s.read(); got.value("public", "a") != `"1"` || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	r.store.before = func(op string) error { return sessions.ErrUnavailable }
	s.do("PATCH", "/api/sessions?sc=3", "{}").fault(http.StatusServiceUnavailable, "Unavailable")
}

// TestRefusedSegment: an ephemeral segment that is refused leaves the session's own with the shopper.
func TestRefusedSegment(t *testing.T) {
	r := club(t, nil)
	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions", "{}").want(201)
	delete(s.jar, "login")
	s.do("GET", "/api/segments?sc=3", "").failure(http.StatusUnauthorized, "Unauthorized")
	if got := s.segment()["priceTables"]; got != nil {
		t.Errorf("price tables %v", got)
	}
}

// TestFacetsThatCannotBeNarrowed: a call that would show more than was asked is refused whole, whichever way its facets come;
// what narrowed before still does, and a log-out that it shows counts.
func TestFacetsThatCannotBeNarrowed(t *testing.T) {
	search, err := transform.NewSearch(transform.SearchOptions{Facets: []string{"brand"}, MaxBytes: 40})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *options) {
		o.service.DeniedQuery = []string{} // the operator lets links bring facets
		o.apps = append(o.apps, search, login())
	})
	long := "brand=not:" + strings.Repeat("v", 40)
	fresh := r.shopper()
	fresh.do("POST", "/api/sessions", public("facets", long)).fault(http.StatusRequestEntityTooLarge, "TooLarge")
	fresh.do("POST", "/api/sessions?facets="+long, "{}").fault(http.StatusRequestEntityTooLarge, "TooLarge")

	s := r.shopper()
	s.jar["login"] = "ann"
	s.do("POST", "/api/sessions", public("facets", "brand=acme")).want(201)
	s.do("PATCH", "/api/sessions?facets="+long, public("a", "1")).fault(http.StatusRequestEntityTooLarge, "TooLarge")
	delete(s.jar, "login")
	s.do("PATCH", "/api/sessions", public("facets", long, "a", "1")).failure(http.StatusRequestEntityTooLarge, "TooLarge")
	if got := s.segment(); got["facets"] != "brand=acme;" || got["priceTables"] != nil {
		t.Errorf("segment %v", got)
	}
	if got := s.read(); got.value("public", "facets") != `"brand=acme"` || got.value("public", "a") != "" {
		t.Errorf("%+v", got)
	}
}
