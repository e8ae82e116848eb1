package demo

import (
	"net/http"
	"slices"
	"strconv"
)

// cart shows the cart at /checkout/cart, takes a form's product into it, and leads /cart there.
func (s *Storefront) cart(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/cart":
		seeOther(w, http.StatusFound, "/checkout/cart")
	case r.URL.Path != "/checkout/cart":
		plain(w, http.StatusNotFound, "no such step of the checkout")
	case r.Method == http.MethodPost:
		s.changeCart(w, r)
	default:
		only(func(w http.ResponseWriter, r *http.Request) {
			s.sendPrivate(w, r, s.privateView(r).cart(s.lines(r)))
		}, http.MethodGet, http.MethodHead, http.MethodPost)(w, r)
	}
}

// changeCart adds a piece of the form's product, or has as many of it as `pieces` says.
func (s *Storefront) changeCart(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id, err := strconv.Atoi(r.PostFormValue("product"))
	if err != nil || s.catalogue.ByID(id) == nil {
		plain(w, http.StatusBadRequest, "product: want the number of one")
		return
	}
	change := func(sh *shopper) { sh.put(id) }
	if text := r.PostFormValue("pieces"); text != "" {
		pieces, err := strconv.Atoi(text)
		if err != nil || pieces < 0 {
			plain(w, http.StatusBadRequest, "pieces: want how many")
			return
		}
		change = func(sh *shopper) { sh.setPieces(id, pieces) }
	}
	own := s.ownsSession(r)
	sh := s.sessions.edit(s.sessionToken(r), change)
	if own {
		setCookie(w, sessionCookie, sh.id, int(sessionLives.Seconds()))
	}
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
