package proxy

import (
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// metrics holds the edge's series, their children resolved at start: looking a
// child up by labels costs more than a hit.
type metrics struct {
	requests  *prometheus.CounterVec
	unrouted  []prometheus.Counter // per outcome, of noRoute
	reasons   []prometheus.Counter
	duration  []prometheus.Observer // per outcome
	cookies   []prometheus.Counter  // per segment.Reason
	seals     []prometheus.Counter
	overlays  []prometheus.Counter
	allowed   prometheus.Counter
	forwarded prometheus.Counter
	bytes     prometheus.Counter
	panics    prometheus.Counter
	broken    prometheus.Counter
	tunnels   prometheus.Gauge
	recovered prometheus.Counter // segments, by the sidecar
	lost      prometheus.Counter // segments that it did not recover
	ended     [endCount]func()   // per connEnd
}

// noRoute labels what was refused before a route was found.
const noRoute = "none"

func newMetrics(reg prometheus.Registerer) *metrics {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_requests_total", Help: "Requests answered, by route and outcome."}, []string{"route", "outcome"})
	reasons := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_request_reasons_total", Help: "Requests answered, by the reason of their outcome."}, []string{"reason"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "aisle_request_duration_seconds", Help: "Time from the request's head to the end of its handling, the sending of streamed bodies not included.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"outcome"})
	cookies := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_segment_cookies_total", Help: "Requests on segment scope, by what became of the segment cookie."}, []string{"result"})
	seals := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_segment_seals_total", Help: "Requests on segment scope, by what the seal was worth."}, []string{"result"})
	overlays := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_segment_overlays_total", Help: "Requests on segment scope, by what became of overlay parameters."}, []string{"result"})
	m := &metrics{
		requests:  requests,
		allowed:   prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_segment_values_disallowed_total", Help: "Requests on segment scope with a value that segment.allow does not list, set to its default."}),
		forwarded: prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_forwarded_garbage_total", Help: "Requests of a trusted proxy whose forwarding fields were unreadable."}),
		bytes:     prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_response_body_bytes_total", Help: "Bytes of response bodies that were sent."}),
		panics:    prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_panics_total", Help: "Panics recovered in request handling."}),
		tunnels:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "aisle_upgraded_connections", Help: "Connections that have switched to another protocol, such as WebSocket."}),
		broken:    prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_answers_broken_total", Help: "Answers whose body broke off: the origin failed in the middle, or the client went."}),
	}
	reg.MustRegister(requests, reasons, duration, cookies, seals, overlays, m.allowed, m.forwarded, m.bytes, m.panics, m.broken, m.tunnels)
	for _, o := range cache.Outcomes() {
		m.duration = append(m.duration, duration.WithLabelValues(o.String()))
	}
	for _, r := range cache.Reasons() {
		m.reasons = append(m.reasons, reasons.WithLabelValues(r.String()))
	}
	m.cookies = counters(cookies, segment.Reasons())
	m.seals = counters(seals, segment.SealStates())
	m.overlays = counters(overlays, segment.OverlayReasons())
	m.unrouted = m.ofRoute(noRoute)
	recoveries := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_segment_recoveries_total", Help: "Segments that were missing or unproven beside a session, by what the sidecar said."}, []string{"result"})
	reg.MustRegister(recoveries)
	m.recovered, m.lost = recoveries.WithLabelValues("recovered"), recoveries.WithLabelValues("failed")
	ended := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_connections_refused_total", Help: "Connections that aisle ended before or within a request because of the client."}, []string{"reason"})
	reg.MustRegister(ended)
	for i := range m.ended {
		m.ended[i] = ended.WithLabelValues(connEnd(i).String()).Inc
	}
	return m
}

func counters[T interface {
	String() string
	~uint8
}](vec *prometheus.CounterVec, values []T) []prometheus.Counter {
	all := make([]prometheus.Counter, len(values))
	for _, v := range values {
		all[v] = vec.WithLabelValues(v.String())
	}
	return all
}

// follow gives routes their series: those that they had, where a route stays.
func (m *metrics) follow(routes []*route) {
	for _, r := range routes {
		r.answered = m.ofRoute(r.Name)
	}
}

// forget drops the series of routes that are no more. What is still answered by them is
// counted where nobody looks.
func (m *metrics) forget(old, kept []*route) {
	for _, r := range old {
		if !slices.ContainsFunc(kept, func(k *route) bool { return k.Name == r.Name }) {
			m.requests.DeletePartialMatch(prometheus.Labels{"route": r.Name})
		}
	}
}

func (m *metrics) ofRoute(name string) []prometheus.Counter {
	children := make([]prometheus.Counter, 0, len(cache.Outcomes()))
	for _, o := range cache.Outcomes() {
		children = append(children, m.requests.WithLabelValues(name, o.String()))
	}
	return children
}

func (m *metrics) recoveries(well bool) prometheus.Counter {
	if well {
		return m.recovered
	}
	return m.lost
}

func (m *metrics) countClaim(c *segment.Claim) {
	m.cookies[c.Reason()].Inc()
	m.seals[c.Seal()].Inc()
	m.overlays[c.Overlay()].Inc()
	if len(c.AllowDropped()) > 0 {
		m.allowed.Inc()
	}
}

func (m *metrics) answered(outcome cache.Outcome, reason cache.Reason, took time.Duration) {
	m.reasons[reason].Inc()
	m.duration[outcome].Observe(took.Seconds())
}

// Events counts and logs what the engine does behind the requests.
type Events struct {
	fetches *prometheus.CounterVec
	took    prometheus.Histogram
	landed  prometheus.Counter
	unseen  prometheus.Counter
	panics  prometheus.Counter
	logger  *slog.Logger
}

// NewEvents registers the engine's series.
func NewEvents(reg prometheus.Registerer, logger *slog.Logger) *Events {
	e := &Events{
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_fetches_total", Help: "Anonymous fetches from the origin, by whether they were stored or why not."}, []string{"scope", "reason"}),
		took:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aisle_fetch_duration_seconds", Help: "Time of anonymous fetches from their start to their last byte.", Buckets: prometheus.DefBuckets}),
		landed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_landings_total", Help: "Fetched pages that the store showed in time."}),
		unseen:  prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_landings_unseen_total", Help: "Fetched pages that the store dropped or did not show within a second."}),
		panics:  prometheus.NewCounter(prometheus.CounterOpts{Name: "aisle_fetch_panics_total", Help: "Panics recovered in fetches."}),
		logger:  logger,
	}
	reg.MustRegister(e.fetches, e.took, e.landed, e.unseen, e.panics)
	return e
}

// Fetched implements cache.Events.
func (e *Events) Fetched(p *cache.Policy, reason cache.Reason, _ int, took time.Duration) {
	e.fetches.WithLabelValues(p.Scope.String(), reason.String()).Inc()
	e.took.Observe(took.Seconds())
}

// Landed implements cache.Events.
func (e *Events) Landed(visible bool) {
	if visible {
		e.landed.Inc()
	} else {
		e.unseen.Inc()
	}
}

// Panicked implements cache.Events.
func (e *Events) Panicked(value any, stack []byte) {
	e.panics.Inc()
	e.logger.Error("recovered from a panic in a fetch", "panic", value, "stack", string(stack))
}
