package cache

import (
	"context"
	"io"
	"runtime/debug"
	"slices"
	"time"
)

// alone fetches for one request only: a HEAD, which never fills, a GET that
// wants nothing stored (RFC 9111, 5.2.1.5), a part, or one that could not share. The
// same rule holds as for a flight: what is not storable is not for a request
// from which something was taken.
func (e *Engine) alone(sh *shard, r *Request, stale *Entry, d Decision) Result {
	began := TimeOf(time.Now())
	sh.mu.Lock()
	reason := e.passing(sh, r, began)
	sh.mu.Unlock()
	if reason != ReasonNone {
		return passOn(reason)
	}
	if !r.Head && r.Policy.Verify != nil {
		return Result{Outcome: Pass, Reason: ReasonAlone, PassOn: true} // nobody would check the body
	}
	resp, err := e.fetchAlone(r)
	if err != nil {
		e.events.Fetched(r.Policy, err.Reason, 0, since(began, TimeOf(time.Now())))
		return e.withoutAnswer(r, stale, err)
	}
	return e.judgeAlone(r, resp, began, stale, d)
}

// fetchAlone asks the origin within the request's deadline. Closing the body
// ends the fetch.
func (e *Engine) fetchAlone(r *Request) (resp *OriginResponse, err *OriginError) {
	ctx, cancel := context.WithCancel(e.ctx)
	defer func() {
		if v := recover(); v != nil { // as a flight does: the server need not know that ports may panic
			e.events.Panicked(v, debug.Stack())
			err = &OriginError{Reason: ReasonPanic, Err: errPanicked}
		}
		if resp == nil {
			cancel()
		}
	}()
	if ctx.Err() != nil {
		return nil, &OriginError{Reason: ReasonShuttingDown, Err: errClosed}
	}
	inTime := func() bool { return true }
	if !r.Deadline.IsZero() {
		inTime = time.AfterFunc(time.Until(r.Deadline), cancel).Stop
	}
	ask := r.Asker.Ask()
	defer ask.release()
	request := ask.Request
	if len(ask.Part) > 0 {
		part := *request
		part.Fields = append(slices.Clip(part.Fields), ask.Part...)
		request = &part
	}
	answer, err := e.fetchOnce(ctx, ask, request)
	switch {
	case !inTime():
		if err == nil {
			answer.Body.Close()
		}
		return nil, &OriginError{Reason: ReasonWaitedTooLong, Err: errDeadline}
	case err != nil:
		return nil, err
	}
	answer.Body = &cancelOnClose{ReadCloser: answer.Body, cancel: cancel}
	return answer, nil
}

func passOn(reason Reason) Result {
	outcome := HitForMiss
	if reason == ReasonRoutePassing {
		outcome = Pass
	}
	return Result{Outcome: outcome, Reason: reason, PassOn: true}
}

func (e *Engine) judgeAlone(r *Request, resp *OriginResponse, began Time, stale *Entry, d Decision) (res Result) {
	defer func() {
		if res.Handover == nil {
			resp.Body.Close()
		}
	}()
	now := TimeOf(time.Now())
	whole, asked := wholeOf(resp, r.ranged())
	meta, reason := Admit(&Exchange{Response: whole, Authorized: r.Authorized, Requested: began, Received: now}, r.Policy)
	e.events.Fetched(r.Policy, r.aloneBecause(), resp.Status, since(began, now))
	switch {
	case !asked:
		return e.withoutAnswer(r, stale, &OriginError{Reason: ReasonMalformed, Server: resp.Server, Err: errUnasked})
	case resp.Status >= 500:
		if old, ok := e.staleOnError(r, stale); ok {
			old.FwdStatus = resp.Status
			return old
		}
		d.Reason = ReasonServerError
		meta.StripCookies = true
	case reason != ReasonStored && r.Taken:
		return Result{Outcome: Pass, Reason: reason, PassOn: true, FwdStatus: resp.Status}
	case !r.ranged() && r.tooLongFor(resp):
		return Result{Outcome: Pass, Reason: ReasonTooLarge, PassOn: true, FwdStatus: resp.Status}
	}
	res = Result{Outcome: Miss, Reason: d.Reason, FwdStatus: resp.Status}
	var cookies []string
	res.Handover, cookies = strip(resp, &meta) // a Meta that Admit refused strips nothing
	if r.Cookieless {
		res.SetCookies = cookies
	}
	return res
}

// cancelOnClose ends the fetch with its body.
type cancelOnClose struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *cancelOnClose) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}
