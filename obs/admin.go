package obs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	headerPatience = 5 * time.Second
	readPatience   = 30 * time.Second
	// writePatience: pprof adds the length of a profile to it by itself; a handler that
	// streams for longer does so by http.ResponseController.
	writePatience  = 30 * time.Second
	idlePatience   = 2 * time.Minute
	gatherPatience = 10 * time.Second
)

// AdminOptions is what the admin listener shows.
type AdminOptions struct {
	// Registry is what /metrics gathers; promhttp adds its own error counter to it.
	Registry *prometheus.Registry
	// Ready says whether the process should get traffic and, if not, why: one word
	// such as "starting" or "draining". It is called for each probe, from many
	// goroutines. nil: always ready.
	Ready func() (ready bool, reason string)
	// Logger gets what net/http has to complain of, as warnings. nil: nobody does.
	Logger *slog.Logger
}

// Admin is the listener for operators: /metrics, /healthz, /readyz, /debug/pprof/ and what
// Handle adds. It has no authentication and belongs on an address that only operators reach.
// Since that is often loopback, where every page in the operator's browser can send
// requests as well, unsafe methods that a browser sends across origins get 403.
type Admin struct {
	mux    *http.ServeMux
	server *http.Server

	mu        sync.Mutex // guards what follows, and the setting of stopping
	listeners []net.Listener
	open      map[net.Conn]bool // whether something is asked
	serving   sync.WaitGroup    // of Serve; none is added while stopping
	stopping  atomic.Bool
}

// NewAdmin makes the listener's server; Serve starts it.
func NewAdmin(o AdminOptions) *Admin {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	complaints := slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{
		Registry:       o.Registry,
		ErrorLog:       complaints,
		CoalesceGather: true,
		Timeout:        gatherPatience,
	}))
	mux.HandleFunc("GET /healthz", health)
	mux.HandleFunc("GET /readyz", readiness(o.Ready))
	addProfiles(mux)
	a := &Admin{mux: mux, open: map[net.Conn]bool{}}
	a.server = &http.Server{
		ConnState:         a.note,
		Handler:           a.lastly(http.NewCrossOriginProtection().Handler(mux)),
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       readPatience,
		WriteTimeout:      writePatience,
		IdleTimeout:       idlePatience,
		ErrorLog:          complaints,
	}
	return a
}

// Handle adds a handler under a pattern of http.ServeMux, such as "POST /purge". It
// panics on a pattern that is bad or taken. It may be called while Serve runs.
func (a *Admin) Handle(pattern string, h http.Handler) { a.mux.Handle(pattern, h) }

// ServeHTTP answers a request as the listener would, without one.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.Handler.ServeHTTP(w, r) }

// closedOnce is a listener that both Shutdown and the server close.
type closedOnce struct {
	net.Listener
	close func() error
}

// Close implements net.Listener.
func (l closedOnce) Close() error { return l.close() }

// Serve answers on l, which it closes, until Shutdown; then it returns nil.
func (a *Admin) Serve(l net.Listener) error {
	l = closedOnce{l, sync.OnceValue(l.Close)}
	a.mu.Lock()
	if a.stopping.Load() {
		a.mu.Unlock()
		return l.Close()
	}
	a.serving.Add(1)
	a.listeners = append(a.listeners, l)
	a.mu.Unlock()
	defer a.serving.Done()
	if err := a.server.Serve(l); !a.stopping.Load() {
		return err
	}
	return nil
}

// note is http.Server.ConnState.
func (a *Admin) note(c net.Conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch state {
	case http.StateNew, http.StateIdle:
		a.open[c] = false
	case http.StateActive:
		a.open[c] = true
	case http.StateHijacked, http.StateClosed:
		delete(a.open, c)
	}
}

// A connection on which nothing is asked is given lastPatience for a request that is on its way when a shutdown begins. What
// there is is looked at every stopStep.
const (
	lastPatience = 500 * time.Millisecond
	stopStep     = 5 * time.Millisecond
)

// busy tells whether something is asked, or may be on its way.
func (a *Admin) busy(began time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(began) < lastPatience {
		return len(a.open) > 0
	}
	for _, asked := range a.open {
		if asked {
			return true
		}
	}
	return false
}

// lastly has each answer be its connection's last while there is a shutdown. SetKeepAlivesEnabled would close idle
// connections, with requests that are on their way.
func (a *Admin) lastly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// StopAccepting closes the listeners and has each answer be its connection's last. Shutdown begins with it. It may be called more
// than once.
func (a *Admin) StopAccepting() {
	a.mu.Lock()
	a.stopping.Store(true)
	for _, l := range a.listeners {
		_ = l.Close()
	}
	a.mu.Unlock()
	a.serving.Wait()
}

// stop waits until every request on a connection that was accepted is answered. The server's own Shutdown drops those that
// it reads after it has begun, and does not know of a connection that was accepted just before.
func (a *Admin) stop(ctx context.Context) error {
	a.StopAccepting()
	began := time.Now()
	tick := time.NewTicker(stopStep)
	defer tick.Stop()
	for a.busy(began) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Shutdown stops listening and waits for requests under way, until ctx ends; then
// it cuts them off and returns the error of ctx.
func (a *Admin) Shutdown(ctx context.Context) error {
	return errors.Join(a.stop(ctx), a.server.Close())
}

// health: whoever gets an answer knows that the process lives. Nothing else is
// looked at, or an origin's trouble would have the process restarted.
func health(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

func readiness(ready func() (bool, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if ready == nil {
			answer(w, http.StatusOK, "ready")
			return
		}
		if ok, reason := ready(); !ok {
			answer(w, http.StatusServiceUnavailable, reason)
			return
		}
		answer(w, http.StatusOK, "ready")
	}
}

func answer(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error means that the prober left; there is nobody to tell.
	_, _ = io.WriteString(w, line+"\n")
}

// addProfiles: pprof's own registration is on http.DefaultServeMux, which nothing serves.
// Symbol lookups may come by POST.
func addProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}
