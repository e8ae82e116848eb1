package main

import (
	"context"
	"math"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRoomFor(t *testing.T) {
	f := func(connections int, want int64) {
		t.Helper()
		if got := roomFor(connections); got != want {
			t.Errorf("%d connections: %d, want %d", connections, got, want)
		}
	}
	f(0, 0)
	f(1, 8<<20)
	f(170, 8<<20)
	f(171, 16<<20)
	f(10_000, 472<<20)
}

// The limit follows the connections up and down.
func TestGiveRoom(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var open atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			giveRoom(ctx, 16<<20, func() int { return int(open.Load()) })
		}()
		at := func(n int64) int64 {
			open.Store(n)
			time.Sleep(2 * roomWait)
			return debug.SetMemoryLimit(-1)
		}
		few := at(1)
		many := at(1000)
		back := at(1)
		if few == math.MaxInt64 || many-few != roomFor(1000)-roomFor(1) || back != few {
			t.Errorf("limits %d, %d and %d", few, many, back)
		}
		cancel()
		<-done
	})
}
