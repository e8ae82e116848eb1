package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/aislecache/aisle/sessions"
)

const (
	// passes bounds how often Migrate goes over a store that does not come to rest.
	passes = 8
	// movers is how many sessions are on their way at once: stores commit or send together what comes together.
	movers = 64
)

// Moved is what a migration did.
type Moved struct {
	Copied  int // sessions that the destination took; one that was edited meanwhile counts again
	Removed int // copies whose session had ended or was erased at the source
	Facets  int // facets values, those that were there already included
	Passes  int
	// Settled says that the last pass found nothing to do: all that the source held is at the destination. It
	// is false where somebody still writes to the source alone.
	Settled bool
}

// Migrate copies sessions and facets from one store to another while both are in use, until a pass finds nothing
// left to do or it has made eight. What is newer at the destination stays as it is, and what was erased meanwhile does
// not come back; see Both for what sidecars use during the move. It may be stopped by ctx and run again at any time: the
// source is left as it is. progress, which may be nil, is told how many of about total sessions this
// pass has looked at, one call at a time.
//
// The destination must not hold leftovers of an earlier use of the same sessions: a session that was
// erased since would come back from there.
func Migrate(ctx context.Context, from, to Movable, progress func(done, total int)) (Moved, error) {
	var m Moved
	for m.Passes < passes && !m.Settled {
		copied, err := copySessions(ctx, from, to, progress)
		m.Copied += copied
		if err != nil {
			return m, err
		}
		removed, err := removeEnded(ctx, from, to)
		m.Removed += removed
		if err != nil {
			return m, err
		}
		m.Passes++
		m.Settled = copied == 0 && removed == 0
	}
	var err error
	m.Facets, err = copyFacets(ctx, from, to)
	return m, err
}

func copySessions(ctx context.Context, from, to Movable, progress func(done, total int)) (int, error) {
	total, err := from.Len(ctx)
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex // guards done, and keeps calls of progress apart
	done := 0
	return each(ctx, from.Scan, func(ctx context.Context, s sessions.Stored) (bool, error) {
		copied, err := to.Import(ctx, s)
		mu.Lock()
		defer mu.Unlock()
		if done++; progress != nil && err == nil {
			progress(done, max(done, total))
		}
		return copied, err
	})
}

// removeEnded takes back copies whose session was erased, or ended, after it had been read at the source.
func removeEnded(ctx context.Context, from, to Movable) (int, error) {
	return each(ctx, to.Scan, func(ctx context.Context, s sessions.Stored) (bool, error) {
		e, err := from.Get(ctx, s.ID)
		if err != nil || e.live() {
			return false, err
		}
		return to.Retract(ctx, s.ID, s.Version)
	})
}

func copyFacets(ctx context.Context, from, to Movable) (int, error) {
	return each(ctx, from.ScanFacets, func(ctx context.Context, f Facets) (bool, error) {
		return true, to.PutFacets(ctx, f.Ref, f.Value, f.Expires)
	})
}

// each runs do for everything that scan finds, several at a time, and counts where it says true. The first error
// ends it.
func each[T any](
	ctx context.Context, scan func(context.Context, func(T) error) error, do func(context.Context, T) (bool, error),
) (int, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		work  = make(chan T)
		group sync.WaitGroup
		count atomic.Int64
	)
	for range movers {
		group.Go(func() {
			for item := range work {
				did, err := do(ctx, item)
				if err != nil {
					stop(err)
				} else if did {
					count.Add(1)
				}
			}
		})
	}
	err := scan(ctx, func(item T) error {
		select {
		case work <- item:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(work)
	group.Wait()
	if cause := context.Cause(ctx); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause // of the worker that failed, not what the scan made of it
	}
	return int(count.Load()), err
}
