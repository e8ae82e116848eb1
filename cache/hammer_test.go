package cache_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// These tests run on real goroutines and a real clock: they are for the race detector and
// for interleavings that fake time does not give.

// TestPurgeIsNeverOverlooked: readers check an entry all the while it is purged. Were the
// sequence published before the record is there, or loaded after the labels were looked
// up, a reader would note "checked at the new number, nothing found", and never look again.
func TestPurgeIsNeverOverlooked(t *testing.T) {
	f := func(name string, purge func(e *cache.Epochs)) {
		t.Helper()
		e := cache.NewEpochs(1 << 14)
		var current atomic.Pointer[cache.Entry]
		current.Store(labelled(e, "x", "y"))
		stop, readers := make(chan struct{}), sync.WaitGroup{}
		for range 3 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						e.CheckEntry(current.Load())
					}
				}
			})
		}
		overlooked := 0
		for range 5000 {
			entry := labelled(e, "x", "y")
			current.Store(entry)
			purge(e)
			if e.CheckEntry(entry).State == cache.NotPurged {
				overlooked++
			}
		}
		close(stop)
		readers.Wait()
		if overlooked > 0 {
			t.Errorf("%s: overlooked %d times", name, overlooked)
		}
	}
	f("hard", func(e *cache.Epochs) { e.Purge(1, false, "y") })
	f("soft", func(e *cache.Epochs) { e.Purge(1, true, "y") })
	f("all", func(e *cache.Epochs) { e.PurgeAll(1, false) })
	f("unsafe request", func(e *cache.Epochs) { e.Invalidate(1, "y") })
}

// TestPurgesBesideTraffic: while hundreds of requests a millisecond are served, the origin's
// revision rises and is purged. A request that starts after the purge has returned never
// sees an older revision, nor at any time the page of another.
func TestPurgesBesideTraffic(t *testing.T) {
	var revision, floor atomic.Int64
	r := newRig(t, func(_ int, q *cache.OriginRequest) reply {
		re := fresh(fmt.Sprint(revision.Load(), "|", asks(q, "segment-priceTables"), asks(q, "accept-language")), "Vary: Accept-Language", "Segment-Vary: priceTables", "xkey: page")
		if rand.IntN(4) == 0 {
			re.after = time.Duration(rand.IntN(300)) * time.Microsecond
		}
		return re
	})
	r.store.delay = 200 * time.Microsecond
	var served [3]atomic.Int64
	stop, workers := make(chan struct{}), sync.WaitGroup{}
	for w := range 8 {
		workers.Go(func() {
			table, language := fmt.Sprint("t", w%2), fmt.Sprint("l", w%3)
			d := shopper("1", table, fmt.Sprint(w)).with("accept-language", language)
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := floor.Load()
				a := r.getAs(d, "/p")
				got, values, _ := strings.Cut(a.body, "|")
				if n, err := strconv.ParseInt(got, 10, 64); err != nil || n < least || values != table+language {
					t.Errorf("%v: want %s%s of revision %d or later (%v)", a, table, language, least, a.Err)
					return
				}
				switch a.Outcome {
				case cache.Hit:
					served[0].Add(1)
				case cache.Collapsed:
					served[1].Add(1)
				default:
					served[2].Add(1)
				}
			}
		})
	}
	for i := range 400 {
		revision.Add(1)
		switch i % 3 {
		case 0:
			r.engine.Purge(false, cache.URLLabel(host, "/p"))
		case 1:
			r.engine.Purge(false, cache.TagLabel("page"))
		default:
			r.engine.PurgeAll(false)
		}
		floor.Store(revision.Load())
		time.Sleep(500 * time.Microsecond)
		if i%50 == 0 {
			r.store.evict()
		}
	}
	close(stop)
	workers.Wait()
	if served[0].Load() == 0 || served[2].Load() < 100 {
		t.Errorf("hits %d, collapsed %d, others %d", served[0].Load(), served[1].Load(), served[2].Load())
	}
}

// TestCloseBesideTraffic: Close may come at any moment.
func TestCloseBesideTraffic(t *testing.T) {
	for range 50 {
		r := newRig(t, func(_ int, q *cache.OriginRequest) reply { return fresh(q.Target) })
		r.store.delay = 100 * time.Microsecond
		var workers sync.WaitGroup
		for w := range 4 {
			workers.Go(func() {
				for i := range 20 {
					target := fmt.Sprint("/", w, "/", i)
					a := r.get(target)
					if a.Err == nil && a.bodyErr == nil && a.body != target {
						t.Errorf("%s: %v", target, a)
					}
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		r.engine.Close()
		workers.Wait()
		if n := r.engine.Flights(); n != 0 {
			t.Errorf("%d flights", n)
		}
	}
}
