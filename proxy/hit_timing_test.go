package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aislecache/aisle/proxy"
)

// BenchmarkHit is a request that is parsed already and answered from memory, onto
// a connection that leads nowhere: what aisle itself costs.
func BenchmarkHit(b *testing.B) {
	token := tokenOf(segmentJSON("regionId", "v2.A", "utm_source", "news"))
	browser := "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n" +
		"Accept-Language: pt-BR,pt;q=0.9,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://shop.example/\r\nUpgrade-Insecure-Requests: 1\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nPriority: u=0, i\r\n" +
		"Cookie: _ga=GA1.1.1234567890.1700000000; checkout.vtex.com=__ofid=0123456789abcdef; vtex_session=eyJhbGciOiJFUzI1NiJ9.e30.sig; vtex_segment=" + token + "; VTEXSC=sc=1\r\n"
	for _, c := range []struct{ name, head string }{
		{"no-cookie", "GET /shirt/p HTTP/1.1\r\n" + hostLine},
		{"browser", "GET /shirt/p?utm_medium=mail&size=m&color=blue HTTP/1.1\r\n" + hostLine + browser},
		{"public", "GET /assets/site.css HTTP/1.1\r\n" + hostLine + browser},
		{"304", "GET /assets/site.css HTTP/1.1\r\n" + hostLine + browser + "If-None-Match: \"v1\"\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			page := strings.Repeat("x", 30<<10)
			r := newRig(b, func(w http.ResponseWriter, _ *http.Request) {
				fields(w, "Cache-Control: max-age=3600", `Etag: "v1"`, "Content-Type: text/html; charset=utf-8", "Surrogate-Key: product-1 category-2")
				_, _ = io.WriteString(w, page)
			})
			bench, err := proxy.NewBench(r.edge, c.head+"\r\n")
			if err != nil {
				b.Fatal(err)
			}
			for range 10 {
				bench.Handle()
			}
			asked := len(r.requests())
			b.ReportAllocs()
			for b.Loop() {
				bench.Handle()
			}
			if len(r.requests()) != asked {
				b.Error("these were no hits")
			}
		})
	}
}
