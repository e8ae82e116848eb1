package cache_test

import (
	"math"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTimeAddSaturates(t *testing.T) {
	f := func(at cache.Time, d time.Duration, want cache.Time) {
		t.Helper()
		if got := at.Add(d); got != want {
			t.Errorf("%d + %d = %d, want %d", at, d, got, want)
		}
	}
	f(10, 5, 15)
	f(10, -5, 5)
	f(math.MaxInt64-1, 1, math.MaxInt64)
	f(math.MaxInt64-1, 2, math.MaxInt64)
	f(math.MaxInt64, math.MaxInt64, math.MaxInt64)
	f(cache.TimeOf(time.Unix(7, 9)), time.Second, cache.Time(8*time.Second+9))
}

func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []cache.Field
		var b cache.Block
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			name := rapid.StringN(0, 200, -1).Draw(t, "name")
			value := rapid.StringN(0, 200, -1).Draw(t, "value")
			want = append(want, cache.Field{Name: name, Value: value})
			b = b.AppendLine(name, value)
		}
		if diff := cmp.Diff(want, b.Fields()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Views of a block must not let an append run into the next line.
func TestBlockViewsAreClipped(t *testing.T) {
	b := cache.Block(nil).AppendLine("A", "one").AppendLine("B", "two")
	name, value, _, ok := b.Next()
	if !ok || string(name) != "A" || string(value) != "one" {
		t.Fatalf("first line %q: %q", name, value)
	}
	_ = append(name, 'x')
	_ = append(value, 'x')
	want := []cache.Field{{Name: "A", Value: "one"}, {Name: "B", Value: "two"}}
	if diff := cmp.Diff(want, b.Fields()); diff != "" {
		t.Error(diff)
	}
	if _, _, _, ok := cache.Block(nil).Next(); ok {
		t.Error("the empty block has a line")
	}
}

// Cost counts what is held: capacities, labels, the strings beside the block.
func TestCostCountsWhatIsHeld(t *testing.T) {
	empty := (&cache.Entry{}).Cost()
	f := func(name string, e *cache.Entry, more int64) {
		t.Helper()
		if got := e.Cost() - empty; got != more {
			t.Errorf("%s costs %d, want %d", name, got, more)
		}
	}
	f("key", &cache.Entry{Key: make([]byte, 3, 10)}, 10)
	f("body", &cache.Entry{Body: make([]byte, 3, 100)}, 100)
	f("header", &cache.Entry{Head: cache.Head{Header: make(cache.Block, 3, 50)}}, 50)
	f("validators", &cache.Entry{Head: cache.Head{ETag: `"abc"`, LastModified: "now"}, Digest: "12"}, 10)
	f("labels", &cache.Entry{Labels: []string{"abcd", "ef"}}, 4+16+2+16)
	if empty < 256 {
		t.Errorf("an empty entry costs %d: the struct alone is more", empty)
	}
}

func TestExpires(t *testing.T) {
	f := func(e *cache.Entry, want cache.Time) {
		t.Helper()
		if got := e.Expires(); got != want {
			t.Errorf("expires at %d, want %d", got, want)
		}
	}
	f(&cache.Entry{Born: 100, TTL: 20, Retain: 3}, 123)
	f(&cache.Entry{Born: 100, TTL: math.MaxInt64, Retain: 3}, math.MaxInt64)
}
