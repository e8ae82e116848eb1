package proxy

import (
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
)

// lastMember parses a Cache-Status value and gives the parameters of the member
// nearest to the client.
func lastMember(t *testing.T, value []byte) map[string]any {
	t.Helper()
	list, err := httpsfv.UnmarshalList([]string{string(value)})
	if err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	item, ok := list[len(list)-1].(httpsfv.Item)
	if !ok || item.Value != httpsfv.Token("aisle") {
		t.Fatalf("%q: last member %+v", value, item)
	}
	params := map[string]any{}
	for _, name := range item.Params.Names() {
		params[name], _ = item.Params.Get(name)
	}
	return params
}

func TestCacheStatus(t *testing.T) {
	f := func(before string, s statusLine, want string) {
		t.Helper()
		got := appendCacheStatus([]byte(before), &s)
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		lastMember(t, got)
	}
	f("", statusLine{}, "aisle")
	f("", statusLine{debug: true}, "aisle; detail=none")
	hit := statusLine{outcome: cache.Hit, reason: cache.ReasonFresh, ttl: 30*time.Second + 900*time.Millisecond, hasTTL: true, key: 0xab, collapsed: true, stored: true, fwdStatus: 200}
	f("", hit, "aisle; hit")
	hit.debug = true
	f("", hit, `aisle; hit; ttl=30; detail=fresh; key="00000000000000ab"`)
	f(`OriginCache; hit; ttl=1100, "CDN Company Here"; fwd=stale`, hit, `OriginCache; hit; ttl=1100, "CDN Company Here"; fwd=stale, aisle; hit; ttl=30; detail=fresh; key="00000000000000ab"`)
	miss := statusLine{outcome: cache.Miss, reason: cache.ReasonAbsent, fwdStatus: 200, stored: true, collapsed: true, ttl: time.Minute, hasTTL: true}
	f("", miss, "aisle; fwd=uri-miss")
	miss.debug = true
	f("", miss, "aisle; fwd=uri-miss; fwd-status=200; stored; collapsed; ttl=60; detail=absent")
	f("", statusLine{outcome: cache.Stale, reason: cache.ReasonGrace, ttl: -time.Millisecond, hasTTL: true, debug: true}, "aisle; hit; ttl=-1; detail=grace")
	f("", statusLine{outcome: cache.Stale, reason: cache.ReasonStaleOnError, fwdStatus: 503, ttl: -2 * time.Second, hasTTL: true, debug: true}, "aisle; fwd=stale; fwd-status=503; ttl=-2; detail=stale-on-error")
	f("", statusLine{outcome: cache.Stale, reason: cache.ReasonStaleOnError}, "aisle; hit")
	f("", statusLine{outcome: cache.Refused, reason: cache.ReasonBadTarget, debug: true}, "aisle; detail=bad-target")
	f("", statusLine{outcome: cache.Failed, reason: cache.ReasonConnect, debug: true, key: 1<<64 - 1}, `aisle; fwd=miss; detail=connect; key="ffffffffffffffff"`)
}

func TestFwdToken(t *testing.T) {
	f := func(o cache.Outcome, want string, reasons ...cache.Reason) {
		t.Helper()
		for _, r := range reasons {
			if got := (&statusLine{outcome: o, reason: r}).fwd(); got != want {
				t.Errorf("%s, %s: got %q, want %q", o, r, got, want)
			}
		}
	}
	for _, o := range []cache.Outcome{cache.Miss, cache.Collapsed} {
		f(o, "uri-miss", cache.ReasonAbsent, cache.ReasonPurgedHard)
		f(o, "vary-miss", cache.ReasonVariant, cache.ReasonVariantMismatch)
		f(o, "stale", cache.ReasonExpired, cache.ReasonRevalidate, cache.ReasonPurgedSoft)
		f(o, "request", cache.ReasonRequestDirective)
		f(o, "miss", cache.ReasonStored, cache.ReasonNone)
	}
	f(cache.Revalidated, "stale", cache.ReasonNotModified, cache.ReasonExpired)
	f(cache.Revalidated, "request", cache.ReasonRequestDirective)
	f(cache.Pass, "method", cache.ReasonMethod)
	f(cache.Pass, "bypass", cache.ReasonPrivateRoute, cache.ReasonAuthorization, cache.ReasonUnsealed, cache.ReasonRoutePassing, cache.ReasonUpgrade, cache.ReasonSetCookie)
	f(cache.HitForMiss, "bypass", cache.ReasonMarked)
	f(cache.Failed, "miss", cache.ReasonConnect, cache.ReasonTimeout, cache.ReasonWaitedTooLong)
	f(cache.Failed, "", cache.ReasonOnlyIfCached, cache.ReasonShuttingDown)
}

// Every pair of outcome and reason gives a member that parses, with hit and fwd
// never together, and a fwd that RFC 9211 knows.
func TestCacheStatusIsTotal(t *testing.T) {
	known := map[any]bool{}
	for _, token := range []string{"uri-miss", "vary-miss", "stale", "request", "method", "bypass", "miss", "partial"} {
		known[httpsfv.Token(token)] = true
	}
	for _, o := range cache.Outcomes() {
		for _, r := range cache.Reasons() {
			s := statusLine{outcome: o, reason: r, ttl: -time.Second, hasTTL: true, fwdStatus: 304, stored: true, collapsed: true, key: 7, debug: true}
			params := lastMember(t, appendCacheStatus(nil, &s))
			fwd, forwarded := params["fwd"]
			hit := params["hit"] == true
			if forwarded && !known[fwd] || forwarded && hit {
				t.Errorf("%s, %s: %v", o, r, params)
			}
			if silent := o == cache.OutcomeNone || o == cache.Refused || o == cache.Failed; !silent && !forwarded && !hit || (o == cache.Hit) && !hit {
				t.Errorf("%s, %s: neither hit nor fwd: %v", o, r, params)
			}
			if _, has := params["fwd-status"]; has != forwarded {
				t.Errorf("%s, %s: fwd-status without fwd", o, r)
			}
			if diff := cmp.Diff(any(httpsfv.Token(r.String())), params["detail"]); diff != "" {
				t.Errorf("%s, %s: %s", o, r, diff)
			}
			s.debug = false
			for name := range lastMember(t, appendCacheStatus(nil, &s)) {
				if name != "hit" && name != "fwd" {
					t.Errorf("%s, %s: strangers see %s", o, r, name)
				}
			}
		}
	}
}

func TestCacheStatusAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	s := statusLine{outcome: cache.Miss, reason: cache.ReasonAbsent, fwdStatus: 200, stored: true, ttl: time.Hour, hasTTL: true, key: 1, debug: true}
	if n := testing.AllocsPerRun(100, func() { appendCacheStatus(dst, &s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
