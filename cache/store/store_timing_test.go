package store_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/store"
	"github.com/aislecache/aisle/obs"
)

func BenchmarkGet(b *testing.B) {
	s := open(b, 64<<20)
	hit, miss := page(1, 8<<10, time.Hour), page(2, 0, time.Hour)
	hit.Key, miss.Key = make([]byte, 300), make([]byte, 300)
	s.Set(hit)
	for _, c := range []struct {
		name string
		page *cache.Entry
	}{{"hit", hit}, {"miss", miss}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Get(c.page.Hash, c.page.Key)
			}
		})
	}
}

// BenchmarkGetParallel: all processors ask for the same few pages.
func BenchmarkGetParallel(b *testing.B) {
	s := open(b, 64<<20)
	pages := make([]*cache.Entry, 64)
	for n := range pages {
		pages[n] = page(n, 100, time.Hour)
		s.Set(pages[n])
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			e := pages[n%len(pages)]
			s.Get(e.Hash, e.Key)
		}
	})
}

// BenchmarkSet waits for ristretto each time: what a fetch pays to have its page
// visible when it ends.
func BenchmarkSet(b *testing.B) {
	s := open(b, 64<<20)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Set(page(n, 1<<10, time.Hour))
		n++
	}
}

// BenchmarkFlood sends 2 GiB of distinct pages of 1 to 80 KB into a store of 256 MiB,
// from eight goroutines, each page with as much garbage as a fetch makes of it, under the
// limit that the edge sets. It reports the highest resident memory as a multiple of
// the setting, which the project promises to keep under 1.6. Pages that were asked for
// once are mostly rejected when the store is full; those that were asked for as often
// as the ones before them displace these, so all the memory turns over.
//
//	go test -run '^$' -bench Flood -benchtime 1x ./cache/store
func BenchmarkFlood(b *testing.B) {
	for _, c := range []struct {
		name  string
		asked int // times before it is fetched; ristretto counts in lots of 64
	}{{"rejected", 1}, {"displacing", 64}} {
		b.Run(c.name, func(b *testing.B) { benchmarkFlood(b, c.asked) })
	}
}

func benchmarkFlood(b *testing.B, asked int) {
	const memory = 256 << 20
	debug.FreeOSMemory() // of the benchmark before
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	limit, source := obs.SetMemoryLimit(memory)
	peak, stats, cycles := int64(0), store.Stats{}, collections()
	for b.Loop() {
		s := open(b, memory)
		peak = max(peak, flood(b, s, asked))
		stats = s.Stats()
		s.Close()
	}
	b.Logf("limit %d MiB (%s), %d collections, %+v", limit>>20, source, collections()-cycles, stats)
	ratio := float64(peak) / memory
	b.ReportMetric(ratio, "rss/setting")
	if ratio >= 1.6 {
		b.Errorf("resident memory reached %.2f times the setting", ratio)
	}
}

func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

// flood gives the highest resident memory on the way, in bytes.
func flood(b *testing.B, s *store.Store, asked int) (peak int64) {
	const volume, fetchers = 2 << 30, 8
	var all sync.WaitGroup
	for f := range fetchers {
		all.Go(func() { fetchPages(s, uint64(f), volume/fetchers, asked) })
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	return watchResident(b, ended)
}

// fetchPages asks for new pages until it has fetched so many bytes.
func fetchPages(s *store.Store, seed uint64, bytes, asked int) {
	r := rand.New(rand.NewPCG(seed, 1))
	for n := uint64(0); bytes > 0; n++ {
		e := fetched(r, seed<<32+n)
		for range asked {
			s.Get(e.Hash, e.Key)
		}
		s.Set(e)
		bytes -= len(e.Body)
	}
}

// fetched makes a page as a fetch does: the body is read into a buffer that grows, then
// cut to size; key, header and labels are of usual lengths.
func fetched(r *rand.Rand, n uint64) *cache.Entry {
	var body bytes.Buffer
	var piece [4 << 10]byte
	for range 1 + r.IntN(20) {
		body.Write(piece[:1+r.IntN(len(piece))])
	}
	id := strconv.FormatUint(n, 10)
	var head cache.Block
	for range 10 {
		head = head.AppendLine("X-Field-Of-The-Origin", "a value of usual length, "+id)
	}
	key := append(make([]byte, 0, 320), id...)
	return &cache.Entry{
		Head: cache.Head{Status: 200, Header: head, Length: int64(body.Len()),
			ETag: `"` + id + `"`, LastModified: strings.Clone("Wed, 25 Nov 2026 12:00:00 GMT")},
		Key: key, Hash: r.Uint64(),
		Body:   bytes.Clone(body.Bytes()),
		Born:   cache.TimeOf(time.Now()),
		TTL:    5 * time.Minute,
		Retain: 24 * time.Hour,
		Labels: []string{"url:shop.example/product/" + id + "/p", "product-" + id},
	}
}

// watchResident gives the highest resident memory seen until ended is closed, in bytes.
func watchResident(b *testing.B, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		peak = max(peak, resident(b))
		select {
		case <-ended:
			return max(peak, resident(b))
		case <-tick.C:
		}
	}
}

// resident is VmRSS of this process, in bytes.
func resident(b *testing.B) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skipf("resident memory is not to be had: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				b.Fatalf("VmRSS %q: %v", rest, err)
			}
			return kib << 10
		}
	}
	b.Skip("no VmRSS in /proc/self/status")
	return 0
}
