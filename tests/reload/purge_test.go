package reload_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// repricer changes one page, purges it and looks at it, again and again.
type repricer struct {
	path    string
	version atomic.Int64 // that the origin has
	purged  int          // acknowledged
	refused int          // by a process that had just been replaced
}

// run ends with ctx, or with the first page that is older than a purge that was acknowledged.
func (r *repricer) run(ctx context.Context, t *testing.T, e *edge) {
	for ctx.Err() == nil {
		_, _, _ = get("GET", e.url+r.path) // there is something to purge
		version := r.version.Add(1)
		done, err := rig.Fetch("POST", e.admin+"/purge", `{"urls":["`+r.path+`"]}`)
		switch {
		case err == nil && done.Status == http.StatusServiceUnavailable && strings.Contains(done.Body, "Replaced"):
			r.refused++
			continue
		case err != nil || done.Status != http.StatusOK:
			t.Errorf("purge: %v %v", done, err)
			return
		}
		r.purged++
		status, body, err := get("GET", e.url+r.path)
		if got, _ := strconv.ParseInt(body, 10, 64); status != http.StatusOK || got < version {
			t.Errorf("%s after a purge: %d %.200q %v, want version %d", r.path, status, body, err, version)
			return
		}
	}
}

// Whoever purges while a process is being replaced is told that it is done, and then it is; or that nothing was.
func TestPurgesAtHandOver(t *testing.T) {
	pages := map[string]*repricer{}
	for i := range 6 {
		path := fmt.Sprintf("/assets/%d", i)
		pages[path] = &repricer{path: path}
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version := int64(0)
		if p := pages[r.URL.Path]; p != nil {
			version = p.version.Load()
		}
		w.Header().Set("Cache-Control", "public, max-age=600")
		fmt.Fprint(w, version)
	}))
	defer origin.Close()
	e := start(t, configOf(origin.URL, ""), nil)
	pid := e.ready()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	for _, p := range pages {
		busy.Go(func() { p.run(ctx, t, e) })
	}
	for range 6 {
		time.Sleep(200 * time.Millisecond)
		pid = e.replace(pid)
	}
	time.Sleep(200 * time.Millisecond)
	cancel()
	busy.Wait()
	purged, refused := 0, 0
	for _, p := range pages {
		purged, refused = purged+p.purged, refused+p.refused
	}
	t.Logf("%d purges acknowledged, %d refused", purged, refused)
	if purged < 100 {
		t.Errorf("too little was going on: %d purges", purged)
	}
}
