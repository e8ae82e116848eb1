package main

import (
	"context"
	"time"

	"github.com/aislecache/aisle/obs"
)

const (
	// roomPerConnection is what an idle connection keeps: the buffer of 32 KiB that a head has to fit
	// into, and what belongs to it (BenchmarkIdleConnections of proxy).
	roomPerConnection = 48 << 10
	// roomStep keeps the limit from being set for a few connections more or less.
	roomStep = 8 << 20
	roomWait = time.Second
)

// giveRoom lets the memory limit follow the number of connections until ctx ends. With a fixed one ten thousand idle
// connections would leave the heap no room, and the collector would take the CPU from the hits.
func giveRoom(ctx context.Context, cacheBytes int64, connections func() int) {
	tick := time.NewTicker(roomWait)
	defer tick.Stop()
	given := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if wanted := roomFor(connections()); wanted != given {
			obs.RaiseMemoryLimit(cacheBytes, wanted)
			given = wanted
		}
	}
}

// roomFor is in whole steps, and at least what is needed.
func roomFor(connections int) int64 {
	need := int64(connections) * roomPerConnection
	return (need + roomStep - 1) / roomStep * roomStep
}
