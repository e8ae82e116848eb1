package store_test

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/store"
	"github.com/aislecache/aisle/cache/store/acceptance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAcceptance(t *testing.T) {
	acceptance.Run(t, func(t *testing.T, memory int64) (cache.Store, func()) {
		return open(t, memory), func() {} // Set and Del have taken effect when they return
	})
}

func open(t testing.TB, memory int64) *store.Store {
	t.Helper()
	s, err := store.New(memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func page(n, size int, life time.Duration) *cache.Entry {
	return &cache.Entry{
		Head: cache.Head{Status: 200},
		Key:  strconv.AppendInt(nil, int64(n), 10),
		Hash: (uint64(n) + 1) * 0x9E3779B97F4A7C15,
		Body: make([]byte, size),
		Born: cache.TimeOf(time.Now()),
		TTL:  life,
	}
}

func TestNewRefusesMemory(t *testing.T) {
	f := func(memory int64, want string) {
		t.Helper()
		s, err := store.New(memory)
		if s != nil || err == nil || err.Error() != want {
			t.Errorf("New(%d) = %v, %v; want the error %q", memory, s, err, want)
		}
	}
	f(0, "store: memory 0: must be positive")
	f(-1, "store: memory -1: must be positive")
	f(math.MinInt64, "store: memory -9223372036854775808: must be positive")
}

// What Set says is what Get gives, at once: no test of this package settles.
func TestSetIsVisibleAtOnce(t *testing.T) {
	s := open(t, 64<<20)
	for n := range 2000 {
		e := page(n, 100, time.Hour)
		if !s.Set(e) {
			t.Fatalf("Set of page %d refused where there is room", n)
		}
		if s.Get(e.Hash, e.Key) != e {
			t.Fatalf("page %d is not there when Set returned", n)
		}
	}
}

func TestStats(t *testing.T) {
	s := open(t, 1<<20)
	check := func(want store.Stats) {
		t.Helper()
		want.Capacity = 1 << 20
		if d := cmp.Diff(want, s.Stats()); d != "" {
			t.Errorf("stats (-want +got):\n%s", d)
		}
	}
	check(store.Stats{})
	small, other := page(1, 100, time.Hour), page(2, 200, time.Hour)
	s.Set(small)
	s.Set(other)
	check(store.Stats{Entries: 2, Cost: small.Cost() + other.Cost(), Added: 2})

	grown := page(1, 5000, time.Hour)
	s.Set(grown)
	check(store.Stats{Entries: 2, Cost: grown.Cost() + other.Cost(), Added: 3})

	s.Set(page(3, 1<<20, time.Hour))
	s.Set(page(4, 10, 0))
	check(store.Stats{Entries: 2, Cost: grown.Cost() + other.Cost(), Added: 3, Refused: 2})
}

func TestDelReturnsTheCost(t *testing.T) {
	s := open(t, 1<<20)
	e, witness := page(1, 100, time.Hour), page(2, 100, time.Hour)
	s.Set(e)
	s.Del(e.Hash, e.Key)
	s.Del(e.Hash, e.Key) // absent: ristretto calls its hooks with zero values
	s.Set(witness)       // waits for what is before it in ristretto's queue
	want := store.Stats{Entries: 1, Cost: witness.Cost(), Capacity: 1 << 20, Added: 2}
	if d := cmp.Diff(want, s.Stats()); d != "" {
		t.Errorf("stats (-want +got):\n%s", d)
	}
}

// The bound holds at each moment of a flood of growing pages, not only after it, and
// the counts add up.
func TestNeverOverTheBound(t *testing.T) {
	const memory, rounds, pages = 1 << 20, 6, 300
	s := open(t, memory)
	for round := range rounds {
		for n := range pages {
			s.Set(page(n, 500<<round, time.Hour))
			if got := s.Stats().Cost; got > memory {
				t.Fatalf("round %d, page %d: cost %d of %d", round, n, got, memory)
			}
		}
	}
	got := s.Stats()
	if all := got.Added + got.Rejected + got.Refused + got.Dropped; all != rounds*pages {
		t.Errorf("%d Sets, but the counts sum up to %d: %+v", rounds*pages, all, got)
	}
	if got.Evicted == 0 || got.Entries <= 0 || got.Entries > pages {
		t.Errorf("implausible: %+v", got)
	}
}

// Pages that nobody asks for leave when they are over, and their cost with them.
func TestExpiredPagesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 1<<20)
		for n := range 50 {
			s.Set(page(n, 100, time.Duration(n+1)*time.Second))
		}
		keeper := page(100, 100, time.Hour)
		s.Set(keeper)
		time.Sleep(90 * time.Second)
		synctest.Wait()
		want := store.Stats{Entries: 1, Cost: keeper.Cost(), Capacity: 1 << 20, Added: 51, Expired: 50}
		if d := cmp.Diff(want, s.Stats()); d != "" {
			t.Errorf("stats (-want +got):\n%s", d)
		}
	})
}

// Pages that were asked for once each take turns: a Set must not count as interest, or
// those that came first would keep everybody else out.
func TestSetIsNoInterest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const memory, pages = 64 << 10, 100
		s := open(t, memory)
		for n := range pages {
			e := page(n, 4<<10, time.Hour)
			s.Get(e.Hash, e.Key)
			for range 64 { // ristretto counts in lots of 64
				s.Get(0, nil)
			}
			synctest.Wait() // until it has counted
			s.Set(e)
		}
		if got := s.Stats(); got.Added < pages/2 {
			t.Errorf("%d of %d pages were let in: %+v", got.Added, pages, got)
		}
	})
}

// Different keys of one hash may have writers at the same time. Whoever comes last, the
// store is charged for what it holds.
func TestWritersOfOneHash(t *testing.T) {
	const writers, rounds = 8, 2000
	s := open(t, 1<<20)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range rounds {
				e := page(w, 100*w+n, time.Hour)
				e.Hash = 42
				s.Set(e)
			}
		})
	}
	all.Wait()
	held := int64(0)
	for w := range writers {
		if e := s.Get(42, page(w, 0, 0).Key); e != nil {
			held += e.Cost()
		}
	}
	want := store.Stats{Entries: 1, Cost: held, Capacity: 1 << 20, Added: writers * rounds}
	if d := cmp.Diff(want, s.Stats()); d != "" {
		t.Errorf("stats (-want +got):\n%s", d)
	}
}

// A refresh may outlive the listener, and with it the store.
func TestWritesBesideClose(t *testing.T) {
	for range 20 {
		s := open(t, 1<<20)
		var late sync.WaitGroup
		var writes atomic.Int32
		begun, closed := make(chan struct{}), make(chan struct{})
		for n := range 8 {
			late.Go(func() { writeUntil(s, n, closed, &writes, begun) })
		}
		<-begun
		s.Close()
		s.Close()
		close(closed)
		late.Wait()
		e := page(1, 100, time.Hour)
		if s.Set(e) || s.Get(e.Hash, e.Key) != nil {
			t.Fatal("a closed store stores")
		}
	}
}

// writeUntil closes begun at the hundredth write of all its callers.
func writeUntil(s *store.Store, n int, closed <-chan struct{}, writes *atomic.Int32, begun chan<- struct{}) {
	e := page(n, 100, time.Hour)
	for {
		select {
		case <-closed:
			return
		default:
			s.Set(e)
			s.Del(e.Hash, e.Key)
		}
		if writes.Add(1) == 100 {
			close(begun)
		}
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	s := open(t, 1<<20)
	e := page(1, 100, time.Hour)
	s.Set(e)
	if got := testing.AllocsPerRun(1000, func() { s.Get(e.Hash, e.Key) }); got != 0 {
		t.Errorf("a hit allocates %v times", got)
	}
	if got := testing.AllocsPerRun(1000, func() { s.Get(1, e.Key) }); got != 0 {
		t.Errorf("a miss allocates %v times", got)
	}
}
