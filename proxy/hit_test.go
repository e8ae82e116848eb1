//go:build !race

package proxy_test

import (
	"encoding/base64"
	"testing"

	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/segment"
)

// hits are requests that are all answered from memory once asked twice.
var hits = map[string]string{
	"no cookie": "GET /shirt/p HTTP/1.1\r\nHost: shop.example\r\n\r\n",
	"browser": "GET /shirt/p?utm_medium=mail&b=2&a=1&utm_source=news HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: pt-BR,pt;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://shop.example/\r\n" +
		"Sec-Fetch-Mode: navigate\r\nCookie: _ga=GA1.1.1; vtex_segment=" + plainToken + "; checkout.vtex.com=__ofid=1\r\nIf-None-Match: \"other\"\r\n\r\n",
	"public asset": "GET /assets/site.css HTTP/1.1\r\nHost: shop.example\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\n\r\n",
}

var plainToken = string(mustSegment(`{"channel":"2","utm_source":"google"}`))

func mustSegment(json string) []byte {
	s, reason := segment.Decode([]byte(base64.RawStdEncoding.EncodeToString([]byte(json))), 0)
	if reason != segment.OK {
		panic(reason)
	}
	return s.AppendToken(nil)
}

// A hit allocates nothing on the heap; what fasthttp itself needs to read the
// request is not counted. Not under -race: there sync.Pool drops at random.
func TestHitAllocatesNothing(t *testing.T) {
	r := newRig(t, page("public, max-age=600"))
	for name, raw := range hits {
		b, err := proxy.NewBench(r.edge, raw)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			b.Handle()
		}
		asked := len(r.requests())
		if n := fewest(func() float64 { return testing.AllocsPerRun(200, b.Handle) }); n != 0 {
			t.Errorf("%s: %v allocations per hit", name, n)
		}
		if len(r.requests()) != asked {
			t.Errorf("%s: was no hit", name)
		}
	}
}

// fewest is the least of several counts: what other goroutines allocate
// meanwhile only ever adds.
func fewest(count func() float64) float64 {
	least := count()
	for range 9 {
		least = min(least, count())
	}
	return least
}
