package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// BenchmarkHit is the whole of Serve on a hit, by what the page depends on.
func BenchmarkHit(b *testing.B) {
	for name, fields := range specifications {
		b.Run(name, func(b *testing.B) {
			engine, q := hitRig(b, fields...)
			b.ReportAllocs()
			for b.Loop() {
				engine.Serve(q)
			}
		})
	}
}

// BenchmarkMiss is a miss end to end, with an origin that answers at once.
func BenchmarkMiss(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			re := fresh(strings.Repeat("x", size))
			re.known = true
			o := &origin{script: always(re)}
			r := &rig{origin: o, store: newLagging(), events: &journal{}, policy: enginePolicy()}
			r.store.refuse = func(*cache.Entry) bool { return true }
			engine := cache.NewEngine(cache.EngineOptions{Store: r.store, Origin: o, Events: quiet{}})
			defer engine.Close()
			q := r.request("/p")
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				read(engine.Serve(q))
			}
		})
	}
}

type quiet struct{ cache.Events }

func (quiet) Fetched(*cache.Policy, cache.Reason, int, time.Duration) {}
func (quiet) Landed(bool)                                             {}

// BenchmarkAdmit judges one usual answer.
func BenchmarkAdmit(b *testing.B) {
	x := exchange(200, "Cache-Control: max-age=60, stale-while-revalidate=10", "Content-Type: text/html", `ETag: "abc"`, "Vary: x-vtex-segment, Accept-Language",
		"Surrogate-Key: a b c", "Segment-Vary: priceTables", dateField("Date", received))
	p := segmentPolicy()
	p.ParseSegmentVary = parseFields
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := cache.Admit(x, p); reason != cache.ReasonStored {
			b.Fatal(reason)
		}
	}
}

// BenchmarkCheck looks labels up among purges, and remembers it.
func BenchmarkCheck(b *testing.B) {
	for _, purges := range []int{0, 1, 1 << 16} {
		b.Run(fmt.Sprint(purges), func(b *testing.B) {
			e := cache.NewEpochs(1 << 16)
			entry := labelled(e, "a", "b", "c", "d")
			for i := range purges {
				e.Purge(1, true, fmt.Sprint(i))
			}
			b.ReportAllocs()
			for b.Loop() {
				e.Check(entry.Labels, entry.Epoch)
			}
		})
	}
}

// BenchmarkPurge is a purge of one label, beyond what is remembered.
func BenchmarkPurge(b *testing.B) {
	e := cache.NewEpochs(1 << 10)
	labels := make([]string, 1<<12)
	for i := range labels {
		labels[i] = cache.TagLabel(fmt.Sprint(i))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		e.Purge(1, false, labels[i%len(labels)])
		i++
	}
}
