package cache

import (
	"bytes"
	"errors"
	"time"
)

// outgrown: the body is past max_object. The page streams on to those who read
// it, but nobody new joins. Later requests know by now what it varies by and ask
// under its final key, so that is marked too.
func (e *Engine) outgrown(f *flight) {
	now := TimeOf(time.Now())
	e.mark(f, now, f.hash, f.start)
	if !bytes.Equal(f.start, f.entry.Key) {
		e.mark(f, now, f.entry.Hash, f.entry.Key)
	}
	e.leave(f)
}

// finish lands a whole body. Landing goes on behind the requests: the flight stays
// in the table, serving its entry, until the store shows it.
func (e *Engine) finish(f *flight, body []byte, err error) {
	reason := ReasonStored
	switch {
	case err == nil && body == nil, errors.Is(err, errNobodyReads):
		reason = ReasonTooLarge
	case err != nil:
		reason = ReasonTruncated
	case e.epochs.Check(f.entry.Labels, f.epoch).State == HardPurged:
		reason = ReasonPurgedInFlight
	}
	now := TimeOf(time.Now())
	e.events.Fetched(f.policy, reason, f.status, since(f.begun, now))
	if reason != ReasonStored && reason != ReasonPurgedInFlight {
		return
	}
	f.entry.Body = body
	if f.entry.ETag == "" {
		f.entry.Digest = digestOf(body)
	}
	f.landed.Store(f.entry)
}

func truncated(err error) error {
	if err == nil {
		return nil
	}
	return &OriginError{Reason: ReasonTruncated, Err: err}
}

// land puts a whole page into the store and keeps the flight in the table until
// the store shows it, is known to have dropped it, or landingTime has passed.
//
// ristretto's Set is asynchronous and, for two quick Sets of a new key, keeps
// the older value: where the store shows another entry than ours it is set again.
// A flight that was replaced in the table writes nothing: one writer per key. What was purged softly meanwhile lands: it is stale by
// its epoch, and better than nothing when the origin fails.
func (e *Engine) land(f *flight) {
	entry := f.landed.Load()
	if entry == nil || !f.owns(entry) || e.outdone(entry) {
		return
	}
	until := time.Now().Add(landingTime)
	kept, pause := e.store.Set(entry), 100*time.Microsecond
	for kept && f.owns(entry) {
		shown := e.store.Get(entry.Hash, entry.Key)
		if shown == entry {
			e.events.Landed(true)
			return
		}
		if !time.Now().Before(until) { // after a look: the machine may have stood still for that long
			break
		}
		if shown != nil {
			kept = e.store.Set(entry)
		}
		select {
		case <-time.After(pause):
		case <-e.ctx.Done():
			return
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
	e.events.Landed(false)
}

// outdone says whether a purge forbids that an entry lands: a hard one, or a soft one after which the page was fetched anew already.
func (e *Engine) outdone(entry *Entry) bool {
	switch e.epochs.Check(entry.Labels, entry.Epoch).State {
	case HardPurged:
		return true
	case SoftPurged:
		stored := e.store.Get(entry.Hash, entry.Key)
		return stored != nil && stored.Epoch.Local > entry.Epoch.Local
	}
	return false
}

// owns says whether the flight is the one that may write this entry's key.
func (f *flight) owns(entry *Entry) bool {
	f.shard.mu.RLock()
	defer f.shard.mu.RUnlock()
	return f.shard.flights[string(entry.Key)] == f
}

// leave takes the flight out of the table, under both its keys.
func (e *Engine) leave(f *flight) {
	f.shard.mu.Lock()
	defer f.shard.mu.Unlock()
	if f.shard.flights[string(f.start)] == f {
		delete(f.shard.flights, string(f.start))
	}
	if f.entry != nil && f.shard.flights[string(f.entry.Key)] == f {
		delete(f.shard.flights, string(f.entry.Key))
	}
}
