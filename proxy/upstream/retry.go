package upstream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aislecache/aisle/cache"
)

const (
	// budgetWindow is the time over which the share of retries is kept.
	budgetWindow = 10 * time.Second
	// budgetFloor is how many retries any window has, however few its requests: as
	// many as it takes until a server that fails is ejected.
	budgetFloor = ejectAfter
)

// budget bounds retries to a share of the requests of late. Without it an outage
// doubles the load on what is left.
type budget struct {
	share float64

	mu     sync.Mutex
	counts window // guarded by mu
}

func newBudget(share float64) *budget {
	return &budget{share: share, counts: window{step: budgetWindow / cells}}
}

// request counts a request that may one day want a retry.
func (b *budget) request(now time.Time) {
	b.mu.Lock()
	b.counts.add(now, 0)
	b.mu.Unlock()
}

// take says whether one more retry is within the budget, and spends it.
func (b *budget) take(now time.Time) bool {
	if b.share == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n, spent := b.counts.sum(now)
	if float64(spent+1) > max(b.share*float64(n), budgetFloor) {
		return false
	}
	b.counts.mark(now)
	return true
}

// fate is how a try failed, as far as trying again goes.
type fate uint8

const (
	fateFinal      fate = iota // the request may have had its effect, or an answer has begun
	fateUnsent                 // no byte of it was sent and none of its body read
	fateUnanswered             // it was sent, and the connection ended before the first byte of an answer
)

// repeatable says whether a request may be sent to another server although the
// first one may have acted on it: a safe method (RFC 9110, 9.2.1) without a body.
// PUT and DELETE are idempotent too, but the second answer to a DELETE is a 404
// for what has worked.
func repeatable(r *cache.OriginRequest) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return !hasBody(r)
	}
	return false
}

// another chooses the server for one more try, or nil. The servers in tried come
// no more into question.
//
// A request that was not sent goes to every other server in turn, whatever its
// method and at no cost to the budget, as long as that takes no longer than one
// connection may. One that was not answered goes again once, and only to a
// server that is well.
func (u *Upstream) another(ctx context.Context, r *cache.OriginRequest, f fate, began time.Time, tried []*server) *server {
	now := time.Now()
	switch {
	case ctx.Err() != nil || f == fateFinal:
		return nil
	case f == fateUnsent && len(tried) > 1 && now.Sub(began) >= u.options.Connect:
		return nil
	case f == fateUnanswered && !repeatable(r):
		return nil
	}
	s := u.pick(tried...)
	switch {
	case s == nil:
		return nil
	case f == fateUnsent:
		u.counters.retries[retryUnsent].Inc()
		return s
	case u.isOut(s, now):
	case !u.budget.take(now):
		u.counters.retries[retryRefused].Inc()
	default:
		u.counters.retries[retryTaken].Inc()
		return s
	}
	u.put(s)
	return nil
}
