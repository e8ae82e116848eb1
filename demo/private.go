package demo

import (
	"net/http"
	"slices"
	"strconv"
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

func (s *Storefront) account(w http.ResponseWriter, r *http.Request) {
	sh, _ := s.sessions.get(s.sessionToken(r))
	s.sendPrivate(w, r, s.privateView(r).account(withDefault(sh.text("email"), lastCookie(r, customerCookie)), sh.id))
}

// cart shows the cart at /checkout/cart, takes a form's product into it, and leads /cart there.
func (s *Storefront) cart(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/cart":
		seeOther(w, http.StatusFound, "/checkout/cart")
	case r.URL.Path != "/checkout/cart":
		plain(w, http.StatusNotFound, "no such step of the checkout")
	case r.Method == http.MethodPost:
		s.addToCart(w, r)
	default:
		only(func(w http.ResponseWriter, r *http.Request) {
			s.sendPrivate(w, r, s.privateView(r).cart(s.lines(r)))
		}, http.MethodGet, http.MethodHead, http.MethodPost)(w, r)
	}
}

func (s *Storefront) addToCart(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id, err := strconv.Atoi(r.PostFormValue("product"))
	if err != nil || s.catalogue.ByID(id) == nil {
		plain(w, http.StatusBadRequest, "product: want the number of one")
		return
	}
	sh := s.sessions.edit(s.sessionToken(r), func(sh *shopper) { sh.put(id) })
	setCookie(w, sessionCookie, sh.id, int(sessionLives.Seconds()))
	seeOther(w, http.StatusSeeOther, "/checkout/cart")
}

// line is one product in a cart.
type line struct {
	product *Product
	pieces  int
}

// lines are the request's cart, by product.
func (s *Storefront) lines(r *http.Request) []line {
	sh, _ := s.sessions.get(s.sessionToken(r))
	var list []line
	for id, pieces := range sh.cart {
		list = append(list, line{s.catalogue.ByID(id), pieces})
	}
	slices.SortFunc(list, func(a, b line) int { return a.product.ID - b.product.ID })
	return list
}

// privateCart answers GET /_v/private/cart with the shopper's cart as JSON.
func (s *Storefront) privateCart(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/_v/private/cart" {
		plain(w, http.StatusNotFound, "no such endpoint")
		return
	}
	type item struct {
		offerBlock
		Pieces int `json:"pieces"`
	}
	seg, items, total := segmentOf(r), []item{}, int64(0)
	for _, l := range s.lines(r) {
		o := Quote(l.product, s.revision.Load(), seg)
		items = append(items, item{blocks([]Offer{o})[0], l.pieces})
		total += o.Price * int64(l.pieces)
	}
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("Vary", "x-vtex-locale, x-vtex-segment, x-vtex-session")
	reply(w, r, http.StatusOK, map[string]any{"items": items, "total": total, "currency": seg.CurrencyCode})
}

// login shows the form, signs a shopper in by an email and nothing more, and out at /logout.
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
	sh := s.sessions.edit(s.sessionToken(r), func(sh *shopper) { sh.set("email", jsonText(email)) })
	s.setCookies(w, &sh)
	setCookie(w, customerCookie, email, int(sessionLives.Seconds()))
	seeOther(w, http.StatusSeeOther, back+"#signed-in")
}

func (s *Storefront) logout(w http.ResponseWriter, r *http.Request) {
	s.sessions.drop(s.sessionToken(r))
	clearCookies(w)
	setCookie(w, customerCookie, "", -1)
	seeOther(w, http.StatusSeeOther, "/#signed-out")
}

// localPath keeps a path of this shop; anything that could lead elsewhere becomes /account.
func localPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return "/account"
	}
	return s
}
