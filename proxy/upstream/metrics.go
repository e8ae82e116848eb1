package upstream

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Result is how one try of one server ended.
type Result uint8

// The results.
const (
	ResultAnswered    Result = iota // an answer below 500
	ResultServerError               // an answer of 500 or above
	ResultConnect                   // no connection
	ResultTimeout                   // no connection or no head in time
	ResultReset                     // the connection ended before the head did
	ResultMalformed                 // an answer that HTTP does not allow
	ResultAbandoned                 // the shopper's side ended it, or its upload broke
	resultCount
)

func (r Result) String() string {
	names := [resultCount]string{"answered", "origin-5xx", "connect", "timeout", "reset", "malformed", "abandoned"}
	if r >= resultCount {
		return "unknown"
	}
	return names[r]
}

// Results gives every result, in order.
func Results() []Result {
	all := make([]Result, resultCount)
	for i := range all {
		all[i] = Result(i)
	}
	return all
}

// Retry says why a request went to another server, or did not.
type Retry uint8

// The kinds of retry.
const (
	retryUnsent  Retry = iota // no connection to the first server: nothing was sent
	retryTaken                // the first connection ended without an answer
	retryRefused              // the same, but the budget was spent
	retryCount
)

func (r Retry) String() string {
	names := [retryCount]string{"unsent", "unanswered", "over-budget"}
	if r >= retryCount {
		return "unknown"
	}
	return names[r]
}

// Retries gives every kind of retry, in order.
func Retries() []Retry { return []Retry{retryUnsent, retryTaken, retryRefused} }

// Metrics counts what upstreams do. It outlives them: those that a reload makes go
// on with the counters of those before. It is safe for concurrent use.
type Metrics struct {
	requests, ejections, unresolved *prometheus.CounterVec // by upstream and server
	retries, trips, refused         *prometheus.CounterVec // by upstream
	state                           *stateCollector
}

// NewMetrics registers the series; it panics where they are registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := unregistered()
	reg.MustRegister(m.requests, m.ejections, m.unresolved, m.retries, m.trips, m.refused, m.state)
	return m
}

func unregistered() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_upstream_" + name, Help: help}, labels)
	}
	return &Metrics{
		requests:   counter("requests_total", "Tries to get an answer from a server, by how they ended.", "upstream", "server", "result"),
		ejections:  counter("ejections_total", "Times that a server was left alone for a while after tries without an answer.", "upstream", "server"),
		unresolved: counter("resolve_failures_total", "Look-ups of a server's name that found no address.", "upstream", "server"),
		retries:    counter("retries_total", "Requests that went to another server, or did not since the budget was spent.", "upstream", "kind"),
		trips:      counter("breaker_trips_total", "Times that the breaker opened.", "upstream"),
		refused:    counter("queue_refused_total", "Requests that got no free connection: the queue was full, or the wait too long.", "upstream"),
		state:      newStateCollector(),
	}
}

// Show makes s the set that the gauges tell of, and forgets the series of servers
// that are not in it.
func (m *Metrics) Show(s *Set) {
	m.state.mu.Lock()
	old := m.state.set
	m.state.set = s
	m.state.mu.Unlock()
	if old == nil || old == s {
		return
	}
	for name, u := range old.byName {
		next := s.byName[name]
		if next == nil {
			for _, v := range []*prometheus.CounterVec{m.requests, m.ejections, m.unresolved, m.retries, m.trips, m.refused} {
				v.DeletePartialMatch(prometheus.Labels{"upstream": name})
			}
			continue
		}
		for _, n := range u.names {
			if !next.has(label(n.url)) {
				for _, v := range []*prometheus.CounterVec{m.requests, m.ejections, m.unresolved} {
					v.DeletePartialMatch(prometheus.Labels{"upstream": name, "server": label(n.url)})
				}
			}
		}
	}
}

// has says whether a server is among the configured ones.
func (u *Upstream) has(host string) bool {
	for _, n := range u.names {
		if label(n.url) == host {
			return true
		}
	}
	return false
}

// counters are the series of one upstream, looked up once.
type counters struct {
	retries [retryCount]prometheus.Counter
	trips   prometheus.Counter
	refused prometheus.Counter
}

func (m *Metrics) upstream(name string) *counters {
	c := &counters{trips: m.trips.WithLabelValues(name), refused: m.refused.WithLabelValues(name)}
	for _, kind := range Retries() {
		c.retries[kind] = m.retries.WithLabelValues(name, kind.String())
	}
	return c
}

// serverCounters are the series of one configured server.
type serverCounters struct {
	results    [resultCount]prometheus.Counter
	ejections  prometheus.Counter
	unresolved prometheus.Counter
}

func (m *Metrics) server(upstream, server string) *serverCounters {
	c := &serverCounters{ejections: m.ejections.WithLabelValues(upstream, server), unresolved: m.unresolved.WithLabelValues(upstream, server)}
	for _, r := range Results() {
		c.results[r] = m.requests.WithLabelValues(upstream, server, r.String())
	}
	return c
}

// stateCollector gives the gauges when it is asked: a state that time alone
// changes, such as a breaker's, is right at every scrape.
type stateCollector struct {
	healthy, inFlight, breaker, queued *prometheus.Desc

	mu  sync.Mutex
	set *Set // guarded by mu; nil: nothing to tell
}

func newStateCollector() *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("aisle_upstream_"+name, help, labels, nil)
	}
	return &stateCollector{
		healthy:  desc("healthy", "1 while a server takes its share of requests, 0 while it is ejected or its health checks fail.", "upstream", "server"),
		inFlight: desc("in_flight", "Fetches under way, until the ends of their bodies.", "upstream", "server"),
		breaker:  desc("breaker_state", "State of the breaker: 0 closed, 1 half-open, 2 open.", "upstream"),
		queued:   desc("queued", "Requests that wait for a free connection.", "upstream"),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.healthy, c.inFlight, c.breaker, c.queued} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	set := c.set
	c.mu.Unlock()
	if set == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	for name, u := range set.byName {
		gauge(c.breaker, float64(u.breaker.now(now)), name)
		gauge(c.queued, float64(u.waiting.Load()), name)
		for _, s := range u.states(now) {
			gauge(c.healthy, s.healthy, name, s.server)
			gauge(c.inFlight, float64(s.inFlight), name, s.server)
		}
	}
}

// serverState is what the gauges tell of a configured server.
type serverState struct {
	server   string
	healthy  float64
	inFlight int
}

// states sums up the addresses of each configured server; one that is well is
// enough.
func (u *Upstream) states(now time.Time) []serverState {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]serverState, len(u.names))
	for i, n := range u.names {
		all[i].server = label(n.url)
		for _, s := range n.servers {
			all[i].inFlight += s.inFlight
			if !s.out(now) {
				all[i].healthy = 1
			}
		}
	}
	return all
}
