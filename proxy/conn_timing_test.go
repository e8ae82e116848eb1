package proxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/aislecache/aisle/proxy"
)

// What a connection costs that has asked once and says nothing more, the memory of the
// client here, which is in the same process, counted too.
func BenchmarkIdleConnections(b *testing.B) {
	r := newRig(b, page("public, max-age=600"))
	pair := newAuthority(b).issue(b, "shop.example")
	secure := r.serveFront("tcp", "127.0.0.1:0", proxy.Front{TLS: pair.serve(b, 0)})
	const some = 1000
	f := func(name string, dial func() (net.Conn, error)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := inUse()
				conns := make([]net.Conn, some)
				for i := range conns {
					c, err := dial()
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.WriteString(c, getHead)
					readAnswer(b, bufio.NewReaderSize(c, 16), "GET")
					conns[i] = c
				}
				b.ReportMetric(float64(inUse()-before)/some, "B/conn")
				for _, c := range conns {
					c.Close()
				}
			}
		})
	}
	f("plain", func() (net.Conn, error) { return net.Dial("tcp", r.addr) })
	f("tls", func() (net.Conn, error) { return tls.Dial("tcp", secure, pair.client("shop.example")) })
}

// inUse is the memory of heap and stacks.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
