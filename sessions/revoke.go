package sessions

import (
	"context"
	"errors"
	"time"
)

// Revoke ends a session, or gives ErrNotFound: its tokens name nothing any more and begin a new one, and no seal of it is
// renewed. Those issued so far, of a token that others may share, end by themselves within segment.seal_ttl and a
// quarter of an hour. The record stays, inactive, until it expires; Erase leaves none.
func (s *Service) Revoke(ctx context.Context, id string) error {
	leave, err := s.turns.enter(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	for {
		session, err := s.Show(ctx, id)
		if err != nil {
			return err
		}
		now := time.Now().Truncate(time.Second).UTC()
		session.Active, session.SealsVoid = false, now
		session.Version++
		if session.Expires.Before(now) {
			session.Expires = now.Add(s.o.TTL) // the store's end of a sliding lifetime is later than the record's
		}
		data, err := session.Encode()
		if err != nil {
			return err
		}
		err = s.o.Store.Save(ctx, id, session.Version, data, session.Expires)
		if !errors.Is(err, ErrConflict) {
			return s.storeError(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
