package sessions

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/sessions/transform"
)

// Metrics count what a Service and its Handler do. No label names a session, a path or a key.
type Metrics struct {
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	tokens     []prometheus.Counter // by TokenState
	drops      []prometheus.Counter // by part
	transforms *prometheus.CounterVec
	calls      *prometheus.HistogramVec
	created, edited, conflicts, storeErrors, corruptions, limited, panics,
	cutUTM, cutCampaigns, references, recoveries prometheus.Counter
}

// NewMetrics registers aisle_sessions_* with reg and, as all that registers, panics if they are there.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests:   newVec(reg, "requests_total", "Requests to the sessions system, by endpoint and class of the answer's status.", "endpoint", "class"),
		durations:  newDurations(reg, "request_duration_seconds", "Time from a request's head to its answer, by endpoint.", "endpoint"),
		transforms: newVec(reg, "transforms_total", "Calls of transforms, by app and outcome.", "app", "outcome"),
		calls:      newDurations(reg, "transform_duration_seconds", "Time of calls of transforms, by app.", "app"),

		created:      newCounter(reg, "created_total", "Sessions that were begun."),
		edited:       newCounter(reg, "edits_total", "Edits of sessions that were stored."),
		conflicts:    newCounter(reg, "conflicts_total", "Edits that were made again since another process was faster."),
		storeErrors:  newCounter(reg, "store_errors_total", "Errors of the session store."),
		corruptions:  newCounter(reg, "corrupt_total", "Stored sessions that could not be read and were begun anew."),
		limited:      newCounter(reg, "creations_refused_total", "Sessions that were not begun since their address began too many."),
		panics:       newCounter(reg, "panics_total", "Panics recovered in requests to the sessions system."),
		cutUTM:       newCounter(reg, "segment_utm_cut_total", "Values of utm fields that were too long for a segment."),
		cutCampaigns: newCounter(reg, "segment_campaigns_cut_total", "Campaigns that were too many for a segment."),
		references:   newCounter(reg, "segment_references_total", "Edits whose segment got a reference for its facets."),
		recoveries:   newCounter(reg, "recoveries_total", "Segments that edges recovered for shoppers who had lost the cookie."),
	}
	states := newVec(reg, "tokens_total", "Session tokens of requests, by what they were worth.", "state")
	for _, state := range TokenStates() {
		m.tokens = append(m.tokens, states.WithLabelValues(state.String()))
	}
	drops := newVec(reg, "dropped_total", "Parts of requests that were passed over, by what they were.", "part")
	for p := range parts {
		m.drops = append(m.drops, drops.WithLabelValues(p.String()))
	}
	return m
}

const (
	metricNamespace = "aisle"
	metricSubsystem = "sessions"
)

func newCounter(reg prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help})
	reg.MustRegister(c)
	return c
}

func newVec(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help}, labels)
	reg.MustRegister(c)
	return c
}

func newDurations(reg prometheus.Registerer, name, help, label string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: metricNamespace, Subsystem: metricSubsystem, Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
	}, []string{label})
	reg.MustRegister(h)
	return h
}

// countPatience bounds what a scrape waits for a store.
const countPatience = time.Second

// RegisterCount registers aisle_sessions_stored, the number of live sessions in a store, which is asked at each scrape; it is
// NaN where the store does not answer. It panics if the series is there.
func RegisterCount(reg prometheus.Registerer, store Store) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: metricNamespace, Subsystem: metricSubsystem, Name: "stored", Help: "Live sessions in the store, roughly.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), countPatience) // a scrape has no context of its own
		defer cancel()
		n, err := store.Len(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	}))
}

// Transform counts a call of a transform: it is for transform.Options.Observe. The label is the app's name, which
// the configuration gives.
func (m *Metrics) Transform(c transform.Call) {
	m.transforms.WithLabelValues(c.App, c.Outcome.String()).Inc()
	m.calls.WithLabelValues(c.App).Observe(c.Took.Seconds())
}

func (m *Metrics) token(state TokenState) { m.tokens[state].Inc() }
func (m *Metrics) conflict()              { m.conflicts.Inc() }
func (m *Metrics) storeError()            { m.storeErrors.Inc() }
func (m *Metrics) corrupt()               { m.corruptions.Inc() }

func (m *Metrics) dropped(p part, n int) { m.drops[p].Add(float64(n)) }

func (m *Metrics) saved(version uint64, issued Issued) {
	if version == 1 {
		m.created.Inc()
	} else {
		m.edited.Inc()
	}
	m.cutUTM.Add(float64(issued.CutUTM))
	m.cutCampaigns.Add(float64(issued.CutCampaigns))
	if issued.Reference != "" {
		m.references.Inc()
	}
}

func (m *Metrics) answered(e endpoint, status int, took time.Duration) {
	m.requests.WithLabelValues(e.String(), strconv.Itoa(status/100)+"xx").Inc()
	m.durations.WithLabelValues(e.String()).Observe(took.Seconds())
}
