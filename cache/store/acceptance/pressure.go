package acceptance

import "testing"

func tooBig(t *testing.T, newStore Maker) {
	s, settle := newStore(t, mebibyte)
	small := page(1, "/small", 1, 100)
	mustSet(t, s, small)
	if s.Set(page(2, "/big", 1, mebibyte)) {
		t.Error("an entry bigger than the memory was taken")
	}
	settle()
	expect(t, s, 2, "/big", nil)
	expect(t, s, 1, "/small", small)
}

// flood: more distinct keys than fit. What is there afterwards fits, and the
// memory is used.
func flood(t *testing.T, newStore Maker) {
	const pages = 2000
	s, settle := newStore(t, mebibyte)
	for i := range pages {
		s.Set(page(hash(i), name(i), 1, i%8<<10))
	}
	settle()
	sum, _ := cost(t, s, pages)
	if sum > mebibyte {
		t.Errorf("a store of %d bytes returns pages of %d", mebibyte, sum)
	}
	if sum < mebibyte/2 {
		t.Errorf("a store of %d bytes keeps pages of only %d under a flood", mebibyte, sum)
	}
}

// growth: pages that are replaced by longer ones, never a new key among them.
func growth(t *testing.T, newStore Maker) {
	const pages = 400
	s, settle := newStore(t, mebibyte)
	for _, size := range []int{100, 1000, 2000, 10_000, 20_000} {
		for i := range pages {
			s.Set(page(hash(i), name(i), size, size))
		}
		settle()
		sum, found := cost(t, s, pages)
		if sum > mebibyte {
			t.Fatalf("pages of %d bytes: a store of %d bytes returns %d", size, mebibyte, sum)
		}
		if found == 0 {
			t.Fatalf("pages of %d bytes: nothing is kept", size)
		}
	}
}

// refusals: what Set says no to is not there, and the version before it neither.
func refusals(t *testing.T, newStore Maker) {
	const pages = 300
	s, settle := newStore(t, mebibyte)
	refused := 0
	for version := range 4 {
		for i := range pages {
			e := page(hash(i), name(i), version, 8<<10)
			stored := s.Set(e)
			settle()
			got := s.Get(e.Hash, e.Key)
			if !stored {
				refused++
			}
			if got != nil && (!stored || got != e) {
				t.Fatalf("Set of version %d said %v, Get gives %s", version, stored, describe(got))
			}
		}
	}
	t.Logf("%d of %d Sets refused", refused, 4*pages)
}

// newcomer: a store full of pages that nobody asks for any more must let in one
// that is asked for again and again.
func newcomer(t *testing.T, newStore Maker) {
	const pages, patience = 1000, 5000
	s, settle := newStore(t, mebibyte)
	for i := range pages {
		s.Get(hash(i), []byte(name(i)))
		s.Set(page(hash(i), name(i), 1, 4<<10))
	}
	settle()
	e := page(hash(pages), name(pages), 1, 4<<10)
	for range patience {
		if s.Get(e.Hash, e.Key) == e {
			return
		}
		s.Set(e)
		settle()
	}
	t.Errorf("a page was still not let in after %d misses", patience)
}
