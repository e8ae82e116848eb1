package config_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/segment"
)

const minimal = `upstreams: {storefront: {servers: ["http://127.0.0.1:9000"]}}` + "\n"

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return c
}

func sameAs(t *testing.T, name string, want, got any) {
	t.Helper()
	prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, prefixes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestAFileWithOneUpstreamHasEveryDefault(t *testing.T) {
	c := parse(t, minimal)
	sameAs(t, "listen", []config.Listener{{Address: ":8080"}}, c.Listeners())
	sameAs(t, "admin", "127.0.0.1:8081", c.Admin())
	sameAs(t, "memory", int64(256<<20), c.Memory())
	sameAs(t, "drain", 30*time.Second, c.DrainTimeout())
	sameAs(t, "purge records", 65536, c.PurgeRecords())
	path, named := c.KeysFile()
	sameAs(t, "keys file", "./data/seal.keys", path)
	sameAs(t, "keys file named", false, named)
	format, level, access := c.Log()
	sameAs(t, "log", []string{"json", "info", "stdout"}, []string{format, level, access})
	sameAs(t, "upstreams", []upstream.Options{{
		Name: "storefront", Servers: []string{"http://127.0.0.1:9000"},
		Connect: time.Second, FirstByte: 10 * time.Second, Idle: 30 * time.Second, MaxConnections: 256,
		RetryBudget: 0.1, SlowStart: 10 * time.Second, Resolve: 5 * time.Second,
	}}, c.Upstreams())
	sameAs(t, "segment", segment.Options{
		Account: "default", Sealed: []string{"priceTables", "campaigns", "channelPrivacy", "facets"}, Unsealed: segment.UnsealedPass,
		Overlay: []segment.Overlay{{Param: "utm_source", Field: "utm_source"}, {Param: "utm_campaign", Field: "utm_campaign"},
			{Param: "utmi_cp", Field: "utmi_campaign"}, {Param: "sc", Field: "channel"}},
		MaxBytes: 4096, SealTTL: time.Hour,
	}, c.Segment())
	sameAs(t, "proxy", proxy.Options{
		Account: "default", Hosts: []string{"*"},
		DebugFrom:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		SegmentCookie: "vtex_segment", SealTTL: time.Hour,
		QueryDrop: []string{"gclid", "fbclid", "msclkid", "utm_medium", "utm_term", "utm_content"}, QuerySort: true,
		Site: proxy.Site{
			Keep: 24 * time.Hour, HeuristicFraction: 0.1, HeuristicMax: 24 * time.Hour,
			Targeted:  []string{"Aisle-CDN-Cache-Control", "CDN-Cache-Control", "Surrogate-Control"},
			MaxObject: 8 << 20, MaxVariants: 64, HitForMiss: 30 * time.Second,
		},
		Wait: 11 * time.Second,
	}, c.Proxy())
}

func TestARouteReachesTheEdgeAsWritten(t *testing.T) {
	c := parse(t, `
upstreams:
  storefront: {servers: ["http://h:1"], timeouts: {connect: 3s}}
  media: {servers: ["http://h:2"], timeouts: {first_byte: 1m}}
routes:
  - match: {path: "/**/p", host: "*.SHOP.example", methods: [GET]}
    segment: [channel, regionId]
    key: {headers: {CF-IPCountry: [BR, AR]}, cookies: {ab: [1, b]}}
    ttl: 5m
    override: true
    grace: 0s
    keep: 2d
    status_ttl: {404: 30s, 301: 1h}
    echo_check: yes
    downstream: {browser: 10s, cdn: no}
    set_cookie: strip
    forward: {headers: [X-Store-Preview]}
    upstream: media
  - match: {path: /b}
    scope: public
    set_cookie: store
  - match: {path: /c}
    scope: private
  - match: {path: /d}
    segment: []
    downstream: {}
`)
	set := func(d time.Duration) cache.Span { return cache.Span{Set: true, D: d} }
	sameAs(t, "wait", 61*time.Second, c.Proxy().Wait)
	sameAs(t, "routes", []proxy.Route{
		{
			Name: "GET *.SHOP.example/**/p", Match: proxy.Match{Host: "*.shop.example", Path: "/**/p", Methods: []string{"GET"}},
			Scope: cache.ScopeSegment, Segment: []string{"channel", "regionId"},
			KeyHeaders:     []proxy.Keyed{{Name: "CF-IPCountry", Values: []string{"BR", "AR"}}},
			KeyCookies:     []proxy.Keyed{{Name: "ab", Values: []string{"1", "b"}}},
			ForwardHeaders: []string{"X-Store-Preview"},
			TTL:            set(5 * time.Minute), Grace: set(0), Keep: set(48 * time.Hour), Override: true,
			StatusTTL: map[int]time.Duration{404: 30 * time.Second, 301: time.Hour},
			SetCookie: cache.SetCookieStrip, EchoCheck: true,
			Downstream: proxy.Downstream{Set: true, Browser: 10 * time.Second}, Upstream: "media",
		},
		{Name: "/b", Match: proxy.Match{Path: "/b"}, Scope: cache.ScopePublic, SetCookie: cache.SetCookieStore, Upstream: "storefront"},
		{Name: "/c", Match: proxy.Match{Path: "/c"}, Scope: cache.ScopePrivate, Upstream: "storefront"},
		{Name: "/d", Match: proxy.Match{Path: "/d"}, Scope: cache.ScopeSegment, Upstream: "storefront", Downstream: proxy.Downstream{Set: true}},
	}, c.Proxy().Routes)
}

// The edge tells all fields from none by nil, which sameAs does not see.
func TestAnAbsentProjectionIsNilAndAnEmptyOneIsNot(t *testing.T) {
	routes := parse(t, minimal+"routes: [{match: {path: /a}}, {match: {path: /b}, segment: []}]").Proxy().Routes
	if routes[0].Segment != nil || routes[1].Segment == nil {
		t.Errorf("got %#v and %#v, want nil and an empty list", routes[0].Segment, routes[1].Segment)
	}
}

func TestChannelsKeepTheOrderOfTheFile(t *testing.T) {
	c := parse(t, minimal+`
segment:
  unsealed: default
  keys_file: /etc/aisle/seal.keys
  channels:
    7: {countryCode: BRA, cultureInfo: pt-BR, currencyCode: BRL, currencySymbol: "R$"}
    "1": {channelPrivacy: private}
    03: {}
  allow: {utm_campaign: ["black*", vip]}
`)
	sameAs(t, "channels", []segment.Channel{
		{ID: "7", CountryCode: "BRA", CultureInfo: "pt-BR", CurrencyCode: "BRL", CurrencySymbol: "R$"},
		{ID: "1", Private: true},
		{ID: "03"},
	}, c.Segment().Channels)
	sameAs(t, "allow", map[string][]string{"utm_campaign": {"black*", "vip"}}, c.Segment().Allow)
	sameAs(t, "unsealed", segment.UnsealedDefault, c.Segment().Unsealed)
	path, named := c.KeysFile()
	sameAs(t, "keys file", "/etc/aisle/seal.keys", path)
	sameAs(t, "keys file named", true, named)
}

func TestTheDefaultOverlayLeavesOutSealedFields(t *testing.T) {
	c := parse(t, minimal+"segment: {sealed: [priceTables, campaigns, channelPrivacy, facets, utm_campaign]}")
	sameAs(t, "overlay", []segment.Overlay{{Param: "utm_source", Field: "utm_source"},
		{Param: "utmi_cp", Field: "utmi_campaign"}, {Param: "sc", Field: "channel"}}, c.Segment().Overlay)
	sameAs(t, "no overlay", 0, len(parse(t, minimal+"segment: {overlay: {}}").Segment().Overlay))
}

func TestTheDefaultOfMaxObjectFollowsASmallMemory(t *testing.T) {
	sameAs(t, "small", int64(2<<20), parse(t, minimal+"cache: {memory: 16MiB}").Proxy().Site.MaxObject)
	sameAs(t, "large", int64(8<<20), parse(t, minimal+"cache: {memory: 1GiB}").Proxy().Site.MaxObject)
	sameAs(t, "said", int64(4<<20), parse(t, minimal+"cache: {memory: 16MiB, max_object: 4MiB}").Proxy().Site.MaxObject)
}

func TestAddressesBecomeRanges(t *testing.T) {
	c := parse(t, minimal+`trusted_proxies: [10.1.2.3, 10.1.2.3/8, "2001:db8::1", "::ffff:10.0.0.1"]`)
	var got []string
	for _, p := range c.Proxy().TrustedProxies {
		got = append(got, p.String())
	}
	sameAs(t, "ranges", []string{"10.1.2.3/32", "10.0.0.0/8", "2001:db8::1/128", "10.0.0.1/32"}, got)
}

func TestOffAndNoAreReadInEverySpelling(t *testing.T) {
	for _, off := range []string{"off", "Off", `"off"`, "false", "no", "OFF"} {
		c := parse(t, minimal+"sessions: {mode: "+off+"}\nlog: {access: "+off+"}\nquery: {sort: "+off+"}")
		if _, _, access := c.Log(); access != "off" || c.Proxy().QuerySort {
			t.Errorf("%s: access log %q, sort %v", off, access, c.Proxy().QuerySort)
		}
	}
}

// What a caller does to what it was given must not reach the next one.
func TestAConfigIsImmutable(t *testing.T) {
	c := parse(t, minimal+`routes: [{match: {path: /a, methods: [GET]}, segment: [channel], status_ttl: {404: 1s}}]`)
	before := c.Effective()
	p := c.Proxy()
	p.Hosts[0], p.QueryDrop[0], p.Routes[0].Segment[0], p.Routes[0].Match.Methods[0] = "x", "x", "x", "x"
	p.Routes[0].StatusTTL[404] = 0
	p.Site.Targeted[0], p.DebugFrom[0] = "x", netip.Prefix{}
	s := c.Segment()
	s.Sealed[0], s.Overlay[0].Field = "x", "x"
	c.Upstreams()[0].Servers[0], c.Listeners()[0].Address = "x", "x"
	sameAs(t, "effective", string(before), string(c.Effective()))
	sameAs(t, "status", time.Second, c.Proxy().Routes[0].StatusTTL[404])
}

func TestAnUpstreamReachesThePoolAsWritten(t *testing.T) {
	c, err := config.Load("testdata/good-upstreams.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, "upstreams", []upstream.Options{
		{
			Name: "storefront", Servers: []string{"http://10.0.0.1:9000", "http://10.0.0.2:9000"},
			Connect: time.Second, FirstByte: 10 * time.Second, Idle: 30 * time.Second, MaxConnections: 16,
			Health:    upstream.Health{Path: "/healthz?deep=1", Host: "shop.example:8443", Interval: time.Second, Rise: 1, Fall: 1000},
			Breaker:   upstream.Breaker{ErrorRatio: 1, Window: time.Minute, OpenFor: 30 * time.Second},
			SlowStart: time.Nanosecond, Resolve: time.Minute,
		},
		{
			Name: "media", Servers: []string{"https://media.example"},
			Connect: time.Second, FirstByte: 10 * time.Second, Idle: 30 * time.Second, MaxConnections: 256,
			Health:      upstream.Health{Path: "/", Interval: 5 * time.Second, Rise: 2, Fall: 3},
			Breaker:     upstream.Breaker{ErrorRatio: 0.5, Window: 10 * time.Second, OpenFor: 5 * time.Second},
			RetryBudget: 0.1, SlowStart: 10 * time.Second, Resolve: 5 * time.Second,
		},
	}, c.Upstreams())
	var prefixes []string
	for _, r := range c.Proxy().Routes {
		prefixes = append(prefixes, r.StripPrefix)
	}
	sameAs(t, "prefixes", []string{"/shop", "/media", "", "/caf%C3%A9"}, prefixes)
}
