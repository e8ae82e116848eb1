package cache_test

import (
	"fmt"
	"testing"

	"github.com/aislecache/aisle/cache"
	"pgregory.net/rapid"
)

// TestTableIsACacheOfAMap: whatever a table gives is what was last set under
// exactly that key, also among keys of one hash, and it never outgrows its capacity.
func TestTableIsACacheOfAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 5).Draw(t, "capacity")
		table := cache.NewTable(capacity)
		model := map[string]int{}
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"})
		hash := func(k string) uint64 { return uint64(k[0] % 6) } // two pairs collide
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, v := key.Draw(t, "key"), rapid.Int().Draw(t, "value")
				table.Set(hash(k), k, v)
				model[k] = v
				if got, ok := table.Get(hash(k), k); !ok || got != v {
					t.Fatalf("%q right after set: %d %v", k, got, ok)
				}
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if got, ok := table.Get(hash(k), k); ok && got != model[k] {
					t.Fatalf("%q: %d, want %d", k, got, model[k])
				}
			},
			"": func(t *rapid.T) {
				if table.Len() > capacity || table.Indexed() > table.Len() {
					t.Fatalf("%d slots, %d indexed, of %d", table.Len(), table.Indexed(), capacity)
				}
			},
		})
	})
}

// TestTableGivesASecondChance: what was asked for since the hand last passed
// stays, a flood of keys that nobody asks for again goes.
func TestTableGivesASecondChance(t *testing.T) {
	table := cache.NewTable(4)
	table.Set(1000, "hot", 7)
	for i := range 100 {
		if _, ok := table.Get(1000, "hot"); !ok {
			t.Fatalf("gone after %d", i)
		}
		table.Set(uint64(i), fmt.Sprint(i), i)
	}
	if _, ok := table.Get(99, "99"); !ok {
		t.Error("the newest is not there")
	}
	if _, ok := table.Get(50, "50"); ok {
		t.Error("the flood stayed")
	}
}

// The table keeps a copy of the key: a request's own is a view.
func TestTableCopiesTheKey(t *testing.T) {
	table := cache.NewTable(2)
	table.Set(1, "key", 1)
	if _, ok := table.Get(1, "other"); ok {
		t.Error("found under another key of the same hash")
	}
	if v, ok := table.Get(1, "key"); !ok || v != 1 {
		t.Error("not found under its own")
	}
}

func TestStreak(t *testing.T) {
	var s cache.Streak
	interval := cache.Span{D: 30}
	f := func(now cache.Time, want bool) {
		t.Helper()
		if got := s.Passing(now, interval); got != want {
			t.Errorf("at %d: passing %v, want %v", now, got, want)
		}
	}
	f(0, false)
	for range cache.StreakLimit - 1 {
		s.Unstorable(100, interval)
	}
	f(100, false)
	if s.Reached() {
		t.Error("reached one too early")
	}
	s.Unstorable(100, interval)
	f(100, true) // the first probe is due an interval later
	f(129, true)
	f(130, false) // the probe
	f(130, true)
	s.Unstorable(131, interval) // it failed
	f(159, true)
	f(160, false)
	if !s.Reached() {
		t.Error("a probe alone ends the streak")
	}
	s.Storable()
	f(161, false)
	for range cache.StreakLimit {
		s.Unstorable(200, interval)
	}
	f(201, true) // a second streak has its own first probe
	f(230, false)
}
