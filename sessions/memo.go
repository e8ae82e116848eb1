package sessions

import "sync"

// memo remembers what was worked out for a text that a client chose. It is bounded: when the young half is
// full it becomes the old half, and what was not asked for since goes. The whole text, or a digest of it that
// no other text has, is the map's key, so none can be taken for another.
type memo[K comparable, V any] struct {
	limit int // of a half

	mu         sync.Mutex // guards both halves
	young, old map[K]V
}

func newMemo[K comparable, V any](entries int) *memo[K, V] {
	return &memo[K, V]{limit: max(1, entries/2), young: map[K]V{}}
}

func (m *memo[K, V]) get(text K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.young[text]
	if ok {
		return v, true
	}
	if v, ok = m.old[text]; ok {
		m.keep(text, v)
	}
	return v, ok
}

func (m *memo[K, V]) put(text K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(text, v)
}

func (m *memo[K, V]) keep(text K, v V) {
	if len(m.young) >= m.limit {
		m.old, m.young = m.young, map[K]V{}
	}
	m.young[text] = v
}
