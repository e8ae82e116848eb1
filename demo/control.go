package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// State is what /_demo/state tells, and every other control after its change.
type State struct {
	Revision uint64            `json:"revision"`
	Requests map[string]uint64 `json:"requests"` // by Class, since the start, failed ones included
	Mode     FaultMode         `json:"mode"`
	Rate     float64           `json:"rate"`
	Latency  string            `json:"latency"`
	Jitter   string            `json:"jitter"`
	Sessions int               `json:"sessions"`
}

// State is the storefront's state now.
func (s *Storefront) State() State {
	now := s.faults.change(func(*weather) {})
	st := State{
		Revision: s.revision.Load(), Requests: map[string]uint64{}, Mode: now.Mode, Rate: now.Rate,
		Latency: now.Latency.String(), Jitter: now.Jitter.String(), Sessions: s.sessions.count(),
	}
	for class := range classEnd {
		st.Requests[class.String()] = s.requests[class].Load()
	}
	return st
}

// Reprice goes to the next revision of the price list and returns it: all prices and all pages change.
func (s *Storefront) Reprice() uint64 { return s.revision.Add(1) }

// Fail lets a share of all requests but the controls fail from now on. A rate outside 0 to 1 acts as the nearer end.
func (s *Storefront) Fail(mode FaultMode, rate float64) {
	s.faults.change(func(w *weather) { w.Mode, w.Rate = mode, rate })
}

// Delay sets the wait before each answer.
func (s *Storefront) Delay(latency, jitter time.Duration) {
	s.faults.change(func(w *weather) { w.Latency, w.Jitter = latency, jitter })
}

// control answers /_demo/. Whoever reaches the listener may use it: the demo is no place for secrets.
func (s *Storefront) control(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/_demo/")
	if name == "state" {
		only(s.showState, http.MethodGet, http.MethodHead)(w, r)
		return
	}
	change := map[string]func(url.Values) error{
		"reprice": func(url.Values) error { s.Reprice(); return nil },
		"fail":    s.controlFail,
		"latency": s.controlDelay,
	}[name]
	if change == nil {
		plain(w, http.StatusNotFound, "no such control: state, reprice, fail, latency")
		return
	}
	only(func(w http.ResponseWriter, r *http.Request) {
		if err := change(r.URL.Query()); err != nil {
			plain(w, http.StatusBadRequest, err.Error())
			return
		}
		s.showState(w, r)
	}, http.MethodPost)(w, r)
}

func (s *Storefront) showState(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	reply(w, r, http.StatusOK, s.State())
}

// controlFail takes mode and, 1 unless given, rate.
func (s *Storefront) controlFail(q url.Values) error {
	var mode FaultMode
	if err := mode.UnmarshalText([]byte(q.Get("mode"))); err != nil {
		return err
	}
	rate, err := strconv.ParseFloat(withDefault(q.Get("rate"), "1"), 64)
	if err != nil || !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("rate %q: a number from 0 to 1", q.Get("rate"))
	}
	s.Fail(mode, rate)
	return nil
}

// controlDelay takes latency and jitter, each 0 unless given.
func (s *Storefront) controlDelay(q url.Values) error {
	var d [2]time.Duration
	for i, name := range []string{"latency", "jitter"} {
		var err error
		if d[i], err = time.ParseDuration(withDefault(q.Get(name), "0s")); err != nil || d[i] < 0 || d[i] > time.Minute {
			return fmt.Errorf("%s %q: a duration up to a minute", name, q.Get(name))
		}
	}
	s.Delay(d[0], d[1])
	return nil
}
