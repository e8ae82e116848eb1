package cache

import (
	"bytes"
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// EngineOptions is what an engine is made of. All ports must be given, but for an
// Origin where every Ask names its own.
type EngineOptions struct {
	Store  Store
	Origin Origin
	Events Events
	// Labels bounds how many purged labels are remembered; 0: 65,536.
	Labels int
	// URLs bounds how many URLs are known to have variants, and how many are marked
	// hit-for-miss; 0: 65,536.
	URLs int
}

// Engine serves requests from the store and the origin. It is safe for
// concurrent use.
type Engine struct {
	store  Store
	origin Origin
	events Events
	epochs *Epochs
	seed   maphash.Seed
	shards [shardCount]shard

	ctx     context.Context // of all fetches; ends with Close
	stop    context.CancelFunc
	flights sync.WaitGroup

	closing sync.Mutex // guards closed: no fetch is counted in once Close waits
	closed  bool
}

// landingTime bounds how long a finished flight waits for the store to show its
// entry, and refreshPause how soon a failed refresh is tried again.
const (
	landingTime  = time.Second
	refreshPause = time.Second
)

// NewEngine makes an engine. Close ends it.
func NewEngine(o EngineOptions) *Engine {
	if o.Labels == 0 {
		o.Labels = 1 << 16
	}
	if o.URLs == 0 {
		o.URLs = 1 << 16
	}
	e := &Engine{store: o.Store, origin: o.Origin, events: o.Events, epochs: NewEpochs(o.Labels), seed: maphash.MakeSeed()}
	e.ctx, e.stop = context.WithCancel(context.Background())
	perShard := max(16, o.URLs/shardCount)
	for i := range e.shards {
		s := &e.shards[i]
		s.specs, s.marks, s.backoff = newTable[*specRecord](perShard), newTable[Time](perShard), newTable[Time](perShard)
		s.flights = map[string]*flight{}
	}
	return e
}

// Close ends all fetches and waits for them. What Serve cannot answer from the
// store afterwards fails with ReasonShuttingDown. It may be called twice.
func (e *Engine) Close() {
	e.closing.Lock()
	e.closed = true
	e.closing.Unlock()
	e.stop()
	e.flights.Wait()
}

// enter counts a fetch in; false once the engine was closed. A WaitGroup must
// not rise from zero beside its Wait, hence the lock.
func (e *Engine) enter() bool {
	e.closing.Lock()
	defer e.closing.Unlock()
	if e.closed {
		return false
	}
	e.flights.Add(1)
	return true
}

// Purge makes everything that carries one of the labels stale (soft) or dead,
// what is being fetched included, and gives the purge's number. No request that
// comes after it has returned is answered with what was purged.
func (e *Engine) Purge(soft bool, labels ...string) uint64 {
	return e.epochs.Purge(TimeOf(time.Now()), soft, labels...)
}

// PurgeAll is Purge for everything.
func (e *Engine) PurgeAll(soft bool) uint64 {
	return e.epochs.PurgeAll(TimeOf(time.Now()), soft)
}

// Invalidate is the purge that an unsafe request to a URL makes (RFC 9111, 4.4).
func (e *Engine) Invalidate(labels ...string) { e.epochs.Invalidate(TimeOf(time.Now()), labels...) }

func (e *Engine) hash(key []byte) uint64 { return maphash.Bytes(e.seed, key) }

// maxShares is how often a request tries to share a fetch that turns out to be
// of another variant, or purged, before it fetches alone.
const maxShares = 3

// Serve answers one anonymous GET or HEAD. It returns when the head of the
// answer is known, or there is none, or the request's deadline has passed.
func (e *Engine) Serve(r *Request) Result {
	base := e.hash(r.Base)
	sh := &e.shards[base%shardCount]
	r.waited, r.relooks = false, 0
	for try := 0; ; try++ {
		res, again := e.serve(sh, base, r, try)
		if !again {
			res.Key = r.key
			return res
		}
	}
}

func (e *Engine) serve(sh *shard, base uint64, r *Request, try int) (Result, bool) {
	now := TimeOf(time.Now())
	known := sh.known(base, r.Base)
	entry, d := e.lookup(sh, known, r, now)
	switch d.Outcome {
	case Hit:
		return Result{Outcome: Hit, Reason: d.Reason, Entry: entry, Age: d.Age, TTL: d.TTL}, false
	case Stale:
		e.refreshBehind(sh, base, known, r, entry)
		return Result{Outcome: Stale, Reason: d.Reason, Entry: entry, Age: d.Age, TTL: d.TTL}, false
	}
	if r.Directives.OnlyIfCached {
		return Result{Outcome: Failed, Reason: ReasonOnlyIfCached}, false
	}
	if d.Reason == ReasonAbsent && known != nil {
		d.Reason = ReasonVariant
	}
	if r.Head || r.Directives.NoStore || try > maxShares || r.wantsPart(d) {
		return e.alone(sh, r, entry, d), false
	}
	return e.share(sh, base, known, r, entry, d, try)
}

// known gives what is known of the variants of a base key.
func (sh *shard) known(hash uint64, base []byte) *specRecord {
	sh.mu.RLock()
	rec, _ := sh.specs.get(hash, base)
	sh.mu.RUnlock()
	return rec
}

// lookup looks for the request's page under each specification that is known of
// its URL, the newest first. It leaves r.key at the key of what it found, or at
// the one to fetch under.
func (e *Engine) lookup(sh *shard, known *specRecord, r *Request, now Time) (*Entry, Decision) {
	if known == nil {
		var whole variantSpec
		e.buildKey(r, &whole)
		return e.judge(sh, r, now)
	}
	var stale *Entry
	best, at := Decision{Outcome: Miss, Reason: ReasonAbsent}, 0
	for i := range known.specs {
		e.buildKey(r, &known.specs[i])
		entry, d := e.judge(sh, r, now)
		if d.Outcome == Hit {
			return entry, d
		}
		switch {
		case entry != nil && (stale == nil || (best.Outcome == Miss && d.Outcome == Stale)):
			stale, best, at = entry, d, i
		case stale == nil && best.Reason == ReasonAbsent:
			best.Reason = d.Reason
		}
	}
	e.buildKey(r, &known.specs[at])
	return stale, best
}

func (e *Engine) buildKey(r *Request, v *variantSpec) {
	r.key = append(r.key[:0], r.Base...)
	r.key = appendVariant(r.key, v, r.Dims)
	r.hash = e.hash(r.key)
}

// judge decides about the page under r.key: the stored one, or the one on its way
// into the store, so that who has been sent a whole page finds it at once. The
// shard's lock is not held.
func (e *Engine) judge(sh *shard, r *Request, now Time) (*Entry, Decision) {
	if entry := e.store.Get(r.hash, r.key); entry != nil {
		return e.judgeEntry(r, entry, now)
	}
	entry, d := e.judgeEntry(r, sh.landing(r.key), now)
	switch {
	case d.Outcome == Hit:
		d.Reason = ReasonLanding
	case d.Outcome == Miss && d.Conditional: // stale on arrival: the origin is asked whether it still holds
	case d.Reason != ReasonRequestDirective && d.Reason != ReasonPurgedHard:
		return nil, Decision{Outcome: Miss, Reason: ReasonAbsent} // share deals with what is of no use any more
	}
	return entry, d
}

// judgeEntry decides about one entry, which may be nil. A page that is purged hard
// is as good as none.
func (e *Engine) judgeEntry(r *Request, entry *Entry, now Time) (*Entry, Decision) {
	if entry == nil {
		return nil, Decision{Outcome: Miss, Reason: ReasonAbsent}
	}
	d := Decide(now, r, entry, e.epochs.checkEntry(entry), r.Policy)
	if d.Reason == ReasonPurgedHard {
		return nil, d
	}
	return entry, d
}

// landing gives the whole page of a finished flight under this very key; nil if
// there is none.
func (sh *shard) landing(key []byte) *Entry {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	f := sh.flights[string(key)]
	if f == nil {
		return nil
	}
	if whole := f.landed.Load(); whole != nil && bytes.Equal(whole.Key, key) {
		return whole
	}
	return nil
}

// share answers from a fetch: one that is under way, or one that it begins.
func (e *Engine) share(sh *shard, base uint64, known *specRecord, r *Request, stale *Entry, d Decision, try int) (Result, bool) {
	joined := e.epochs.Sequence()
	f, leader, reason := e.enlist(sh, base, known, r, stale, d)
	switch {
	case reason != ReasonNone:
		return passOn(reason), false
	case f == nil:
		return e.relook(sh, base, r, stale, d, try)
	case leader:
		joined = f.epoch.Local
	}
	return e.await(f, r, stale, d, leader, joined, try)
}

// enlist finds the flight that may serve the request, or begins one; without
// either it says why the request passes, or gives nothing: it has to look anew.
//
// It looks into the store again before it begins a flight. Otherwise:
//
//	1: lookup(k), the store does not show it yet
//	2: the flight of k sees the store show its entry, and leaves the table
//	1: finds no flight of k, and fetches what is stored
func (e *Engine) enlist(sh *shard, base uint64, known *specRecord, r *Request, stale *Entry, d Decision) (f *flight, leader bool, why Reason) {
	now := TimeOf(time.Now())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if current, _ := sh.specs.get(base, r.Base); current != known {
		return nil, false, ReasonNone // what the URL varies by was learnt since: the key is another one
	}
	if f := sh.flights[string(r.key)]; f != nil && e.joinable(f, r, now) {
		f.body.join()
		return f, false, ReasonNone
	}
	if _, stored := e.judgeEntry(r, e.store.Get(r.hash, r.key), now); stored.Outcome == Hit {
		return nil, false, ReasonNone
	}
	if reason := e.passing(sh, r, now); reason != ReasonNone {
		return nil, false, reason
	}
	return e.begin(sh, base, r, stale, d, false), true, ReasonNone
}

// relook starts over with what the index says now. It does not count as a try to
// share; an index that changes faster than it is read ends it all the same.
func (e *Engine) relook(sh *shard, base uint64, r *Request, stale *Entry, d Decision, try int) (Result, bool) {
	if r.relooks++; r.relooks > 16 {
		return e.alone(sh, r, stale, d), false
	}
	return e.serve(sh, base, r, try)
}

// passing says whether the request goes as a pass without being asked for
// anonymously. The shard's lock is held.
func (e *Engine) passing(sh *shard, r *Request, now Time) Reason {
	if until, ok := sh.marks.get(r.hash, r.key); ok && now < until {
		return ReasonMarked
	}
	streak := &r.Policy.Streak
	if r.Head && streak.reached() || !r.Head && streak.passing(now, r.Policy.HitForMiss) {
		return ReasonRoutePassing
	}
	return ReasonNone
}

// joinable says whether a flight in the table may serve a request that comes
// now: not if it was purged since it began, nor once its page is known to be
// stale on arrival. A fetch with credentials may turn out to be for one shopper
// alone, so those without any do not wait for it. The shard's lock is held.
func (e *Engine) joinable(f *flight, r *Request, now Time) bool {
	if !f.decided() {
		return (r.Authorized || !f.authed) && e.epochs.Check(f.ask.Labels, f.epoch).State == NotPurged
	}
	if f.verdict != shared {
		return false // about to leave the table
	}
	v := e.epochs.Check(f.entry.Labels, f.epoch)
	return Decide(now, r, f.entry, v, f.policy).Outcome == Hit
}

// refreshBehind sees to it that a page served stale is being fetched, but not
// with one shopper's credentials: what they are refused would take the page from all.
func (e *Engine) refreshBehind(sh *shard, base uint64, known *specRecord, r *Request, entry *Entry) {
	if r.Authorized {
		return
	}
	now := TimeOf(time.Now())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if f := sh.flights[string(r.key)]; f != nil && (!f.decided() || f.verdict == shared) && e.epochs.Check(f.ask.Labels, f.epoch).State == NotPurged {
		return
	}
	if until, ok := sh.backoff.get(r.hash, r.key); ok && now < until {
		return
	}
	if current, _ := sh.specs.get(base, r.Base); current != known {
		return // another page of this URL just came; the next request sees what to do
	}
	if e.store.Get(r.hash, r.key) != entry || e.passing(sh, r, now) != ReasonNone {
		return // refreshed since, see enlist; or known to be no page to be stored any more
	}
	d := Decision{Conditional: entry.hasValidator(r.Policy.Scope)}
	e.begin(sh, base, r, entry, d, true)
}

// begin puts a flight into the table and starts it. The shard's lock is held.
//
// The epoch is taken first, then the entry to revalidate is checked against
// it: a purge before the epoch is seen by the check, one after it beats what
// the fetch brings, the confirmed old body included.
func (e *Engine) begin(sh *shard, base uint64, r *Request, prior *Entry, d Decision, refresh bool) *flight {
	f := &flight{
		shard: sh, policy: r.Policy, ask: askGet(r), epoch: e.epochs.Now(), begun: TimeOf(time.Now()), refresh: refresh, authed: r.Authorized,
		start: append([]byte(nil), r.key...), hash: r.hash, base: append([]byte(nil), r.Base...), bhash: base,
		ready: make(chan struct{}), leaderGone: refresh, stale: prior != nil && prior.Status < 500,
	}
	if !refresh {
		f.body.readers = 1 // the leader
	}
	if prior != nil && d.Conditional && e.epochs.Check(prior.Labels, prior.Epoch).State == NotPurged {
		f.prior = prior
	}
	if !e.enter() {
		f.ask.release()
		f.err = &OriginError{Reason: ReasonShuttingDown, Err: errClosed}
		f.settle(failed, ReasonShuttingDown)
		return f
	}
	sh.flights[string(f.start)] = f
	go e.fly(f)
	return f
}

// askGet asks for the whole page also where a HEAD was answered stale: what a
// HEAD brings is no page.
func askGet(r *Request) *Ask {
	ask := r.Asker.Ask()
	if r.Head {
		get := *ask.Request
		get.Method = "GET"
		ask = &Ask{Request: &get, Dims: ask.Dims, Labels: ask.Labels, Origin: ask.Origin, Release: ask.Release}
	}
	return ask
}
