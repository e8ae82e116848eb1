package obs_test

import (
	"io"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/obs"
)

// BenchmarkAccessLine is what a request pays for its line: building and handing over.
func BenchmarkAccessLine(b *testing.B) {
	l := obs.NewAccessLog(io.Discard, 1<<20, prometheus.NewRegistry())
	defer l.Close()
	target, now := []byte("/geladeira-frost-free/p?utm_campaign=black+friday"), time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var line obs.Line
		for pb.Next() {
			line = line[:0].Time("time", now).Str("method", "GET").Bytes("target", target).
				Int("status", 200).Str("outcome", "hit").Str("reason", "fresh").Str("route", "/**/p").
				Dur("took", 123*time.Microsecond).Bool("stored", false).End()
			l.Write(line)
		}
	})
}
