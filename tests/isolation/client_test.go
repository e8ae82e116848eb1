package isolation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/demo"
)

// client is one goroutine that plays many shoppers, a request at a time.
type client struct {
	run      *run
	rng      *rand.Rand
	wires    map[*edge]*wire
	browsers []*browser
	visitor  *visitor

	residents []*resident
}

func newClient(r *run, id uint64) *client {
	c := &client{run: r, rng: rand.New(rand.NewPCG(r.seed, id)), wires: map[*edge]*wire{}}
	for i, e := range r.edges {
		c.wires[e] = &wire{addr: e.addr}
		legacy := (id/2+uint64(i))%2 == 0
		c.browsers = append(c.browsers, &browser{edge: e, legacy: legacy, lang: languages()[i%4], shopper: &shopper{}, copies: map[string]*copied{}})
	}
	c.visitor = &visitor{client: c, shopper: &shopper{}}
	for range residentsOfClient {
		c.residents = append(c.residents, newResident(c, r.native.edge))
	}
	return c
}

// Residents have many pages and calls of the sessions API each, so that their sessions see some life.
const (
	residentsOfClient = 4
	shareOfResidents  = 40 // percent of what a client does
)

// anyEdge is one whose origin has the sessions system, mostly: residents have the other to themselves else.
func (c *client) anyEdge() *edge {
	if chance(c.rng, 20) {
		return c.run.native.edge
	}
	return pick(c.rng, c.run.foreign()...)
}

// foreign are the edges whose origin has the sessions system: visitors open sessions of that.
func (r *run) foreign() []*edge { return r.edges[:2] }

func languages() []string { return []string{"pt-BR", "en", "es;q=0.9, en;q=0.1", "de"} }

// live sends requests until ctx ends.
func (c *client) live(ctx context.Context) {
	defer func() {
		for _, w := range c.wires {
			w.close()
		}
	}()
	for ctx.Err() == nil {
		if chance(c.rng, shareOfResidents) {
			pick(c.rng, c.residents...).live()
			continue
		}
		switch n := c.rng.IntN(100); {
		case n < 70:
			c.show(c.spot())
		case n < 83:
			c.browse()
		case n < 90:
			c.behindCDN()
		case n < 94:
			c.askHead()
		case n < 95:
			c.change()
		default:
			c.visitor.act()
		}
	}
}

// someone is a regular shopper, mostly: pages that nobody else sees tell nothing.
func (c *client) someone() *shopper {
	if chance(c.rng, 92) {
		return pick(c.rng, c.run.regulars...)
	}
	return c.run.population.newcomer(c.rng)
}

// look is somebody's request for a page. Where origins may set cookies it is often that of a shopper who has none: nobody else is
// given what a fetch sets.
func (c *client) look(at *spot) *request {
	s := c.someone()
	if routeOf(at.path).strip && chance(c.rng, 60) {
		s = &shopper{}
	}
	return c.request(c.anyEdge(), s, at)
}

// show lets somebody look at a page, and at once again if it was not for others: it is hit-for-miss by then. Left to the crowd,
// which stays nowhere for long, a run may see none that is.
func (c *client) show(at *spot) {
	q := c.look(at)
	a, err := c.send(q)
	if !c.run.judge(q, a, err) || !unshared(a) {
		return
	}
	next := c.request(q.edge, q.shopper, at)
	next.host = q.host
	a, err = c.send(next)
	c.run.judge(next, a, err)
}

// spot is where the crowd is, or anywhere.
func (c *client) spot() *spot {
	if hot := c.run.hot.Load(); hot != nil && chance(c.rng, 60) {
		return hot
	}
	return c.run.anywhere(c.rng)
}

// request makes one shopper's request for a page of an edge.
func (c *client) request(e *edge, s *shopper, at *spot) *request {
	q := &request{
		edge: e, shopper: s, route: routeOf(at.path), method: http.MethodGet, host: pick(c.rng, "shop.test", "shop.test", "other.test"),
		path: at.path, query: at.query, nonce: nonce(c.rng), lang: pick(c.rng, languages()...),
	}
	if chance(c.rng, 20) {
		q.query = c.moreQuery(q)
	}
	c.addCookies(q)
	c.addFields(q)
	return q
}

// moreQuery adds what links and campaigns add.
func (c *client) moreQuery(q *request) []param {
	more := []param{
		{"sc", "1"}, {"sc", "2"}, {"sc", "2"}, {"sc", "3"}, {"sc", "9"}, {"utm_source", "ad"}, {"utm_campaign", "newsletter"},
		{"utm_campaign", "black friday"}, {"utmi_cp", "hero"}, {"gclid", q.nonce}, {"utm_medium", "mail"},
	}
	query := q.query[:len(q.query):len(q.query)]
	for range 1 + c.rng.IntN(2) {
		query = append(query, pick(c.rng, more...))
	}
	c.rng.Shuffle(len(query), func(i, j int) { query[i], query[j] = query[j], query[i] })
	return query
}

func (c *client) addCookies(q *request) {
	s := q.shopper
	if s.token != "" {
		q.cookies = append(q.cookies, "vtex_segment="+s.token)
	}
	if s.twin != "" {
		q.cookies = append(q.cookies, "vtex_segment="+s.twin)
	}
	if s.seal != "" {
		q.cookies = append(q.cookies, "aisle_seal="+s.seal)
	}
	if s.session != "" {
		q.cookies = append(q.cookies, "vtex_session="+s.session)
	}
	if len(q.cookies) == 0 && chance(c.rng, 50) {
		return
	}
	q.cookies = append(q.cookies, "track="+q.nonce)
	if chance(c.rng, 30) {
		q.cookies = append(q.cookies, "sid="+q.nonce)
	}
	if q.route.keyed && chance(c.rng, 60) {
		q.ab = pick(c.rng, "a", "b", "c")
		q.cookies = append(q.cookies, "ab="+q.ab)
	}
	if s.twin == "" {
		c.rng.Shuffle(len(q.cookies), func(i, j int) { q.cookies[i], q.cookies[j] = q.cookies[j], q.cookies[i] })
	}
}

// addFields adds what browsers send, and what must never come through.
func (c *client) addFields(q *request) {
	add := func(name, value string) { q.fields = append(q.fields, header{name, value}) }
	add("Accept-Language", q.lang)
	if len(q.cookies) > 0 {
		// A shopper with cookies is not bare, whatever it was made for.
		s := *q.shopper
		s.bare = false
		q.shopper = &s
	}
	if q.shopper.bare {
		return
	}
	add("X-Nonce", q.nonce)
	add("User-Agent", pick(c.rng, "browser/1", "browser/2"))
	if q.route.keyed && chance(c.rng, 70) {
		q.device = pick(c.rng, "mobile", "desktop", "watch")
		add("X-Device", q.device)
	}
	if q.route.scope != private && chance(c.rng, 3) {
		q.auth = true
		add("Authorization", "Bearer "+q.nonce)
	}
	if len(q.cookies) > 0 && chance(c.rng, 15) {
		c.addLies(add, q.nonce)
	}
}

// addLies are fields by which one shopper could choose what all others get, if they came through.
func (c *client) addLies(add func(name, value string), mark string) {
	gold := group("2")
	gold.value[priceTables], gold.value[regionID], gold.value[channel] = "gold", mark, "2"
	lies := []header{
		{"X-Vtex-Segment", gold.token()}, {"x-vtex-locale", "xx-XX"}, {"X-VTEX-Session", mark}, {"X-Forwarded-Host", mark + ".example"},
		{"Forwarded", "host=" + mark + ".example"}, {"X-Original-URL", "/" + mark}, {"X-Rewrite-URL", "/" + mark}, {"X-HTTP-Method-Override", "DELETE"},
		{"X-Forwarded-Proto", "https"}, {"Connection", "X-Vtex-Segment, Cookie"},
	}
	for range 1 + c.rng.IntN(3) {
		l := pick(c.rng, lies...)
		add(l.name, l.value)
	}
}

// send sends a request as it is.
func (c *client) send(q *request, more ...header) (*answer, error) {
	q.began, q.started = q.edge.floors.begin(), time.Now()
	return c.wires[q.edge].send(q.method, q.raw(more...))
}

// browse lets a browser show a page, perhaps to somebody who has just signed in or out.
func (c *client) browse() {
	b := pick(c.rng, c.browsers...)
	if chance(c.rng, 30) {
		b.shopper = c.someone()
	}
	at := c.spot()
	if len(b.visited) > 0 && chance(c.rng, 70) {
		at = pick(c.rng, b.visited...)
	}
	q := c.request(b.edge, b.shopper, at)
	q.query, q.host = at.query, "shop.test"
	if m := q.specialMode(); q.route.special && !m.always {
		return // shows the marks of the request that it was made for
	}
	b.remember(at)
	c.inLanguage(q, b.lang)
	q.auth = false
	q.fields = without(q.fields, "Authorization")
	b.visit(c, q)
}

func (c *client) inLanguage(q *request, lang string) {
	q.lang = lang
	q.fields = append(without(q.fields, "Accept-Language"), header{"Accept-Language", lang})
}

func without(fields []header, name string) (kept []header) {
	for _, f := range fields {
		if f.name != name {
			kept = append(kept, f)
		}
	}
	return kept
}

// behindCDN asks by way of the CDN; those behind it speak one language, since it ignores Vary.
func (c *client) behindCDN() {
	q := c.request(c.anyEdge(), c.someone(), c.spot())
	c.inLanguage(q, "pt-BR")
	c.run.cdn.visit(c, q)
}

func (c *client) askHead() {
	q := c.look(c.spot())
	q.method = http.MethodHead
	a, err := c.send(q)
	c.run.judge(q, a, err)
}

// change posts to a page. Whoever asks for it afterwards, at this edge, sees nothing of before (RFC 9111, 4.4): at this
// process, and while there are two, the next request may be the other's.
func (c *client) change() {
	calm, done := c.run.calm()
	defer done()
	q := c.request(c.anyEdge(), c.someone(), c.run.specialPage(c.rng))
	q.method = http.MethodPost
	version := c.run.special.version.Add(1)
	a, err := c.send(q)
	if c.run.judge(q, a, err) && a.status < 400 && calm {
		q.edge.floors.raise(version, urlName(q.host, q.route.target(q.path, q.query)))
	}
}

// anywhere draws a page of one of the two origins.
func (r *run) anywhere(rng *rand.Rand) *spot {
	if chance(rng, 45) {
		return r.specialPage(rng)
	}
	switch n := rng.IntN(100); {
	case n < 14:
		return &spot{path: "/"}
	case n < 28:
		return &spot{path: "/c/" + pick(rng, r.catalogue.Categories[:4]...).Key}
	case n < 40:
		return &spot{path: "/s", query: pick(rng, []param{{"q", "mug"}}, []param{{"sort", "price"}, {"q", "minas"}}, []param{{"q", "oak"}, {"sort", "-price"}})}
	case n < 72:
		return &spot{path: pick(rng, r.catalogue.Products[:40]...).Path()}
	case n < 88:
		return graphql(rng.IntN(8))
	case n < 91:
		return &spot{path: "/about"}
	case n < 94:
		return &spot{path: "/nowhere/" + digits(uint64(rng.IntN(3)))}
	case n < 97:
		return &spot{path: "/assets/" + pick(rng, "style.css", "logo.svg", "product-3.svg")}
	}
	return &spot{path: "/_v/public/catalog.json"}
}

// graphql asks for the prices of three products by the shop's persisted query.
func graphql(n int) *spot {
	return &spot{path: "/_v/segment/graphql/v1", query: []param{
		{"operationName", "ProductPrices"}, {"variables", fmt.Sprintf(`{"ids":[%d,%d,%d]}`, 1+n*3, 2+n*3, 3+n*3)},
		{"extensions", `{"persistedQuery":{"version":1,"sha256Hash":"` + demo.PricesHash() + `"}}`},
	}}
}

func (r *run) specialPage(rng *rand.Rand) *spot {
	kind := pick(rng, "all", "narrow", "culture", "none", "strip", "pubstrip", "pub", "echo", "keyed")
	m := pick(rng, modes()...)
	switch {
	case kind == "strip" || kind == "pubstrip":
		m = pick(rng, mode{name: "cookie"}, mode{name: "cookie"}, m)
	case chance(rng, 50):
		m = pick(rng, modes()[:8]...)
	}
	if m.name == "foreign" && kind != "echo" || m.name == "big" && chance(rng, 80) {
		m.name = "plain" // only a route that checks can tell; and big ones take long
	}
	s := &spot{path: fmt.Sprintf("/x/%s/%s/%d", kind, m.name, rng.IntN(2))}
	if chance(rng, 20) {
		s.query = []param{{"b", "2"}, {"a", "é 1"}}
	}
	return s
}

// visitor is a shopper with a session of the origin, who signs in and out through the edges.
type visitor struct {
	client  *client
	shopper *shopper
}

// act does one thing that only this shopper's own answers can follow from.
func (v *visitor) act() {
	switch n := v.client.rng.IntN(10); {
	case n < 2 || !v.shopper.loggedIn:
		v.signIn()
	case n < 3:
		v.post("/logout", "", "")
	case n < 5:
		product := 1 + v.client.rng.IntN(40)
		if v.shopper.inCart == 0 && v.post("/checkout/cart", "application/x-www-form-urlencoded", fmt.Sprintf("product=%d", product)) {
			v.shopper.inCart = product
		}
	case n < 8:
		v.look(pick(v.client.rng, "/account", "/_v/private/cart", "/checkout/cart", "/login"))
	default:
		c := v.client
		q := c.request(pick(c.rng, c.run.foreign()...), v.shopper, c.spot())
		a, err := c.send(q)
		c.run.judge(q, a, err)
	}
}

func (v *visitor) look(path string) {
	c := v.client
	q := c.request(pick(c.rng, c.run.foreign()...), v.shopper, &spot{path: path})
	a, err := c.send(q)
	c.run.judge(q, a, err)
}

// signIn opens a session as storefronts do, and takes the cookies from it.
func (v *visitor) signIn() {
	c := v.client
	v.shopper = &shopper{email: pick(c.rng, "gold", "silver", "vip", "anybody") + "@" + nonce(c.rng) + ".example"}
	values := map[string]string{"email": v.shopper.email}
	if chance(c.rng, 50) {
		values["postalCode"] = pick(c.rng, "01001-000", "20040-020", "30130-010", "90010-150")
	}
	if chance(c.rng, 40) {
		values["sc"] = pick(c.rng, "2", "3")
	}
	if chance(c.rng, 20) {
		values["utm_campaign"] = "newsletter"
	}
	var parts []string
	for name, value := range values {
		parts = append(parts, fmt.Sprintf(`%q:{"value":%q}`, name, value))
	}
	v.post("/api/sessions", "application/json", `{"public":{`+strings.Join(parts, ",")+`}}`)
}

// post sends a form and takes the cookies of the answer. Where that is lost nobody knows what the session holds.
func (v *visitor) post(path, kind, body string) bool {
	c := v.client
	q := c.request(pick(c.rng, c.run.foreign()...), v.shopper, &spot{path: path})
	q.method, q.query = http.MethodPost, nil
	q.began, q.started = q.edge.floors.begin(), time.Now()
	fields := append([]header{{"Content-Type", kind}}, q.fields...)
	if len(q.cookies) > 0 {
		fields = append(fields, header{"Cookie", strings.Join(q.cookies, "; ")})
	}
	a, err := c.wires[q.edge].send(q.method, message(q.method, path, q.host, fields, body))
	if !c.run.judge(q, a, err) || a.status >= 400 {
		v.shopper = &shopper{}
		return false
	}
	if bad := v.take(a); bad != "" {
		c.run.report(q, a, bad)
		return false
	}
	return true
}

// take is what a browser's jar does with the answer to the shopper's own request.
func (v *visitor) take(a *answer) verdict {
	s := *v.shopper
	for _, line := range a.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			return differ("Set-Cookie %q: %v", line, err)
		}
		switch cookie.Name {
		case "vtex_session":
			s.session = cookie.Value
		case "vtex_segment":
			s.token = cookie.Value
		case "aisle_seal":
			s.seal = cookie.Value
		}
	}
	if s.token == "" {
		v.shopper = &shopper{}
		return sealedBesides(s.seal)
	}
	var err error
	if s.stated, err = stated(s.token); err != nil {
		return differ("the token %q: %v", s.token, err)
	}
	s.readable, s.loggedIn, s.proven = true, true, true
	v.shopper = &s
	return s.sealedInPassing()
}

func sealedBesides(seal string) verdict {
	if seal != "" {
		return differ("the token is gone and its seal %q stays", seal)
	}
	return ""
}

// sealedInPassing checks the seal that an edge set beside a token of the origin.
func (s *shopper) sealedInPassing() verdict {
	parts := strings.Split(s.seal, ".")
	if len(parts) != 4 {
		return differ("the edge set %q beside the token", s.seal)
	}
	var unix int64
	if _, err := fmt.Sscan(parts[2], &unix); err != nil {
		return differ("seal %q: %v", s.seal, err)
	}
	if want := currentKey().seal(account, s.token, time.Unix(unix, 0)); s.seal != want {
		return differ("the edge set the seal %q, want %q", s.seal, want)
	}
	return ""
}
