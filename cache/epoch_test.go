package cache_test

import (
	"fmt"
	"testing"

	"github.com/aislecache/aisle/cache"
	"pgregory.net/rapid"
)

func labelled(e *cache.Epochs, labels ...string) *cache.Entry {
	return &cache.Entry{Labels: labels, Epoch: e.Now()}
}

func TestPurgeStates(t *testing.T) {
	e := cache.NewEpochs(10)
	before := labelled(e, "a", "b")
	other := labelled(e, "c")
	f := func(name string, entry *cache.Entry, want cache.Verdict) {
		t.Helper()
		if got := e.CheckEntry(entry); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if got := e.CheckEntry(entry); got != want {
			t.Errorf("%s, checked again: %+v, want %+v", name, got, want)
		}
		if got := e.Check(entry.Labels, entry.Epoch); got != want {
			t.Errorf("%s, without memory: %+v, want %+v", name, got, want)
		}
	}
	f("nothing purged", before, cache.Verdict{})
	if n := e.Purge(7, true, "b"); n != 1 || e.Sequence() != 1 {
		t.Errorf("the first purge is %d, the sequence %d", n, e.Sequence())
	}
	f("soft", before, cache.Verdict{State: cache.SoftPurged, Since: 7})
	f("not named", other, cache.Verdict{})
	after := labelled(e, "a", "b")
	f("fetched after the purge", after, cache.Verdict{})
	e.Purge(9, false, "a")
	f("hard over soft", before, hard)
	f("hard", after, hard)
	e.Purge(11, true, "a")
	f("hard stays hard", after, hard)
	newest := labelled(e, "a")
	f("fetched after all of them", newest, cache.Verdict{})
	e.PurgeAll(20, true)
	f("all, softly", newest, cache.Verdict{State: cache.SoftPurged, Since: 20})
	f("all, softly, the unnamed too", other, cache.Verdict{State: cache.SoftPurged, Since: 20})
	e.PurgeAll(30, false)
	f("all, hard", newest, hard)
	f("after all", labelled(e, "a"), cache.Verdict{})
	e.Invalidate(31, "z")
	f("unsafe request elsewhere", other, hard)
	z := labelled(e, "z")
	e.Invalidate(32, "z")
	f("unsafe request", z, hard)
}

// A soft purge at instant 0, or before 1970, is not forgotten by the entry's own memory.
func TestSoftPurgeAtTheEpoch(t *testing.T) {
	e := cache.NewEpochs(10)
	entry := labelled(e, "a")
	e.Purge(0, true, "a")
	for range 2 {
		if got := e.CheckEntry(entry); got.State != cache.SoftPurged {
			t.Fatalf("%+v", got)
		}
	}
}

// TestFloor: what was fetched before a forgotten purge counts as purged, the
// same way; what came later does not.
func TestFloor(t *testing.T) {
	f := func(soft bool, want cache.PurgeState) {
		t.Helper()
		e := cache.NewEpochs(2)
		old := labelled(e, "x")
		e.Purge(1, soft, "a")
		between := labelled(e, "x")
		e.Purge(2, soft, "b")
		if got := e.Check(old.Labels, old.Epoch).State; got != cache.NotPurged {
			t.Errorf("soft %v: within the capacity: %v", soft, got)
		}
		e.Purge(3, soft, "c") // a is forgotten
		if got := e.Check(old.Labels, old.Epoch).State; got != want {
			t.Errorf("soft %v: below the floor: %v, want %v", soft, got, want)
		}
		if got := e.Check(between.Labels, between.Epoch).State; got != cache.NotPurged {
			t.Errorf("soft %v: above the floor: %v", soft, got)
		}
		if n, _ := e.Records(); n != 2 {
			t.Errorf("%d records", n)
		}
	}
	f(true, cache.SoftPurged)
	f(false, cache.HardPurged)
}

// TestFloorOfOneGreatPurge: a purge of more labels than are remembered still
// purges all that they name.
func TestFloorOfOneGreatPurge(t *testing.T) {
	e := cache.NewEpochs(4)
	var labels []string
	var entries []*cache.Entry
	for i := range 20 {
		labels = append(labels, fmt.Sprint(i))
		entries = append(entries, labelled(e, labels[i]))
	}
	e.Purge(1, false, labels...)
	for i, entry := range entries {
		if got := e.CheckEntry(entry); got.State != cache.HardPurged {
			t.Errorf("label %d: %+v", i, got)
		}
	}
	if got := e.CheckEntry(labelled(e, "0")); got.State != cache.NotPurged {
		t.Errorf("fetched afterwards: %+v", got)
	}
}

// TestCasualsPushOutNothing: unsafe requests, which shoppers can send in any number,
// neither forget an operator's purge nor raise the floor.
func TestCasualsPushOutNothing(t *testing.T) {
	e := cache.NewEpochs(4)
	purged, bystander := labelled(e, "op"), labelled(e, "x")
	e.Purge(1, false, "op")
	for i := range 100 {
		e.Invalidate(2, fmt.Sprint("shopper", i))
	}
	if got := e.CheckEntry(purged).State; got != cache.HardPurged {
		t.Errorf("the operator's purge is forgotten: %v", got)
	}
	if got := e.CheckEntry(bystander).State; got != cache.NotPurged {
		t.Errorf("the floor rose: %v", got)
	}
	if deliberate, casual := e.Records(); deliberate != 1 || casual != 4 {
		t.Errorf("%d and %d records", deliberate, casual)
	}
}

// TestSecondSoftPurge: a page that was found stale stays stale since then; a further soft
// purge gives it no further grace.
func TestSecondSoftPurge(t *testing.T) {
	e := cache.NewEpochs(10)
	entry := labelled(e, "a")
	e.Purge(5, true, "a")
	e.CheckEntry(entry)
	e.Purge(9, true, "a")
	if got := e.CheckEntry(entry); got.Since != 5 {
		t.Errorf("%+v", got)
	}
	if got := e.CheckEntry(labelled(e, "a")); got.State != cache.NotPurged {
		t.Errorf("a later page: %+v", got)
	}
}

// naivePurge and naive are what Epochs is compared with: a list of all purges.
type naivePurge struct {
	labels []string // nil: all
	soft   bool
	at     cache.Time
}

func naive(purges []naivePurge, since uint64, labels []string) (v cache.Verdict) {
	for _, p := range purges[since:] {
		named := p.labels == nil
		for _, l := range p.labels {
			for _, own := range labels {
				named = named || l == own
			}
		}
		switch {
		case named && !p.soft:
			return hard
		case named && v.State == cache.NotPurged:
			v = cache.Verdict{State: cache.SoftPurged, Since: p.at} // the first begins the grace
		}
	}
	return v
}

// TestEpochsAgainstAList: within the capacity Epochs agrees with a list of all
// purges; past it, it is only ever stricter. Unsafe requests are few here: theirs may be forgotten.
func TestEpochsAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.SampledFrom([]int{1, 2, 3, 100}).Draw(t, "capacity")
		e := cache.NewEpochs(capacity)
		label := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		var purges []naivePurge
		var entries []*cache.Entry
		now := cache.Time(1)
		t.Repeat(map[string]func(*rapid.T){
			"purge": func(t *rapid.T) {
				now++
				p := naivePurge{labels: rapid.SliceOfN(label, 1, 2).Draw(t, "labels"), soft: rapid.Bool().Draw(t, "soft"), at: now}
				e.Purge(now, p.soft, p.labels...)
				purges = append(purges, p)
			},
			"all": func(t *rapid.T) {
				now++
				p := naivePurge{soft: rapid.Bool().Draw(t, "soft"), at: now}
				e.PurgeAll(now, p.soft)
				purges = append(purges, p)
			},
			"invalidate": func(t *rapid.T) {
				if capacity < 100 {
					t.Skip("would be forgotten")
				}
				now++
				l := label.Draw(t, "label")
				e.Invalidate(now, l)
				purges = append(purges, naivePurge{labels: []string{l}, at: now})
			},
			"fetch": func(t *rapid.T) {
				entries = append(entries, labelled(e, rapid.SliceOfN(label, 0, 2).Draw(t, "labels")...))
			},
			"": func(t *rapid.T) {
				if e.Sequence() != uint64(len(purges)) {
					t.Fatalf("sequence %d after %d purges", e.Sequence(), len(purges))
				}
				for _, entry := range entries {
					want := naive(purges, entry.Epoch.Local, entry.Labels)
					got := e.CheckEntry(entry)
					if capacity == 100 && got != want || got.State < want.State || got.State == cache.SoftPurged && want.State == cache.SoftPurged && got.Since > want.Since {
						t.Fatalf("labels %q of epoch %d: %+v, want %+v", entry.Labels, entry.Epoch.Local, got, want)
					}
				}
			},
		})
		if n, m := e.Records(); n > capacity || m > capacity {
			t.Fatalf("%d and %d records of %d", n, m, capacity)
		}
	})
}
