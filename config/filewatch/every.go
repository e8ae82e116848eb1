package filewatch

import (
	"context"
	"sync"
	"time"
)

// Every calls look in each step until ctx ends.
func Every(ctx context.Context, step time.Duration, look func()) {
	ticks := time.NewTicker(step)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			look()
		}
	}
}

// Start calls look in each step, in a goroutine of its own, until stop is called, which waits for the last one.
func Start(step time.Duration, look func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { Every(ctx, step, look) })
	return func() {
		cancel()
		ended.Wait()
	}
}
