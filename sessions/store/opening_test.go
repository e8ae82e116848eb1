package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

// A store that is open at once, or soon, is that store.
func TestOpeningAcceptance(t *testing.T) {
	acceptance.Run(t, func(t *testing.T) sessions.Store {
		path := filepath.Join(t.TempDir(), "sessions.db")
		o := store.NewOpening(10*time.Second, func() (sessions.Store, error) { return bolt.Open(bolt.Options{Path: path}) }, nil)
		t.Cleanup(func() {
			if err := o.Close(); err != nil {
				t.Error(err)
			}
		})
		return o
	})
}

// fake is a store that says only that it is there.
type fake struct {
	sessions.Store
	closed *bool
}

func (f fake) Load(context.Context, string) ([]byte, error) { return []byte("there"), nil }
func (f fake) Close() error                                 { *f.closed = true; return nil }

// Who asks while the file is another process's waits, but not longer than patience.
func TestOpeningWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		began := time.Now()
		o := store.NewOpening(time.Second, func() (sessions.Store, error) {
			time.Sleep(50 * time.Millisecond)
			if time.Since(began) < 1500*time.Millisecond {
				return nil, fmt.Errorf("locked: %w", sessions.ErrUnavailable)
			}
			return fake{closed: &closed}, nil
		}, nil)
		_, err := o.Load(t.Context(), "a")
		if !errors.Is(err, sessions.ErrUnavailable) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		data, err := o.Load(t.Context(), "a")
		if err != nil || string(data) != "there" || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%q, %v after %v", data, err, time.Since(began))
		}
		if err := o.Close(); err != nil || !closed {
			t.Errorf("closed %v, %v", closed, err)
		}
	})
}

// What cannot be opened at all is told, and stays unavailable.
func TestOpeningFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("another format")
		var told error
		o := store.NewOpening(time.Second, func() (sessions.Store, error) { return nil, broken }, func(err error) { told = err })
		_, err := o.Load(t.Context(), "a")
		if !errors.Is(err, sessions.ErrUnavailable) || !errors.Is(err, broken) || !errors.Is(told, broken) {
			t.Errorf("%v, told %v", err, told)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}

// An end before the store is there is an end.
func TestOpeningClosedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := store.NewOpening(time.Second, func() (sessions.Store, error) {
			time.Sleep(10 * time.Millisecond)
			return nil, sessions.ErrUnavailable
		}, nil)
		time.Sleep(time.Second)
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
}
