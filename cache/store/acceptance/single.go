package acceptance

import (
	"math"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

func absent(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	expect(t, s, 1, "/a", nil)
	expect(t, s, 0, "", nil)
	s.Del(1, []byte("/a"))
	s.Del(0, nil)
	if s.Set(nil) {
		t.Error("Set(nil) = true")
	}
	settle()
	expect(t, s, 1, "/a", nil)
	expect(t, s, 0, "", nil)
}

func kept(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	for i := range 50 {
		mustSet(t, s, page(hash(i), name(i), i, 100))
	}
	settle()
	if _, found := cost(t, s, 50); found != 50 {
		t.Errorf("%d of 50 pages kept where there is room for all", found)
	}
}

// oddKeys: a store has no opinion on keys and hashes, and none on ages.
func oddKeys(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	forever := page(7, "for ever", 1, 1)
	forever.Retain = math.MaxInt64
	for _, e := range []*cache.Entry{
		page(0, "", 1, 0),
		page(math.MaxUint64, "\x00\xff\x00", 1, 1),
		page(1, "\x00", 1, 1),
		page(2, "\x00\x00", 1, 1),
		forever,
	} {
		mustSet(t, s, e)
		settle()
		expect(t, s, e.Hash, string(e.Key), e)
		expect(t, s, e.Hash, string(e.Key)+"\x00", nil)
	}
}

func equalHashes(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	gold := page(42, "/p?gold", 1, 100)
	mustSet(t, s, gold)
	settle()
	expect(t, s, 42, "/p?silver", nil)
	expect(t, s, 42, "/p?gol", nil)
	expect(t, s, 42, "", nil)
	s.Del(42, []byte("/p?silver"))
	settle()
	expect(t, s, 42, "/p?gold", gold)
	silver := page(42, "/p?silver", 1, 100)
	s.Set(silver)
	settle()
	for _, want := range []*cache.Entry{gold, silver} {
		if got := s.Get(42, want.Key); got != nil && got != want {
			t.Errorf("Get(42, %q) = %s", want.Key, describe(got))
		}
	}
}

func deletes(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	e := page(5, "/a", 1, 100)
	mustSet(t, s, e)
	s.Del(5, []byte("/a")) // before it is known to have arrived
	settle()
	expect(t, s, 5, "/a", nil)
	again := page(5, "/a", 2, 100)
	mustSet(t, s, again)
	settle()
	expect(t, s, 5, "/a", again)
	s.Del(5, []byte("/a"))
	settle()
	expect(t, s, 5, "/a", nil)
	s.Del(5, []byte("/a"))
	settle()
	expect(t, s, 5, "/a", nil)
}

func replaces(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	for version, size := range []int{100, 100, 5000, 10, 0, 20000} {
		e := page(9, "/a", version, size)
		mustSet(t, s, e)
		settle()
		expect(t, s, 9, "/a", e)
	}
}

// replacesAtOnce: writes of one key in a row, none waited for. The last counts.
func replacesAtOnce(t *testing.T, newStore Maker) {
	s, settle := newStore(t, 16*mebibyte)
	for i := range 200 {
		last := page(hash(i), name(i), 3, 100)
		s.Set(page(hash(i), name(i), 1, 100))
		s.Set(page(hash(i), name(i), 2, 100))
		stored := s.Set(last)
		settle()
		if got := s.Get(last.Hash, last.Key); got != last && (stored || got != nil) {
			t.Fatalf("after three Sets at once (the last: %v) Get gives %s", stored, describe(got))
		}
	}
}

// refusedReplacement: a page that outgrew the store takes the old one with it.
func refusedReplacement(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	mustSet(t, s, page(3, "/a", 1, 100))
	settle()
	if s.Set(page(3, "/a", 2, 2*mebibyte)) {
		t.Error("an entry of twice the memory was taken")
	}
	settle()
	expect(t, s, 3, "/a", nil)
}

func overOnArrival(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	for _, c := range []struct {
		name        string
		age         time.Duration
		ttl, retain time.Duration
	}{
		{"no time at all", 0, 0, 0},
		{"negative", 0, -time.Second, 0},
		{"born too long ago", 2 * time.Hour, time.Hour, time.Minute},
	} {
		mustSet(t, s, page(4, "/a", 1, 100))
		e := page(4, "/a", 2, 100)
		e.Born, e.TTL, e.Retain = e.Born.Add(-c.age), c.ttl, c.retain
		if s.Set(e) {
			t.Errorf("%s: Set = true", c.name)
		}
		settle()
		expect(t, s, 4, "/a", nil)
	}
}
