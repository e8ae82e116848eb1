package sessions

import (
	"context"
	"errors"
	"time"

	"github.com/aislecache/aisle/segment"
)

// Revocation is what was revoked.
type Revocation struct {
	ID    string   `json:"id,omitempty"` // of the session that has ended; "" where only seals were
	Seals []Sealed `json:"seals"`        // the tokens of which every seal with an expiry up to Until is void
}

// Revoke ends the session that text means, by its id or by a token of it, and has every seal void that was issued for it
// so far. Text may be a segment token too: then its seals are void, and no session ends. ErrNotFound where it is none of
// these.
//
// Others who have an equal segment get a seal anew from their own sessions. This process remembers what is void; others
// are told by whoever asked.
func (s *Service) Revoke(ctx context.Context, text string) (Revocation, error) {
	if id := s.ID(text); id != "" {
		session, err := s.deactivate(ctx, id)
		if err != nil {
			return Revocation{}, err
		}
		return Revocation{ID: id, Seals: s.voidSeals(session)}, nil
	}
	if _, reason := segment.Decode([]byte(text), maxCookie); reason != segment.OK {
		return Revocation{}, ErrNotFound
	}
	return Revocation{Seals: []Sealed{s.voidSeal(segment.DigestOf([]byte(text)))}}, nil
}

func (s *Service) voidSeal(token segment.Digest) Sealed {
	return Sealed{token, s.o.Sealer.Revoke(time.Now(), token).Unix()}
}

// voidSeals finds the tokens of a session of which seals may count.
func (s *Service) voidSeals(session *Session) (list []Sealed) {
	if issued, err := issueSegment(session.Values); err == nil {
		list = append(list, s.voidSeal(segment.DigestOf([]byte(issued.Token))))
	}
	for _, before := range session.Replaced {
		if before.Until > time.Now().Unix() {
			list = append(list, s.voidSeal(before.Token))
		}
	}
	return list
}

// deactivate ends a session, or gives ErrNotFound: its tokens name nothing any more and begin a new one, and no seal of it is
// renewed. The record stays, inactive, until it expires; Erase leaves none.
func (s *Service) deactivate(ctx context.Context, id string) (*Session, error) {
	leave, err := s.turns.enter(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	for {
		session, err := s.Show(ctx, id)
		if err != nil {
			return nil, err
		}
		now := time.Now().Truncate(time.Second).UTC()
		session.Active, session.SealsVoid = false, now
		session.Version++
		if session.Expires.Before(now) {
			session.Expires = now.Add(s.o.TTL) // the store's end of a sliding lifetime is later than the record's
		}
		data, err := session.Encode()
		if err != nil {
			return nil, err
		}
		err = s.o.Store.Save(ctx, id, session.Version, data, session.Expires)
		if !errors.Is(err, ErrConflict) {
			return session, s.storeError(err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}
