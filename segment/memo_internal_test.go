package segment

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// entries and bytes count what the memo really holds.
func (m *memo) count(t *testing.T) (entries int, bytes int64) {
	t.Helper()
	for i := range m.shards {
		s := &m.shards[i]
		var sum int64
		for j := range s.sets {
			for k := range s.sets[j].places {
				if e := s.sets[j].places[k].Load(); e != nil {
					entries++
					sum += e.claim.cost
					if e.claim.home != s {
						t.Error("an entry is not at home")
					}
				}
			}
		}
		if sum != s.bytes.Load() {
			t.Errorf("shard %d holds %d bytes and counts %d", i, sum, s.bytes.Load())
		}
		if sum > shardBytes {
			t.Errorf("shard %d holds %d bytes of %d", i, sum, shardBytes)
		}
		bytes += sum
	}
	return entries, bytes
}

// TestMemoIsBounded floods the memo with distinct cookies of several sizes, from several goroutines.
func TestMemoIsBounded(t *testing.T) {
	const entries = 256
	for _, size := range []int{1, 300, 2500} {
		r, err := New(Options{MemoEntries: entries})
		if err != nil {
			t.Fatal(err)
		}
		var projections []*Projection
		for _, names := range [][]string{nil, {}, {"channel"}, {"regionId", "utm_source"}} {
			p, err := r.Projection(names)
			if err != nil {
				t.Fatal(err)
			}
			projections = append(projections, p)
		}
		// Claims that nobody projects are bounded by themselves, before those that grow.
		flood(r, nil, size)
		r.memo.count(t)
		flood(r, projections, size)
		n, bytes := r.memo.count(t)
		if n > entries || bytes > entries*memoBytesPerEntry {
			t.Errorf("size %d: %d entries, %d bytes", size, n, bytes)
		}
		// A bound that keeps nothing would be no memo.
		if least := entries * memoBytesPerEntry / 4; bytes < int64(least) {
			t.Errorf("size %d: only %d entries with %d bytes", size, n, bytes)
		}
	}
}

func flood(r *Resolver, projections []*Projection, size int) {
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 600 {
				s := Segment{}
				s.values[fieldRegionID] = fmt.Sprintf("%d-%d-%0*d", worker, i, size, 0)
				c := r.Resolve(time.Unix(0, 0), s.AppendToken(nil), nil, false, nil)
				for _, p := range projections {
					c.In(p)
				}
			}
		})
	}
	wg.Wait()
}

// TestMemoKeepsWhatIsUsed: one shopper who comes back survives a flood of ones who do not.
func TestMemoKeepsWhatIsUsed(t *testing.T) {
	r, err := New(Options{MemoEntries: 64})
	if err != nil {
		t.Fatal(err)
	}
	regular := Segment{}.AppendToken(nil)
	// Short cookies run out of places, long ones out of bytes.
	for _, size := range []int{1, 2500} {
		first := r.Resolve(time.Unix(0, 0), regular, nil, false, nil)
		for i := range 1000 {
			s := Segment{}
			s.values[fieldRegionID] = fmt.Sprintf("%0*d", size, i)
			r.Resolve(time.Unix(0, 0), s.AppendToken(nil), nil, false, nil)
			if r.Resolve(time.Unix(0, 0), regular, nil, false, nil) != first {
				t.Fatalf("forgotten after %d others of size %d", i+1, size)
			}
		}
	}
}

// TestMemoComparesKeys puts two keys under one hash.
func TestMemoComparesKeys(t *testing.T) {
	r, err := New(Options{MemoEntries: 64})
	if err != nil {
		t.Fatal(err)
	}
	keys := []query{
		{token: []byte("ab")}, {token: []byte("a"), seal: []byte("b")}, {token: []byte("a"), overlay: []byte("b")},
		{seal: []byte("ab")}, {token: []byte("ab"), flags: flagLongSeal}, {flags: flagDuplicate}, {flags: flagOversized},
	}
	claims := make([]*Claim, len(keys))
	for i := range keys {
		claims[i] = r.memo.put(7, &keys[i], r.resolve(keys[i], 0), 0)
	}
	for i := range keys {
		if r.memo.get(7, &keys[i], 0) != claims[i] {
			t.Errorf("key %d got the claim of another", i)
		}
	}
	if r.memo.get(7, &query{token: []byte("abc")}, 0) != nil {
		t.Error("a claim for a key that was never put")
	}
	if again := r.memo.put(7, &keys[0], r.resolve(keys[0], 0), 0); again != claims[0] {
		t.Error("the second of two concurrent misses does not join the first")
	}
	if n, _ := r.memo.count(t); n != len(keys) {
		t.Errorf("%d entries", n)
	}
}
