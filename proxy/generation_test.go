package proxy_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/segment"
)

// reloadable is a rig with what its edge was made of.
type reloadable struct {
	*rig
	setup  *setup
	origin cache.Origin
}

func newReloadable(t *testing.T, origin http.HandlerFunc, change ...func(*setup)) *reloadable {
	r := &reloadable{}
	r.rig = newRig(t, origin, append(change, func(s *setup) {
		r.setup = s
		s.wrap = func(o cache.Origin) cache.Origin { r.origin = o; return o }
	})...)
	return r
}

// reload changes a copy of what the edge was made of first, and has the edge go on by that.
func (r *reloadable) reload(retired func(), change func(*setup)) error {
	r.t.Helper()
	s := *r.setup
	s.options.Routes = slices.Clone(s.options.Routes)
	change(&s)
	segments, err := segment.New(s.segments)
	if err != nil {
		r.t.Fatal(err)
	}
	sealer, err := segment.NewSealer("acme", s.segments.Keys, time.Hour, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.edge.Reload(s.options, proxy.Parts{Origin: r.origin, Segments: segments, Sealer: sealer, Retired: retired})
}

func (r *reloadable) mustReload(change func(*setup)) {
	r.t.Helper()
	if err := r.reload(nil, change); err != nil {
		r.t.Fatal(err)
	}
}

func isHit(a answer) bool { return strings.HasPrefix(a.Header.Get("Cache-Status"), "aisle; hit") }

// shirts is the route that the tests change.
func shirts(fields ...string) proxy.Route {
	return proxy.Route{Name: "shirts", Match: proxy.Match{Path: "/shirt/**"}, Scope: cache.ScopeSegment, Segment: append([]string{}, fields...)}
}

// What shapes a page, or its right to be stored, ends its use; the times of pages, and what lies beside them, do not.
// And a page of before is found again by the rules of before.
func TestReloadAndStoredPages(t *testing.T) {
	f := func(name string, kept bool, change func(*setup)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := newReloadable(t, page("public, max-age=600"), func(s *setup) { s.options.Routes = []proxy.Route{shirts("channel", "utm_source")} })
			if r.get("/shirt/p"); !isHit(r.get("/shirt/p")) {
				t.Fatal("no hit before the reload")
			}
			r.mustReload(change)
			if got := isHit(r.get("/shirt/p")); got != kept {
				t.Errorf("hit %t after the reload, want %t", got, kept)
			}
			r.mustReload(func(*setup) {})
			if !isHit(r.get("/shirt/p")) {
				t.Error("no hit when the rules are those of before")
			}
		})
	}
	route := func(change func(*proxy.Route)) func(*setup) {
		return func(s *setup) { change(&s.options.Routes[0]) }
	}
	f("nothing", true, func(*setup) {})
	f("ttl", true, route(func(r *proxy.Route) { r.TTL = cache.Span{Set: true, D: time.Hour} }))
	f("name", true, route(func(r *proxy.Route) { r.Name = "other" }))
	f("order of fields", true, route(func(r *proxy.Route) { r.Segment = []string{"utm_source", "channel"} }))
	f("trusted proxies", true, func(s *setup) { s.options.TrustedProxies = s.options.DebugFrom })
	f("narrower projection", false, route(func(r *proxy.Route) { r.Segment = []string{"channel"} }))
	f("wider projection", false, route(func(r *proxy.Route) { r.Segment = []string{"channel", "utm_source", "utm_campaign"} }))
	f("whole segment", false, route(func(r *proxy.Route) { r.Segment = nil }))
	f("scope", false, route(func(r *proxy.Route) { r.Scope, r.Segment = cache.ScopePublic, nil }))
	f("set_cookie", false, route(func(r *proxy.Route) { r.SetCookie = cache.SetCookieStrip }))
	f("echo_check", false, route(func(r *proxy.Route) { r.EchoCheck = true }))
	f("override", false, route(func(r *proxy.Route) { r.TTL, r.Override = cache.Span{Set: true, D: time.Hour}, true }))
	f("forward_headers", false, route(func(r *proxy.Route) { r.ForwardHeaders = []string{"X-Shown"} }))
	f("strip_prefix", false, route(func(r *proxy.Route) { r.StripPrefix = "/shirt" }))
	f("key_headers", false, route(func(r *proxy.Route) {
		r.KeyHeaders = []proxy.Keyed{{Name: "X-Device", Values: []string{"phone"}}}
	}))
	f("upstream", false, route(func(r *proxy.Route) { r.Upstream = "origin" }))
	f("channels", false, func(s *setup) {
		s.segments.Channels = slices.Clone(s.segments.Channels)
		s.segments.Channels[0].CurrencyCode = "USD"
	})
}

// Whatever a reload does to a projection, nobody gets a page that was made for another one than the route's of now.
func TestReloadNeverServesAnotherProjection(t *testing.T) {
	r := newReloadable(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		c, err := q.Cookie("vtex_segment")
		if err != nil {
			fmt.Fprint(w, "none")
			return
		}
		text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(c.Value, "="))
		fmt.Fprint(w, string(text), err)
	})
	both := "Cookie: vtex_segment=" + tokenOf(`{"channel":"1","utm_source":"google","utm_campaign":"sale"}`)
	f := func(fields []string, want ...string) {
		t.Helper()
		r.mustReload(func(s *setup) { s.options.Routes = []proxy.Route{shirts(fields...)} })
		for range 2 {
			body := r.get("/shirt/p", both).Body
			for _, value := range []string{"google", "sale"} {
				if got := strings.Contains(body, value); got != slices.Contains(want, value) {
					t.Errorf("projection %q: %q in the page: %t\n%s", fields, value, got, body)
				}
			}
		}
	}
	f([]string{"channel", "utm_source"}, "google")
	f([]string{"channel"})
	f([]string{"channel", "utm_campaign"}, "sale")
	f([]string{"channel", "utm_source", "utm_campaign"}, "google", "sale")
	f([]string{"channel"})
	f([]string{"channel", "utm_source"}, "google")
}

// A request and a fetch end as they began, and only then are the parts that they use given up.
func TestReloadWithRequestsUnderWay(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	r := newReloadable(t, func(w http.ResponseWriter, q *http.Request) {
		if strings.Contains(q.URL.Path, "slow") {
			entered <- struct{}{}
			<-release
		}
		fmt.Fprint(w, "done")
	})
	var retired atomic.Int32
	ended := make(chan struct{})
	if err := r.reload(func() { retired.Add(1); close(ended) }, func(*setup) {}); err != nil {
		t.Fatal(err)
	}
	answers := make(chan answer, 2)
	for _, target := range []string{"/slow/p", "/account/slow"} { // a fetch and a pass
		go func() { answers <- r.get(target) }()
		<-entered
	}
	r.mustReload(func(s *setup) { s.options.Hosts = []string{"other.example"} })
	if got := r.get("/p").Status; got != 421 {
		t.Errorf("status %d by the new configuration, want 421", got)
	}
	if retired.Load() != 0 {
		t.Error("the parts were given up with requests under way")
	}
	close(release)
	for range 2 {
		if a := <-answers; a.Status != 200 || a.Body != "done" {
			t.Errorf("a request under way got %d %q", a.Status, a.Body)
		}
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the parts were never given up")
	}
}

// After an error nothing has changed, and the new parts are still the caller's.
func TestReloadRefused(t *testing.T) {
	r := newReloadable(t, page("public, max-age=600"))
	r.get("/p")
	err := r.reload(func() { t.Error("retired, and was never in use") }, func(s *setup) {
		s.options.Routes = []proxy.Route{{Name: "bad", Match: proxy.Match{Path: "no-slash"}, Scope: cache.ScopePublic}}
	})
	if err == nil || !strings.Contains(err.Error(), "routes[0]") {
		t.Errorf("error %v does not name the route", err)
	}
	if !isHit(r.get("/p")) {
		t.Error("no hit: something has changed")
	}
}

// Routes that stay go on counting, and those that went leave no series.
func TestReloadMetrics(t *testing.T) {
	r := newReloadable(t, page("public, max-age=600"), func(s *setup) { s.options.Routes = []proxy.Route{shirts("channel")} })
	r.get("/shirt/p")
	r.get("/other/p")
	r.mustReload(func(s *setup) { s.options.Routes = nil })
	r.get("/other/p")
	counts := routeCounts(t, r.registry)
	if _, ok := counts["shirts"]; ok {
		t.Error("the series of a route that is no more are still there")
	}
	if got := counts["builtin:rest"]; got != 2 {
		t.Errorf("the built-in route counts %v, want 2", got)
	}
	r.mustReload(func(*setup) {})
	r.get("/shirt/p")
	if got := routeCounts(t, r.registry)["shirts"]; got != 1 {
		t.Errorf("the route that came back counts %v, want 1", got)
	}
}

func routeCounts(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "aisle_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "route" {
					counts[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return counts
}

// A drain closes no idle connection under a request: the next answer on it says that it is the last one.
func TestDrainAnnouncesTheEnd(t *testing.T) {
	r := newRig(t, page("public, max-age=600"))
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	ask := func() answer {
		t.Helper()
		if _, err := io.WriteString(c, "GET /p HTTP/1.1\r\nHost: shop.example\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return readAnswer(t, in, "GET")
	}
	if a := ask(); a.Status != 200 || a.Closed {
		t.Fatalf("%d, closed %t", a.Status, a.Closed)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { ended <- r.edge.Shutdown(ctx) }()
	for {
		if probe, err := net.Dial("tcp", r.addr); err != nil {
			break // it has stopped accepting
		} else {
			probe.Close()
		}
	}
	if a := ask(); a.Status != 200 || !a.Closed {
		t.Errorf("%d, closed %t: want an answer that announces the end", a.Status, a.Closed)
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
