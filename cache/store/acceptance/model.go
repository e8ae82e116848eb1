package acceptance

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

// history is what a store may still return for one key.
type history struct {
	key  string
	hash uint64
	all  map[*cache.Entry]bool // set and not known to be gone
	last *cache.Entry          // nil: never set, or deleted since
}

// model compares a store with a map, over random writes of a few keys that share
// fewer hashes. Before it settled, the store may return any version that was set
// under exactly this key; once it settled, the last one or nothing.
func model(t *testing.T, newStore Maker) {
	s, settle := newStore(t, 16*mebibyte)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		keys := histories(run)
		pick := rapid.SampledFrom(keys)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				h := pick.Draw(t, "key")
				e := page(h.hash, h.key, len(h.all), rapid.IntRange(0, 4096).Draw(t, "size"))
				s.Set(e)
				h.all[e], h.last = true, e
			},
			"delete": func(t *rapid.T) {
				h := pick.Draw(t, "key")
				s.Del(h.hash, []byte(h.key))
				h.last = nil
			},
			"get": func(t *rapid.T) {
				h := pick.Draw(t, "key")
				if e := s.Get(h.hash, []byte(h.key)); e != nil && !h.all[e] {
					t.Fatalf("Get(%q) = %s, which was never set or is long gone", h.key, describe(e))
				}
			},
			"settle": func(t *rapid.T) {
				settle()
				for _, h := range keys {
					h.settled(t, s)
				}
			},
		})
	})
}

// histories are six keys over three hashes, new ones for each run.
func histories(run int) []*history {
	keys := make([]*history, 6)
	for i := range keys {
		keys[i] = &history{
			key:  fmt.Sprintf("/run/%d/%d", run, i),
			hash: hash(3*run + i%3),
			all:  map[*cache.Entry]bool{},
		}
	}
	return keys
}

// settled checks a key of a store that settled, and forgets what it must not see again.
func (h *history) settled(t *rapid.T, s cache.Store) {
	got := s.Get(h.hash, []byte(h.key))
	if got != nil && got != h.last {
		t.Fatalf("settled: Get(%q) = %s, the last write was %s", h.key, describe(got), describe(h.last))
	}
	clear(h.all)
	if got != nil {
		h.all[got] = true
	}
}
