package sessions

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
)

// Edit applies a change to the session that the call names, or to a new one where it names none. It
// fails with a *Fault or a *transform.Refusal where the change is refused, and then nothing of it is stored. What the call
// shows of its shopper counts all the same where there was a session: the outcome beside the error is that session as it is then.
func (s *Service) Edit(ctx context.Context, call Call, change Change) (Outcome, error) {
	if id := s.named(call); id != "" {
		out, err := s.edit(ctx, id, call, change)
		if !errors.Is(err, ErrNotFound) {
			return out, err
		}
	}
	return s.create(ctx, call, change)
}

// edit works on what is stored now until the store takes its work: a conflict means that another process
// was faster, and so that something was done.
func (s *Service) edit(ctx context.Context, id string, call Call, change Change) (Outcome, error) {
	leave, err := s.turns.enter(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	for {
		was, err := s.load(ctx, id)
		if err != nil {
			return Outcome{}, err
		}
		next, refused, err := s.accept(ctx, was, call, change)
		if err != nil {
			return Outcome{}, err
		}
		out, err := s.keep(ctx, next)
		if err == nil {
			return out, refused
		}
		if !errors.Is(err, ErrConflict) {
			return Outcome{}, err
		}
		s.metrics.conflict()
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
	}
}

// accept makes the successor by a change, or without it where it is refused: clients restate values with every call, and
// who has logged out would be kept logged in by them.
func (s *Service) accept(ctx context.Context, was *Session, call Call, change Change) (next successor, refused, err error) {
	next, err = s.apply(ctx, was, call, change, false)
	if change.empty() || !refusal(err) {
		return next, nil, err
	}
	refused = err
	next, err = s.apply(ctx, was, call, Change{}, false)
	return next, refused, err
}

// refusal says whether an error is about what a change says.
func refusal(err error) bool {
	var refused *transform.Refusal
	return errors.As(err, &refused) || oversized(err)
}

func (s *Service) create(ctx context.Context, call Call, change Change) (Outcome, error) {
	if call.Admit != nil {
		if err := call.Admit(); err != nil {
			return Outcome{}, err
		}
	}
	next, err := s.apply(ctx, s.fresh(), call, change, true)
	if err != nil {
		return Outcome{}, err
	}
	out, err := s.keep(ctx, next)
	out.Created = err == nil
	return out, err
}

// successor is what a change makes of a session. It is not stored yet.
type successor struct {
	session *Session
	issued  Issued
	data    []byte // the session at rest; nil: it is as it was
	told    *held  // what apps have to tell of it
}

// held is what apps have to tell of a successor. One that is tried, refused or beaten by another process is never told of.
type held struct {
	mu   sync.Mutex
	list []func() // guarded by mu
}

func (h *held) add(tell func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, tell)
}

func (h *held) tell() {
	h.mu.Lock()
	list := h.list
	h.list = nil
	h.mu.Unlock()
	for _, tell := range list {
		tell()
	}
}

// apply makes the successor of a session: with the query's values if it fits with them.
func (s *Service) apply(ctx context.Context, was *Session, call Call, change Change, created bool) (successor, error) {
	next, err := s.transform(ctx, was, call, change, created)
	if err == nil || len(change.Query) == 0 || !oversized(err) {
		return next, err
	}
	s.metrics.dropped(oversizedQuery, len(change.Query[transform.PublicNamespace]))
	change.Query = nil
	return s.transform(ctx, was, call, change, created)
}

func oversized(err error) bool {
	var fault *Fault
	return errors.Is(err, ErrSegmentTooLarge) || errors.As(err, &fault) && fault.Type == typeTooLarge
}

func (s *Service) transform(ctx context.Context, was *Session, call Call, change Change, created bool) (successor, error) {
	told := &held{}
	result, err := s.engine.Load().Run(ctx, was.Values, transform.Change{
		Values: merged(change), Cookies: cookiesOf(was, call), Created: created, Marks: was.Marks, Operation: call.Operation, Hold: told.add,
	})
	if err != nil {
		return successor{}, err
	}
	session := *was
	session.Values, session.Marks, session.KeepAlive = result.Values, result.Marks, map[transform.Key]bool{}
	maps.Copy(session.KeepAlive, was.KeepAlive)
	maps.Copy(session.KeepAlive, change.KeepAlive)
	maps.DeleteFunc(session.KeepAlive, func(k transform.Key, on bool) bool { return !on || session.Values.Get(k) == nil })
	if err := s.o.Limits.check(&session); err != nil {
		return successor{}, err
	}
	issued, err := issueSegment(session.Values) // before anything is stored: a session without a segment is of no use
	if err != nil {
		return successor{}, err
	}
	if !created && !result.Edited && maps.Equal(was.KeepAlive, session.KeepAlive) {
		return successor{session: &session, issued: issued, told: told}, nil
	}
	if !created {
		session.Replaced = s.replaced(was, issued)
	}
	data, err := s.encode(&session)
	return successor{&session, issued, data, told}, err
}

// maxReplaced bounds Session.Replaced: the oldest go. Who edits a session more often within the life of a seal has it forget
// tokens that only a revocation would ask for.
const maxReplaced = 32

// replaced is what a session has to remember of its tokens once another one is issued: a seal of them counts until it runs
// out, whatever the session says by then, and a revocation must find them.
func (s *Service) replaced(was *Session, issued Issued) []Sealed {
	now := time.Now()
	list := slices.DeleteFunc(slices.Clone(was.Replaced), func(o Sealed) bool { return o.Until <= now.Unix() })
	before, err := issueSegment(was.Values)
	if err == nil && before.Token != issued.Token {
		token := segment.DigestOf([]byte(before.Token))
		list = slices.DeleteFunc(list, func(o Sealed) bool { return o.Token == token })
		list = append(list, Sealed{token, s.o.Sealer.Latest(now, []byte(before.Token)).Unix()})
	}
	return list[max(0, len(list)-maxReplaced):]
}

// encode gives a session its next version, and the bytes that are stored.
func (s *Service) encode(session *Session) ([]byte, error) {
	session.Version++
	if s.o.Sliding {
		session.Expires = time.Now().Truncate(time.Second).Add(s.o.TTL).UTC()
	}
	data, err := session.Encode()
	if err == nil && len(data) > s.o.Limits.Session {
		return nil, tooLarge("the session would have more than %d bytes", s.o.Limits.Session)
	}
	return data, err
}

// merged is what a change writes: what the body says counts over the query's.
func merged(c Change) transform.Values {
	all := c.Query.Clone()
	for k, v := range c.Values.All() {
		all.Put(k, v)
	}
	return all
}

// cookiesOf are the cookies that the shopper has, as far as this call and those before say.
func cookiesOf(s *Session, call Call) []transform.Cookie {
	if call.Browser {
		return call.Cookies
	}
	stated := map[string]bool{}
	for _, c := range call.Cookies {
		stated[c.Name] = true
	}
	all := call.Cookies[:len(call.Cookies):len(call.Cookies)]
	for name := range s.Values[transform.CookieNamespace] {
		if !stated[name] {
			value := s.Values.Text(transform.Key{Namespace: transform.CookieNamespace, Name: name})
			all = append(all, transform.Cookie{Name: name, Value: value})
		}
	}
	return all
}

// keep stores a successor that differs from what is stored, and moves the end of one that does not.
func (s *Service) keep(ctx context.Context, next successor) (Outcome, error) {
	out := Outcome{Session: next.session, Segment: next.issued}
	if next.data == nil {
		var err error
		if out.Moved, err = s.touch(ctx, next); err == nil {
			next.told.tell()
		}
		return out, err
	}
	// The facets first: whoever reads the session may issue the reference at once.
	if err := s.putFacets(ctx, next.issued, next.session.Expires); err != nil {
		return Outcome{}, err
	}
	if err := s.o.Store.Save(ctx, next.session.ID, next.session.Version, next.data, next.session.Expires); err != nil {
		return Outcome{}, s.storeError(err)
	}
	s.ends.put(next.session.ID, next.session.Expires.Unix())
	s.metrics.saved(next.session.Version, next.issued)
	next.told.tell()
	out.Moved = true
	return out, nil
}

func (s *Service) putFacets(ctx context.Context, issued Issued, until time.Time) error {
	if issued.Reference == "" {
		return nil
	}
	return s.storeError(s.o.Store.PutFacets(ctx, issued.Reference, []byte(issued.Facets), until))
}

// touch moves the end of a session with a sliding lifetime, if that is worth a write, and puts the end into
// the session.
func (s *Service) touch(ctx context.Context, next successor) (moved bool, err error) {
	if !s.o.Sliding {
		return false, nil
	}
	id := next.session.ID
	end := time.Now().Truncate(time.Second).Add(s.o.TTL).UTC()
	if known, ok := s.ends.get(id); ok && end.Unix()-known <= int64(s.o.TTL/20/time.Second) {
		next.session.Expires = time.Unix(known, 0).UTC()
		return false, nil
	}
	if err := s.putFacets(ctx, next.issued, end); err != nil {
		return false, err
	}
	if err := s.o.Store.Touch(ctx, id, end); err != nil {
		return false, s.storeError(err)
	}
	s.ends.put(id, end.Unix())
	next.session.Expires = end
	return true, nil
}
