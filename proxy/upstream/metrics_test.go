package upstream_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/proxy/upstream/acceptance"
	"github.com/aislecache/aisle/tests/ports"
)

func words[T interface{ String() string }](values []T) string {
	var all []string
	for _, v := range values {
		all = append(all, v.String())
	}
	return strings.Join(all, " ")
}

// TestWords: these stand in dashboards.
func TestWords(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	f(words(upstream.Results()), "answered origin-5xx connect timeout reset malformed abandoned")
	f(words(upstream.Retries()), "unsent unanswered over-budget")
	f(words(upstream.BreakerStates()), "closed half-open open")
	f(words([]upstream.Result{99})+words([]upstream.Retry{99})+words([]upstream.BreakerState{99}), "unknownunknownunknown")
}

// series is what a scrape tells, with the servers' addresses made stable.
func series(t *testing.T, reg *prometheus.Registry, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// TestMetrics: every end of a try is counted under its server, and the gauges tell
// of the set that is shown.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := upstream.NewMetrics(reg)
	o := acceptance.Listen(t,
		func(c *acceptance.Conn) {
			c.Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			c.Answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		},
		func(c *acceptance.Conn) { c.Head(); c.Reset() },
		func(c *acceptance.Conn) { c.Answer("garbage\r\n\r\n") },
		func(c *acceptance.Conn) { c.Answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"); c.AwaitEnd() })
	set, err := upstream.NewSet("shop", upstream.Options{Name: "shop", Servers: []string{o.URL()}, Metrics: m})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	m.Show(set)
	fetch := func() *cache.OriginResponse {
		resp, err := set.Fetch(t.Context(), get("/"))
		if err != nil {
			return nil
		}
		return resp
	}
	for range 2 {
		fetch().Body.Close()
	}
	for range 2 {
		if fetch() != nil {
			t.Fatal("an answer instead of a failure")
		}
	}
	last := fetch()
	text := strings.NewReplacer("SERVER", o.Address()).Replace(`
# HELP aisle_upstream_requests_total Tries to get an answer from a server, by how they ended.
# TYPE aisle_upstream_requests_total counter
aisle_upstream_requests_total{result="abandoned",server="SERVER",upstream="shop"} 0
aisle_upstream_requests_total{result="answered",server="SERVER",upstream="shop"} 2
aisle_upstream_requests_total{result="connect",server="SERVER",upstream="shop"} 0
aisle_upstream_requests_total{result="malformed",server="SERVER",upstream="shop"} 1
aisle_upstream_requests_total{result="origin-5xx",server="SERVER",upstream="shop"} 1
aisle_upstream_requests_total{result="reset",server="SERVER",upstream="shop"} 1
aisle_upstream_requests_total{result="timeout",server="SERVER",upstream="shop"} 0
# HELP aisle_upstream_in_flight Fetches under way, until the ends of their bodies.
# TYPE aisle_upstream_in_flight gauge
aisle_upstream_in_flight{server="SERVER",upstream="shop"} 1
# HELP aisle_upstream_healthy 1 while a server takes its share of requests, 0 while it is ejected or its health checks fail.
# TYPE aisle_upstream_healthy gauge
aisle_upstream_healthy{server="SERVER",upstream="shop"} 1
# HELP aisle_upstream_breaker_state State of the breaker: 0 closed, 1 half-open, 2 open.
# TYPE aisle_upstream_breaker_state gauge
aisle_upstream_breaker_state{upstream="shop"} 0
# HELP aisle_upstream_queued Requests that wait for a free connection.
# TYPE aisle_upstream_queued gauge
aisle_upstream_queued{upstream="shop"} 0
`)
	series(t, reg, text, "aisle_upstream_requests_total", "aisle_upstream_in_flight", "aisle_upstream_healthy", "aisle_upstream_breaker_state", "aisle_upstream_queued")
	last.Body.Close()
}

// TestMetricsOutliveASet: a reload keeps the counters of what stays and drops the
// series of what is gone.
func TestMetricsOutliveASet(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := upstream.NewMetrics(reg)
	show := func(options ...upstream.Options) *upstream.Set {
		t.Helper()
		for i := range options {
			options[i].Metrics = m
		}
		set, err := upstream.NewSet(options[0].Name, options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(set.Close)
		m.Show(set)
		return set
	}
	dead := ports.Address(t)
	first := show(upstream.Options{Name: "a", Servers: []string{"http://" + dead, "http://10.0.0.1"}}, upstream.Options{Name: "b", Servers: []string{"http://10.0.0.2"}})
	series(t, reg, `
# HELP aisle_upstream_healthy 1 while a server takes its share of requests, 0 while it is ejected or its health checks fail.
# TYPE aisle_upstream_healthy gauge
aisle_upstream_healthy{server="10.0.0.1:80",upstream="a"} 1
aisle_upstream_healthy{server="10.0.0.2:80",upstream="b"} 1
aisle_upstream_healthy{server="`+dead+`",upstream="a"} 1
`, "aisle_upstream_healthy")
	only := show(upstream.Options{Name: "a", Servers: []string{"http://" + dead}})
	for _, set := range []*upstream.Set{only, only} {
		if _, err := set.Fetch(t.Context(), get("/")); err == nil {
			t.Fatal("an answer from a closed port")
		}
	}
	again := show(upstream.Options{Name: "a", Servers: []string{"http://" + dead}})
	if _, err := again.Fetch(t.Context(), get("/")); err == nil {
		t.Fatal("an answer from a closed port")
	}
	first.Close()
	text := `
# HELP aisle_upstream_requests_total Tries to get an answer from a server, by how they ended.
# TYPE aisle_upstream_requests_total counter
aisle_upstream_requests_total{result="abandoned",server="S",upstream="a"} 0
aisle_upstream_requests_total{result="answered",server="S",upstream="a"} 0
aisle_upstream_requests_total{result="connect",server="S",upstream="a"} 3
aisle_upstream_requests_total{result="malformed",server="S",upstream="a"} 0
aisle_upstream_requests_total{result="origin-5xx",server="S",upstream="a"} 0
aisle_upstream_requests_total{result="reset",server="S",upstream="a"} 0
aisle_upstream_requests_total{result="timeout",server="S",upstream="a"} 0
# HELP aisle_upstream_breaker_trips_total Times that the breaker opened.
# TYPE aisle_upstream_breaker_trips_total counter
aisle_upstream_breaker_trips_total{upstream="a"} 0
`
	series(t, reg, strings.ReplaceAll(text, `"S"`, `"`+dead+`"`), "aisle_upstream_requests_total", "aisle_upstream_breaker_trips_total")
}
