package upstream_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/tests/ports"
)

// answering is an origin whose status a test decides.
func answering(t *testing.T) (url string, status, served *atomic.Int64) {
	status, served = new(atomic.Int64), new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(s.Close)
	return s.URL, status, served
}

// TestBreaker: an upstream that fails is not asked any more, which is said at once
// and with the time to come again; when that has come, it is.
func TestBreaker(t *testing.T) {
	url, status, served := answering(t)
	var logged bytes.Buffer
	reg := prometheus.NewRegistry()
	options := upstream.Options{Name: "shop", Servers: []string{url}, Metrics: upstream.NewMetrics(reg), Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		Breaker: upstream.Breaker{ErrorRatio: 0.5, OpenFor: 300 * time.Millisecond}}
	u := open(t, options)
	ask := func(n int, answer int64) {
		t.Helper()
		status.Store(answer)
		for range n {
			resp, err := u.Fetch(t.Context(), get("/"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	ask(100, 404)        // shoppers' mistakes
	u = open(t, options) // its window is empty
	ask(5, 200)
	ask(5, 503)
	before := served.Load()
	_, err := u.Fetch(t.Context(), get("/"))
	wantReason(t, err, cache.ReasonBreakerOpen)
	if oe, _ := errors.AsType[*cache.OriginError](err); oe.RetryAfter <= 0 || oe.RetryAfter > 300*time.Millisecond {
		t.Errorf("retry after %v", oe.RetryAfter)
	}
	if served.Load() != before {
		t.Error("the upstream was asked although the breaker is open")
	}
	if !strings.Contains(logged.String(), `msg="breaker opened" upstream=shop`) {
		t.Errorf("log %q", logged.String())
	}
	time.Sleep(300 * time.Millisecond) // a real origin has no synctest bubble
	ask(20, 200)
	series(t, reg, `
# HELP aisle_upstream_breaker_trips_total Times that the breaker opened.
# TYPE aisle_upstream_breaker_trips_total counter
aisle_upstream_breaker_trips_total{upstream="shop"} 1
`, "aisle_upstream_breaker_trips_total")
}

// TestBreakerCounts: what opens it and what does not.
func TestBreakerCounts(t *testing.T) {
	f := func(name string, want bool, server string, fetch func(u *upstream.Upstream)) {
		t.Run(name, func(t *testing.T) {
			u := open(t, upstream.Options{Name: "x", Servers: []string{server}, FirstByte: 10 * time.Millisecond, Breaker: upstream.Breaker{ErrorRatio: 1}})
			for range 20 {
				fetch(u)
			}
			_, err := u.Fetch(t.Context(), get("/"))
			oe, _ := errors.AsType[*cache.OriginError](err)
			if got := oe != nil && oe.Reason == cache.ReasonBreakerOpen; got != want {
				t.Errorf("open: %v, error %v", got, err)
			}
		})
	}
	plain := func(u *upstream.Upstream) {
		if resp, err := u.Fetch(t.Context(), get("/")); err == nil {
			resp.Body.Close()
		}
	}
	f("refused connections", true, "http://"+ports.Address(t), plain)
	hang := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(func() { close(hang); hung.Close() })
	f("time-outs", true, hung.URL, plain)
	f("broken uploads", false, named(t, "ok"), func(u *upstream.Upstream) {
		broken := io.MultiReader(strings.NewReader("some"), failing{})
		if resp, err := u.Fetch(t.Context(), &cache.OriginRequest{Method: "POST", Host: "h", Target: "/", Body: broken, Length: 10}); err == nil {
			resp.Body.Close()
		}
	})
	f("requests that cannot be sent", false, named(t, "ok"), func(u *upstream.Upstream) {
		if _, err := u.Fetch(t.Context(), get("no target")); err == nil {
			t.Error("no error")
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the shopper went") }

// TestQueue: of those who find every connection taken some wait, and the rest is
// told at once when to come again.
func TestQueue(t *testing.T) {
	const slots, waiting, over = 1, 64, 10
	hold := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	t.Cleanup(s.Close)
	reg := prometheus.NewRegistry()
	m := upstream.NewMetrics(reg)
	set, err := upstream.NewSet("x", upstream.Options{Name: "x", Servers: []string{s.URL}, MaxConnections: slots, Connect: time.Minute, FirstByte: time.Minute, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	m.Show(set)
	var served, refused atomic.Int64
	var running sync.WaitGroup
	for range slots + waiting + over {
		running.Go(func() {
			resp, err := set.Fetch(t.Context(), get("/"))
			if err == nil {
				resp.Body.Close()
				served.Add(1)
				return
			}
			wantReason(t, err, cache.ReasonNoUpstream)
			if oe, _ := errors.AsType[*cache.OriginError](err); oe.RetryAfter != time.Second {
				t.Errorf("retry after %v", oe.RetryAfter)
			}
			if refused.Add(1) == over {
				close(hold)
			}
		})
	}
	running.Wait()
	if served.Load() != slots+waiting || refused.Load() != over {
		t.Errorf("%d served, %d refused", served.Load(), refused.Load())
	}
	want := `
# HELP aisle_upstream_queue_refused_total Requests that got no free connection: the queue was full, or the wait too long.
# TYPE aisle_upstream_queue_refused_total counter
aisle_upstream_queue_refused_total{upstream="x"} 10
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "aisle_upstream_queue_refused_total"); err != nil {
		t.Error(err)
	}
}
