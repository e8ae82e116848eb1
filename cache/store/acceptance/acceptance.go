// Package acceptance is what any cache.Store must pass before the engine may be
// built on it. It knows the port only: a store may be slow to show what was set, may
// refuse, evict and forget, but it never returns what was not set under the key that
// is asked for, and never holds more than it was given.
package acceptance

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/cache"
)

// Maker makes an empty store for entries of memory bytes in all, and gives a
// function that waits until all writes so far have taken effect. What the store
// needs closed is closed by t.Cleanup. Some tests call it inside a synctest bubble, so
// the store must not wait for the world outside the process.
type Maker func(t *testing.T, memory int64) (store cache.Store, settle func())

// mebibyte is the memory of most tests: room for a few hundred small pages.
const mebibyte = 1 << 20

// Run runs the suite on stores from newStore.
func Run(t *testing.T, newStore func(t *testing.T, memory int64) (store cache.Store, settle func())) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Maker)
	}{
		{"absent", absent},
		{"kept as it was set", kept},
		{"odd keys", oddKeys},
		{"whole key under equal hashes", equalHashes},
		{"delete", deletes},
		{"replace", replaces},
		{"replace at once", replacesAtOnce},
		{"refused replacement", refusedReplacement},
		{"over on arrival", overOnArrival},
		{"expiry", expiry},
		{"too big", tooBig},
		{"flood", flood},
		{"growth", growth},
		{"refusals are true", refusals},
		{"newcomer under pressure", newcomer},
		{"model", model},
		{"concurrent", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newStore) })
	}
}

// page makes an entry that can be recognised: its body starts with key and version.
func page(hash uint64, key string, version, size int) *cache.Entry {
	body := fmt.Appendf(nil, "%s#%d\n", key, version)
	return &cache.Entry{
		Head: cache.Head{Status: 200, Length: int64(len(body) + size)},
		Key:  []byte(key), Hash: hash,
		Body:   append(body, make([]byte, size)...),
		Born:   cache.TimeOf(time.Now()),
		TTL:    time.Hour,
		Retain: 24 * time.Hour,
	}
}

// belongs says whether e is some version of the page that page made for key.
func belongs(e *cache.Entry, key string) bool {
	return string(e.Key) == key && strings.HasPrefix(string(e.Body), key+"#")
}

// hash spreads the n-th key of a test as a seeded hash would.
func hash(n int) uint64 { return (uint64(n) + 1) * 0x9E3779B97F4A7C15 }

func name(n int) string { return fmt.Sprintf("/product/%d/p", n) }

// cost is what the store returns of the first n pages, in bytes, and how many
// they are. Each must be what was set.
func cost(t *testing.T, s cache.Store, n int) (sum int64, found int) {
	t.Helper()
	for i := range n {
		e := s.Get(hash(i), []byte(name(i)))
		if e == nil {
			continue
		}
		if !belongs(e, name(i)) {
			t.Fatalf("Get(%q) returned the entry of %q", name(i), e.Key)
		}
		sum, found = sum+e.Cost(), found+1
	}
	return sum, found
}

// mustSet sets e in a store that has room and nothing that competes.
func mustSet(t *testing.T, s cache.Store, e *cache.Entry) {
	t.Helper()
	if !s.Set(e) {
		t.Fatalf("Set(%q, cost %d) was refused by a store with room", e.Key, e.Cost())
	}
}

// expect checks that the key has this very entry, nil for none.
func expect(t *testing.T, s cache.Store, hash uint64, key string, want *cache.Entry) {
	t.Helper()
	if got := s.Get(hash, []byte(key)); got != want {
		t.Fatalf("Get(%#x, %q) = %s, want %s", hash, key, describe(got), describe(want))
	}
}

func describe(e *cache.Entry) string {
	if e == nil {
		return "nothing"
	}
	first, _, _ := strings.Cut(string(e.Body), "\n")
	return fmt.Sprintf("the entry of %q with body %q", e.Key, first)
}

// expiry runs in a bubble, where a day passes at once.
func expiry(t *testing.T, newStore Maker) {
	synctest.Test(t, func(t *testing.T) {
		s, settle := newStore(t, mebibyte)
		short, long := page(1, "/short", 1, 10), page(2, "/long", 1, 10)
		short.TTL, short.Retain = time.Minute, 10*time.Second
		mustSet(t, s, short)
		mustSet(t, s, long)
		settle()
		time.Sleep(70*time.Second - time.Nanosecond)
		expect(t, s, 1, "/short", short)
		time.Sleep(time.Nanosecond)
		expect(t, s, 1, "/short", nil)
		expect(t, s, 2, "/long", long)
		again := page(1, "/short", 2, 10)
		mustSet(t, s, again)
		settle()
		expect(t, s, 1, "/short", again)
		time.Sleep(25*time.Hour - 70*time.Second)
		expect(t, s, 2, "/long", nil)
		expect(t, s, 1, "/short", again)
		time.Sleep(time.Hour)
		expect(t, s, 1, "/short", nil)
	})
}
