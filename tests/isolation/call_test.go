package isolation_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// call is one request of the sessions API and what this test expects of it.
type call struct {
	q      *request
	body   string
	fresh  bool  // it begins a session
	next   state // of the session, if the call is not refused
	plain  state // of the session, if it is: without the values that the call says
	asks   bool  // for a channel, which may be refused
	views  bool  // the answer is the session, not its tokens
	ended  time.Time
	answer *answer
}

// call has the page call the sessions API, with values that the shopper says.
func (r *resident) call(kind int, values map[string]string) {
	x := r.prepare(kind, values)
	c := r.client
	fields := x.q.fields
	if len(x.q.cookies) > 0 {
		fields = append(fields, header{"Cookie", strings.Join(x.q.cookies, "; ")})
	}
	x.q.began, x.q.started = x.q.edge.floors.begin(), time.Now()
	a, err := c.wires[x.q.edge].send(x.q.method, message(x.q.method, asked(x.q.path, x.q.query), x.q.host, fields, x.body))
	x.answer, x.ended = a, time.Now()
	r.notes().calls.Add(1)
	if err != nil || a.status >= 500 {
		c.run.report(x.q, a, differ("the sessions API failed: %v", err))
		return
	}
	if bad := r.judge(x); bad != "" {
		c.run.report(x.q, a, bad)
		return
	}
	c.run.checked()
}

// prepare makes the request, and the state that it leads to.
func (r *resident) prepare(kind int, values map[string]string) *call {
	c := r.client
	x := &call{fresh: len(r.sessions) == 0 || r.revoked, asks: values["sc"] != ""}
	if kind == read && len(values) > 0 {
		kind = patch
	}
	x.views = kind == read || chance(c.rng, 40)
	x.q = &request{
		edge: r.browser.edge, shopper: r.snapshot(r.session()), method: []string{read: "GET", patch: "PATCH", create: "POST"}[kind], host: "shop.test",
		path: pick(c.rng, "/api/sessions", "/api/sessions", "/br/api/sessions"), nonce: nonce(c.rng), fields: []header{{"Content-Type", "application/json"}},
	}
	c.addCookies(x.q)
	x.q.cookies = append(x.q.cookies, r.logins()...)
	x.next = r.known(x)
	x.plain = x.next.settled(time.Now())
	body := map[string]map[string]string{}
	for name, value := range values {
		byLink := chance(c.rng, 40)
		if byLink {
			x.q.query = append(x.q.query, param{name, value})
		} else {
			body[name] = map[string]string{"value": value}
		}
		if !byLink || !slices.Contains([]string{"facets", "vtex-impersonated-customer-email"}, name) { // no link may say these
			x.next.set(name, value)
		}
	}
	if x.views {
		x.q.query = append(x.q.query, param{"items", "profile.email,profile.priceTables,checkout.regionId"})
	}
	if kind != read {
		text, _ := json.Marshal(map[string]any{"public": body}) // texts cannot fail
		x.body = string(text)
	}
	x.next = x.next.settled(time.Now())
	return x
}

// known is the session as the sidecar sees it before the call writes anything: what it was, and who is logged in by
// the cookies. A call without a segment is a server's, whose cookies say nothing of those that are not there.
func (r *resident) known(x *call) state {
	s := r.states.newest()
	if x.fresh {
		s = state{}
	}
	browser := r.segment.token != ""
	if browser || r.shopper.cookie != "" {
		s.shopper = r.shopper
	}
	if browser || r.operator.cookie != "" {
		s.operator = r.operator
	}
	return s
}

// judge compares an answer with what the session is entitled to.
func (r *resident) judge(x *call) verdict {
	if status := x.answer.status; status == http.StatusUnauthorized || status == http.StatusForbidden {
		return r.refused(x)
	}
	if want := map[string]int{"POST": http.StatusCreated}[x.q.method]; x.answer.status != max(want, http.StatusOK) {
		return differ("status %d of a call that nothing refuses", x.answer.status)
	}
	if x.asks && !slices.Contains(r.verdicts(x), http.StatusOK) {
		return differ("the channel %s is not open to %q", x.next.sc, x.next.person(x.ended))
	}
	if bad := r.settle(x); bad != "" {
		return bad
	}
	return r.viewed(x)
}

// settle compares what an answer issues with what the session is entitled to now.
func (r *resident) settle(x *call) verdict {
	if bad := r.follows(x); bad != "" {
		return bad
	}
	got, bad := ownCookies(x.answer)
	if bad != "" {
		return bad
	}
	issued := got
	if issued.token == "" {
		issued = r.segment // nothing to set: the browser has it already
	}
	want := tokensOf(r.client.run.native.entitled(x.next, x.q.started, x.ended))
	if !slices.Contains(want, issued.token) {
		return differ("issued was %s\nbut the session is entitled to %s\nit is %+v", readable(issued.token), readable(want...), x.next)
	}
	if !genuine(issued.token, issued.seal, x.ended) {
		return differ("issued was %s with the seal %q", readable(issued.token), issued.seal)
	}
	if got.token != "" {
		issued.from, issued.to = x.q.started, x.ended
	}
	r.take(issued)
	r.count(x)
	return ""
}

// refused: nothing that the call says is stored, but who is logged in by its cookies is, where there is a session.
func (r *resident) refused(x *call) verdict {
	r.notes().refused.Add(1)
	if !x.asks || !slices.Contains(r.verdicts(x), x.answer.status) {
		return differ("status %d for channel %q, want one of %v: %+v", x.answer.status, x.next.sc, r.verdicts(x), x.next)
	}
	if lines := x.answer.header.Values("Set-Cookie"); x.fresh && len(lines) > 0 {
		return differ("a call that is refused begins a session: %q", lines)
	}
	if x.fresh {
		return ""
	}
	x.next = x.plain
	return r.settle(x)
}

// verdicts are the answers that a call for a channel may have: by each world of its time.
func (r *resident) verdicts(x *call) (list []int) {
	for _, w := range r.client.run.native.possible(x.q.started, x.ended) {
		for _, at := range moments(x.next, w, x.q.started, x.ended) {
			switch {
			case x.next.open(w, at):
				list = append(list, http.StatusOK)
			case x.next.person(at) != "":
				list = append(list, http.StatusForbidden)
			default:
				list = append(list, http.StatusUnauthorized)
			}
		}
	}
	return list
}

// follows takes the session's token: that of the same session as before, or of a new one where there was none.
func (r *resident) follows(x *call) verdict {
	token := ""
	for _, line := range x.answer.header.Values("Set-Cookie") {
		if value, ok := strings.CutPrefix(line, "vtex_session="); ok {
			token, _, _ = strings.Cut(value, ";")
		}
	}
	switch {
	case x.fresh && token == "":
		return differ("a new session without a token")
	case x.fresh:
		if !r.client.run.native.born(idOf(token)) {
			return differ("a new session has the id of another: %s", token)
		}
		r.begin()
	case token != "" && idOf(token) != idOf(r.sessions[0]):
		return differ("the session is another one now: %s, was %s", token, r.sessions[0])
	}
	if token != "" {
		r.sessions = append(r.sessions, token)
		r.sessions = r.sessions[max(0, len(r.sessions)-4):]
	}
	r.states.put(x.next, x.q.started, x.ended)
	return ""
}

// idOf reads the id out of a session's token, "" where there is none.
func idOf(token string) string {
	parts := strings.Split(token, ".")
	var claims struct{ ID string }
	if len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(text, &claims) // then it has no id
	}
	return claims.ID
}

// viewed compares what the answer shows of the session.
func (r *resident) viewed(x *call) verdict {
	if !x.views {
		return ""
	}
	view, err := viewOf(bytes.NewReader(x.answer.body))
	if err != nil {
		return differ("the session %.300s: %v", x.answer.body, err)
	}
	got := view.text("profile", "email")
	if a, b := x.next.person(x.q.started), x.next.person(x.ended); got != a && got != b {
		return differ("the session is of %q, want %q", got, b)
	}
	return ""
}

func (r *resident) count(x *call) {
	if x.next.acting {
		r.notes().acted.Add(1)
	}
	if c, err := stated(r.segment.token); err == nil && c.value[channel] == "3" {
		r.notes().privateChannel.Add(1)
	}
}

// maxVoided keeps below the number of tokens that aisle remembers one by one.
const maxVoided = 3500

// sureTokens is how many of a session's own tokens are surely revoked with it: aisle remembers 32.
const sureTokens = 30

// revoke is what an operator does when somebody's log-in was stolen: the session ends, and no seal of it counts any more; or
// the seals of one segment alone.
func (r *resident) revoke() {
	n, rng := r.client.run.native, r.client.rng
	if r.revoked || len(r.sessions) == 0 || n.voided.count() > maxVoided {
		return
	}
	text, tokens := r.session(), map[string]bool{}
	for _, t := range r.unsure {
		tokens[t] = false
	}
	for i, t := range r.issued {
		tokens[t] = i >= len(r.issued)-sureTokens
	}
	alone := r.segment.token != "" && chance(rng, 25)
	if alone {
		text, tokens = r.segment.token, map[string]bool{r.segment.token: true}
	}
	calm, done := r.client.run.calm()
	defer done()
	begun := n.voided.begin(tokens)
	err := n.revoke(text, chance(rng, 10))
	switch {
	case err != nil && calm:
		q := &request{edge: n.edge, shopper: &shopper{}, path: "/sessions/revoke", method: http.MethodPost, nonce: nonceMark}
		r.client.run.report(q, nil, differ("%v", err))
		return
	case err != nil: // was it done? Nobody knows, and nobody said that it was
		*r = *newResident(r.client, r.browser.edge)
		return
	case !calm:
		time.Sleep(successorTold)
	}
	n.voided.end(begun)
	r.revoked = r.revoked || !alone
	r.notes().revoked.Add(1)
}

// successorTold is how long a process that has been replaced may take until it knows what its successor revoked: it looks every
// 50 ms.
const successorTold = time.Second

// revoke asks by the admin listener, or by aisle's own command.
func (n *native) revoke(text string, byCommand bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !byCommand {
		return post(ctx, "http://"+n.edge.admin+"/sessions/revoke", text, nil)
	}
	out, err := exec.CommandContext(ctx, n.binary, "sessions", "revoke", text, "--config", n.edge.file, "--admin", n.edge.admin).CombinedOutput()
	if err != nil {
		return fmt.Errorf("aisle sessions revoke: %w\n%s", err, out)
	}
	return nil
}
