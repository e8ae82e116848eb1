package soak_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

const (
	firstByte  = 300 * time.Millisecond // and idle: how long the edge waits for a hanging origin
	pages      = 100                    // of a folder
	generation = 400                    // faults, after which there is another folder
	// patience is how long the slowest answer may take: a few time-outs one after the other, on a machine under load.
	// A follower that hangs takes for ever.
	patience = 15 * time.Second
)

func faultConfig(o *origin, more string) string {
	return fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
drain_timeout: 5s
log: {access: "off"}
upstreams:
  storefront:
    servers: ["http://%s"]
    timeouts: {connect: 1s, first_byte: %s, idle: %[2]s}
    %s
cache: {hit_for_miss: 1s}
`, o.listener.Addr(), firstByte, more)
}

// crowd reads pages under a broken origin and keeps count of what comes.
type crowd struct {
	url                                 string
	client                              *http.Client
	whole, stale, failed, cut, answered atomic.Int64
	wrong, late                         atomic.Int64 // cut and as if whole; without an end within patience
}

// read asks for one page. A page that ends well and is not whole, or an answer that never ends, is what must not be.
func (c *crowd) read(run context.Context, path string) error {
	ctx, cancel := context.WithTimeout(run, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return err
	}
	c.answered.Add(1)
	resp, err := c.client.Do(req)
	if err != nil {
		if run.Err() != nil {
			return nil // the run is over
		}
		if ctx.Err() != nil {
			c.late.Add(1)
			return fmt.Errorf("%s: no answer within %v", path, patience)
		}
		c.cut.Add(1)
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case run.Err() != nil:
	case ctx.Err() != nil:
		c.late.Add(1)
		return fmt.Errorf("%s: %d bytes and no end within %v; %s", path, len(text), patience, resp.Header.Get("Cache-Status"))
	case err != nil:
		c.cut.Add(1)
	case resp.StatusCode >= 500:
		c.failed.Add(1)
	case resp.StatusCode != http.StatusOK || !isWhole(path, string(text)):
		c.wrong.Add(1)
		return fmt.Errorf("%s: %d %d bytes that are not the page, as if they were whole; %v", path, resp.StatusCode, len(text), resp.Header)
	default:
		c.whole.Add(1)
		if status := resp.Header.Get("Cache-Status"); strings.Contains(status, "hit") && strings.Contains(status, "ttl=-") {
			c.stale.Add(1)
		}
	}
	return nil
}

// TestFaults breaks an origin at random places in its answers under load: no page that is not whole is given or kept
// as whole, nobody waits for ever, and in the end nothing is left behind.
func TestFaults(t *testing.T) {
	seed := rand.Uint64()
	o := startOrigin(t, seed)
	edge := rig.RunEdge(t, rig.Aisle(t), faultConfig(o, ""))
	c := &crowd{url: edge.URL, client: client(64)}
	rig.Get(t, edge.URL+"/warm")
	base := goroutines(t, edge)
	o.rate.Store(600)
	want := sized[int64](10_000, 300)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var g group
	began := time.Now()
	for i := range 48 {
		g.run(func() error {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for ctx.Err() == nil && o.faults() < want {
				// New pages again and again, and others that there may be something stale of.
				path := fmt.Sprintf("/%d/page-%d", o.faults()/generation, rng.IntN(pages))
				if rng.IntN(2) == 0 {
					path = fmt.Sprintf("/always/page-%d", rng.IntN(pages))
				}
				if err := c.read(ctx, path); err != nil {
					cancel()
					return err
				}
			}
			return nil
		})
	}
	if err := g.wait(); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	took := time.Since(began)
	o.rate.Store(0)
	c.checkKept(t, want)
	c.client.CloseIdleConnections()
	o.closeAll()
	left := settle(t, edge, base)
	if left > base {
		t.Errorf("%d goroutines after, %d before:\n%.6000s", left, base, rig.Get(t, edge.Admin+"/debug/pprof/goroutine?debug=1").Body)
	}
	var kinds []string
	for i, name := range faultNames() {
		kinds = append(kinds, fmt.Sprintf("%d %s", o.done[i].Load(), name))
	}
	figure(t, "faults of an origin under load", "%d in %.0f s (%s)", o.faults(), took.Seconds(), strings.Join(kinds, ", "))
	figure(t, "… what came of them", "%d answers: %d whole, of them %d stale; %d 5xx, %d visibly cut off; %d not whole and as if they were; %d without an end within %v",
		c.answered.Load(), c.whole.Load(), c.stale.Load(), c.failed.Load(), c.cut.Load(), c.wrong.Load(), c.late.Load(), patience)
	figure(t, "… goroutines", "%d before, %d after", base, left)
	if o.faults() < want || c.whole.Load() == 0 || c.failed.Load() == 0 {
		t.Errorf("%d faults, %d whole, %d failed: the run does not test what it is for", o.faults(), c.whole.Load(), c.failed.Load())
	}
}

// checkKept reads every page once more, from a calm origin: whatever was kept must be whole.
func (c *crowd) checkKept(t *testing.T, faults int64) {
	t.Helper()
	folders := []string{"always"}
	for n := range faults/generation + 1 {
		folders = append(folders, fmt.Sprint(n))
	}
	for _, folder := range folders {
		for n := range pages {
			if err := c.read(t.Context(), fmt.Sprintf("/%s/page-%d", folder, n)); err != nil {
				t.Errorf("after the faults: %v", err)
			}
		}
	}
}

// faults is how many answers have gone wrong so far.
func (o *origin) faults() (n int64) {
	for i := range o.done {
		if i != well {
			n += o.done[i].Load()
		}
	}
	return n
}

// closeAll closes the connections, as an origin does with those that are idle.
func (o *origin) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		_ = c.Close()
	}
}

// TestStaleSoon: once a failure is known, a stale page comes within 100 ms. How long it takes to know of one is the
// operator's choice: nothing for a refusal, a reset or an open breaker, first_byte for a hanging origin.
func TestStaleSoon(t *testing.T) {
	rounds := sized(100, 3)
	f := func(name string, known func(o *origin, path string, asked time.Time) time.Time, prepare func(*origin, *rig.Edge) error, more string) {
		t.Helper()
		o := startOrigin(t, 1)
		edge := rig.RunEdge(t, rig.Aisle(t), faultConfig(o, more))
		keepAlive := client(4)
		t.Cleanup(keepAlive.CloseIdleConnections)
		for i := range rounds {
			rig.Get(t, fmt.Sprintf("%s/%s/%d", edge.URL, name, i))
		}
		time.Sleep(1200 * time.Millisecond) // the pages' max-age is a second, in another process
		if err := prepare(o, edge); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var took []time.Duration
		for i := range rounds {
			path := fmt.Sprintf("/%s/%d", name, i)
			asked := time.Now()
			resp, err := keepAlive.Get(edge.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			answered := time.Now()
			if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != 200 || !isWhole(path, string(text)) {
				t.Fatalf("%s: no stale page: %d %v, %v", name, resp.StatusCode, err, resp.Header)
			}
			took = append(took, answered.Sub(known(o, path, asked)))
		}
		half, most := quantile(took, 0.5), quantile(took, 1)
		figure(t, "stale page after the failure is known: "+name, "median %.1f ms, most %.1f ms, of %d", ms(half), ms(most), rounds)
		if full() && most > 100*time.Millisecond {
			t.Errorf("%s: a stale page took %v", name, most)
		}
	}
	atOnce := func(_ *origin, _ string, asked time.Time) time.Time { return asked }
	byOrigin := func(o *origin, path string, _ time.Time) time.Time {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.failed[path]
	}
	afterTimeout := func(_ *origin, _ string, asked time.Time) time.Time { return asked.Add(firstByte) }
	fails := func(fault int64) func(*origin, *rig.Edge) error {
		return func(o *origin, _ *rig.Edge) error {
			o.only.Store(fault)
			o.rate.Store(1000)
			return nil
		}
	}
	dies := func(o *origin, _ *rig.Edge) error {
		o.kill()
		return nil
	}
	f("refused", atOnce, dies, "")
	f("reset", byOrigin, fails(reset), "")
	f("closed", byOrigin, fails(killed), "")
	f("timed-out", afterTimeout, fails(hung), "")
	f("breaker-open", atOnce, openBreaker, "breaker: {error_ratio: 0.1, window: 10s, open_for: 1h}")
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// openBreaker ends the origin and lets the edge see, by pages that it has not got, that it is gone.
func openBreaker(o *origin, edge *rig.Edge) error {
	o.kill()
	for i := range 1000 {
		r, err := rig.Fetch("GET", fmt.Sprintf("%s/unknown/%d", edge.URL, i), "")
		if err != nil {
			return err
		}
		if strings.Contains(r.CacheStatus(), "breaker-open") {
			return nil
		}
	}
	return errors.New("the breaker did not open in a thousand fetches")
}
