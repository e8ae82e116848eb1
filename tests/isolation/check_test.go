package isolation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"
)

// oracle judges answers. It knows what was sent and computes what must come.
type oracle struct {
	mirror *mirror
	tally  *tally

	mu      sync.Mutex        // guards both
	cookies map[string]string // the nonces of the requests that they were given to
	owned   map[uint64]string // the same by the serials of answers that were one shopper's alone
}

func newOracle(t *tally) *oracle {
	return &oracle{mirror: newMirror(), tally: t, cookies: map[string]string{}, owned: map[uint64]string{}}
}

// verdict says what is wrong with an answer; "" is nothing.
type verdict string

func differ(format string, args ...any) verdict { return verdict(fmt.Sprintf(format, args...)) }

// check judges an answer that is no failure.
func (o *oracle) check(q *request, a *answer) verdict {
	if v := o.checkMarks(q, a); v != "" {
		return v
	}
	if v := o.checkCookies(q, a); v != "" {
		return v
	}
	switch {
	case q.route.scope == private:
		return checkPrivate(q, a)
	case q.route.special && q.head():
		return ""
	case q.route.special:
		return o.checkSpecial(q, a)
	case q.head():
		return o.checkHead(q, a)
	}
	return o.checkPage(q, a)
}

// checkAny judges an answer for each shopper that the request may have been of.
func (o *oracle) checkAny(q *request, a *answer) verdict {
	bad := o.check(q, a)
	for _, s := range q.others {
		if bad == "" {
			break
		}
		other := *q
		if other.shopper = s; o.check(&other, a) == "" {
			return ""
		}
	}
	return bad
}

// checkMarks looks for what some other request sent.
func (o *oracle) checkMarks(q *request, a *answer) verdict {
	if v := foreign(q, a.body); v != "" {
		return v
	}
	for name, values := range a.header {
		if v := foreign(q, []byte(strings.Join(values, " "))); v != "" {
			return differ("field %s: %s", name, v)
		}
	}
	return ""
}

func foreign(q *request, text []byte) verdict {
	for {
		at := bytes.Index(text, []byte(nonceMark))
		if at < 0 {
			return ""
		}
		mark := string(text[at:min(len(text), at+len(nonceMark)+16)])
		if mark != q.nonce && !strings.Contains(q.shopper.email, mark) {
			return differ("the answer to %s shows %s, which is another shopper's", q.nonce, mark)
		}
		text = text[at+len(nonceMark):]
	}
}

// checkCookies: what a fetch sets is for one request and no other.
func (o *oracle) checkCookies(q *request, a *answer) verdict {
	for _, line := range a.header.Values("Set-Cookie") {
		_, mark, ok := strings.Cut(line, cookieMark)
		if !ok {
			if q.route.scope != private {
				return differ("Set-Cookie %q on a page", line)
			}
			continue
		}
		mark, _, _ = strings.Cut(mark, ";")
		o.mu.Lock()
		before, twice := o.cookies[mark]
		o.cookies[mark] = q.nonce
		o.mu.Unlock()
		if twice && before != q.nonce {
			return differ("Set-Cookie %q was given to two requests", line)
		}
	}
	return ""
}

// checkPage compares a page of the demo storefront, byte for byte, with what the storefront answers for the segment.
func (o *oracle) checkPage(q *request, a *answer) verdict {
	target, token := q.route.target(q.path, q.query), ""
	if q.route.scope == segmentScope {
		token = q.shared().token()
	}
	passed := q.mustPass()
	// On a route that checks pages before it shares them, one that is purged again and again goes as a pass.
	if q.route.echo && strings.Contains(a.header.Get("Cache-Status"), "detail=alone") {
		passed = true
	}
	if passed {
		token = q.passToken()
	}
	revision, dependent := revisionOf(a.body)
	want := o.mirror.page(revision, target, token)
	if a.status != want.status || len(a.body) != want.length || o.mirror.hash(a.body) != want.hash {
		expected := o.mirror.ask(revision, target, token).Body.Bytes()
		return differ("not the page of this projection\nexpected %d with %d bytes, token %s\n%s\ngot %d with %d bytes\n%s",
			want.status, want.length, token, machineBlock(expected), a.status, len(a.body), machineBlock(a.body))
	}
	if dependent {
		return o.checkFloor(q, revision, tagNames(want.tags))
	}
	return ""
}

func tagNames(tags []string) []string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = tagName(t)
	}
	return names
}

// checkFloor: nothing is shown that a purge took away before the request began.
func (o *oracle) checkFloor(q *request, revision uint64, names []string) verdict {
	if q.fromCache {
		return ""
	}
	if least := q.edge.floors.of(q.began, append(q.names(), names...)...); revision < least {
		return differ("revision %d was purged: since before the request began it must be at least %d", revision, least)
	}
	return ""
}

// headSearch bounds how many price lists a HEAD is compared with.
const headSearch = 40

// checkHead finds the page that a HEAD speaks of by its length and, where it has one, its tag.
func (o *oracle) checkHead(q *request, a *answer) verdict {
	if q.route.scope != segmentScope {
		return ""
	}
	target, token := q.route.target(q.path, q.query), q.shared().token()
	if q.mustPass() {
		token = q.passToken()
	}
	// A reprice counts at the storefront before its answer is here.
	newest := o.tally.revision.Load() + 1
	for n := uint64(0); n <= min(newest, headSearch); n++ {
		want := o.mirror.page(newest-n, target, token)
		tag := strings.Trim(strings.TrimPrefix(a.header.Get("ETag"), "W/"), `"`)
		if a.status == want.status && a.header.Get("Content-Length") == fmt.Sprint(want.length) && (want.etag == "" || strings.HasSuffix(tag, want.etag)) {
			return o.checkFloor(q, newest-n, tagNames(want.tags))
		}
	}
	if newest > headSearch || strings.Contains(a.header.Get("Cache-Status"), "detail=alone") {
		return ""
	}
	return differ("HEAD of no page of this projection: %d, %v; token %s", a.status, a.header, token)
}

// checkSpecial compares what the special origin saw with what it must have been asked.
func (o *oracle) checkSpecial(q *request, a *answer) verdict {
	m := q.specialMode()
	if m.name == "members" && !q.hasCookie("sid") && !q.auth {
		if a.status == http.StatusFound || a.status == http.StatusUnauthorized {
			return ""
		}
		return differ("%d for a stranger, want to be turned away", a.status)
	}
	if a.status != http.StatusOK {
		return differ("status %d, want 200", a.status)
	}
	var got printed
	if err := json.Unmarshal(a.body, &got); err != nil {
		return differ("unreadable: %v\n%.500s", err, a.body)
	}
	if v := o.checkFloor(q, got.Version, specialTags(q, m)); v != "" {
		return v
	}
	// A pass says who asked, the anonymous request does not.
	if got.Saw["x-forwarded-for"] != "" {
		return o.checkOwn(q, m, &got)
	}
	return o.checkShared(q, m, &got)
}

func specialTags(q *request, m mode) []string {
	return tagNames([]string{"special", "mode-" + m.name, "page-" + strings.ReplaceAll(strings.Trim(q.path, "/"), "/", "-")})
}

// checkOwn judges a page that was made for one request: it is this one, whole, and nobody else gets it.
func (o *oracle) checkOwn(q *request, m mode, got *printed) verdict {
	o.tally.passed.Add(1)
	if v := o.own(q, got.Serial); v != "" {
		return v
	}
	want := map[string]string{"host": q.host, "cookie": q.passCookie(), "x-vtex-segment": q.passToken(), "x-vtex-session": q.shopper.session}
	if q.route.scope == public {
		want["x-vtex-segment"], want["x-vtex-session"] = "", ""
	} else {
		want["x-nonce"], want["authorization"] = q.nonce, ""
		if q.shopper.bare {
			want["x-nonce"] = ""
		}
		if q.auth {
			want["authorization"] = "Bearer " + q.nonce
		}
	}
	if m.name == "narrow" || m.name == "narrower" {
		delete(want, "cookie")
		delete(want, "x-vtex-segment")
	}
	seen := map[string]string{}
	for name := range want {
		seen[name] = got.Saw[name]
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		return differ("a pass that says something else of the shopper (-want +got):\n%s", diff)
	}
	if want := asked(q.path, q.query); got.Target != want {
		return differ("a pass for %s, want %s", got.Target, want)
	}
	return ""
}

// own notes that an answer was for one request alone.
func (o *oracle) own(q *request, serial uint64) verdict {
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, owned := o.owned[serial]; owned && before != q.nonce {
		return differ("answer %d was one request's own, and is given again", serial)
	}
	o.owned[serial] = q.nonce
	return ""
}

// checkShared judges a page that may be for everybody of a segment.
func (o *oracle) checkShared(q *request, m mode, got *printed) verdict {
	o.mu.Lock()
	before, owned := o.owned[got.Serial]
	o.mu.Unlock()
	if owned && before != q.nonce {
		return differ("answer %d was one shopper's own, and is given to another", got.Serial)
	}
	want := q.sawShared(m)
	unstorable := !m.storable || m.name == "cookie" && !q.route.strip
	if unstorable || q.mustPass() {
		if q.taken() {
			return differ("an answer that is for one was given without asking for this shopper: %v", got.Saw)
		}
		if v := o.own(q, got.Serial); v != "" {
			return v
		}
	}
	if diff := cmp.Diff(want, got.Saw); diff != "" {
		return differ("the origin was asked something else (-want +got):\n%s", diff)
	}
	return o.checkToken(q, m, got)
}

func (o *oracle) checkToken(q *request, m mode, got *printed) verdict {
	token := q.sawShared(m)["x-vtex-segment"]
	if got.Token != token {
		return differ("the page embeds %s, want %s", got.Token, token)
	}
	if want := q.route.target(q.path, q.query); got.Target != want {
		return differ("the origin was asked for %s, want %s", got.Target, want)
	}
	return ""
}

// checkPrivate: a page of one shopper shows that shopper.
func checkPrivate(q *request, a *answer) verdict {
	if status := a.header.Get("Cache-Status"); !strings.Contains(status, "fwd=") {
		return differ("a private page that was not forwarded: %s", status)
	}
	switch {
	case q.path == "/account" && a.status == http.StatusOK && q.shopper.email != "" && !q.shopper.uncertain:
		if !bytes.Contains(a.body, []byte(q.shopper.email)) {
			return differ("the account page does not know %s", q.shopper.email)
		}
	case q.path == "/_v/private/cart" && a.status == http.StatusOK && !q.shopper.uncertain:
		return checkCart(q, a)
	}
	return ""
}

func checkCart(q *request, a *answer) verdict {
	var cart struct {
		Items []struct {
			ID int `json:"id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(a.body, &cart); err != nil {
		return differ("cart: %v", err)
	}
	want, got := map[int]bool{}, map[int]bool{}
	if q.shopper.inCart != 0 {
		want[q.shopper.inCart] = true
	}
	for _, item := range cart.Items {
		got[item.ID] = true
	}
	if !maps.Equal(want, got) {
		return differ("the cart holds %v, want %v", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)))
	}
	return ""
}
