package cache

import "time"

// await waits for a flight's verdict and turns it into this request's answer.
// again says that the request has to look anew.
// r was counted in as a reader when it joined.
func (e *Engine) await(f *flight, r *Request, stale *Entry, d Decision, leader bool, joined uint64, try int) (res Result, again bool) {
	defer func() {
		if res.Stream == nil {
			f.body.quit()
		}
	}()
	r.waited = r.waited || !f.decided()
	if !f.wait(r.Deadline) {
		if leader {
			f.abandon()
		}
		return e.withoutAnswer(r, stale, &OriginError{Reason: ReasonWaitedTooLong, Err: errDeadline}), false
	}
	switch f.verdict {
	case shared:
		return e.deliver(f, r, d, leader, joined, try)
	case sharedFailure:
		if res, ok := e.staleOnError(r, stale); ok {
			res.FwdStatus, res.Collapsed = f.status, !leader
			return res, false
		}
		return Result{Outcome: outcomeOf(f, leader), Reason: f.reason, Stream: f.body.reader(&f.entry.Head), FwdStatus: f.status, Collapsed: !leader}, false
	case failed:
		return e.afterFailure(f, r, stale, leader, try)
	default:
		return f.forOne(r, leader), false
	}
}

// wait waits for the verdict until deadline; the zero deadline is never.
func (f *flight) wait(deadline time.Time) bool {
	if f.decided() {
		return true
	}
	if deadline.IsZero() {
		<-f.ready
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-f.ready:
		return true
	case <-timer.C:
		return false
	}
}

// deliver serves a shared page to one of those who waited for it. The leader
// always gets it; a follower only if it is the variant that it asked for and
// nothing was purged between the flight's beginning and its own coming.
func (e *Engine) deliver(f *flight, r *Request, d Decision, leader bool, joined uint64, try int) (res Result, again bool) {
	if !leader {
		if !f.matches(r) {
			return Result{}, true
		}
		if joined > f.epoch.Local && e.epochs.Check(f.entry.Labels, f.epoch).State != NotPurged {
			return Result{}, true
		}
	}
	now := TimeOf(time.Now())
	res = Result{Outcome: outcomeOf(f, leader), Reason: reasonOf(d, f), Collapsed: !leader, Stored: leader, FwdStatus: f.status}
	res.Age = max(0, since(f.entry.Born, now))
	res.TTL = f.entry.TTL - res.Age
	if whole := f.landed.Load(); whole != nil {
		res.Entry = whole
		if !leader && !r.waited {
			res.Outcome, res.Reason, res.Collapsed = Hit, ReasonLanding, false
		}
	} else {
		res.Stream = f.body.reader(&f.entry.Head)
	}
	if leader {
		r.key = append(r.key[:0], f.entry.Key...) // it asked before it knew what the page varies by
		if r.Cookieless {
			res.SetCookies = f.setCookies
		}
	}
	return res, false
}

func reasonOf(d Decision, f *flight) Reason {
	if f.revalid {
		return ReasonNotModified
	}
	return d.Reason
}

// afterFailure: a stale page if there is one; else the next of those who waited
// tries, once; else the failure.
func (e *Engine) afterFailure(f *flight, r *Request, stale *Entry, leader bool, try int) (Result, bool) {
	if res, ok := e.staleOnError(r, stale); ok {
		return res, false
	}
	if !leader && try == 0 {
		return Result{}, true
	}
	return Result{Outcome: Failed, Reason: f.err.Reason, Err: f.err}, false
}

// withoutAnswer gives the stale page where it may still be served, else the error.
func (e *Engine) withoutAnswer(r *Request, stale *Entry, err *OriginError) Result {
	if res, ok := e.staleOnError(r, stale); ok {
		return res
	}
	return Result{Outcome: Failed, Reason: err.Reason, Err: err}
}

// staleOnError gives the stale page where it may be served although the origin
// fails. It is judged anew: while the request waited, a purge or the end of its
// keep may have come.
func (e *Engine) staleOnError(r *Request, stale *Entry) (Result, bool) {
	if stale == nil {
		return Result{}, false
	}
	d := Decide(TimeOf(time.Now()), r, stale, e.epochs.checkEntry(stale), r.Policy)
	if !d.OnError {
		return Result{}, false
	}
	return Result{Outcome: Stale, Reason: ReasonStaleOnError, Entry: stale, Age: d.Age, TTL: d.TTL}, true
}

// forOne is the verdict that an answer is not for everyone: the leader may have
// it where nothing was taken from its request, or where the page would have
// been storable but for its size; all others go again with their own credentials.
// So does a leader that wants a part of what is too large, with its Range.
func (f *flight) forOne(r *Request, leader bool) Result {
	if leader && (f.verdict == exclusive || !r.Taken) {
		resp := f.claim()
		if resp != nil && r.tooLongFor(resp) {
			resp.Body.Close()
			resp = nil
		}
		if resp != nil {
			cookies := f.setCookies
			if !r.Cookieless {
				cookies = nil
			}
			return Result{Outcome: Miss, Reason: f.reason, Handover: resp, FwdStatus: f.status, SetCookies: cookies}
		}
	}
	if leader {
		f.abandon()
	}
	return Result{Outcome: Pass, Reason: f.reason, PassOn: true, FwdStatus: f.status, Collapsed: !leader}
}

func outcomeOf(f *flight, leader bool) Outcome {
	switch {
	case !leader:
		return Collapsed
	case f.revalid:
		return Revalidated
	default:
		return Miss
	}
}
