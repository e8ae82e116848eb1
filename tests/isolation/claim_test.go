package isolation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// notes count what the residents did, so that a run that tested nothing cannot pass.
type notes struct {
	pages, hits, calls, logins, logouts, moves, wishes, refused  atomic.Int64
	losses, replays, forged, revoked, recovered, unrecovered     atomic.Int64
	worlds, lapses, privileged, takenAway, acted, privateChannel atomic.Int64
}

// count is one of the notes, and how many of them a run of so many responses must have at the least.
type count struct {
	what  string
	n     int64
	least int64
}

func (n *notes) list(responses int64) []count {
	per := func(share int64) int64 { return responses / share }
	return []count{
		{"pages", n.pages.Load(), per(8)},
		{"pages from memory", n.hits.Load(), per(40)},
		{"pages of a proven segment with privileges", n.privileged.Load(), per(40)},
		{"pages without the privileges that were claimed", n.takenAway.Load(), per(2000)},
		{"calls of the sessions API", n.calls.Load(), per(20)},
		{"log-ins", n.logins.Load(), per(150)},
		{"log-outs", n.logouts.Load(), per(400)},
		{"moves", n.moves.Load(), per(200)},
		{"wishes to see the store as a customer", n.wishes.Load(), per(400)},
		{"calls as a customer", n.acted.Load(), per(2000)},
		{"calls from the private channel", n.privateChannel.Load(), per(6000)},
		{"calls refused", n.refused.Load(), per(1500)},
		{"lost cookies", n.losses.Load(), per(300)},
		{"old cookies put back", n.replays.Load(), per(1000)},
		{"forged cookies", n.forged.Load(), per(800)},
		{"segments recovered", n.recovered.Load(), per(300)},
		{"revocations", n.revoked.Load(), per(2000)},
		{"other worlds", n.worlds.Load(), 2},
		{"audiences that ended by the clock", n.lapses.Load(), 1},
	}
}

// String is one line for the log.
func (n *notes) String() string {
	var parts []string
	for _, c := range append(n.list(0), count{what: "pages for which the sidecar did not say in time", n: n.unrecovered.Load()}) {
		parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
	}
	return strings.Join(parts, ", ")
}

// checkResidents: a run in which residents did nothing proves nothing of them; and a sidecar that does not answer in time has
// everybody on the defaults, which are never wrong.
func (r *run) checkResidents(t *testing.T) {
	t.Helper()
	n := &r.native.posts
	for _, c := range n.list(r.want) {
		if c.n < c.least {
			t.Errorf("only %d %s, want %d: the run does not test what it is for", c.n, c.what, c.least)
		}
	}
	if late := n.unrecovered.Load(); late > n.recovered.Load()/4 {
		t.Errorf("the sidecar did not say in time %d times, and did %d times", late, n.recovered.Load())
	}
}

// memory is how long an answer about a session may be of before: the edge asks its sidecar for a second at most, and
// remembers what it said for two (sessions.ClientOptions). What counts is the first page within that time that asked.
const memory = 3 * time.Second

// asking is a page that has the edge ask its sidecar about a session.
type asking struct {
	session string // the token
	at      time.Time
}

// since is from when a page's answer may be, and notes that the page asks.
func (r *resident) since(q *request) time.Time {
	r.asked = slices.DeleteFunc(r.asked, func(a asking) bool { return q.started.Sub(a.at) > memory })
	r.asked = append(r.asked, asking{q.shopper.session, q.started})
	first := slices.IndexFunc(r.asked, func(a asking) bool { return a.session == q.shopper.session })
	return r.asked[first].at
}

// absorb takes the cookies of an answer, and finds for which segment the page must have been made: the one that the browser
// showed where its seal counts; else the one that the answer brings, which must be the session's own; else the one without
// what nothing proves.
func (r *resident) absorb(q *request, a *answer) verdict {
	if q.fromCache {
		return ""
	}
	now := time.Now()
	issued, bad := ownCookies(a)
	if bad != "" {
		return bad
	}
	proof := r.client.run.native.voided.worth(q.ticket, q.started, now)
	r.prove(q, proof)
	lost := q.route.scope == segmentScope && proof != valid && r.lacks(q)
	switch {
	case issued.token != "" && (!lost || q.shopper.session == "" || r.revoked):
		return differ("a segment was issued for a page whose shopper had lost none: %s", issued.token)
	case issued.token != "":
		return r.recovered(q, issued, now)
	case lost && q.shopper.session != "" && !r.revoked:
		// The sidecar did not say in time. Whatever it says later is the session's own.
		r.unsure = append(r.unsure, tokensOf(r.entitled(r.since(q), now))...)
		if a != nil && proof == void {
			r.notes().unrecovered.Add(1)
		}
	}
	return ""
}

// prove has the oracle go by what the seal is worth; by both where that changed meanwhile.
func (r *resident) prove(q *request, proof worth) {
	s := *q.shopper
	s.proven = proof != void
	q.shopper = &s
	if proof == either {
		other := s
		other.proven = false
		q.others = []*shopper{&other}
	}
}

// lacks tells whether the edge has to ask the sidecar for a page: there is no segment, or it claims what a seal must prove.
func (r *resident) lacks(q *request) bool {
	if q.ticket.token == "" {
		return true
	}
	query := q.query
	if q.auth || q.method == http.MethodPost {
		query = nil
	}
	s := *q.shopper
	s.proven = false
	return s.privileged(query, nil)
}

// recovered judges a segment that an edge had issued anew.
func (r *resident) recovered(q *request, issued ticket, now time.Time) verdict {
	issued.from, issued.to = r.since(q), now
	if want := tokensOf(r.entitled(issued.from, now)); !slices.Contains(want, issued.token) {
		return differ("recovered was %s\nbut the session is entitled to %s", readable(issued.token), readable(want...))
	}
	if !genuine(issued.token, issued.seal, now) {
		return differ("recovered was %s with the seal %q", readable(issued.token), issued.seal)
	}
	proof := r.client.run.native.voided.worth(issued, q.started, now)
	if proof == void {
		return differ("recovered was %s with the seal %q, which was revoked", readable(issued.token), issued.seal)
	}
	r.notes().recovered.Add(1)
	r.take(issued)
	q.shopper, q.others = r.snapshot(q.shopper.session), nil
	r.prove(q, proof)
	return ""
}

// ownCookies takes the cookies of the sessions system out of an answer's head: the oracle wants to see no others.
func ownCookies(a *answer) (k ticket, bad verdict) {
	if a == nil {
		return ticket{}, ""
	}
	var rest []string
	for _, line := range a.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		switch {
		case err != nil:
			return ticket{}, differ("Set-Cookie %q: %v", line, err)
		case cookie.Name == "vtex_segment":
			k.token = cookie.Value
		case cookie.Name == "aisle_seal":
			k.seal = cookie.Value
		default:
			rest = append(rest, line)
		}
	}
	a.header.Del("Set-Cookie")
	for _, line := range rest {
		a.header.Add("Set-Cookie", line)
	}
	if (k.token == "") != (k.seal == "") {
		return ticket{}, differ("of token and seal one alone was set: %+v", k)
	}
	return k, ""
}

// readable shows what tokens hold.
func readable(tokens ...string) string {
	var list []string
	for _, t := range tokens {
		c, err := stated(t)
		if err != nil {
			list = append(list, t)
			continue
		}
		list = append(list, string(object(c.members())))
	}
	return strings.Join(list, "\n or ")
}

// doubt is for shoppers with a seal that this test made, or another sidecar: a resident with an equal segment may have had it revoked.
func (r *run) doubt(q *request) {
	if s := q.shopper; q.edge.native && s.proven && r.native.voided.known(s.token) {
		other := *s
		other.proven = false
		q.others = []*shopper{&other}
	}
}

// note counts what a resident's page was.
func (r *resident) note(q *request, a *answer) {
	n := r.notes()
	n.pages.Add(1)
	if strings.Contains(a.header.Get("Cache-Status"), "hit") {
		n.hits.Add(1)
	}
	if q.shopper.proven && r.lacks(q) {
		n.privileged.Add(1)
	} else if q.ticket.token != "" && r.lacks(q) {
		n.takenAway.Add(1)
	}
}
