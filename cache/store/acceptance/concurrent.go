package acceptance

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aislecache/aisle/cache"
)

// concurrent: one writer for each key, as the engine has it, readers of all keys,
// half of the keys sharing hashes, and too little memory for all of them. The race
// detector watches; the readers check that nobody gets another's page.
func concurrent(t *testing.T, newStore Maker) {
	const keys, rounds, readers = 32, 200, 4
	s, settle := newStore(t, 64<<10)
	var writers, all sync.WaitGroup
	var done atomic.Bool
	for k := range keys {
		writers.Go(func() { write(s, k, rounds) })
	}
	for r := range readers {
		all.Go(func() {
			for i := r; !done.Load(); i++ {
				if !read(t, s, i%keys) {
					return
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	all.Wait()
	settle()
	for k := range keys {
		read(t, s, k)
	}
}

// shared makes pairs of the first sixteen keys share a hash.
func shared(k int) uint64 {
	if k < 16 {
		return hash(k / 2)
	}
	return hash(k)
}

func write(s cache.Store, k, rounds int) {
	for version := range rounds {
		s.Set(page(shared(k), name(k), version, version*37%4096))
		if version%5 == 0 {
			s.Del(shared(k), []byte(name(k)))
		}
	}
}

func read(t *testing.T, s cache.Store, k int) bool {
	e := s.Get(shared(k), []byte(name(k)))
	if e != nil && !belongs(e, name(k)) {
		t.Errorf("Get(%q) = %s", name(k), describe(e))
		return false
	}
	return true
}
