package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/aislecache/aisle/sessions"
)

// verdict says what an attempt has come to.
type verdict uint8

const (
	settled verdict = iota // an answer of the store: success, not found, a conflict
	failed                 // an answer that will be the same next time
	short                  // it was carried out, on too few replicas
	refused                // it was not carried out, and may be next time
	unknown                // it may have been carried out
	verdicts
)

// String returns the word used in messages of tests.
func (v verdict) String() string {
	return [...]string{"settled", "failed", "short", "refused", "unknown", "none"}[min(v, verdicts)]
}

// judge gives the verdict on an attempt's error.
func judge(err error) verdict {
	switch {
	case err == nil, errors.Is(err, sessions.ErrNotFound), errors.Is(err, sessions.ErrConflict):
		return settled
	case errors.Is(err, errReplicas):
		return short
	case errors.Is(err, errRow):
		return failed
	}
	reply, ok := rueidis.IsRedisErr(err)
	if !ok {
		return unknown
	}
	switch code(reply) {
	// A server that is being replaced, is not ready, or does not have the slot any more.
	case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "BUSY":
		return refused
	}
	return failed
}

// code is the first word of an error reply, all that may be told of it: the rest may quote the command, and
// so a session.
func code(reply *rueidis.RedisError) string {
	word, _, _ := strings.Cut(reply.Error(), " ")
	return word
}

// errRow is in the error of a value that is not what we have written.
var errRow = errors.New("unreadable row")

// errClosed says that Close was called.
var errClosed = errors.New("it is closed")

const (
	firstPause   = 5 * time.Millisecond
	longestPause = 200 * time.Millisecond
)

// call tries until there is an answer, the context ends, or patience does. again tells attempt that an earlier one
// may have been carried out.
func (s *Store) call(ctx context.Context, attempt func(ctx context.Context, again bool) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Patience)
	defer cancel()
	again := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if err := s.ready(ctx); err != nil {
			return unavailable(err)
		}
		err := attempt(ctx, again)
		switch v := judge(err); v {
		case settled:
			return err
		case failed, short:
			return s.explain(err)
		case unknown:
			again = true
		}
		select {
		case <-time.After(pause):
		case <-s.closing:
			return unavailable(errClosed)
		case <-ctx.Done():
			return unavailable(errors.Join(s.explain(err), ctx.Err()))
		}
	}
}

// ready says whether calls may be made.
func (s *Store) ready(ctx context.Context) error {
	select {
	case <-s.closing:
		return errClosed
	default:
		return ctx.Err()
	}
}

func unavailable(err error) error {
	return fmt.Errorf("session store redis: %w: %w", sessions.ErrUnavailable, err)
}

// explain makes an error that may be logged of one that may quote a session.
func (s *Store) explain(err error) error {
	reply, ok := rueidis.IsRedisErr(err)
	if !ok {
		if judge(err) == failed {
			return fmt.Errorf("session store redis: %w", err)
		}
		return unavailable(err)
	}
	switch word := code(reply); word {
	case "OOM":
		return unavailable(errors.New("the server is out of memory (OOM)"))
	case "MISCONF":
		return unavailable(errors.New("the server cannot write to its disk (MISCONF)"))
	case "NOAUTH", "WRONGPASS", "NOPERM":
		return fmt.Errorf("session store redis: the server refuses our user or password (%s)", word)
	default:
		err := fmt.Errorf("session store redis: the server answered %s", word)
		if judge(reply) == refused {
			err = unavailable(err)
		}
		return err
	}
}
