package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
)

// unstorable is an origin that answers so, and says whom it took the asker for.
func unstorable(status int, list ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		fields(w, list...)
		w.WriteHeader(status)
		id := "nobody"
		if c, err := q.Cookie("id"); err == nil {
			id = c.Value
		}
		if q.Method != http.MethodHead {
			fmt.Fprint(w, "for "+id)
		}
	}
}

// An anonymous answer is for everyone or for no one (DESIGN.md, rule 5): what is
// not storable is not given to one from whom something was taken. They are asked
// for again with their own credentials, and get the answer of that; so is
// everybody else, at once, while the mark lasts.
func TestAnswerForNoOne(t *testing.T) {
	f := func(reason, target string, origin http.HandlerFunc) {
		t.Helper()
		r := newRig(t, origin)
		for i, want := range []struct{ cookie, body, detail string }{
			{"id=7", "for 7", "bypass " + reason},
			{"id=8", "for 8", "bypass marked"},
			{"", "for nobody", "bypass marked"},
		} {
			var headers []string
			if want.cookie != "" {
				headers = []string{"Cookie: " + want.cookie}
			}
			a := r.get(target, headers...)
			if a.Body != want.body || a.detail(t) != want.detail {
				t.Errorf("%s, request %d: %q %s, want %q %s", reason, i, a.Body, a.detail(t), want.body, want.detail)
			}
		}
		seen := r.requests()
		if len(seen) != 4 {
			t.Fatalf("%s: the origin was asked %d times, want 4", reason, len(seen))
		}
		for i, want := range []string{"nobody", "7", "8", "nobody"} {
			got := "nobody"
			if _, id, ok := strings.Cut(seen[i].Header.Get("Cookie"), "id="); ok {
				got = id
			}
			if got != want {
				t.Errorf("%s: request %d reached the origin for %s, want %s", reason, i, got, want)
			}
		}
		if n := r.count("aisle_requests_total", "outcome", "hit-for-miss"); n != 2 {
			t.Errorf("%s: %v times hit-for-miss, want 2", reason, n)
		}
		if n := r.count("aisle_request_reasons_total", "reason", reason); n != 1 {
			t.Errorf("%s counted %v times, want once", reason, n)
		}
	}
	f("private", "/p", unstorable(200, "Cache-Control: private, max-age=60"))
	f("no-store", "/p", unstorable(200, "Cache-Control: max-age=60", "Cache-Control: no-store"))
	f("no-freshness", "/p", unstorable(200))
	f("set-cookie", "/p", unstorable(200, "Cache-Control: max-age=60", "Set-Cookie: a=b"))
	f("login", "/p", unstorable(401, "Cache-Control: max-age=60", "Www-Authenticate: Basic"))
	f("login", "/p", unstorable(302, "Cache-Control: max-age=60", "Location: /login?returnUrl=/p"))
	f("login", "/p", unstorable(301, "Cache-Control: max-age=60", "Location: https://shop.example/br/%61ccount"))
	f("vary-private", "/p", unstorable(200, "Cache-Control: max-age=60", "Vary: Accept, Cookie"))
	f("vary-private", "/p", unstorable(200, "Cache-Control: max-age=60", "Vary: x-vtex-session"))
	f("vary-all", "/p", unstorable(200, "Cache-Control: max-age=60", "Vary: *"))
	f("private", "/assets/x.css", unstorable(200, "Cache-Control: private"))
	f("vary-segment-on-public", "/assets/x.css", unstorable(200, "Cache-Control: max-age=60", "Vary: x-vtex-segment"))
	f("private", "/p", unstorable(404, "Cache-Control: private"))
}

// Nothing was taken: what is not storable is theirs as it is, and is not asked
// for twice; cookies come only to one who had none.
func TestAnswerForOneFromWhomNothingWasTaken(t *testing.T) {
	f := func(want string, asked int, headers ...string) {
		t.Helper()
		r := newRig(t, unstorable(200, "Cache-Control: private", "Set-Cookie: a=b; Path=/"))
		a := r.get("/p", headers...)
		if a.Body != "for nobody" || a.detail(t) != want || len(r.requests()) != asked {
			t.Errorf("%q: %q %s, the origin was asked %d times", headers, a.Body, a.detail(t), len(r.requests()))
		}
		if diff := cmp.Diff([]string{"a=b; Path=/"}, a.Header.Values("Set-Cookie")); diff != "" {
			t.Errorf("%q: %s", headers, diff)
		}
	}
	f("miss private", 1)
	f("miss private", 1, "User-Agent: x", "Accept: a", "Accept-Language: pt", "Accept-Encoding: gzip", "Referer: x", "Origin: x", "Sec-Fetch-Dest: x", "DNT: 1", "Priority: u=1",
		"Upgrade-Insecure-Requests: 1", "Cache-Control: no-cache", "Pragma: no-cache", "If-None-Match: \"x\"", "Range: lines=0-1", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4",
		"X-Vtex-Segment: forged", "TE: trailers", "X-Listed: 1", "Connection: x-listed")
	f("bypass private", 2, "X-Custom: 1")
	f("bypass private", 2, "Cookie: other=1")
	f("bypass private", 2, "Cookie: vtex_segment="+tokenOf(`{"channel":"2"}`))
	f("bypass private", 2, "X-Requested-With: XMLHttpRequest")
}

// A dropped parameter is something taken; one that only moved is not.
func TestQueryTakenAway(t *testing.T) {
	f := func(target, want string) {
		t.Helper()
		r := newRig(t, unstorable(200, "Cache-Control: private"))
		if a := r.get(target); a.detail(t) != want {
			t.Errorf("%s: %s, want %s", target, a.detail(t), want)
		}
	}
	f("/p?b=1&a=2&&", "miss private")
	f("/p?gclid=1", "bypass private")
	f("/p?utm_source=1", "bypass private")
	f("/assets/x.css?utm_source=1", "miss private")
}

// A shopper of another segment than the default is never given what the
// projected request was refused, even without any cookie left out.
func TestKeyedValuesAreNotTaken(t *testing.T) {
	r := newRig(t, unstorable(200, "Cache-Control: private"), keyedRoute(cache.ScopePublic))
	f := func(target, want string, headers ...string) {
		t.Helper()
		if a := r.get(target, headers...); a.detail(t) != want {
			t.Errorf("%q: %s, want %s", headers, a.detail(t), want)
		}
	}
	f("/k/1", "miss private", "CF-IPCountry: BR")
	f("/k/2", "bypass private", "CF-IPCountry: XX")
	f("/k/3", "bypass private", "CF-IPCountry: BR", "CF-IPCountry: BR")
	f("/k/4", "miss private", "X-Store-Preview: 1")
}

// Followers of a fetch whose answer is for no one go each with their own
// credentials; the one who led gets no more than they.
func TestFollowersOfAnAnswerForNoOne(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	own := unstorable(200, "Cache-Control: private")
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if !strings.Contains(q.Header.Get("Cookie"), "id=") {
			once.Do(func() { close(began) })
			<-release
		}
		own(w, q)
	})
	const shoppers = 8
	answers := make(chan string, shoppers)
	ask := func(i int) { answers <- r.get("/p", fmt.Sprintf("Cookie: id=%d", i)).Body }
	go ask(0)
	<-began
	for i := 1; i < shoppers; i++ {
		go ask(i)
	}
	r.waitForClaims(shoppers)
	close(release)
	got := map[string]int{}
	for range shoppers {
		got[<-answers]++
	}
	want := map[string]int{}
	for i := range shoppers {
		want[fmt.Sprintf("for %d", i)] = 1
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(r.requests()); n != shoppers+1 {
		t.Errorf("the origin was asked %d times, want once anonymously and %d times with credentials", n, shoppers)
	}
}

// A page for everyone is fetched once, whoever asks.
func TestFollowersShareAPage(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		once.Do(func() { close(began) })
		<-release
		cachedAs("Cache-Control: max-age=60", "Set-Cookie: a=b")(w, q)
	}, func(s *setup) {
		s.options.Routes = []proxy.Route{{Match: proxy.Match{Path: "/p"}, Scope: cache.ScopeSegment, SetCookie: cache.SetCookieStrip}}
	})
	const shoppers = 8
	answers := make(chan answer, shoppers)
	go func() { answers <- r.get("/p") }()
	<-began
	for i := 1; i < shoppers; i++ {
		go func() { answers <- r.get("/p", fmt.Sprintf("Cookie: id=%d", i)) }()
	}
	r.waitForClaims(shoppers)
	close(release)
	cookies, shared := 0, 0
	for range shoppers {
		a := <-answers
		if a.Body != "GET /p for "+defaultSegment || a.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%+v", a)
		}
		if a.Header.Get("Set-Cookie") != "" {
			cookies++
		}
		if a.status(t)["collapsed"] == true || a.detail(t) == "hit fresh" {
			shared++
		}
	}
	if cookies != 1 || shared != shoppers-1 || len(r.requests()) != 1 {
		t.Errorf("%d got the cookie, %d shared the fetch, the origin was asked %d times", cookies, shared, len(r.requests()))
	}
	if a := r.get("/p"); a.Header.Get("Set-Cookie") != "" || a.detail(t) != "hit fresh" {
		t.Errorf("from memory: %s %q", a.detail(t), a.Header.Get("Set-Cookie"))
	}
}

// waitForClaims waits until n requests on segment scope have come as far as the
// engine.
func (r *rig) waitForClaims(n float64) {
	r.t.Helper()
	r.waitUntil("so many requests on segment scope", func() bool { return r.count("aisle_segment_cookies_total") >= n })
}

// waitForLandings waits until n pages that were fetched are in the store. What is
// stale on arrival is served from there alone.
func (r *rig) waitForLandings(n float64) {
	r.t.Helper()
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("%v pages landed, %v were not seen", r.count("aisle_landings_total"), r.count("aisle_landings_unseen_total"))
		}
	})
	r.waitUntil("so many pages in the store", func() bool { return r.count("aisle_landings_total") >= n })
}

// waitUntil waits for what is to be seen from outside only.
func (r *rig) waitUntil(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A 5xx is a failure, not an answer: passed on to those who waited, stored for
// nobody, without the cookies that came with it, and marks nothing.
func TestServerErrorIsPassedOn(t *testing.T) {
	r := newRig(t, unstorable(503, "Cache-Control: max-age=60", "Set-Cookie: a=b", "Retry-After: 7"))
	for range 2 {
		a := r.get("/p", "Cookie: id=7")
		if a.Status != 503 || a.Body != "for nobody" || a.detail(t) != "miss origin-5xx" {
			t.Errorf("%d %q %s", a.Status, a.Body, a.detail(t))
		}
		if a.Header.Get("Set-Cookie") != "" || a.Header.Get("Retry-After") != "7" || a.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%v", a.Header)
		}
	}
	if n := len(r.requests()); n != 2 {
		t.Errorf("the origin was asked %d times, want 2", n)
	}
}

// On segment scope credentials are a pass; on public scope they go along, and the
// answer is stored only where it says that it may be (RFC 9111, 3.5).
func TestAuthorizationOnPublicScope(t *testing.T) {
	f := func(control, first, second string) {
		t.Helper()
		r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
			fields(w, "Cache-Control: "+control)
			fmt.Fprint(w, q.Header.Get("Authorization"), q.Header.Get("Cookie"))
		})
		a := r.get("/assets/x.css", "Authorization: Basic a")
		if a.Body != "Basic a" || a.detail(t) != first {
			t.Errorf("%s: %q %s", control, a.Body, a.detail(t))
		}
		b := r.get("/assets/x.css", "Authorization: Basic b")
		if b.detail(t) != second || (b.Body == "Basic a") != strings.HasPrefix(second, "hit") {
			t.Errorf("%s: %q %s", control, b.Body, b.detail(t))
		}
		if n := r.requests()[0]; n.Header.Get("Cookie") != "" {
			t.Errorf("cookies went along: %s", n)
		}
	}
	f("max-age=60", "miss shared-authorization", "miss shared-authorization")
	f("max-age=60, public", "uri-miss absent", "hit fresh")
	f("max-age=60, must-revalidate", "uri-miss absent", "hit fresh")
	f("s-maxage=60", "uri-miss absent", "hit fresh")
	r := newRig(t, unstorable(200, "Cache-Control: max-age=60"))
	if a := r.get("/assets/x.css", "Authorization: Basic a", "Cookie: id=7"); a.Body != "for 7" || a.detail(t) != "bypass shared-authorization" {
		t.Errorf("with a cookie taken: %q %s", a.Body, a.detail(t))
	}
	if a := r.get("/assets/x.css"); a.Body != "for nobody" || a.detail(t) != "uri-miss absent" {
		t.Errorf("the answer to credentials took the page from others: %q %s", a.Body, a.detail(t))
	}
}

// A route whose anonymous answers were all unstorable goes as a pass at once.
func TestRoutePasses(t *testing.T) {
	r := newRig(t, unstorable(200, "Cache-Control: private"))
	for i := range 32 {
		r.get(fmt.Sprintf("/p%d", i), "Cookie: id=7")
	}
	asked := len(r.requests())
	if a := r.get("/another", "Cookie: id=7"); a.detail(t) != "bypass route-passing" || a.Body != "for 7" || len(r.requests()) != asked+1 {
		t.Errorf("%s %q, the origin was asked %d times more", a.detail(t), a.Body, len(r.requests())-asked)
	}
	if a := r.get("/assets/x.css"); a.detail(t) != "miss private" {
		t.Errorf("another route: %s", a.detail(t))
	}
}

// A page that outgrows max_object goes to those who asked, and into no store.
func TestTooLargeToStore(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	for _, announced := range []bool{true, false} {
		r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
			fields(w, "Cache-Control: max-age=60")
			if announced {
				w.Header().Set("Content-Length", itoa(len(big)))
			}
			_, _ = io.WriteString(w, big)
		})
		for i := range 2 {
			if a := r.get("/p"); a.Body != big || a.Err != nil || strings.HasPrefix(a.detail(t), "hit") {
				t.Errorf("announced %v, time %d: %d bytes, %v, %s", announced, i, len(a.Body), a.Err, a.detail(t))
			}
		}
		if n := len(r.requests()); n != 2 {
			t.Errorf("announced %v: the origin was asked %d times, want 2", announced, n)
		}
	}
}
