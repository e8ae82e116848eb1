package regions

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

const (
	answerLife  = time.Hour
	answerFresh = 10 * time.Minute // then it is revalidated behind the request
	retryAfter  = 10 * time.Second // a revalidation that failed
	maxAnswers  = 100_000
	maxFetches  = 256 // at once: one that its callers gave up goes on
)

// answers keeps what an origin said. Callers of one query share one fetch, which is no caller's: it goes on when they give up, so that the
// next one finds its answer.
type answers struct {
	fetch func(ctx context.Context, query string) (string, error)
	told  func(error)
	ctx   context.Context // of fetches, ended by close
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu     sync.Mutex
	closed bool
	kept   map[string]*list.Element // of *answer
	recent *list.List               // the one asked for last first
	under  map[string]*fetching
	limit  int // of kept
}

type answer struct {
	query string
	id    string
	at    time.Time
	again time.Time // not before it is it revalidated
}

// fetching is a fetch; id and err are there once done is closed.
type fetching struct {
	done chan struct{}
	id   string
	err  error
}

func newAnswers(fetch func(context.Context, string) (string, error), told func(error)) *answers {
	ctx, stop := context.WithCancel(context.Background())
	return &answers{
		fetch: fetch, told: told, ctx: ctx, stop: stop,
		kept: map[string]*list.Element{}, recent: list.New(), under: map[string]*fetching{}, limit: maxAnswers,
	}
}

func (a *answers) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.stop()
	a.ended.Wait()
}

func (a *answers) get(ctx context.Context, query string) (string, error) {
	id, f := a.look(query, time.Now())
	if f == nil {
		return id, nil
	}
	select {
	case <-f.done:
		return f.id, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// look gives the kept answer, or a fetch to wait for.
func (a *answers) look(query string, now time.Time) (id string, f *fetching) {
	a.mu.Lock()
	defer a.mu.Unlock()
	element, ok := a.kept[query]
	if !ok || now.Sub(element.Value.(*answer).at) >= answerLife {
		return "", a.begin(query, false)
	}
	kept := element.Value.(*answer)
	a.recent.MoveToFront(element)
	if !now.Before(kept.again) {
		a.begin(query, true)
	}
	return kept.id, nil
}

// begin gives the fetch of a query, a new one if there is none. mu is held.
func (a *answers) begin(query string, behind bool) *fetching {
	if f, ok := a.under[query]; ok {
		return f
	}
	f := &fetching{done: make(chan struct{})}
	if a.closed || len(a.under) >= maxFetches {
		f.err = errors.New("regions: the origin cannot be asked now")
		close(f.done)
		return f
	}
	a.under[query] = f
	a.ended.Go(func() {
		f.id, f.err = a.fetch(a.ctx, query)
		a.land(query, f)
		close(f.done)
		if f.err != nil && behind && a.ctx.Err() == nil {
			a.told(f.err)
		}
	})
	return f
}

// land keeps what was fetched. A failure leaves the answer that there is, until its life ends.
func (a *answers) land(query string, f *fetching) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.under, query)
	now := time.Now()
	element, ok := a.kept[query]
	switch {
	case f.err != nil && ok:
		element.Value.(*answer).again = now.Add(retryAfter)
	case f.err != nil:
	case ok:
		*element.Value.(*answer) = answer{query, f.id, now, now.Add(answerFresh)}
	default:
		a.kept[query] = a.recent.PushFront(&answer{query, f.id, now, now.Add(answerFresh)})
	}
	if len(a.kept) > a.limit {
		last := a.recent.Back()
		delete(a.kept, last.Value.(*answer).query)
		a.recent.Remove(last)
	}
}
