package isolation_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// resident is a shopper with a session of the native edge: somebody who logs in, moves, follows links and logs out. One
// client plays them, so this test knows in which state the session is at any time.
type resident struct {
	client  *client
	browser *browser

	// What the browser has.
	sessions          []string // vtex_session of this session, the newest last
	segment           ticket
	shopper, operator login
	kept              []ticket // of before, for those who put old cookies back

	// What the session is.
	states  *timeline[state]
	issued  []string // the tokens that it was given, the newest last
	unsure  []string // and those that may have been issued and lost on the way
	asked   []asking
	revoked bool
}

func newResident(c *client, e *edge) *resident {
	r := &resident{client: c, browser: &browser{edge: e, lang: pick(c.rng, languages()...), legacy: chance(c.rng, 50), copies: map[string]*copied{}}}
	r.begin()
	return r
}

// begin is a browser without a session, or with one that has ended.
func (r *resident) begin() {
	r.sessions, r.issued, r.unsure, r.asked, r.revoked = nil, nil, nil, nil, false
	r.states = &timeline[state]{}
	r.states.set(state{})
}

// live does one thing that shoppers do.
func (r *resident) live() {
	rng := r.client.rng
	switch n := rng.IntN(1000); {
	case n < 620:
		r.look()
	case n < 700:
		r.call(rng.IntN(3), r.restated())
	case n < 745:
		r.move()
	case n < 785:
		r.follow()
	case n < 845:
		r.logIn()
	case n < 880:
		r.logOut()
	case n < 905:
		r.choose()
	case n < 935:
		r.impersonate()
	case n < 960:
		r.lose()
	case n < 975:
		r.putBack()
	case n < 988:
		r.forge()
	case n < 996:
		r.revoke()
		r.look()
	default: // another browser
		*r = *newResident(r.client, r.browser.edge)
	}
}

func (r *resident) notes() *notes { return &r.client.run.native.posts }

// The kinds of calls of the sessions API.
const (
	read = iota
	patch
	create
)

// logIn takes a log-in, of a customer, of somebody unknown, or one that must not count. Mostly the page then calls the
// sessions API; until it has, the segment is the one of before.
func (r *resident) logIn() {
	rng := r.client.rng
	c := pick(rng, customers()...)
	switch n := rng.IntN(20); {
	case n < 3:
		r.shopper = falseLogin(rng, c)
	case n < 5:
		r.shopper = loginOf(customer{"u-1", "new@gold.example"}, time.Hour)
	case n < 7 && r.states.newest().wish == "": // it is over while the shopper shops
		r.shopper = loginOf(c, time.Duration(2+rng.IntN(3))*time.Second)
	default:
		r.shopper = loginOf(c, time.Hour)
	}
	r.notes().logins.Add(1)
	r.perhapsCall()
}

func (r *resident) perhapsCall() {
	if chance(r.client.rng, 75) {
		r.call(r.client.rng.IntN(3), r.restated())
	}
}

// restated are the values that some clients say with each call (facts/sessions.md, part 3): one that shows a log-out may be
// refused for them.
func (r *resident) restated() map[string]string {
	if sc := r.states.newest().sc; sc != "" && chance(r.client.rng, 40) {
		return map[string]string{"sc": sc}
	}
	return nil
}

func (r *resident) logOut() {
	if r.shopper.cookie+r.operator.cookie == "" {
		return
	}
	r.shopper, r.operator = login{}, login{}
	r.notes().logouts.Add(1)
	r.perhapsCall()
}

// move writes another place, as a postal code, as coordinates, or as both.
func (r *resident) move() {
	rng := r.client.rng
	values := map[string]string{"country": pick(rng, "BRA", "BRA", "BRA", "USA", "")}
	if chance(rng, 80) {
		values["postalCode"] = pick(rng, "01310-100", "04561000", "20040020", "20040020", "30130-010", "90010150", "10001", "220500", "")
	}
	if chance(rng, 30) {
		values["geoCoordinates"] = pick(rng, "-46.65,-23.5", "-43.2,-22.9", "-60,-3.1", "-74,40.7", "")
	}
	r.notes().moves.Add(1)
	r.call(1+rng.IntN(2), values)
}

// follow comes by a link, whose values the page hands to the sessions API.
func (r *resident) follow() {
	rng := r.client.rng
	values := map[string]string{}
	for name, list := range map[string][]string{
		"utm_campaign": {"black friday", "newsletter", ""}, "utm_source": {"newsletter", "google", ""}, "utmi_cp": {"hero", ""},
		"cultureInfo": {"en-US", "es-MX", ""}, "facets": {"", "productClusterIds=158;", "b=2;productClusterIds=not:140;", " productClusterIds=9; productClusterIds=158;productClusterIds=9"},
	} {
		if chance(rng, 30) {
			values[name] = pick(rng, list...)
		}
	}
	r.call(1+rng.IntN(2), values)
}

// choose asks for another sales channel, which may be refused.
func (r *resident) choose() {
	r.call(1+r.client.rng.IntN(2), map[string]string{"sc": pick(r.client.rng, "3", "3", "2", "1", "9", "")})
}

// impersonate is an operator who begins or stops to see the store as a customer, or somebody who would like to be one.
func (r *resident) impersonate() {
	rng := r.client.rng
	if r.shopper.brief() || r.states.newest().shopper.brief() {
		return // what becomes of a wish must not hang on the second
	}
	if chance(rng, 70) {
		r.operator = operatorOf(pick(rng, "olivia@acme.example", "olivia@acme.example", "eve@evil.example"))
	}
	email := pick(rng, "ann@gold.example", "RAFAEL@gold.example", "vera@vip.example", "nobody@x.example", "")
	r.notes().wishes.Add(1)
	r.call(1+rng.IntN(2), map[string]string{"vtex-impersonated-customer-email": email})
}

// lose has the browser forget cookies.
func (r *resident) lose() {
	switch r.client.rng.IntN(4) {
	case 0:
		r.segment.seal = ""
	case 1:
		r.segment.token = "" // the seal beside it says nothing
	case 2:
		r.segment.seal = currentKey().seal(account, r.segment.token, time.Now().Add(-time.Second))
	default:
		r.segment = ticket{}
	}
	r.notes().losses.Add(1)
	r.look()
}

// putBack shows an older segment with its seal: it counts until the seal runs out or is revoked.
func (r *resident) putBack() {
	if len(r.kept) > 0 {
		r.segment = pick(r.client.rng, r.kept...)
		r.notes().replays.Add(1)
		r.look()
	}
}

// forge writes cookies by hand: a segment that nobody issued, or the seal of another shopper's.
func (r *resident) forge() {
	rng := r.client.rng
	if other, ok := r.client.run.native.found(rng.IntN(50)); ok && chance(rng, 50) {
		r.segment.seal, r.segment.from, r.segment.to = other.seal, other.from, other.to
	} else {
		made := group("1")
		made.enter(pick(rng, "1", "2", "3"))
		made.value[priceTables], made.value[campaigns] = pick(rng, "gold", "gold,vip", ""), pick(rng, "vip", "")
		r.segment.token = made.token()
	}
	r.notes().forged.Add(1)
	r.look()
}

// session is the token that the browser sends: sometimes an older one of the same session, as clients do that keep it.
func (r *resident) session() string {
	if len(r.sessions) == 0 {
		return ""
	}
	if chance(r.client.rng, 10) {
		return pick(r.client.rng, r.sessions...)
	}
	return r.sessions[len(r.sessions)-1]
}

// logins are the cookies of who is logged in.
func (r *resident) logins() (cookies []string) {
	if r.shopper.cookie != "" {
		cookies = append(cookies, shopperCookie+"="+r.shopper.cookie)
	}
	if r.operator.cookie != "" {
		cookies = append(cookies, operatorCookie+"="+r.operator.cookie)
	}
	return cookies
}

// take puts a segment that was issued into the browser.
func (r *resident) take(k ticket) {
	if r.segment.token != "" && r.segment.token != k.token {
		r.kept = append(r.kept, r.segment)
		r.kept = r.kept[max(0, len(r.kept)-6):]
	}
	r.segment = k
	r.issued = append(slices.DeleteFunc(r.issued, func(t string) bool { return t == k.token }), k.token)
	r.client.run.native.show(k)
}

// snapshot is the shopper as a page request sees them. Whether the seal proves anything shows when the answer is there.
func (r *resident) snapshot(session string) *shopper {
	s := &shopper{token: r.segment.token, seal: r.segment.seal, session: session}
	if s.token != "" {
		var err error
		if s.stated, err = stated(s.token); err != nil {
			panic(fmt.Sprintf("BUG: %q: %v", s.token, err)) // only what can be read is kept
		}
		s.readable = true
	}
	return s
}

// look shows a page.
func (r *resident) look() {
	c, b := r.client, r.browser
	at := c.spot()
	if len(b.visited) > 0 && chance(c.rng, 30) {
		at = pick(c.rng, b.visited...)
	}
	session := r.session()
	q := c.request(b.edge, r.snapshot(session), at)
	q.resident, q.ticket = r, r.segment
	q.cookies = append(q.cookies, r.logins()...)
	if chance(c.rng, 5) {
		q.method = http.MethodHead
	}
	if !q.route.special && q.method == http.MethodGet && !q.auth {
		q.query, q.host = at.query, "shop.test"
		b.remember(at)
		c.inLanguage(q, b.lang)
		b.visit(c, q)
		return
	}
	a, err := c.send(q)
	c.run.judge(q, a, err)
}

// entitled are the segments that the session may have had from a to b.
func (r *resident) entitled(a, b time.Time) (list []conditions) {
	for _, s := range r.states.between(a, b) {
		list = append(list, r.client.run.native.entitled(s, a, b)...)
	}
	return list
}

// entitled are the segments that a state gives from a to b: by each world of that time, and on both sides of each moment
// at which something ends by the clock.
func (n *native) entitled(s state, a, b time.Time) (list []conditions) {
	for _, w := range n.possible(a, b) {
		for _, at := range moments(s, w, a, b) {
			list = append(list, s.entitled(w, at))
		}
	}
	return list
}

// possible are the worlds that the edge may have gone by from a to b. It reads each file by itself, so while several change it
// may have the new one of any of them.
func (n *native) possible(a, b time.Time) (list []world) {
	of := n.worlds.between(a, b)
	if len(of) == 1 {
		return of
	}
	for _, tables := range of {
		for _, ranges := range of {
			for _, audiences := range of {
				list = append(list, world{tables.tables, ranges.ranges, audiences.audiences})
			}
		}
	}
	return list
}

// moments are both ends of a time, and both sides of what ends in between.
func moments(s state, w world, a, b time.Time) []time.Time {
	list := []time.Time{a, b}
	ends := []time.Time{s.shopper.expires, s.operator.expires}
	for _, x := range w.audiences {
		ends = append(ends, x.until)
	}
	for _, end := range ends {
		if end.After(a) && end.Before(b) {
			list = append(list, end, end.Add(-1))
		}
	}
	return list
}

func tokensOf(list []conditions) (tokens []string) {
	for _, c := range list {
		if t := c.token(); !slices.Contains(tokens, t) {
			tokens = append(tokens, t)
		}
	}
	return tokens
}
