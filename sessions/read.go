package sessions

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/aislecache/aisle/sessions/transform"
)

// Read gives the session that the call names as it is now, or a new one where it names none (facts 1.8). Cookies that
// changed since the last call, and what apps look up elsewhere, show in it: they are stored then.
func (s *Service) Read(ctx context.Context, call Call) (Outcome, error) {
	if id := s.named(call); id != "" {
		out, err := s.read(ctx, id, call)
		if !errors.Is(err, ErrNotFound) {
			return out, err
		}
	}
	return s.create(ctx, call, Change{})
}

// read takes no turn as long as there is nothing to write: readers must not wait for writers.
func (s *Service) read(ctx context.Context, id string, call Call) (Outcome, error) {
	was, err := s.load(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	next, err := s.apply(ctx, was, call, Change{}, false)
	if err != nil {
		return Outcome{}, err
	}
	if next.data != nil {
		return s.edit(ctx, id, call, Change{})
	}
	return s.keep(ctx, next)
}

// Segment gives the segment that the call's session would have with these public values. Nothing of that is
// kept (facts 1.6); own is the segment of the session as it is. Without a session both are what a new one would have, and
// neither is one created: servers ask by the thousand. Where the values are refused there is own beside the error.
func (s *Service) Segment(ctx context.Context, call Call, overrides transform.Values) (asked, own Issued, err error) {
	change := Change{Query: overrides}
	if id := s.named(call); id != "" {
		asked, own, err = s.segmentOf(ctx, id, call, change)
		if !errors.Is(err, ErrNotFound) {
			return asked, own, err
		}
	}
	next, err := s.apply(ctx, s.fresh(), call, change, true)
	if err != nil {
		return Issued{}, Issued{}, err
	}
	if err := s.putFacets(ctx, next.issued, next.session.Expires); err != nil {
		return Issued{}, Issued{}, err
	}
	return next.issued, next.issued, nil
}

func (s *Service) segmentOf(ctx context.Context, id string, call Call, change Change) (asked, own Issued, err error) {
	out, err := s.read(ctx, id, call)
	if err != nil || change.empty() {
		return out.Segment, out.Segment, err
	}
	next, err := s.apply(ctx, out.Session, call, change, false)
	return next.issued, out.Segment, err
}

// Recover gives a session's segment to an edge whose shopper has lost the cookie, or whose seal has run out. What apps look up
// elsewhere shows in it, as in Read: a price table that was taken away is not renewed. The shopper's cookies are those of
// their last call, as an edge tells of no others. ErrNotFound where the token names no session.
func (s *Service) Recover(ctx context.Context, token string) (Outcome, error) {
	call := Call{Tokens: []string{token}}
	id := s.named(call)
	if id == "" {
		return Outcome{}, ErrNotFound
	}
	return s.read(ctx, id, call)
}

// Facets gives what a reference in a segment stands for, or ErrNotFound.
func (s *Service) Facets(ctx context.Context, reference string) (string, error) {
	if _, err := hex.DecodeString(reference); err != nil || len(reference) != referenceLength {
		return "", ErrNotFound
	}
	facets, err := s.o.Store.GetFacets(ctx, reference)
	if err != nil {
		return "", s.storeError(err)
	}
	return string(facets), nil
}

// ID gives the id of the session that text means: an id itself, or a token of ours that is still valid. "" where
// it is neither. It does not say that there is such a session.
func (s *Service) ID(text string) string {
	if id, err := uuid.Parse(text); err == nil && id.String() == text { // not {…}, urn:… or in upper case, which would be other names of one session
		return text
	}
	id, state := s.o.Tokens.Verify(time.Now(), text)
	if state != TokenValid {
		return ""
	}
	return id
}

// Show gives a session by its id, revoked ones too, or ErrNotFound.
func (s *Service) Show(ctx context.Context, id string) (*Session, error) {
	data, err := s.o.Store.Load(ctx, id)
	if err != nil {
		return nil, s.storeError(err)
	}
	session, err := Decode(data)
	if err == nil && session.Account != s.o.Account {
		return nil, ErrNotFound
	}
	return session, err
}

// Erase deletes a session for good, or gives ErrNotFound. Its tokens begin a new one from then on.
func (s *Service) Erase(ctx context.Context, id string) error {
	if _, err := s.Show(ctx, id); errors.Is(err, ErrNotFound) {
		return err // another account's is none of ours to erase
	}
	return s.storeError(s.o.Store.Delete(ctx, id))
}

// Ready says why the store does not answer, nil if it does.
func (s *Service) Ready(ctx context.Context) error {
	_, err := s.o.Store.Load(ctx, uuid.NewString()) // the one question that any store answers at once
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
