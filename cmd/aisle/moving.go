package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aislecache/aisle/sessions"
	sessionstore "github.com/aislecache/aisle/sessions/store"
)

// moving is the store of a sidecar while sessions move from one store to another: it uses both, and copies behind the requests.
// To move a file in use it has to be done here: no other process can open it.
type moving struct {
	sessions.Store
	stop    context.CancelFunc
	running sync.WaitGroup
}

// movingReport is how often the log says how far a move is.
const movingReport = 10 * time.Second

// startMoving takes both stores over.
func startMoving(from, to sessionstore.Movable, logger *slog.Logger) *moving {
	ctx, stop := context.WithCancel(context.Background())
	m := &moving{Store: sessionstore.NewBoth(from, to), stop: stop}
	m.running.Go(func() {
		var last time.Time
		moved, err := sessionstore.Migrate(ctx, from, to, func(done, total int) {
			if now := time.Now(); now.Sub(last) >= movingReport {
				last = now
				logger.Info("sessions are moving", slog.Int("done", done), slog.Int("of", total))
			}
		})
		attrs := []any{slog.Int("copied", moved.Copied), slog.Int("removed", moved.Removed), slog.Int("facets", moved.Facets), slog.Int("passes", moved.Passes)}
		switch {
		case ctx.Err() != nil: // the sidecar ends; the next one goes on
		case err != nil:
			logger.Error("sessions have not all moved: this is tried again at the next start", append(attrs, slog.Any("error", err))...)
		case !moved.Settled:
			logger.Error("the store that sessions move from does not come to rest: another sidecar writes to it alone", attrs...)
		default:
			logger.Info("sessions have moved: sessions.store.moving_from may go when every sidecar says so", attrs...)
		}
	})
	return m
}

// Close implements sessions.Store.
func (m *moving) Close() error {
	m.stop()
	m.running.Wait()
	return m.Store.Close()
}
