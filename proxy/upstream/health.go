package upstream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// Passive health: what the requests of shoppers tell.
const (
	// skipFor is how long a server that could not be connected to is left alone.
	skipFor = time.Second
	// ejectAfter tries in a row without an answer eject a server for ejectFor, and
	// for twice as long each time that it comes back no better, up to ejectMost.
	ejectAfter = 3
	ejectFor   = 5 * time.Second
	ejectMost  = time.Minute
)

// answered notes that a server gave an answer, whatever its status: a page that
// fails says nothing of the server, and many of them are the breaker's.
func (u *Upstream) answered(s *server) {
	u.mu.Lock()
	s.failed, s.ejected = 0, 0
	u.mu.Unlock()
}

// unanswered notes that a server gave none; unreachable, that there was not even a
// connection.
func (u *Upstream) unanswered(s *server, unreachable bool) {
	if out := u.countFailure(s, unreachable); out > 0 {
		s.label.ejections.Inc()
		u.log(slog.LevelWarn, "server ejected", s.target.address, slog.Duration("for", out))
	}
}

// countFailure gives how long it ejects the server for; 0: not at all.
func (u *Upstream) countFailure(s *server, unreachable bool) (out time.Duration) {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if s.skipped.After(now) {
		return 0 // requests that were under way say what is known already
	}
	s.failed++
	switch {
	case s.failed >= ejectAfter:
		out = min(ejectFor<<min(s.ejected, 10), ejectMost)
		s.failed, s.ejected = ejectAfter-1, s.ejected+1 // once more is enough when it comes back
		s.skipped = now.Add(out)
		s.back = s.skipped
	case unreachable:
		s.skipped = now.Add(skipFor)
	}
	return out
}

// rating is what a row of checks says of a server. The zero value is that of one
// that was never checked: it is taken to be well, so that a start or a reload
// waits for no check.
type rating struct {
	down bool
	row  int // checks in a row that say otherwise
}

// observe counts one check; changed says that it turned the rating.
func (r *rating) observe(well bool, rise, fall int) (changed bool) {
	if well != r.down { // it says what is known
		r.row = 0
		return false
	}
	need := fall
	if r.down {
		need = rise
	}
	if r.row++; r.row < need {
		return false
	}
	r.down, r.row = !r.down, 0
	return true
}

// watch checks a server until ctx ends. The first check comes within a tenth of
// the interval, at a random time: servers and edges that start together need not
// check together.
func (u *Upstream) watch(ctx context.Context, s *server) {
	probe := u.newProbe(s)
	defer probe.CloseIdleConnections()
	timer := time.NewTimer(rand.N(u.options.Health.Interval/10 + 1))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(u.options.Health.Interval)
		err := u.checkOnce(ctx, probe, s)
		if ctx.Err() == nil {
			u.rate(s, err)
		}
	}
}

// rate takes the result of a check in.
func (u *Upstream) rate(s *server, err error) {
	u.mu.Lock()
	changed := s.check.observe(err == nil, u.options.Health.Rise, u.options.Health.Fall)
	if changed && err == nil {
		s.back = time.Now()
		s.skipped, s.failed, s.ejected = time.Time{}, 0, 0
	}
	u.mu.Unlock()
	switch {
	case changed && err == nil:
		u.log(slog.LevelInfo, "server is up", s.target.address)
	case changed:
		u.log(slog.LevelWarn, "server is down", s.target.address, slog.Any("error", err))
	}
}

// newProbe makes the transport of a server's checks. Each check has a connection
// of its own: that one can be made is half of what it is to find out, and those of
// the pool may be all that still works.
func (u *Upstream) newProbe(s *server) *http.Transport {
	t, d := newTransport(u.options, s.target), newDialer(u.options, s.target)
	t.DialContext, t.DialTLSContext = d.plain, d.secure
	t.DisableKeepAlives = true
	return t
}

// checkOnce asks for the path of the health check; any answer from 200 to 399 within
// the interval, and within what a shopper would wait, is well.
func (u *Upstream) checkOnce(ctx context.Context, probe *http.Transport, s *server) error {
	ctx, cancel := context.WithTimeout(ctx, min(u.options.Health.Interval, u.options.Connect+u.options.FirstByte))
	defer cancel()
	host := u.options.Health.Host
	if host == "" {
		host = s.url.Host // "unix" for a socket, which is as good as any
	}
	req := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Scheme: s.url.Scheme, Host: s.url.Host, Opaque: u.options.Health.Path},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: host,
		Header: http.Header{"User-Agent": {"aisle-health"}, "Accept": {"*/*"}},
	}
	resp, err := probe.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
