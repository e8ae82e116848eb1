package native

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/sessions/transform/profile"
)

// Metrics count what the apps tell. No label names a shopper. One is made for a registry, and serves the Sets that follow
// each other.
type Metrics struct {
	logins *prometheus.CounterVec
	steps  *prometheus.CounterVec
	loads  *prometheus.CounterVec
	facets prometheus.Counter
	people prometheus.Gauge
}

// NewMetrics registers the series with reg and, as all that registers, panics if they are there.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	options := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "aisle", Subsystem: "sessions", Name: name, Help: help}
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts(options(name, help)), labels)
	}
	m := &Metrics{
		logins: counters("logins_total", "Log-in cookies that were looked at, by what they were worth.", "verdict"),
		steps:  counters("impersonations_total", "Steps of impersonations, by what became of an operator's wish.", "step"),
		loads:  counters("loads_total", "Files and URLs of the transforms that were read, or could not be, by app.", "app", "result"),
		facets: prometheus.NewCounter(prometheus.CounterOpts(options("facets_dropped_total", "Facets that did not enter the segment."))),
		people: prometheus.NewGauge(prometheus.GaugeOpts(options("customers", "Customers of the file that is in use."))),
	}
	for _, v := range auth.Verdicts() {
		m.logins.WithLabelValues(v.String())
	}
	for _, k := range transform.StepKinds() {
		m.steps.WithLabelValues(k.String())
	}
	reg.MustRegister(m.logins, m.steps, m.loads, m.facets, m.people)
	return m
}

// told counts and logs a load. It holds nothing of what is in the file.
func (o Options) told(m *Metrics, app, from string, err error, attributes ...any) {
	log := o.Logger.With(slog.String("app", app), slog.String("from", from))
	if err != nil {
		m.loads.WithLabelValues(app, "failed").Inc()
		log.Error("transform: not read, what was read before is in use", slog.Any("error", err))
		return
	}
	m.loads.WithLabelValues(app, "ok").Inc()
	log.Info("transform: read", attributes...)
}

func (o Options) toldKeys(m *Metrics) func(auth.Load) {
	return func(l auth.Load) {
		o.told(m, "authentication", l.From, l.Err, slog.Int("keys", l.Keys), slog.Int("passed_over", l.Passed), slog.Any("unusable", l.Unusable))
	}
}

func (o Options) toldCustomers(m *Metrics) func(profile.Load) {
	return func(l profile.Load) {
		m.people.Set(float64(l.Customers))
		o.told(m, "profile", l.Path, l.Err, slog.Int("customers", l.Customers), slog.Duration("took", l.Took))
	}
}

// step is the record of who impersonates whom: ids, never e-mails.
func (o Options) step(m *Metrics) func(transform.Step) {
	return func(s transform.Step) {
		m.steps.WithLabelValues(s.Kind.String()).Inc()
		o.Logger.Info("impersonation", slog.String("step", s.Kind.String()), slog.String("operator", s.Operator),
			slog.String("customer", s.Customer), slog.String("operation", s.Operation))
	}
}
