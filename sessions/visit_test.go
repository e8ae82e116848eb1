package sessions_test

import (
	"net/http"
	"testing"
)

// visitor is a browser with a log-in, and with the cookies of a session of its own where own is one.
func visitor(own *shopper) map[string]string {
	jar := map[string]string{"login": "ann"}
	if own != nil {
		jar["vtex_session"], jar["vtex_segment"], jar["aisle_seal"] = own.jar["vtex_session"], own.jar["vtex_segment"], own.jar["aisle_seal"]
	}
	return jar
}

// TestVisitsBringNoLogIn: whoever follows a link with the token of another's session leaves nothing of theirs in it, and takes nothing
// of it home: the other one would read who they are, have their price tables, or act as the operator that they are.
func TestVisitsBringNoLogIn(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	attacker, victim := r.shopper(), r.shopper()
	attacker.do("POST", "/api/sessions?utm_source=evil", "{}").want(201)
	victim.do("POST", "/api/sessions", "{}").want(201)
	token := attacker.jar["vtex_session"]
	f := func(method string, own *shopper, status int, more ...string) {
		t.Helper()
		cookie := ""
		for name, value := range visitor(own) {
			cookie += name + "=" + value + "; "
		}
		a := r.do(method, "/api/sessions/"+token, "", append(more, "Cookie", cookie)...).want(status)
		if len(a.cookies) > 0 {
			t.Errorf("%s: cookies %v", method, a.cookies)
		}
		got := attacker.read()
		if got.value("profile", "email") != "" || got.Version != 1 || attacker.segment()["priceTables"] != nil {
			t.Errorf("%s: the session is %+v", method, got)
		}
	}
	for _, own := range []*shopper{victim, nil} {
		f("GET", own, http.StatusOK)
		f("GET", own, http.StatusOK, "Sec-Fetch-Site", "cross-site")
		f("POST", own, http.StatusCreated)
		f("PATCH", own, http.StatusOK, "Origin", "https://evil.example")
	}
	g := func(given bool, fields ...string) {
		t.Helper()
		if a := r.do("POST", "/api/sessions/"+token, "", fields...).want(http.StatusCreated); given != (len(a.cookies) == 3) {
			t.Errorf("%q: cookies %v", fields, a.cookies)
		}
	}
	// A new shopper who follows a link has no cookies yet.
	g(false, "Sec-Fetch-Site", "none")
	g(false, "Accept", "text/html,*/*;q=0.8")
	g(false, "Referer", "https://evil.example/")
	g(true, "Accept", "*/*") // a server
}

// TestOwnSessionByItsPath: who names their own session in the path is who its cookie says.
func TestOwnSessionByItsPath(t *testing.T) {
	r := newRig(t, func(o *options) { o.apps = append(o.apps, login()) })
	s := r.shopper()
	s.do("POST", "/api/sessions", "{}").want(201)
	old := s.jar["vtex_session"]
	s.do("PATCH", "/api/sessions", public("a", "1")).want(200)
	s.jar["login"] = "ann"
	a := s.do("POST", "/api/sessions/"+old+"?items=profile.email", "").want(201)
	if got := a.session().value("profile", "email"); got != `"ann@shop.example"` || a.cookies["vtex_session"] == nil {
		t.Errorf("%s, cookies %v", got, a.cookies)
	}
}
