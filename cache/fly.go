package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// fly is a flight's goroutine. Whatever happens in it, the verdict is given,
// the body ends and the table is left: nobody who waits is wedged.
func (e *Engine) fly(f *flight) {
	defer e.flights.Done()
	defer f.ask.release()
	ctx, cancel := context.WithCancel(e.ctx)
	handedOver, body := false, io.Closer(nil)
	defer func() {
		if handedOver {
			return
		}
		if body != nil {
			body.Close() // again, but for a panic before anybody closed it
		}
		cancel()
	}()
	defer e.leave(f)
	defer e.recoverFlight(f)

	resp, err := e.fetch(ctx, f)
	if err != nil {
		e.fail(f, err)
		return
	}
	resp.Body = &closeOnce{ReadCloser: resp.Body}
	body = resp.Body
	handedOver = e.conclude(ctx, cancel, f, resp)
	e.land(f)
}

// closeOnce passes the first Close on.
type closeOnce struct {
	io.ReadCloser
	once sync.Once
}

func (c *closeOnce) Close() (err error) {
	c.once.Do(func() { err = c.ReadCloser.Close() })
	return err
}

// recoverFlight turns a panic into a failure of this fetch alone.
func (e *Engine) recoverFlight(f *flight) {
	v := recover()
	if v == nil {
		return
	}
	e.events.Panicked(v, debug.Stack())
	if !f.decided() {
		e.fail(f, &OriginError{Reason: ReasonPanic, Err: errPanicked})
	}
	e.leave(f)
	f.body.finish(errPanicked)
}

// fetch asks the origin, by condition where there is a page to confirm. A 304
// that speaks of another page than ours is asked again without condition, and
// so is one that confirms what was purged while it came: its tags, which the 304
// may change, say no more about the old body than the purge did.
func (e *Engine) fetch(ctx context.Context, f *flight) (*OriginResponse, *OriginError) {
	ask := *f.ask.Request
	if f.prior != nil {
		ask.Fields = withConditions(ask.Fields, f.prior, f.policy.Scope)
	}
	resp, err := e.fetchOnce(ctx, f.ask, &ask)
	if err != nil || f.prior == nil {
		return resp, err
	}
	if resp.Status != 304 || confirms(resp, f.prior) && e.epochs.Check(f.prior.Labels, f.epoch).State == NotPurged {
		return resp, nil
	}
	resp.Body.Close()
	f.prior = nil
	return e.fetchOnce(ctx, f.ask, f.ask.Request)
}

// fetchOnce sends r to the origin of an ask: the one that it began with, whatever
// has been configured since.
func (e *Engine) fetchOnce(ctx context.Context, ask *Ask, r *OriginRequest) (*OriginResponse, *OriginError) {
	origin := e.origin
	if ask.Origin != nil {
		origin = ask.Origin
	}
	resp, err := origin.Fetch(ctx, r)
	if err == nil {
		return resp, nil
	}
	var oe *OriginError
	if !errors.As(err, &oe) {
		oe = &OriginError{Reason: ReasonConnect, Err: err}
	}
	return nil, oe
}

func withConditions(fields []Field, prior *Entry, scope Scope) []Field {
	fields = slices.Clone(fields)
	if prior.ETag != "" {
		fields = append(fields, Field{"If-None-Match", prior.ETag})
	}
	if prior.LastModified != "" && scope == ScopePublic {
		fields = append(fields, Field{"If-Modified-Since", prior.LastModified})
	}
	return fields
}

// confirms says whether a 304 is about the stored page (RFC 9111, 4.3.4). One
// with an entity tag is not about a page without any.
func confirms(resp *OriginResponse, prior *Entry) bool {
	etag := fieldsOf(resp.Fields).first("etag")
	return etag == "" || weakTag(etag) == weakTag(prior.ETag)
}

func weakTag(tag string) string {
	if len(tag) > 2 && tag[:2] == "W/" {
		return tag[2:]
	}
	return tag
}

// conclude judges the head and sees the body through. It reports whether the
// answer was handed to the leader, whose closing then ends the fetch.
func (e *Engine) conclude(ctx context.Context, cancel context.CancelFunc, f *flight, resp *OriginResponse) (handedOver bool) {
	f.status = resp.Status
	narrowed := fieldsOf(resp.Fields).has("segment-vary")
	if resp.Status == 304 && f.prior != nil {
		f.revalid = true
		resp = merge(f.prior, resp)
	}
	received := TimeOf(time.Now())
	meta, reason := Admit(&Exchange{Response: resp, Authorized: f.authed, Requested: f.begun, Received: received}, f.policy)
	if f.revalid && !narrowed {
		// What a 304 leaves out stays as it was, and Segment-Vary is not kept in the header block.
		meta.spec.narrowed, meta.spec.segment = f.prior.spec.narrowed, f.prior.spec.segment
	}
	switch {
	case f.status < 200 || f.status == 206 || f.status == 304 && !f.revalid:
		resp.Body.Close()
		e.fail(f, &OriginError{Reason: ReasonMalformed, Server: resp.Server, Err: errUnasked})
		return false
	case f.status >= 500 && (reason != ReasonStored || f.stale || f.refresh):
		e.failWith(ctx, f, resp)
		return false
	case reason != ReasonStored:
		return e.refuse(f, resp, reason, unstorable, cancel)
	case resp.Length > f.policy.MaxObject && f.policy.Verify != nil:
		return e.refuse(f, resp, ReasonTooLarge, unstorable, cancel) // nobody looks at its body
	case resp.Length > f.policy.MaxObject:
		return e.refuseTo(f, resp, &meta, ReasonTooLarge, cancel)
	}
	return e.admit(ctx, cancel, f, resp, &meta)
}

// strip parts an answer from its Set-Cookie values, which are the leader's alone;
// where the route stores cookies nothing is parted.
func strip(resp *OriginResponse, m *Meta) (rest *OriginResponse, cookies []string) {
	if !m.StripCookies {
		return resp, nil
	}
	stripped := *resp
	stripped.Fields = nil
	for _, field := range resp.Fields {
		if strings.EqualFold(field.Name, "set-cookie") {
			cookies = append(cookies, field.Value)
		} else {
			stripped.Fields = append(stripped.Fields, field)
		}
	}
	return &stripped, cookies
}

// refuseTo keeps a storable answer out of the store and leaves it to the leader.
func (e *Engine) refuseTo(f *flight, resp *OriginResponse, m *Meta, reason Reason, cancel context.CancelFunc) bool {
	resp, f.setCookies = strip(resp, m)
	return e.refuse(f, resp, reason, exclusive, cancel)
}

func (e *Engine) fail(f *flight, err *OriginError) {
	e.events.Fetched(f.policy, err.Reason, 0, since(f.begun, TimeOf(time.Now())))
	e.pauseRefresh(f)
	f.err = err
	f.settle(failed, err.Reason)
}

// pauseRefresh keeps a refresh that failed from being tried again at once by the next stale hit.
func (e *Engine) pauseRefresh(f *flight) {
	f.shard.mu.Lock()
	f.shard.backoff.set(f.hash, f.start, TimeOf(time.Now()).Add(refreshPause))
	f.shard.mu.Unlock()
}

// failWith passes a 5xx on to those who waited and have nothing stale; it is
// never stored over a page.
func (e *Engine) failWith(ctx context.Context, f *flight, resp *OriginResponse) {
	defer resp.Body.Close()
	e.pauseRefresh(f)
	head, _ := headOf(resp, true)
	f.entry = &Entry{Head: head}
	f.body.init(resp.Length, f.policy.MaxObject)
	f.settle(sharedFailure, ReasonServerError)
	_, err := f.body.fill(ctx, resp.Body, func() {})
	f.body.finish(truncated(err))
	e.events.Fetched(f.policy, ReasonServerError, f.status, since(f.begun, TimeOf(time.Now())))
}

// refuse is an answer that is not stored: the key is marked, and the answer is
// the leader's or nobody's. One to credentials marks nothing, since it says
// nothing of what others get: a wrong password must not take a page from all.
func (e *Engine) refuse(f *flight, resp *OriginResponse, reason Reason, v verdict, cancel context.CancelFunc) bool {
	now := TimeOf(time.Now())
	e.events.Fetched(f.policy, reason, f.status, since(f.begun, now))
	if !f.authed {
		e.mark(f, now, f.hash, f.start)
	}
	if v == unstorable && !f.authed {
		f.policy.Streak.unstorableAnswer(now, f.policy.HitForMiss)
	}
	if f.revalid { // there is no body to hand over but the old one
		resp.Body.Close()
		f.settle(v, reason)
		return false
	}
	resp.Body = &cancelOnClose{ReadCloser: resp.Body, cancel: cancel}
	f.offer(resp)
	f.settle(v, reason)
	return true
}

// mark notes hit-for-miss for a key of the flight and forgets what was stored there.
func (e *Engine) mark(f *flight, now Time, hash uint64, key []byte) {
	f.shard.mu.Lock()
	f.shard.marks.set(hash, key, now.Add(f.policy.HitForMiss))
	f.shard.mu.Unlock()
	e.store.Del(hash, key)
}

// admit shares a storable answer and lands it. With Verify nobody gets it before
// the whole body was looked at.
func (e *Engine) admit(ctx context.Context, cancel context.CancelFunc, f *flight, resp *OriginResponse, m *Meta) bool {
	f.entry = e.draft(f, resp, m)
	if f.policy.Verify != nil && !f.revalid {
		return e.admitVerified(ctx, f, resp)
	}
	if reason := e.publish(f); reason != ReasonStored {
		return e.refuseTo(f, resp, m, reason, cancel)
	}
	defer resp.Body.Close()
	f.policy.Streak.storable()
	f.body.init(resp.Length, f.policy.MaxObject)
	if f.revalid {
		e.finish(f, f.prior.Body, nil)
		f.settle(shared, ReasonStored)
		return false
	}
	f.settle(shared, ReasonStored)
	body, err := f.body.fill(ctx, resp.Body, func() { e.outgrown(f) })
	e.finish(f, body, err)
	if err != nil {
		e.leave(f) // who asks once the readers know of the break is not to join it
	}
	f.body.finish(truncated(err))
	return false
}

// admitVerified holds the page back until its body has been checked.
func (e *Engine) admitVerified(ctx context.Context, f *flight, resp *OriginResponse) bool {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, f.policy.MaxObject+1))
	if err != nil {
		e.fail(f, &OriginError{Reason: ReasonTruncated, Server: resp.Server, Err: err})
		return false
	}
	reason := ReasonTooLarge
	if int64(len(body)) <= f.policy.MaxObject {
		reason = f.policy.Verify(f.ask.Dims, f.spec.narrowed, f.spec.segment, &f.entry.Head, body)
	}
	if reason == ReasonStored {
		reason = e.publish(f)
	}
	if reason != ReasonStored {
		now := TimeOf(time.Now())
		e.events.Fetched(f.policy, reason, f.status, since(f.begun, now))
		e.mark(f, now, f.hash, f.start)
		f.policy.Streak.unstorableAnswer(now, f.policy.HitForMiss)
		f.settle(unstorable, reason)
		return false
	}
	f.policy.Streak.storable()
	e.finish(f, append(make([]byte, 0, len(body)), body...), nil) // without ReadAll's spare room
	f.settle(shared, ReasonStored)
	return false
}

// draft makes the entry, all but its body.
func (e *Engine) draft(f *flight, resp *OriginResponse, m *Meta) *Entry {
	var entry Entry
	entry.Head, f.setCookies = headOf(resp, m.StripCookies)
	f.spec, entry.spec = m.spec, m.spec
	entry.Key = appendVariant(slices.Clone(f.base), &f.spec, f.ask.Dims)
	entry.Key = slices.Clip(entry.Key)
	entry.Hash = e.hash(entry.Key)
	entry.Born, entry.TTL, entry.Grace, entry.Keep, entry.Retain, entry.NoCache = m.Born, m.TTL, m.Grace, m.Keep, m.Retain, m.NoCache
	entry.Labels = append(entry.Labels, f.ask.Labels...)
	for _, tag := range m.Tags {
		entry.Labels = append(entry.Labels, TagLabel(tag))
	}
	entry.Epoch = f.epoch
	return &entry
}

// publish records what the URL varies by and registers the flight under its
// final key, in one step: a request that reads the new record finds the flight.
func (e *Engine) publish(f *flight) Reason {
	sh, now := f.shard, TimeOf(time.Now())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	rec, _ := sh.specs.get(f.bhash, f.base)
	next := rec
	if special := len(f.spec.vary) > 0 || f.spec.narrowed; (rec == nil && special) || (rec != nil && !rec.specs[0].equal(&f.spec)) {
		next = rec.with(&f.spec)
	}
	if len(f.spec.vary) > 0 {
		if !next.admitsVariant(e.varyDigest(f), now, f.entry.Expires(), f.policy.MaxVariants) {
			return ReasonVariantLimit
		}
	}
	if next != rec {
		sh.specs.set(f.bhash, f.base, next)
	}
	final := string(f.entry.Key)
	// One that landed has nothing more to write, but it is not to be replaced by what a purge has left behind.
	if other := sh.flights[final]; other == nil || other == f || other.landed.Load() != nil && other.epoch.Local <= f.epoch.Local {
		sh.flights[final] = f
	}
	return ReasonStored
}

// varyDigest names the values of the fields in Vary, whatever the segment.
func (e *Engine) varyDigest(f *flight) uint64 {
	var b []byte
	for _, name := range f.spec.vary {
		b = appendString(b, name)
		b = f.ask.Dims.AppendField(b, name)
		b = binary.AppendUvarint(b, uint64(len(b)))
	}
	return e.hash(b)
}
