package cache_test

import (
	"bytes"
	"sync"
	"time"

	"github.com/aislecache/aisle/cache"
)

// lagging is a store that behaves as ristretto does at its worst: a new entry is
// seen only after a delay, of two quick Sets of a new key the older stays, a
// Set may be dropped with or without a word. What is there already is replaced at once.
type lagging struct {
	delay time.Duration
	refuse,
	forget func(e *cache.Entry) bool // drop with false; drop without a word

	mu      sync.Mutex
	shown   map[uint64]*cache.Entry
	pending map[uint64]bool
	sets    []*cache.Entry // in the order of Set
}

func newLagging() *lagging {
	return &lagging{delay: 5 * time.Millisecond, shown: map[uint64]*cache.Entry{}, pending: map[uint64]bool{}}
}

func (s *lagging) Get(hash uint64, key []byte) *cache.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.shown[hash]
	if e == nil || !bytes.Equal(e.Key, key) || e.Expires() <= cache.TimeOf(time.Now()) {
		return nil
	}
	return e
}

func (s *lagging) Set(e *cache.Entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets = append(s.sets, e)
	switch {
	case s.refuse != nil && s.refuse(e):
		return false
	case s.forget != nil && s.forget(e), s.pending[e.Hash]:
		return true
	case s.shown[e.Hash] != nil || s.delay == 0:
		s.shown[e.Hash] = e
		return true
	}
	s.pending[e.Hash] = true
	time.AfterFunc(s.delay, func() { s.surface(e) })
	return true
}

func (s *lagging) surface(e *cache.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[e.Hash] {
		delete(s.pending, e.Hash)
		s.shown[e.Hash] = e
	}
}

func (s *lagging) Del(hash uint64, key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.shown[hash]; e != nil && bytes.Equal(e.Key, key) {
		delete(s.shown, hash)
	}
}

// evict forgets everything, as a full store may at any time.
func (s *lagging) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.shown)
	clear(s.pending)
}

func (s *lagging) entries() []*cache.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*cache.Entry
	for _, e := range s.shown {
		all = append(all, e)
	}
	return all
}

func (s *lagging) setCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sets)
}
