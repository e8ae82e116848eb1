package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

// Store is a store.Movable, and so a sessions.Store, in Redis. It is made by Open.
type Store struct {
	options Options
	client  rueidis.Client
	scripts scripts
	once    sync.Once
	closing chan struct{} // closed by Close
}

var _ store.Movable = (*Store)(nil)

// Open connects to the server, or to one of the Sentinels or nodes given. A server that does not answer gives
// an error that wraps sessions.ErrUnavailable.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("session store redis: %w", err)
	}
	option, err := o.client()
	if err != nil {
		return nil, fmt.Errorf("session store redis: %w", err)
	}
	s := &Store{options: o, scripts: newScripts(), closing: make(chan struct{})}
	s.client, err = rueidis.NewClient(option)
	if err != nil {
		if s.client != nil {
			s.client.Close()
		}
		return nil, s.explain(err)
	}
	return s, nil
}

// Close ends the connections. Calls that wait for a server end with errors that wrap sessions.ErrUnavailable, and
// so do later ones. It never fails.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.client.Close()
	})
	return nil
}

// The keys. The hash tag keeps what belongs to one session, now and in later versions, on one node.
func (s *Store) sessionKey(id string) string { return s.options.Prefix + "s:{" + id + "}" }
func (s *Store) facetsKey(ref string) string { return s.options.Prefix + "f:{" + ref + "}" }

// fetch gives the row under key, the zero row where there is none.
func (s *Store) fetch(ctx context.Context, key string) (r row, err error) {
	err = s.call(ctx, func(ctx context.Context, _ bool) error {
		value, err := s.client.Do(ctx, s.client.B().Get().Key(key).Build()).AsBytes()
		if rueidis.IsRedisNil(err) {
			r = row{}
			return nil
		}
		if err != nil {
			return err
		}
		if r, err = decode(value); err != nil {
			return fmt.Errorf("%w: %w", errRow, err)
		}
		return nil
	})
	return r, err
}

// Load implements sessions.Store.
func (s *Store) Load(ctx context.Context, id string) ([]byte, error) {
	r, err := s.fetch(ctx, s.sessionKey(id))
	if err == nil && (r.kind == store.Absent || r.kind == store.Buried) {
		err = sessions.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return r.data, nil
}

// Get implements store.Movable.
func (s *Store) Get(ctx context.Context, id string) (store.Entry, error) {
	r, err := s.fetch(ctx, s.sessionKey(id))
	if err != nil || r.kind == store.Absent {
		return store.Entry{Stored: sessions.Stored{ID: id}}, err
	}
	e := store.Entry{Stored: stored(id, r), Kind: r.kind}
	if r.kind == store.Buried {
		e.Data = nil
	}
	return e, nil
}

func stored(id string, r row) sessions.Stored {
	return sessions.Stored{ID: id, Version: r.version, Data: r.data, Expires: time.UnixMilli(r.expires).UTC()}
}

// Save implements sessions.Store. When the answer to a write got lost, the row that is there says whether it was
// carried out. Only when somebody else has edited it since, which needs that it was, is a conflict given for a
// write that took place: the edit is then made anew, after the other.
func (s *Store) Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error {
	r := row{kind: store.Native, version: version, expires: millis(expires), mark: newMark(), data: data}
	value := r.encode()
	return s.call(ctx, func(ctx context.Context, _ bool) error {
		n, err := s.write(ctx, s.scripts.save, s.sessionKey(id),
			hex16(version-1), hex16(version), r.mark, value, decimal(r.expires))
		return answer(n, err)
	})
}

// answer gives the error of what a script answered.
func answer(n int64, err error) error {
	switch {
	case err != nil:
		return err
	case n == missing:
		return sessions.ErrNotFound
	case n == nothing:
		return sessions.ErrConflict
	}
	return nil
}

// Touch implements sessions.Store.
func (s *Store) Touch(ctx context.Context, id string, expires time.Time) error {
	end := millis(expires)
	return s.call(ctx, func(ctx context.Context, _ bool) error {
		return answer(s.write(ctx, s.scripts.touch, s.sessionKey(id), letters[store.Native:store.Native+1]+hex16(uint64(end)), decimal(end)))
	})
}

// Delete implements sessions.Store. It leaves graves alone. One whose answer got lost succeeds if the session is
// not there: it then leaves a grave for a moment, so that replicas can be waited for.
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.call(ctx, func(ctx context.Context, again bool) error {
		grave, end := "", int64(1)
		if again {
			end = millis(time.Now().Add(s.options.Patience))
			grave = row{kind: store.Buried, expires: end, mark: noMark}.encode()
		}
		return answer(s.write(ctx, s.scripts.delete, s.sessionKey(id), grave, decimal(end)))
	})
}

// PutFacets implements sessions.Store.
func (s *Store) PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error {
	r := row{kind: store.Native, expires: millis(expires), mark: noMark, data: value}
	key, end, encoded := s.facetsKey(ref), hex16(uint64(r.expires)), r.encode()
	return s.call(ctx, func(ctx context.Context, _ bool) error {
		// Most are there already: that is asked without sending them.
		had, err := s.client.Do(ctx, s.client.B().Getrange().Key(key).Start(18).End(33).Build()).ToString()
		if err != nil || had >= end {
			return err
		}
		_, err = s.write(ctx, s.scripts.facets, key, end, encoded, decimal(r.expires))
		return err
	})
}

// GetFacets implements sessions.Store.
func (s *Store) GetFacets(ctx context.Context, ref string) ([]byte, error) {
	r, err := s.fetch(ctx, s.facetsKey(ref))
	if err == nil && r.kind == store.Absent {
		err = sessions.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return r.data, nil
}

// Import implements store.Movable.
func (s *Store) Import(ctx context.Context, from sessions.Stored) (bool, error) {
	r := row{kind: store.Copy, version: from.Version, expires: millis(from.Expires), mark: newMark(), data: from.Data}
	if !time.Now().Before(from.Expires) {
		return false, s.ready(ctx)
	}
	value := r.encode()
	return s.whether(ctx, s.scripts.imports, from.ID,
		hex16(r.version), hex16(uint64(r.expires)), r.mark, value, decimal(r.expires))
}

// Retract implements store.Movable.
func (s *Store) Retract(ctx context.Context, id string, version uint64) (bool, error) {
	return s.whether(ctx, s.scripts.retract, id, hex16(version)+letters[store.Copy:store.Copy+1])
}

// Bury implements store.Movable.
func (s *Store) Bury(ctx context.Context, id string, until time.Time) error {
	r := row{kind: store.Buried, expires: millis(until), mark: noMark}
	_, err := s.whether(ctx, s.scripts.bury, id, r.encode(), decimal(r.expires))
	return err
}

// whether runs a script on a session and says whether it did something.
func (s *Store) whether(ctx context.Context, script script, id string, args ...string) (did bool, err error) {
	err = s.call(ctx, func(ctx context.Context, _ bool) error {
		n, err := s.write(ctx, script, s.sessionKey(id), args...)
		did = n == done
		return err
	})
	return did && err == nil, err
}

// Ping says whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, func(ctx context.Context, _ bool) error {
		answer, err := s.client.Do(ctx, s.client.B().Ping().Build()).ToString()
		if err == nil && answer != "PONG" {
			err = errors.New("no PONG")
		}
		return err
	})
}
