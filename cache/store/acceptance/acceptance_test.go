package acceptance_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/store/acceptance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plain is the simplest store that keeps the port's word: whatever it has no room
// for, it makes room for. It shows that the suite asks for the port and not for
// one implementation of it.
type plain struct {
	mu     sync.Mutex
	memory int64
	used   int64
	pages  map[uint64]*cache.Entry
}

func (p *plain) Get(hash uint64, key []byte) *cache.Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.pages[hash]
	if e == nil || string(e.Key) != string(key) || e.Expires() <= cache.TimeOf(time.Now()) {
		return nil
	}
	return e
}

func (p *plain) Set(e *cache.Entry) bool {
	if e == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(e.Hash)
	if e.Cost() > p.memory/8 || e.Expires() <= cache.TimeOf(time.Now()) {
		return false
	}
	for hash := range p.pages {
		if p.used+e.Cost() <= p.memory {
			break
		}
		p.drop(hash)
	}
	p.used += e.Cost()
	p.pages[e.Hash] = e
	return true
}

func (p *plain) Del(hash uint64, key []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.pages[hash]; e != nil && string(e.Key) == string(key) {
		p.drop(hash)
	}
}

func (p *plain) drop(hash uint64) {
	if e := p.pages[hash]; e != nil {
		p.used -= e.Cost()
		delete(p.pages, hash)
	}
}

func TestPlainStore(t *testing.T) {
	acceptance.Run(t, func(_ *testing.T, memory int64) (cache.Store, func()) {
		return &plain{memory: memory, pages: map[uint64]*cache.Entry{}}, func() {}
	})
}
