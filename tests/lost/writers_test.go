package lost_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

const (
	crowdOfOne   = 64 // writers of one session
	editsOfEach  = 5
	callsOfWrite = crowdOfOne * editsOfEach
)

// together has 64 writers edit one session at once, by turns through the sidecars given, each under a key of its own, and looks
// for every key, and for a version that counts every edit.
func together(t *testing.T, p *place, sidecars ...*sidecar) {
	t.Helper()
	c := newClient(t)
	first, err := write(c, sidecars[0].url, "", "first", 1)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for w := range crowdOfOne {
		group.Go(func() {
			url := sidecars[w%len(sidecars)].url
			for n := range editsOfEach {
				// Each with the token from before all edits: every token of a session means its latest state.
				if _, err := write(c, url, first.token, fmt.Sprint("w", w), n+1); err != nil {
					t.Errorf("writer %d, edit %d: %v", w, n+1, err)
				}
			}
		})
	}
	group.Wait()
	for _, s := range sidecars {
		s.kill(t)
	}
	got, err := call(c, p.start().url, first.token, "public.*", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != first.ID || got.Version != first.Version+callsOfWrite {
		t.Errorf("session %s is at version %d, want %s at %d", got.ID, got.Version, first.ID, first.Version+callsOfWrite)
	}
	for w := range crowdOfOne {
		if key := fmt.Sprint("w", w); got.public(key) != fmt.Sprint(editsOfEach) {
			t.Errorf("%s is %q after %d edits", key, got.public(key), editsOfEach)
		}
	}
	if got.public("first") != "1" {
		t.Errorf("first is %q", got.public("first"))
	}
}

func TestWritersOfOneSession(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	together(t, p, p.start())
}

// TestWritersOfOneSessionThroughTwoSidecars: two processes on one Redis.
func TestWritersOfOneSessionThroughTwoSidecars(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t))
	one := p.start() // which makes the token keys
	together(t, p, one, p.start())
}
