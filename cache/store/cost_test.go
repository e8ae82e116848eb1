package store_test

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// The bound is worth what Entry.Cost is worth: the heap that pages take, the tables
// of the store included, is what they are charged. The margins are the sawtooth of
// maps that double and, above, the allocator's rounding of big bodies (a page of 40 KB
// whose body was cut to its length takes 8 % more than that).
func TestCostIsWhatAPageTakes(t *testing.T) {
	const pages = 12_000
	for _, body := range []int{0, 1000, 9000, 40_000} {
		t.Run(strconv.Itoa(body), func(t *testing.T) {
			n := min(pages, 128<<20/(body+1))
			s := open(t, int64(n)*int64(body+4096)*2)
			before := liveHeap()
			charged := int64(0)
			for i := range n {
				e := labelled(i, body+rand.IntN(body/4+1))
				charged += e.Cost()
				if !s.Set(e) {
					t.Fatalf("page %d refused where there is room", i)
				}
			}
			taken := liveHeap() - before
			runtime.KeepAlive(s)
			ratio := float64(taken) / float64(charged)
			t.Logf("%d pages: %d bytes charged, %d taken: %.3f", n, charged/int64(n), taken/int64(n), ratio)
			if ratio < 0.85 || ratio > 1.10 {
				t.Errorf("pages take %.3f of what they are charged", ratio)
			}
		})
	}
}

// labelled is a page with all that a page has, nothing shared with another.
func labelled(n, size int) *cache.Entry {
	id := strconv.Itoa(n)
	head := make(cache.Block, 0, 384)
	for range 8 {
		head = head.AppendLine("X-Field-Of-Origin", "a value of usual length "+id)
	}
	return &cache.Entry{
		Head: cache.Head{Status: 200, Header: head, Server: "10.0.0.1:9000",
			ETag:         `"0123456789abcdef-` + id + `"`,
			LastModified: strings.Clone("Wed, 25 Nov 2026 12:00:00 GMT")},
		Key: make([]byte, 300), Hash: rand.Uint64(), Body: make([]byte, size),
		Born: cache.TimeOf(time.Now()), TTL: 5 * time.Minute, Retain: 24 * time.Hour,
		Labels: []string{"url:shop.example/product/" + id + "/p", "product-" + id},
	}
}

// liveHeap is what is reachable; twice, since pools give up their content in two steps.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
