package store

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

func TestLifetime(t *testing.T) {
	now := cache.TimeOf(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	f := func(left, low, high time.Duration) {
		t.Helper()
		if got := lifetime(now, now.Add(left)); got < low || got > high {
			t.Errorf("lifetime of %v = %v, want %v to %v", left, got, low, high)
		}
	}
	f(1, 1, 1)
	f(time.Second, time.Second, 1250*time.Millisecond)
	f(24*time.Hour, 24*time.Hour, 30*time.Hour)
	f(math.MaxInt64, longest, longest+longest/4)
}

// Never too short, and never zero, which ristretto takes for ever.
func TestLifetimeBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := cache.Time(rapid.Int64Range(0, int64(cache.TimeOf(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)))).Draw(t, "now"))
		left := time.Duration(rapid.Int64Range(1, int64(longest)).Draw(t, "left"))
		got := lifetime(now, now.Add(left))
		if got < left || got > left+left/4 {
			t.Fatalf("lifetime(%d, +%d) = %d", now, left, got)
		}
	})
}

// Why lifetimes are rounded: a day of pages that each live for a day must fall into
// few of ristretto's buckets of five seconds.
func TestLifetimeMakesFewBuckets(t *testing.T) {
	buckets := map[int64]bool{}
	start := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for second := range 24 * 60 * 60 {
		now := cache.TimeOf(start.Add(time.Duration(second) * time.Second))
		end := now.Add(lifetime(now, now.Add(24*time.Hour)))
		buckets[int64(end)/int64(5*time.Second)] = true
	}
	if len(buckets) > 10 {
		t.Errorf("a day's pages fall into %d buckets", len(buckets))
	}
}
