package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions"
)

// inParallel does n things, some at a time.
func inParallel(t *testing.T, n, workers int, do func(i int) error) {
	t.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// oneWinner: of several Saves of one version exactly one is acknowledged, and it is what is stored. Equal bytes
// are no excuse.
func oneWinner(t *testing.T, s sessions.Store) {
	for version := uint64(1); version <= 20; version++ {
		var won atomic.Int64
		winner := make(chan int, 32)
		inParallel(t, cap(winner), cap(winner), func(i int) error {
			err := s.Save(t.Context(), "a", version, fmt.Appendf(nil, "%d by %d", version, i/2), Later())
			switch {
			case err == nil:
				won.Add(1)
				winner <- i
			case !errors.Is(err, sessions.ErrConflict):
				return err
			}
			return nil
		})
		if won.Load() != 1 {
			t.Fatalf("version %d has %d winners", version, won.Load())
		}
		holds(t, s, "a", fmt.Sprintf("%d by %d", version, <-winner/2))
	}
}

// writers: each of 64 puts keys of its own into one session, by reloading and trying again. Every one
// succeeds in the end, and no key is lost.
func writers(t *testing.T, s sessions.Store) {
	const count, rounds = 64, 3
	save(t, s, "shared", 1, `{"Version":1,"Keys":{}}`)
	inParallel(t, count*rounds, count, func(i int) error { return addKey(t.Context(), s, fmt.Sprint(i)) })
	got, err := s.Load(t.Context(), "shared")
	check(t, err, nil)
	var state shared
	check(t, json.Unmarshal(got, &state), nil)
	for i := range count * rounds {
		if !state.Keys[fmt.Sprint(i)] {
			t.Errorf("key %d is lost", i)
		}
	}
	if state.Version != count*rounds+1 {
		t.Errorf("version %d after %d edits of version 1", state.Version, count*rounds)
	}
}

type shared struct {
	Version uint64
	Keys    map[string]bool
}

func addKey(ctx context.Context, s sessions.Store, key string) error {
	for {
		data, err := s.Load(ctx, "shared")
		if err != nil {
			return err
		}
		var state shared
		if err := json.Unmarshal(data, &state); err != nil {
			return err
		}
		state.Version++
		state.Keys[key] = true
		if data, err = json.Marshal(state); err != nil {
			return err
		}
		if err = s.Save(ctx, "shared", state.Version, data, Later()); !errors.Is(err, sessions.ErrConflict) {
			return err
		}
	}
}

// model compares any sequence of calls with a map.
func model(t *testing.T, s sessions.Store) {
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := modelled{
			ctx: context.Background(), store: s, prefix: fmt.Sprintf("run%d-", run),
			data: map[string]string{}, versions: map[string]uint64{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"save":   m.save,
			"touch":  m.touch,
			"delete": m.delete,
			"":       m.compare,
		})
	})
}

type modelled struct {
	ctx      context.Context
	store    sessions.Store
	prefix   string
	data     map[string]string
	versions map[string]uint64
}

func (m *modelled) id(t *rapid.T) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")
}

func (m *modelled) want(t *rapid.T, what string, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

func (m *modelled) save(t *rapid.T) {
	id := m.id(t)
	had, there := m.versions[id]
	version := had + uint64(rapid.IntRange(0, 2).Draw(t, "ahead"))
	data := rapid.String().Draw(t, "data")
	var want error
	switch {
	case !there && version != 1:
		want = sessions.ErrNotFound
	case version != had+1:
		want = sessions.ErrConflict
	default:
		m.data[id], m.versions[id] = data, version
	}
	m.want(t, "Save", m.store.Save(m.ctx, id, version, []byte(data), Later()), want)
}

func (m *modelled) touch(t *rapid.T) {
	id := m.id(t)
	m.want(t, "Touch", m.store.Touch(m.ctx, id, Later()), m.absence(id))
}

func (m *modelled) delete(t *rapid.T) {
	id := m.id(t)
	m.want(t, "Delete", m.store.Delete(m.ctx, id), m.absence(id))
	delete(m.data, id)
	delete(m.versions, id)
}

func (m *modelled) absence(id string) error {
	if _, there := m.versions[id]; there {
		return nil
	}
	return sessions.ErrNotFound
}

func (m *modelled) compare(t *rapid.T) {
	for _, id := range []string{m.prefix + "a", m.prefix + "b", m.prefix + "c"} {
		got, err := m.store.Load(m.ctx, id)
		m.want(t, "Load", err, m.absence(id))
		if string(got) != m.data[id] {
			t.Fatalf("%s holds %q, want %q", id, got, m.data[id])
		}
	}
}
