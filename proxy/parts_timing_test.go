package proxy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

func BenchmarkTarget(b *testing.B) {
	buf := make([]byte, 0, 512)
	for name, raw := range map[string]string{"plain": "/camisas/masculino/camisa-azul-123/p?skuId=9", "resolved": "/a/./b/../caf%c3%a9/%7e", "absolute": "https://shop.example/camisa/p"} {
		b.Run(name, func(b *testing.B) {
			target := []byte(raw)
			b.ReportAllocs()
			for b.Loop() {
				canonicalTarget(buf, target, false)
			}
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	var split querySplit
	rules := overlayRules()
	dst, overlay := make([]byte, 0, 512), make([]byte, 0, 128)
	for name, raw := range map[string]string{"one": "skuId=9", "campaign": "utm_source=a&utm_medium=b&utm_campaign=black+friday&gclid=Cj0&skuId=9&page=2", "sorted": "h=1&g=1&f=1&e=1&d=1&c=1&b=1&a=1"} {
		b.Run(name, func(b *testing.B) {
			query := []byte(raw)
			b.ReportAllocs()
			for b.Loop() {
				split.canonical(dst, overlay, query, rules)
			}
		})
	}
}

func BenchmarkHost(b *testing.B) {
	l, err := newHostList([]string{"shop.example", "*.shop.example"})
	if err != nil {
		b.Fatal(err)
	}
	buf, host := make([]byte, 0, 256), []byte("Shop.Example:443")
	b.ReportAllocs()
	for b.Loop() {
		keyed, _ := keyedHost(buf, host, "https", 0)
		l.check(keyed)
	}
}

func BenchmarkClient(b *testing.B) {
	peer, trusted := netip.MustParseAddr("10.0.0.1"), prefixes("10.0.0.0/8")
	for name, lines := range map[string]*forwardingLines{
		"x":         {xFor: fieldLines("203.0.113.7, 10.0.0.2"), xProto: fieldLines("https"), xHost: fieldLines("shop.example")},
		"forwarded": {forwarded: fieldLines(`for="[2001:dead::1]:80";proto=https;host=shop.example, for=10.0.0.2`)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				whoIs(peer, trusted, lines)
			}
		})
	}
}

func BenchmarkRoutes(b *testing.B) {
	table := compiled(b, Route{Match: Match{Path: "/assets/**"}}, Route{Match: Match{Path: "/**/p"}}, Route{Match: Match{Path: "/busca/**"}})
	method, host := []byte("GET"), []byte("shop.example")
	for _, path := range []string{"/camisas/masculino/camisa-azul-123/p", "/static/app.css", "/camisas/masculino/azul", "/br/checkout/cart"} {
		b.Run(path, func(b *testing.B) {
			canonical := []byte(path)
			b.ReportAllocs()
			for b.Loop() {
				table.match(method, host, canonical)
			}
		})
	}
}

func BenchmarkCookies(b *testing.B) {
	names := wantedCookies("vtex_segment", []Keyed{{Name: "ab"}})
	line := []byte("_ga=GA1.1.1; _fbp=fb.1; vtex_session=eyJ.eyJ.sig; vtex_segment=eyJjYW1wYWlnbnMiOm51bGx9; aisle_seal=v1.k.1.aa; ab=b; checkout.vtex.com=__ofid=1")
	var jar cookieJar
	b.ReportAllocs()
	for b.Loop() {
		jar.begin(names)
		jar.add(line)
	}
}

func BenchmarkCacheStatus(b *testing.B) {
	dst := make([]byte, 0, 256)
	s := statusLine{outcome: cache.Hit, reason: cache.ReasonFresh, ttl: time.Minute, hasTTL: true, key: 1, debug: true}
	b.ReportAllocs()
	for b.Loop() {
		appendCacheStatus(dst, &s)
	}
}

func BenchmarkAccessLine(b *testing.B) {
	a := wholeLine()
	buf := a.append(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = a.append(buf[:0])
	}
}
