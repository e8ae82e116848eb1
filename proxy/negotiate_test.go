package proxy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

// What each scope does with a field, as a table: s forwarded on segment scope, p
// on public scope, x on a pass of a stranger, X on a pass of a trusted proxy
// only, t counts as taken where it was left out.
func TestRequestFields(t *testing.T) {
	r := compiled(t, Route{Match: Match{Path: "/x"}, Scope: cache.ScopeSegment,
		KeyHeaders: []Keyed{{"CF-IPCountry", []string{"BR"}}}, ForwardHeaders: []string{"X-Store-Preview"}}).routes[0]
	f := func(want string, names ...string) {
		t.Helper()
		for _, name := range names {
			b := []byte(name)
			got := ""
			add := func(is bool, mark string) {
				if is {
					got += mark
				}
			}
			add(forwardedOnSegment(r, b), "s")
			add(forwardedOnPublic(b), "p")
			add(forwardedOnPass(b, false), "x")
			add(forwardedOnPass(b, true) && !forwardedOnPass(b, false), "X")
			add(countsAsTaken(b), "t")
			if got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	}
	f("spxt", "accept", "accept-language", "accept-encoding", "user-agent", "cf-ipcountry", "x-store-preview")
	f("pxt", "authorization", "x-anything", "x-requested-with", "save-data", "rsc", "next-router-state-tree", "traceparent", "x-request-id", "x-amzn-trace-id", "xx-vtex-a", "cdn-loop", "apikey")
	f("px", "referer", "origin", "sec-ch-ua", "sec-fetch-mode", "dnt", "priority", "upgrade-insecure-requests")
	f("x", "cache-control", "pragma", "range", "if-none-match", "if-modified-since", "if-range", "if-match", "content-length")
	f("xt", "cookie", "cookie2", "expect", "content-type", "content-encoding")
	f("xt", "x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-original-uri", "x-original-host", "x-rewrite-url", "x-override-url",
		"x-wap-profile", "surrogate-capability", "x-amz-website-redirect-location", "x-middleware-subrequest", "x-middleware-prefetch", "x-nextjs-data", "x-now-route-matches",
		"x-invoke-path", "x-invoke-status", "x-matched-path", "x-http-host-override")
	f("X", "x-real-ip", "true-client-ip", "cf-connecting-ip", "client-ip", "x-client-ip", "x-cluster-client-ip", "fastly-client-ip", "x-host", "x-scheme", "x-url-scheme",
		"front-end-https", "x-forwarded", "x-forwarded-server", "x-forwarded-scheme", "x-forwarded-ssl", "x-forwarded-prefix", "x-envoy-original-path", "forwarded-for")
	f("", "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port")
	f("", "x-vtex-segment", "x-vtex-session", "x-vtex-locale", "x-vtex-anything", "host")
	f("", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "proxy", "proxy-connection", "proxy-authorization", "proxy-authenticate")
}

func TestHopByHop(t *testing.T) {
	f := func(name string, want bool) {
		t.Helper()
		if got := hopByHop([]byte(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	f("connection", true)
	f("proxy-anything", true)
	f("proxy", true)
	f("proxyx", false)
	f("", false)
	f("cookie", false)
	f("trailers", false)
}

// A route promises only what its operator wrote.
func TestSegmentScopeOfABareRoute(t *testing.T) {
	bare := compiled(t).routes[builtinRest]
	for _, name := range strings.Fields("cf-ipcountry x-store-preview cookie authorization referer origin sec-fetch-site x-forwarded-for host range if-none-match x-vtex-segment cache-control") {
		if forwardedOnSegment(bare, []byte(name)) {
			t.Errorf("%s reaches the origin", name)
		}
	}
}

func TestFieldsAllocateNothing(t *testing.T) {
	r := compiled(t).routes[builtinRest]
	names := [][]byte{[]byte("x-forwarded-host"), []byte("accept"), []byte("x-some-long-name-of-an-app"), []byte("sec-ch-ua-platform")}
	n := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			if hopByHop(name) || forwardedOnSegment(r, name) && forwardedOnPublic(name) && forwardedOnPass(name, false) && !countsAsTaken(name) {
				t.Fatal(string(name))
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The rules that hold between the predicates, for every name of a field that
// anybody knows, and for names made of the prefixes that they look at.
func TestPredicatesAgree(t *testing.T) {
	bare := compiled(t).routes[builtinRest]
	known := rapid.SampledFrom(strings.Fields("accept accept-language user-agent cookie host authorization via forwarded te range if-none-match if-range referer origin dnt " +
		"cache-control pragma content-type x-real-ip x-http-method x-nextjs-data sec-ch-ua connection expect upgrade proxy"))
	made := rapid.StringMatching(`(x-vtex-|x-forwarded-|x-original-|x-middleware-|proxy-|sec-|if-|content-|x-)[a-z]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		name := []byte(rapid.OneOf(known, made).Draw(t, "name"))
		implies := func(a, b bool, rule string) {
			if a && !b {
				t.Fatalf("%s: %s", name, rule)
			}
		}
		public, segment := forwardedOnPublic(name), forwardedOnSegment(bare, name)
		implies(segment, public, "segment scope forwards more than public scope")
		implies(public, forwardedOnPass(name, false), "public scope forwards more than a pass")
		implies(forwardedOnPass(name, false), forwardedOnPass(name, true), "a trusted peer is believed less")
		implies(hopByHop(name), !forwardedOnPass(name, true) && !countsAsTaken(name), "a field of one hop goes on, or counts")
		implies(rewritten(name), forwardingField(name), "what is rewritten is no forwarding field")
		implies(forwardingField(name), !public && !countsAsTaken(name), "a forwarding field shapes a page, or counts")
		implies(overrides(name), !public && countsAsTaken(name), "an override shapes a page, or goes without being missed")
		implies(countsAsTaken(name), forwardedOnPass(name, false), "what counts as taken does not come back with a pass")
		implies(segment, checkFieldName(string(name)) == nil, "a negotiation field may not be keyed")
	})
}
