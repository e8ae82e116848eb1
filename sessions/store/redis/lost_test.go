package redis_test

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

// cutter stands between a store and its server. Armed, it lets the next command of a name through, and ends the
// connection in place of the answer.
type cutter struct {
	listener net.Listener
	server   string

	mu    sync.Mutex // guards what follows
	name  string     // of the command that is waited for; "" for none
	then  func()     // runs before the connection ends
	cuts  int
	conns []net.Conn
	group sync.WaitGroup
}

func newCutter(t *testing.T, server string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, server: server}
	c.group.Go(c.accept)
	t.Cleanup(func() {
		_ = l.Close()
		c.mu.Lock()
		for _, conn := range c.conns {
			_ = conn.Close()
		}
		c.mu.Unlock()
		c.group.Wait()
	})
	return c
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, client, server)
		c.mu.Unlock()
		struck := new(atomic.Bool) // the command has come on this connection
		c.group.Go(func() { c.pass(client, server, struck, c.strike) })
		c.group.Go(func() { c.pass(server, client, struck, c.cut) })
	}
}

// pass passes bytes on until either side ends, or ends says so.
func (c *cutter) pass(from, to net.Conn, struck *atomic.Bool, ends func([]byte, *atomic.Bool) bool) {
	defer func() { _ = from.Close() }()
	defer func() { _ = to.Close() }()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && ends(b[:n], struck) {
			return
		}
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// strike sees requests, and notes the one that is waited for.
func (c *cutter) strike(request []byte, struck *atomic.Bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name != "" && bytes.Contains(request, []byte("\r\n"+c.name+"\r\n")) {
		c.name = ""
		struck.Store(true)
	}
	return false
}

// cut sees answers, and says whether this is the one to be lost.
func (c *cutter) cut(_ []byte, struck *atomic.Bool) bool {
	if !struck.Load() {
		return false
	}
	c.mu.Lock()
	c.cuts++
	then := c.then
	c.mu.Unlock()
	then()
	return true
}

// next arms it for the next script.
func (c *cutter) next(then func()) { c.nextOf("EVALSHA", then) }

func (c *cutter) nextOf(name string, then func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name, c.then = name, then
}

// lossy gives a store behind a cutter, and one that sees the server directly.
func lossy(t *testing.T) (c *cutter, s, direct *redis.Store) {
	t.Helper()
	server := redistest.Start(t)
	c = newCutter(t, server.Addr)
	s = open(t, redis.Options{Addresses: []string{c.listener.Addr().String()}, Mode: redis.Single})
	direct = open(t, redis.Options{Addresses: []string{server.Addr}})
	// The scripts are known to the server from now on, so that the next answer is that of a script itself.
	for _, err := range []error{
		s.Save(t.Context(), "warm", 1, nil, acceptance.Later()), s.Touch(t.Context(), "warm", acceptance.Later()), s.Delete(t.Context(), "warm"),
		s.Bury(t.Context(), "warm", acceptance.Later()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, importErr := s.Import(t.Context(), sessions.Stored{ID: "warm", Version: 1, Expires: acceptance.Later()})
	_, retractErr := s.Retract(t.Context(), "warm", 1)
	if err := errors.Join(importErr, retractErr); err != nil {
		t.Fatal(err)
	}
	return c, s, direct
}

func nothing() {}

// TestLostAnswers: a command whose answer got lost was carried out. The store finds that out, and carries nothing
// out twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, s, direct := lossy(t)
	c.next(nothing)
	save(t, s, "a", 1, "one")
	holds(t, direct, "a", 1, "one")
	c.next(nothing)
	save(t, s, "a", 2, "two")
	holds(t, direct, "a", 2, "two")

	c.next(nothing)
	end := acceptance.Later().Add(60e9)
	if err := s.Touch(ctx, "a", end); err != nil {
		t.Error(err)
	}
	if e, err := direct.Get(ctx, "a"); err != nil || !e.Expires.Equal(end) || e.Version != 2 {
		t.Errorf("touched: %+v, %v", e, err)
	}

	c.next(nothing)
	if err := s.Delete(ctx, "a"); err != nil {
		t.Errorf("a deletion that took place gave %v", err)
	}
	if _, err := direct.Load(ctx, "a"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}

	c.next(nothing)
	if ok, err := s.Import(ctx, sessions.Stored{ID: "b", Version: 7, Data: []byte("copy"), Expires: acceptance.Later()}); !ok || err != nil {
		t.Errorf("an import that took place gave %v, %v", ok, err)
	}
	holds(t, direct, "b", 7, "copy")

	c.next(nothing)
	if err := s.Bury(ctx, "b", acceptance.Later()); err != nil {
		t.Error(err)
	}
	if e, err := direct.Get(ctx, "b"); err != nil || e.Kind != store.Buried {
		t.Errorf("buried: %v, %v", e.Kind, err)
	}

	c.nextOf("GET", nothing)
	if _, err := s.Load(ctx, "b"); !errors.Is(err, sessions.ErrNotFound) {
		t.Error(err)
	}
	if c.cuts != 7 {
		t.Errorf("%d answers were lost, want 7", c.cuts)
	}
}

// TestLostAnswerToAConflict: the same bytes under the same version are somebody else's all the same.
func TestLostAnswerToAConflict(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, s, direct := lossy(t)
	save(t, direct, "a", 1, "same")
	c.next(nothing)
	if err := s.Save(ctx, "a", 1, []byte("same"), acceptance.Later()); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("got %v", err)
	}

	// It was carried out, and before the store could see that somebody has made another edit upon it.
	c.next(func() {
		if err := direct.Save(ctx, "a", 3, []byte("three"), acceptance.Later()); err != nil {
			t.Error(err)
		}
	})
	if err := s.Save(ctx, "a", 2, []byte("two"), acceptance.Later()); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("got %v", err)
	}
	holds(t, direct, "a", 3, "three")

	// The same with an erasure.
	c.next(func() {
		if err := direct.Delete(ctx, "a"); err != nil {
			t.Error(err)
		}
	})
	if err := s.Save(ctx, "a", 4, []byte("four"), acceptance.Later()); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
