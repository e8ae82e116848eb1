package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

func save(t *testing.T, s *redis.Store, id string, version uint64, data string) {
	t.Helper()
	if err := s.Save(t.Context(), id, version, []byte(data), acceptance.Later()); err != nil {
		t.Fatalf("Save of %s at %d: %v", id, version, err)
	}
}

func holds(t *testing.T, s *redis.Store, id string, version uint64, data string) {
	t.Helper()
	e, err := s.Get(t.Context(), id)
	if err != nil || e.Version != version || string(e.Data) != data {
		t.Fatalf("%s is at %d and holds %.60q, %v; want %d, %q", id, e.Version, e.Data, err, version, data)
	}
}

func unavailable(t *testing.T, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, sessions.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// crowd are writers that edit a session each, until told to stop, and know what was acknowledged.
type crowd struct {
	store        *redis.Store
	acknowledged [8]atomic.Uint64
	tried        [8]atomic.Uint64 // the last version that was sent
	failures     atomic.Int64
	stop         chan struct{}
	group        sync.WaitGroup
}

func newCrowd(t *testing.T, s *redis.Store) *crowd {
	c := &crowd{store: s, stop: make(chan struct{})}
	for n := range c.acknowledged {
		c.group.Go(func() { c.write(t, n) })
	}
	return c
}

func (c *crowd) id(n int) string { return fmt.Sprint("writer-", n) }

func content(n int, version uint64) string { return fmt.Sprintf("writer %d at %d", n, version) }

func (c *crowd) write(t *testing.T, n int) {
	version := uint64(0)
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		c.tried[n].Store(version + 1)
		err := c.store.Save(t.Context(), c.id(n), version+1, []byte(content(n, version+1)), acceptance.Later())
		switch {
		case err == nil:
			version++
			c.acknowledged[n].Store(version)
		case errors.Is(err, sessions.ErrUnavailable): // it may have been stored
			c.failures.Add(1)
			version = c.look(t, n, version)
		default:
			t.Errorf("%s at %d: %v", c.id(n), version+1, err)
			return
		}
	}
}

// look gives the version that is stored, which must not be before the last acknowledged.
func (c *crowd) look(t *testing.T, n int, version uint64) uint64 {
	for {
		e, err := c.store.Get(t.Context(), c.id(n))
		if err == nil {
			c.verify(t, n, e.Version, string(e.Data))
			return e.Version
		}
		if !errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("%s: %v", c.id(n), err)
			return version
		}
		select {
		case <-c.stop:
			return version
		default:
		}
	}
}

func (c *crowd) verify(t *testing.T, n int, version uint64, data string) {
	if known, tried := c.acknowledged[n].Load(), c.tried[n].Load(); version < known || version > tried {
		t.Errorf("%s is at %d, and %d was acknowledged, %d tried", c.id(n), version, known, tried)
	}
	if version > 0 && data != content(n, version) {
		t.Errorf("%s at %d holds %.60q", c.id(n), version, data)
	}
}

// has waits until every writer has had more edits acknowledged.
func (c *crowd) has(t *testing.T, more uint64) {
	t.Helper()
	var from [len(c.acknowledged)]uint64
	for n := range from {
		from[n] = c.acknowledged[n].Load()
	}
	eventually(t, "edits are acknowledged", func() bool {
		for n := range from {
			if c.acknowledged[n].Load() < from[n]+more {
				return false
			}
		}
		return true
	})
}

// end stops the writers and checks all that was acknowledged on s.
func (c *crowd) end(t *testing.T, s *redis.Store) {
	t.Helper()
	close(c.stop)
	c.group.Wait()
	for n := range c.acknowledged {
		e, err := s.Get(t.Context(), c.id(n))
		if err != nil {
			t.Fatal(err)
		}
		c.verify(t, n, e.Version, string(e.Data))
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for !is() {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			t.Fatalf("%s: not after 30 seconds", what)
		}
	}
}

// TestKill: kill -9 of the server while eight write; what was acknowledged is there when it is back.
func TestKill(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Options{Addresses: []string{server.Addr}, Patience: 300 * time.Millisecond})
	c := newCrowd(t, s)
	for range 3 {
		c.has(t, 20)
		failed := c.failures.Load() // before: each fails once, and then waits for the server
		server.Kill()
		eventually(t, "the writers notice", func() bool { return c.failures.Load() >= failed+int64(len(c.acknowledged)) })
		server.Restart()
		c.has(t, 5)
	}
	c.end(t, s)
}

// TestFailover: the master of a watched pair is killed while eight write with wait_replicas. Its successor has all that
// was acknowledged. While it is alone it acknowledges nothing, and does again when the old one is back.
func TestFailover(t *testing.T) {
	t.Parallel()
	w := redistest.StartWatched(t)
	o := redis.Options{
		Sentinel: redis.Sentinel{Master: w.Name, Addresses: w.Addresses()}, WaitReplicas: 1, WaitTimeout: 200 * time.Millisecond,
	}
	s := open(t, o)
	c := newCrowd(t, s)
	c.has(t, 50)
	w.Master.Kill()
	w.AwaitFailover(t)
	o.WaitReplicas = 0
	var alone *redis.Store // which does not wait, to look
	eventually(t, "the Sentinels tell the new master", func() bool {
		var err error
		alone, err = redis.Open(o)
		return err == nil
	})
	t.Cleanup(func() { _ = alone.Close() })
	for n := range c.acknowledged {
		known := c.acknowledged[n].Load()
		if e, err := alone.Get(t.Context(), c.id(n)); err != nil || e.Version < known {
			t.Errorf("%s is at %d, %v, and %d was acknowledged", c.id(n), e.Version, err, known)
		}
	}
	known := c.acknowledged[0].Load()
	failed := c.failures.Load()
	eventually(t, "writes without a replica fail", func() bool { return c.failures.Load() > failed+20 })
	if now := c.acknowledged[0].Load(); now != known {
		t.Errorf("%d edits were acknowledged without a replica", now-known)
	}
	w.Master.Restart()
	c.has(t, 5)
	c.end(t, alone)
}

// TestMoved: a slot has gone to another node, of which the client hears by MOVED.
func TestMoved(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	for _, wait := range []int{0, 1} { // on the shared connections, and on one of its own
		s := open(t, redis.Options{
			Addresses: nodes.Addresses()[:1], Mode: redis.Cluster, Prefix: "aisle:acme:", WaitReplicas: wait, WaitTimeout: 10 * time.Millisecond,
		})
		// The slot is moved while it is empty: what is tested is the client.
		id := fmt.Sprint("shopper-", wait)
		nodes.MoveSlot(t, "aisle:acme:s:{"+id+"}")
		err := s.Save(t.Context(), id, 1, []byte("one"), acceptance.Later())
		if wait == 0 && err != nil {
			t.Fatal(err)
		}
		if wait == 1 { // the masters have no replicas: it is stored, but not enough
			unavailable(t, err, "replicas")
		}
		holds(t, s, id, 1, "one")
		if err := s.Delete(t.Context(), id); wait == 0 && err != nil {
			t.Fatal(err)
		}
	}
}

// TestClusterNodeDown: the sessions of a node that is down cannot be had, in bounded time, and are there again with
// it. Scan does not pass over them in silence.
func TestClusterNodeDown(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	s := open(t, redis.Options{Addresses: nodes.Addresses(), Patience: 300 * time.Millisecond})
	const count = 30
	for i := range count {
		save(t, s, fmt.Sprint(i), 1, "data")
	}
	nodes.Servers[1].Kill()
	failed := 0
	for i := range count {
		if _, err := s.Load(t.Context(), fmt.Sprint(i)); err != nil {
			unavailable(t, err)
			failed++
		}
	}
	if failed == 0 {
		t.Error("no session was on the node that is down")
	}
	unavailable(t, s.Scan(t.Context(), func(sessions.Stored) error { return nil }))
	nodes.Servers[1].Restart()
	for i := range count {
		eventually(t, "the session is back", func() bool {
			data, err := s.Load(t.Context(), fmt.Sprint(i))
			return err == nil && string(data) == "data"
		})
	}
}

// TestServerDown: there is an answer within the patience, or the caller's deadline if that is sooner, and the store works as soon as the
// server does.
func TestServerDown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	o := redis.Options{Addresses: []string{server.Addr}, Patience: 300 * time.Millisecond}
	s := open(t, o)
	save(t, s, "a", 1, "one")
	server.Kill()
	_, err := s.Load(t.Context(), "a")
	unavailable(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = s.Save(ctx, "a", 2, []byte("two"), acceptance.Later())
	unavailable(t, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_, err = redis.Open(o)
	unavailable(t, err)
	server.Restart()
	holds(t, s, "a", 1, "one")
	save(t, s, "a", 2, "two")
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTooFewReplicas: the write is not acknowledged, and the error says that it is there nevertheless.
func TestTooFewReplicas(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Options{Addresses: []string{server.Addr}, WaitReplicas: 1, WaitTimeout: 20 * time.Millisecond})
	unavailable(t, s.Save(t.Context(), "a", 1, []byte("one"), acceptance.Later()), "replicas", "stored nevertheless")
	holds(t, s, "a", 1, "one")
	// A refusal writes nothing, and waits for nobody.
	if err := s.Save(t.Context(), "a", 1, nil, acceptance.Later()); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("got %v", err)
	}
	unavailable(t, s.Touch(t.Context(), "a", acceptance.Later()), "replicas")
	unavailable(t, s.PutFacets(t.Context(), "ref", []byte("facets"), acceptance.Later()), "replicas")
	unavailable(t, s.Delete(t.Context(), "a"), "replicas")
}

// TestScanAcrossRestart: a cursor means nothing to another process.
func TestScanAcrossRestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	for i := range 500 {
		save(t, s, fmt.Sprint(i), 1, "data")
	}
	restarted := false
	err := s.Scan(t.Context(), func(sessions.Stored) error {
		if !restarted {
			restarted = true
			server.Restart()
		}
		return nil
	})
	unavailable(t, err, "master was replaced")
}

// TestScriptsForgotten: a server that has lost the scripts gets them again.
func TestScriptsForgotten(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	for v := uint64(1); v < 4; v++ {
		save(t, s, "a", v, "data")
		if _, err := server.Command("SCRIPT", "FLUSH"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLenEstimate: a server that holds more than is counted, most of it somebody else's.
func TestLenEstimate(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "no", "--enable-debug-command", "yes")
	if _, err := server.Command("DEBUG", "POPULATE", "40000", "other"); err != nil {
		t.Fatal(err)
	}
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	const count = 10_000
	var group sync.WaitGroup
	for w := range 16 {
		group.Go(func() {
			for i := w; i < count; i += 16 {
				if err := s.Save(t.Context(), fmt.Sprint(i), 1, nil, acceptance.Later()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n, err := s.Len(t.Context()); n < count*8/10 || n > count*12/10 || err != nil {
		t.Errorf("Len is %d, %v; want about %d", n, err, count)
	}
}
