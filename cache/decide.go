package cache

import "time"

// Decision is what may be done with a stored entry before anything is fetched.
type Decision struct {
	// Outcome is Hit or Stale where the entry may be served now, else Miss.
	Outcome Outcome
	Reason  Reason
	Age     time.Duration
	TTL     time.Duration // left; negative once stale
	// Conditional: the origin may be asked with the entry's validators.
	Conditional bool
	// OnError: the entry may be served if the origin fails now.
	OnError bool
}

// Decide judges a stored entry for a request (RFC 9111, 4; RFC 5861). v is what
// the purges say of it. e may be nil. It reads no clock and changes nothing.
func Decide(now Time, r *Request, e *Entry, v Verdict, p *Policy) Decision {
	if e == nil {
		return Decision{Outcome: Miss, Reason: ReasonAbsent}
	}
	if v.State == HardPurged {
		return Decision{Outcome: Miss, Reason: ReasonPurgedHard}
	}
	d := Decision{Age: max(0, time.Duration(now-e.Born))}
	staleAt := e.Born.Add(e.TTL)
	if v.State == SoftPurged {
		// The page became stale at the purge; grace and keep count from there.
		staleAt = min(staleAt, v.Since)
	}
	d.TTL = time.Duration(staleAt - now)
	d.Conditional = v.State == NotPurged && e.hasValidator(p.Scope)
	d.OnError = now < staleAt.Add(e.Keep)
	d.Outcome, d.Reason = freshness(now, staleAt, e, v)
	if d.Outcome != Miss {
		d.heed(r)
	}
	return d
}

func freshness(now, staleAt Time, e *Entry, v Verdict) (Outcome, Reason) {
	switch {
	case e.NoCache:
		return Miss, ReasonRevalidate
	case now < staleAt:
		return Hit, ReasonFresh
	case now < staleAt.Add(e.Grace):
		return Stale, ReasonGrace
	case v.State == SoftPurged:
		return Miss, ReasonPurgedSoft
	default:
		return Miss, ReasonExpired
	}
}

// heed applies the request's own directives (RFC 9111, 5.2.1); they are zero
// where the site does not honour this client's.
func (d *Decision) heed(r *Request) {
	c := &r.Directives
	switch {
	case c.NoCache, c.NoStore:
	case c.MaxAge.Set && d.Age > c.MaxAge.Duration() && !(c.MaxStale.Set && d.Age <= c.MaxAge.Duration()+c.MaxStale.Duration()):
	case c.MinFresh.Set && d.TTL < c.MinFresh.Duration():
	case d.Outcome == Stale && (c.MaxAge.Set || c.MinFresh.Set) && !c.MaxStale.Set:
	case d.Outcome == Stale && c.MaxStale.Set && -d.TTL > c.MaxStale.Duration():
	default:
		return
	}
	d.Outcome, d.Reason = Miss, ReasonRequestDirective
}
