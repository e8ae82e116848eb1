package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

func openTemp(t *testing.T, o Options) *Store {
	t.Helper()
	o.Path = t.TempDir() + "/sessions.db"
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rows counts the keys of a bucket.
func rows(t *testing.T, s *Store, bucket string) (n int) {
	t.Helper()
	ok(t, s.db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte(bucket)).Stats().KeyN
		return nil
	}))
	return n
}

// TestSweep: what has ended leaves the file, however much it is, and the rest stays.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := openTemp(t, Options{Sync: SyncInterval, SweepEvery: time.Minute})
		const many = 3*sweepRows + 7
		for i := range many {
			ok(t, s.Save(ctx, fmt.Sprint("short", i), 1, []byte("data"), time.Now().Add(10*time.Second)))
			ok(t, s.PutFacets(ctx, fmt.Sprint("short", i), []byte("data"), time.Now().Add(10*time.Second)))
		}
		ok(t, s.Bury(ctx, "grave", time.Now().Add(10*time.Second)))
		ok(t, s.Save(ctx, "long", 1, []byte("data"), time.Now().Add(time.Hour)))
		ok(t, s.Save(ctx, "touched", 1, []byte("data"), time.Now().Add(10*time.Second)))
		ok(t, s.Touch(ctx, "touched", time.Now().Add(time.Hour)))
		ok(t, s.PutFacets(ctx, "long", []byte("data"), time.Now().Add(time.Hour)))

		f := func(after time.Duration, sessionRows, facetRows, length int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			for bucket, want := range map[string]int{
				sessionBucket: sessionRows, sessionEnds: sessionRows, facetsBucket: facetRows, facetsEnds: facetRows,
			} {
				if got := rows(t, s, bucket); got != want {
					t.Errorf("%s has %d keys, want %d", bucket, got, want)
				}
			}
			if n, err := s.Len(ctx); n != length || err != nil {
				t.Errorf("Len is %d, %v; want %d", n, err, length)
			}
		}
		f(59*time.Second, many+3, many+1, many+2)
		if _, err := s.Load(ctx, "short0"); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("it has ended and is not swept: %v", err)
		}
		f(time.Second, 2, 1, 2)
		f(time.Hour, 0, 0, 0)
	})
}

// TestSweepOfAnotherEnd: an end that is left behind must not take a session that lives.
func TestSweepOfAnotherEnd(t *testing.T) {
	s := openTemp(t, Options{})
	ctx := t.Context()
	ok(t, s.Save(ctx, "a", 1, []byte("data"), time.Now().Add(time.Hour)))
	ok(t, s.db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(
			tx.Bucket([]byte(sessionEnds)).Put(endKey(1, "a"), nil), tx.Bucket([]byte(sessionEnds)).Put(endKey(1, "gone"), nil))
	}))
	ok(t, s.sweep())
	if data, err := s.Load(ctx, "a"); err != nil || string(data) != "data" {
		t.Errorf("%q, %v", data, err)
	}
	if n := rows(t, s, sessionEnds); n != 1 {
		t.Errorf("%d ends are left, want 1", n)
	}
	if n, err := s.Len(ctx); n != 1 || err != nil {
		t.Errorf("Len is %d, %v", n, err)
	}
}

func TestSyncInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openTemp(t, Options{Sync: SyncInterval, SyncEvery: time.Second})
		ok(t, s.Save(t.Context(), "a", 1, nil, time.Now().Add(time.Hour)))
		if !s.unsynced.Load() {
			t.Error("the write is synced already")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s.unsynced.Load() {
			t.Error("the write is not synced after the interval")
		}
	})
}

// hold takes bbolt's one writing transaction, so that writes wait, and gives a function that lets them go.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	tx, err := s.db.Begin(true)
	ok(t, err)
	return sync.OnceFunc(func() { ok(t, tx.Rollback()) })
}

// TestGivenUp: a caller whose time is up is told that it does not know, and its write is not made after that.
func TestGivenUp(t *testing.T) {
	s := openTemp(t, Options{})
	release := hold(t, s)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	for i := range 3 {
		go func() { answer <- s.Save(ctx, fmt.Sprint(i), 1, nil, time.Now().Add(time.Hour)) }()
	}
	cancel()
	for range 3 {
		if err := <-answer; !errors.Is(err, context.Canceled) || !errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	release()
	ok(t, s.Save(t.Context(), "after", 1, nil, time.Now().Add(time.Hour)))
	if n := rows(t, s, sessionBucket); n > 2 { // one may have been taken before
		t.Errorf("%d sessions are stored", n)
	}
}

// TestCloseCommits: what was in the queue when Close came is committed and acknowledged, or neither.
func TestCloseCommits(t *testing.T) {
	s := openTemp(t, Options{})
	release := hold(t, s)
	defer release()
	const n = 100
	acknowledged := make([]bool, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			err := s.Save(context.Background(), fmt.Sprint(i), 1, nil, time.Now().Add(time.Hour))
			if err != nil && !errors.Is(err, sessions.ErrUnavailable) {
				t.Error(err)
			}
			acknowledged[i] = err == nil
		})
	}
	for len(s.queue) < n/2 {
		runtime.Gosched()
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	<-s.closing
	release()
	ok(t, <-closed)
	group.Wait()
	again, err := Open(s.options)
	ok(t, err)
	defer func() { ok(t, again.Close()) }()
	count := 0
	for i, is := range acknowledged {
		e, err := again.Get(t.Context(), fmt.Sprint(i))
		ok(t, err)
		if (e.Kind == store.Native) != is {
			t.Errorf("%d is %v, and acknowledged: %v", i, e.Kind, is)
		}
		if is {
			count++
		}
	}
	if count < n/2 {
		t.Errorf("only %d were acknowledged", count)
	}
}

// TestRefusalsAreFree: where all writes of a batch are refused nothing is written.
func TestRefusalsAreFree(t *testing.T) {
	s := openTemp(t, Options{})
	ctx := t.Context()
	ok(t, s.Save(ctx, "a", 1, nil, time.Now().Add(time.Hour)))
	before := transactions(t, s)
	for range 10 {
		_ = s.Save(ctx, "a", 1, nil, time.Now().Add(time.Hour))
		_ = s.Delete(ctx, "nobody")
		_ = s.Touch(ctx, "nobody", time.Now())
		_, _ = s.Retract(ctx, "a", 1)
		ok(t, s.sweep())
	}
	if after := transactions(t, s); after != before {
		t.Errorf("%d transactions were committed", after-before)
	}
}

// transactions is the number of the last one.
func transactions(t *testing.T, s *Store) (n int) {
	t.Helper()
	ok(t, s.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }))
	return n
}

func TestBadKeys(t *testing.T) {
	s := openTemp(t, Options{})
	ctx, end := t.Context(), time.Now().Add(time.Hour)
	for _, key := range []string{"", string(bytes.Repeat([]byte("x"), maxKey+1))} {
		_, importErr := s.Import(ctx, sessions.Stored{ID: key, Version: 1, Expires: end})
		for _, err := range []error{s.Save(ctx, key, 1, nil, end), s.PutFacets(ctx, key, nil, end), s.Bury(ctx, key, end), importErr} {
			if err == nil || errors.Is(err, sessions.ErrUnavailable) {
				t.Errorf("a key of %d bytes gave %v", len(key), err)
			}
		}
	}
}

// TestUnreadableRow: a row that is not ours is an error, not an absence, and says nothing of its content.
func TestUnreadableRow(t *testing.T) {
	s := openTemp(t, Options{})
	ok(t, s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(sessionBucket)).Put([]byte("a"), []byte("\x09secret of someone"))
	}))
	_, err := s.Load(t.Context(), "a")
	if err == nil || errors.Is(err, sessions.ErrNotFound) || bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("Load gave %v", err)
	}
	if err := s.Scan(t.Context(), func(sessions.Stored) error { return nil }); err == nil {
		t.Error("Scan passed over it")
	}
	if err := s.Save(t.Context(), "a", 1, nil, time.Now().Add(time.Hour)); !errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("Save gave %v", err)
	}
}

func TestRow(t *testing.T) {
	f := func(r row) {
		t.Helper()
		got, err := decode(r.encode())
		if diff := cmp.Diff(r, got, cmp.AllowUnexported(row{})); diff != "" || err != nil {
			t.Errorf("(-want +got) %v:\n%s", err, diff)
		}
	}
	f(row{kind: store.Native, version: 1, expires: 1700000000000, data: []byte("data")})
	f(row{kind: store.Copy, version: math.MaxUint64, expires: math.MaxInt64, data: []byte{}})
	f(row{kind: store.Buried, data: []byte{0}})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("short"))
	f.Add(row{kind: store.Native, version: 3, expires: 4, data: []byte("data")}.encode())
	f.Add(append([]byte{9}, make([]byte, 30)...))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decode(value)
		if err == nil && !bytes.Equal(r.encode(), value) {
			t.Errorf("%x was read as %+v", value, r)
		}
	})
}

func TestMillis(t *testing.T) {
	f := func(in time.Time, want int64) {
		t.Helper()
		if got := millis(in); got != want {
			t.Errorf("millis(%v) = %d, want %d", in, got, want)
		}
	}
	f(time.UnixMilli(1700000000000), 1700000000000)
	f(time.UnixMilli(1700000000000).Add(time.Nanosecond), 1700000000001)
	f(time.Unix(0, 0), 0)
	f(time.Unix(-10, 0), 0)
	f(time.Time{}, 0)
}
