package sessions

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// flights make equal questions at one time one call. The call belongs to none of those who ask: it ends by its own
// timeout, so that a shopper who leaves does not fail the others. The zero value is ready.
type flights[V any] struct {
	mu   sync.Mutex
	open map[string]*flight[V] // guarded by mu
}

type flight[V any] struct {
	done  chan struct{} // closed when value and err are set
	value V
	err   error
}

// do gives what ask gives, asked by whoever was first, or ctx's error if that ends before.
func (f *flights[V]) do(ctx context.Context, key string, timeout time.Duration, ask func(context.Context) (V, error)) (V, error) {
	own := f.join(ctx, key, timeout, ask)
	select {
	case <-own.done:
		return own.value, own.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("sessions sidecar: %w: %w", ErrUnavailable, ctx.Err())
	}
}

func (f *flights[V]) join(ctx context.Context, key string, timeout time.Duration, ask func(context.Context) (V, error)) *flight[V] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running, ok := f.open[key]; ok {
		return running
	}
	own := &flight[V]{done: make(chan struct{})}
	if f.open == nil {
		f.open = map[string]*flight[V]{}
	}
	f.open[key] = own
	go f.fly(context.WithoutCancel(ctx), key, own, timeout, ask)
	return own
}

func (f *flights[V]) fly(ctx context.Context, key string, own *flight[V], timeout time.Duration, ask func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	own.value, own.err = ask(ctx)
	f.mu.Lock()
	delete(f.open, key)
	f.mu.Unlock()
	close(own.done)
}
