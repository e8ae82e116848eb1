package demo

import (
	"net/http"
	"strings"
)

// maxForm bounds the body of a form, in bytes.
const maxForm = 16 << 10

// sendPrivate sends a page that is one shopper's own.
func (s *Storefront) sendPrivate(w http.ResponseWriter, r *http.Request, p Page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	respond(w, r, p.Status, p.HTML)
}

// seeOther leads a form, or a wrong path, to a page.
func seeOther(w http.ResponseWriter, status int, location string) {
	h := w.Header()
	h.Set("Location", location)
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(status)
}

func (s *Storefront) privateView(r *http.Request) *view {
	v := newView(s.catalogue, s.revision.Load(), segmentOf(r), r.URL.Path)
	v.private = true
	return v
}

// visitor is who looks at a private page, as far as the shop itself knows: whom an operator acts as is in aisle's session alone.
type visitor struct {
	email    string // of the shopper who is logged in; ""
	customer customer
	operator string // the e-mail of the operator who is logged in; ""
	session  string // the id; ""
}

func (s *Storefront) visitor(r *http.Request) visitor {
	sh, _ := s.sessions.get(s.sessionToken(r))
	v := visitor{operator: s.loggedIn(r, true), session: sh.id}
	v.email = withDefault(s.loggedIn(r, false), withDefault(sh.text("email"), lastCookie(r, customerCookie)))
	v.customer, _ = s.catalogue.data.customer(v.email)
	return v
}

func (s *Storefront) account(w http.ResponseWriter, r *http.Request) {
	s.sendPrivate(w, r, s.privateView(r).account(s.visitor(r)))
}

// login shows the forms, signs a customer or an operator in by an email and nothing more, and out at /logout.
func (s *Storefront) login(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/logout":
		only(s.logout, http.MethodGet, http.MethodPost)(w, r)
	case r.Method == http.MethodPost:
		s.signIn(w, r)
	default:
		only(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			s.sendPrivate(w, r, s.privateView(r).login(q.Get("email"), localPath(q.Get("returnUrl")), ""))
		}, http.MethodGet, http.MethodHead, http.MethodPost)(w, r)
	}
}

func (s *Storefront) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	email, back := strings.TrimSpace(r.PostFormValue("email")), localPath(r.PostFormValue("returnUrl"))
	if name, host, ok := strings.Cut(email, "@"); !ok || name == "" || host == "" || len(email) > 200 {
		p := s.privateView(r).login(email, back, "That is no email address.")
		p.Status = http.StatusUnprocessableEntity
		s.sendPrivate(w, r, p)
		return
	}
	operator := r.PostFormValue("as") == "operator"
	s.clearLogIns(w, operator)
	s.logIn(w, email, operator)
	if operator {
		email = ""
	} else {
		setCookie(w, customerCookie, email, int(sessionLives.Seconds()))
	}
	if s.ownsSession(r) {
		sh := s.sessions.edit(s.sessionToken(r), func(sh *shopper) { sh.set("email", jsonText(email)) })
		s.setCookies(w, &sh)
	}
	seeOther(w, http.StatusSeeOther, back+"#signed-in")
}

// clearLogIns takes away the log-in of the other kind: a browser is one person's at a time.
func (s *Storefront) clearLogIns(w http.ResponseWriter, operator bool) {
	if operator {
		setCookie(w, s.shopperCookie(), "", -1)
		setCookie(w, customerCookie, "", -1)
		return
	}
	setCookie(w, operatorCookie, "", -1)
}

// logout takes both log-ins away. An edge with a sessions system of its own sees that at the next call of it, and goes on with
// its session; one of the shop's own ends.
func (s *Storefront) logout(w http.ResponseWriter, r *http.Request) {
	s.clearLogIns(w, true)
	s.clearLogIns(w, false)
	if s.ownsSession(r) {
		s.sessions.drop(s.sessionToken(r))
		clearCookies(w)
	}
	seeOther(w, http.StatusSeeOther, "/#signed-out")
}

// localPath keeps a path of this shop; anything that could lead elsewhere becomes /account.
func localPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return "/account"
	}
	return s
}
