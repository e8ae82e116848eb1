package cache_test

import (
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// hitRig makes an engine that holds one page, by the kind of specification, and a request for it.
func hitRig(t testing.TB, fields ...string) (*cache.Engine, *cache.Request) {
	o := &origin{script: always(fresh("page", append(fields, "xkey: a b", `ETag: "e"`)...))}
	r := &rig{origin: o, store: newLagging(), events: &journal{}, policy: enginePolicy()}
	r.store.delay = 0
	engine := cache.NewEngine(cache.EngineOptions{Store: r.store, Origin: o, Events: r.events})
	t.Cleanup(engine.Close)
	q := r.requestOf(shopper("1", "gold", "r1").with("accept-language", "pt").with("accept", "html"), "/p")
	engine.Serve(q)
	for began := time.Now(); engine.Flights() != 0; {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the page does not land")
		}
	}
	engine.Purge(false, "something else") // so that the first check looks labels up
	return engine, q
}

// specifications are the kinds of pages by what they depend on.
var specifications = map[string][]string{
	"whole": nil, "vary": {"Vary: Accept-Language, Accept"}, "narrowed": {"Segment-Vary: priceTables, channel"},
	"both": {"Vary: Accept-Language", "Segment-Vary: priceTables"},
}

// TestHitAllocatesNothing: a hit is lookup, decision and result, all in place.
func TestHitAllocatesNothing(t *testing.T) {
	for name, fields := range specifications {
		engine, q := hitRig(t, fields...)
		n := testing.AllocsPerRun(200, func() {
			if res := engine.Serve(q); res.Outcome != cache.Hit || res.Reason != cache.ReasonFresh {
				t.Errorf("%s: %v/%v", name, res.Outcome, res.Reason)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a hit", name, n)
		}
	}
}

// TestCheckAfterPurgeAllocatesNothing: nor does a hit that has to look its labels up.
func TestCheckAfterPurgeAllocatesNothing(t *testing.T) {
	e := cache.NewEpochs(100)
	entry := labelled(e, "a", "b", "c")
	e.Purge(1, true, "d")
	if n := testing.AllocsPerRun(200, func() { e.Check(entry.Labels, entry.Epoch) }); n != 0 {
		t.Errorf("%v allocations a check", n)
	}
}

// TestBaseKeyAllocatesNothing into a buffer that has room.
func TestBaseKeyAllocatesNothing(t *testing.T) {
	parts := &cache.KeyParts{Account: "acme", Scheme: "https", Host: []byte("shop"), Target: []byte("/p"), Keyed: []cache.KeyedValue{{Name: "ab", Value: []byte("a")}}}
	buffer := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(200, func() { buffer = cache.AppendBase(buffer[:0], parts) }); n != 0 || len(buffer) == 0 {
		t.Errorf("%v allocations for %d bytes", n, len(buffer))
	}
}
