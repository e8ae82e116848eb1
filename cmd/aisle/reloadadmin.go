package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// reloadMetrics tell of reloads. The start counts as the first success: an alert on a
// failed reload must not fire, or be silent, because there was none yet.
type reloadMetrics struct {
	total      *prometheus.CounterVec
	last       prometheus.Gauge
	successful prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) reloadMetrics {
	m := reloadMetrics{
		total:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aisle_reload_total", Help: "Reloads of the configuration, by what became of them."}, []string{"result"}),
		last:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "aisle_reload_last_success_timestamp_seconds", Help: "When the file was last found to be what the edge runs by, Unix time."}),
		successful: prometheus.NewGauge(prometheus.GaugeOpts{Name: "aisle_reload_successful", Help: "1 while the last reload went well, 0 while the edge runs by an older configuration than the file's."}),
	}
	for r := range numReloadResults {
		m.total.WithLabelValues(r.String())
	}
	reg.MustRegister(m.total, m.last, m.successful)
	return m
}

func (m *reloadMetrics) count(r reloadResult) {
	m.total.WithLabelValues(r.String()).Inc()
	if r == reloadRefused {
		m.successful.Set(0)
		return
	}
	m.succeeded()
}

func (m *reloadMetrics) succeeded() {
	m.successful.Set(1)
	m.last.SetToCurrentTime()
}

// reloadAnswer is the body of an answer to POST /-/reload.
type reloadAnswer struct {
	Result   string   `json:"result"`
	Warnings []string `json:"warnings,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

// ServeHTTP answers POST /-/reload: 200 when the edge runs by the file, 422 with every
// error when it does not, 503 while it drains.
func (r *reloader) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answerReload(w, http.StatusMethodNotAllowed, reloadAnswer{Result: reloadRefused.String(), Errors: []string{q.Method + " is not allowed: reload by POST"}})
		return
	}
	result, warnings, err := r.reload("POST /-/reload")
	switch {
	case errors.Is(err, errDraining):
		answerReload(w, http.StatusServiceUnavailable, reloadAnswer{Result: result.String(), Errors: faultLines(err)})
	case err != nil:
		answerReload(w, http.StatusUnprocessableEntity, reloadAnswer{Result: result.String(), Errors: faultLines(err)})
	default:
		answerReload(w, http.StatusOK, reloadAnswer{Result: result.String(), Warnings: warnings})
	}
}

func answerReload(w http.ResponseWriter, status int, body reloadAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the operator went; what was done is in the log
}
