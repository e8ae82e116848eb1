package segment_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/segment"
)

func TestResolveRemembers(t *testing.T) {
	r := resolver(t, options(t))
	p := projection(t, r)
	in := token(`{"channel":"2"}`)
	f := func(name string, same bool, a, b *segment.Claim) {
		t.Helper()
		if (a == b) != same || (a.In(p) == b.In(p)) != same {
			t.Errorf("%s: same claim is %v", name, a == b)
		}
	}
	get := func(seal string, duplicates bool, pairs ...string) *segment.Claim {
		// Other bytes at each call, as a server's buffers are.
		return r.Resolve(now, append([]byte{}, in...), []byte(seal), duplicates, overlay(pairs...))
	}
	first := get("", false)
	f("again", true, first, get("", false))
	f("seal", false, first, get("x", false))
	f("seal again", true, get("x", false), get("x", false))
	f("seal or overlay", false, get(string(overlay("sc", "2")), false), get("", false, "sc", "2"))
	f("overlay", false, get("", false, "sc", "2"), get("", false, "sc", "1"))
	f("duplicates", false, first, get("", true))
	f("duplicates, whatever they hold", true, get("", true), r.Resolve(now, []byte("y"), []byte("z"), true, nil))
	f("absent", true, r.Resolve(now, nil, nil, false, nil), r.Resolve(now, []byte{}, []byte("z"), false, []byte{}))
	f("oversized, whatever they hold", true, r.Resolve(now, make([]byte, 5000), nil, false, nil), r.Resolve(now, make([]byte, 6000), []byte("z"), false, nil))
	f("long seals, whatever they hold", true, get(strings.Repeat("a", 200), false), get(strings.Repeat("b", 300), false))
	f("oversized is not duplicate", false, r.Resolve(now, make([]byte, 5000), nil, false, nil), r.Resolve(now, nil, nil, true, nil))
}

// TestCallersBytesAreCopied overwrites what Resolve was given.
func TestCallersBytesAreCopied(t *testing.T) {
	r := resolver(t, options(t))
	p := projection(t, r)
	in, b := token(`{"regionId":"r1","x":"y"}`), overlay("utm_source", "s")
	want := append([]byte{}, in...)
	c := r.Resolve(now, in, nil, false, b)
	clear(in)
	clear(b)
	if got := c.In(p); fields(c.Verified()) != `regionId=r1 utm_source=s x="y"` || !strings.Contains(string(got.Key), "r1") {
		t.Errorf("%s %q", fields(c.Verified()), got.Key)
	}
	if r.Resolve(now, want, nil, false, overlay("utm_source", "s")) != c {
		t.Error("the memo lost its key")
	}
}

// TestMemoHeedsExpiry: a remembered claim does not outlive the seal that it rests on.
func TestMemoHeedsExpiry(t *testing.T) {
	r := resolver(t, options(t))
	in := token(`{"priceTables":"gold"}`)
	seal := []byte(sealer(t).Seal(now, in)) // until now + 1h exactly
	f := func(at time.Duration, want segment.SealState, table string) *segment.Claim {
		t.Helper()
		c := r.Resolve(now.Add(at), in, seal, false, nil)
		if v := c.Verified(); c.Seal() != want || get(v, "priceTables") != table {
			t.Errorf("after %v: %v, %s", at, c.Seal(), v.AppendJSON(nil))
		}
		return c
	}
	valid := f(0, segment.SealValid, "gold")
	if f(time.Hour-1, segment.SealValid, "gold") != valid {
		t.Error("made anew before its time")
	}
	expired := f(time.Hour, segment.SealExpired, "")
	if f(2*time.Hour, segment.SealExpired, "") != expired {
		t.Error("an expired claim is not remembered")
	}
}

// TestLateProjection: a projection that the claim has no place for, or one of another resolver, is still right.
func TestLateProjection(t *testing.T) {
	a, b := resolver(t, options(t)), resolver(t, options(t))
	channel := projection(t, a, "channel")
	c := a.Resolve(now, token(`{"channel":"2","regionId":"r"}`), nil, false, nil)
	late, foreign := projection(t, a, "regionId"), projection(t, b, "utm_source")
	f := func(p *segment.Projection, want string) {
		t.Helper()
		for range 2 {
			if got := string(c.In(p).Key); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	f(late, "\x08regionId\x01r")
	f(foreign, "\x0autm_source\x00")
	f(channel, "\x07channel\x012")
	f(foreign, "\x0autm_source\x00")
}

// TestConcurrentMemo: many goroutines over few places, so that entries come and go under the readers.
func TestConcurrentMemo(t *testing.T) {
	o := options(t)
	o.MemoEntries = 64
	r := resolver(t, o)
	narrow, wide := projection(t, r, "regionId"), projection(t, r)
	var tokens [300][]byte
	for i := range tokens {
		tokens[i] = token(fmt.Sprintf(`{"regionId":"%d"}`, i))
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 2000 {
				i := random.IntN(len(tokens)) % (random.IntN(len(tokens)) + 1)
				c := r.Resolve(now, tokens[i], nil, false, nil)
				want := fmt.Sprintf("\x08regionId%c%d", len(fmt.Sprint(i)), i)
				first, again := c.In(wide), c.In(wide)
				if got := c.In(narrow); string(got.Key) != want || c.In(narrow) != got || first != again {
					t.Errorf("token %d has key %q", i, got.Key)
				}
			}
		})
	}
	wg.Wait()
}

// TestHitsDoNotAllocate is the promise of the hit path.
func TestHitsDoNotAllocate(t *testing.T) {
	r := resolver(t, options(t))
	p := projection(t, r, "channel", "priceTables", "regionId")
	in := []byte(goldenFull)
	seal, b := []byte(sealer(t).Seal(now, in)), overlay("utm_source", "s")
	var variant [64]byte
	oversized := make([]byte, 5000)
	sum := 0
	f := func(name string, run func()) {
		t.Helper()
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	f("token", func() { sum += len(r.Resolve(now, in, nil, false, nil).In(p).Key) })
	f("token, seal and overlay", func() { sum += len(r.Resolve(now, in, seal, false, b).In(p).Token) })
	f("absent", func() { sum += len(r.Resolve(now, nil, nil, false, nil).In(p).Key) })
	f("duplicates", func() { sum += len(r.Resolve(now, in, nil, true, nil).In(p).Key) })
	f("malformed", func() { sum += len(r.Resolve(now, in[1:], nil, false, nil).In(p).Key) })
	f("oversized", func() { sum += len(r.Resolve(now, oversized, nil, false, nil).In(p).Key) })
	f("AppendField", func() { sum += len(r.Resolve(now, in, nil, false, nil).In(p).AppendField(variant[:0], "regionId")) })
	f("IsOverlay", func() {
		if r.IsOverlay(in[:2]) {
			sum++
		}
	})
	if sum == 0 {
		t.Error("nothing was computed")
	}
}
