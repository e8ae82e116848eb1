package regions

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aislecache/aisle/sessions/operation"
)

// HandlerOptions of the public system's endpoints. The zero value answers from no data.
type HandlerOptions struct {
	// Table gives the data, at each request anew: Checkout.Table. nil, or a nil Table: none.
	Table func() *Table
	// Channel is the sales channel of a request without `sc`: the first of segment.channels.
	Channel string

	origin *origin // whose data they are, instead of Table
}

// Handler answers /api/checkout/pub/regions, the same with a region's id, and /api/checkout/pub/postal-code/{country}/{code}, under any prefix
// before /api (facts 1.9). It is safe for concurrent use.
type Handler struct {
	o HandlerOptions
}

// NewHandler returns the endpoints.
func NewHandler(o HandlerOptions) *Handler {
	if o.Table == nil {
		o.Table = func() *Table { return nil }
	}
	return &Handler{o}
}

// endpoint is what a path asks for.
type endpoint uint8

const (
	noEndpoint   endpoint = iota
	ofPlace               // regions?country=…
	ofID                  // regions/{id}
	ofPostalCode          // postal-code/{country}/{code}
)

// parsePath gives what follows the endpoint's name, unescaped. FastStore's calls have a slash at their end.
func parsePath(escaped string) (e endpoint, rest []string) {
	const root = "/api/checkout/pub/"
	at := strings.LastIndex(escaped, root)
	if at < 0 {
		return noEndpoint, nil
	}
	parts := strings.Split(strings.TrimSuffix(escaped[at+len(root):], "/"), "/")
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return noEndpoint, nil
		}
		parts[i] = text
	}
	switch {
	case parts[0] == "regions" && len(parts) == 1:
		return ofPlace, nil
	case parts[0] == "regions" && len(parts) == 2:
		return ofID, parts[1:]
	case parts[0] == "postal-code" && len(parts) == 3:
		return ofPostalCode, parts[1:]
	}
	return noEndpoint, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	id := header.Get(operation.Field) // of a handler around this one
	if id == "" {
		id = operation.ID(r.Header.Get(operation.Field))
	}
	header.Set("Cache-Control", "private, no-store") // a postal code may move to another region at any time
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set(operation.Field, id)
	e, rest := parsePath(r.URL.EscapedPath())
	const allow = "GET, HEAD, OPTIONS"
	switch {
	case e == noEndpoint:
		fail(w, http.StatusNotFound, fault{"404", "no such endpoint"}, id)
		return
	case r.Method == http.MethodOptions:
		header.Set("Allow", allow)
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", allow)
		fail(w, http.StatusMethodNotAllowed, fault{"405", "allowed are " + allow}, id)
		return
	}
	if h.o.origin != nil && relayable(e, rest) {
		h.o.origin.relay(w, r, h.o.origin.target(e, rest, h.onChannel(e, r.URL)), id)
		return
	}
	value, f := h.answer(e, rest, queryOf(r.URL))
	if f != nil {
		fail(w, http.StatusBadRequest, *f, id)
		return
	}
	write(w, http.StatusOK, value)
}

// onChannel is the query of a request, with a channel for a place as where there are files: without one the public system finds no region.
func (h *Handler) onChannel(e endpoint, u *url.URL) string {
	if e != ofPlace || h.o.Channel == "" || last(queryOf(u), "sc") != "" {
		return u.RawQuery
	}
	return strings.Trim(u.RawQuery+"&sc="+url.QueryEscape(h.o.Channel), "&")
}

// queryOf reads a query in which a semicolon is one: FastStore sends geoCoordinates=lon;lat as it is, and net/url would drop it.
func queryOf(u *url.URL) url.Values {
	// What cannot be read is left out.
	values, _ := url.ParseQuery(strings.ReplaceAll(u.RawQuery, ";", "%3B"))
	return values
}

// last gives a parameter. Of a repeated one the last counts, as in the sessions system: a shopper's place is the same in both.
func last(query url.Values, name string) string {
	values := query[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// queryPoint reads geoCoordinates, also as a parameter of two values: so the description has it.
func queryPoint(query url.Values) *Point {
	values := query["geoCoordinates"]
	p, err := ParsePoint(last(query, "geoCoordinates"))
	if err != nil && len(values) == 2 {
		p, err = ParsePoint(strings.Join(values, ";"))
	}
	if err != nil {
		return nil
	}
	return &p
}

func (h *Handler) answer(e endpoint, rest []string, query url.Values) (any, *fault) {
	t := h.o.Table()
	if t == nil {
		t = &Table{regions: []Region{{ID: V2.ID(nil), Sellers: []string{}}}}
	}
	switch e {
	case ofID:
		return h.byID(t, rest[0])
	case ofPostalCode:
		return addressOf(t, rest[0], rest[1])
	default:
		return h.byPlace(t, query)
	}
}

// byID gives one region, as the description has it. An id that names none is a region that nobody delivers to.
func (h *Handler) byID(t *Table, id string) (*regionBody, *fault) {
	if !isRegionID(id) {
		return nil, &fault{"400", fmt.Sprintf("no id of a region: want up to %d characters of ASCII, without blanks", maxRegionID)}
	}
	r, ok := t.ByID(id)
	if !ok {
		r = Region{ID: id}
	}
	body := bodyOf(r)
	return &body, nil
}

// byPlace gives an array of one region, as the guide and FastStore have it.
func (h *Handler) byPlace(t *Table, query url.Values) ([]regionBody, *fault) {
	p := Place{Channel: last(query, "sc"), PostalCode: strings.TrimSpace(last(query, "postalCode")), Point: queryPoint(query)}
	if p.Channel == "" {
		p.Channel = h.o.Channel
	}
	var ok bool
	if p.Country, ok = canonicalCountry(last(query, "country")); !ok {
		return nil, &fault{codeCountry, "País inválido"}
	}
	if !t.hasCodes(p.Country) {
		p.PostalCode = ""
	}
	if p.PostalCode == "" && p.Point == nil {
		return nil, &fault{codePlace, "Endereços devem ter código postal ou geocoordenadas"}
	}
	r, ok := t.Find(p)
	if !ok {
		return nil, badPostalCode(p.PostalCode)
	}
	return []regionBody{bodyOf(r)}, nil
}

// addressOf gives the address of a postal code: what the data know of it is its country. Of a country without ranges they do not know what
// is no postal code either.
func addressOf(t *Table, country, postalCode string) (*addressBody, *fault) {
	code, ok := canonicalCountry(country)
	if !ok {
		return nil, &fault{codeCountry, "País inválido"}
	}
	address := &addressBody{PostalCode: plainCode(postalCode), Country: code, GeoCoordinates: []float64{}}
	if !t.hasCodes(code) {
		ok = plausible(postalCode)
	} else if _, ok = t.ByPostalCode(code, "", postalCode); ok {
		lookedUp, _ := parseCode(code, postalCode)
		address.PostalCode = lookedUp.String()
	}
	if !ok {
		return nil, badPostalCode(postalCode)
	}
	return address, nil
}
