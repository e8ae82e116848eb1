package redis_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

func open(t testing.TB, o redis.Options) *redis.Store {
	t.Helper()
	s, err := redis.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// apart gives each test of a shared server keys of its own, with a prefix that means something in patterns.
func apart(o redis.Options) func(t *testing.T) *redis.Store {
	var n atomic.Int64
	return func(t *testing.T) *redis.Store {
		o := o
		o.Prefix = fmt.Sprintf(`aisle:[%d]*?\:`, n.Add(1))
		return open(t, o)
	}
}

func accept(t *testing.T, o redis.Options) {
	open := apart(o)
	acceptance.Run(t, func(t *testing.T) sessions.Store { return open(t) })
	acceptance.RunMovable(t, func(t *testing.T) store.Movable { return open(t) })
}

func TestAcceptanceSingle(t *testing.T) {
	t.Parallel()
	accept(t, redis.Options{Addresses: []string{redistest.Start(t).Addr}})
}

func TestAcceptanceCluster(t *testing.T) {
	t.Parallel()
	accept(t, redis.Options{Addresses: redistest.StartCluster(t, 3).Addresses()})
}

func TestAcceptanceSentinel(t *testing.T) {
	t.Parallel()
	watched := redistest.StartWatched(t)
	accept(t, redis.Options{
		Sentinel:     redis.Sentinel{Master: watched.Name, Addresses: watched.Addresses()},
		WaitReplicas: 1,
		// How soon a replica answers is not what is accepted here: on a busy machine the half second of the default passes.
		WaitTimeout: 10 * time.Second, Patience: 20 * time.Second,
	})
}
