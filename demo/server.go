package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Storefront is the shop as an origin server. It is made by New and safe for concurrent use.
type Storefront struct {
	options   Options
	catalogue *Catalogue
	sessions  *sessions
	faults    *faults
	revision  atomic.Uint64
	requests  [classEnd]atomic.Uint64
}

// New makes a storefront with a price list at revision 0 and no sessions. It does not check o, and panics where o.Store
// cannot be read; Serve says so instead.
func New(o Options) *Storefront {
	s, err := open(o)
	if err != nil {
		panic(err)
	}
	return s
}

func open(o Options) (*Storefront, error) {
	o = o.withDefaults()
	d, err := readStore(storeFiles(o.Store))
	if err != nil {
		return nil, fmt.Errorf("demo: store %s: %w", o.Store, err)
	}
	return &Storefront{options: o, catalogue: newCatalogue(d), sessions: newSessions(maxSessions), faults: newFaults(o)}, nil
}

// Catalogue is what the shop sells.
func (s *Storefront) Catalogue() *Catalogue { return s.catalogue }

// Handler answers all paths of the shop. For the faults "reset" and "half" it needs a server of net/http.
func (s *Storefront) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		class := Classify(r.URL.Path)
		s.requests[class].Add(1)
		// The controls answer at once in any weather: a test must be able to end a fault.
		if class == ClassControl {
			s.control(w, r)
			return
		}
		wait, mode := s.faults.next()
		if !sleep(r.Context(), wait) {
			return
		}
		s.faulty(mode, class).ServeHTTP(w, r)
	})
}

// answer is the handler of a class.
func (s *Storefront) answer(class Class) http.HandlerFunc {
	switch class {
	case ClassAccount:
		return only(s.account, http.MethodGet, http.MethodHead)
	case ClassCart:
		return s.cart
	case ClassLogin:
		return s.login
	case ClassAsset:
		return only(s.asset, http.MethodGet, http.MethodHead)
	case ClassSegmentAPI:
		return only(s.graphql, http.MethodGet, http.MethodHead)
	case ClassPrivateAPI:
		return only(s.privateCart, http.MethodGet, http.MethodHead)
	case ClassPublicAPI:
		return only(s.publicCatalogue, http.MethodGet, http.MethodHead)
	case ClassSessions:
		return s.sessionsAPI
	case ClassTransform:
		return only(s.transform, http.MethodPost)
	case ClassHealth:
		return func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }
	}
	return only(s.renderPage, http.MethodGet, http.MethodHead)
}

// only refuses all methods but the given ones.
func only(h http.HandlerFunc, methods ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, m := range methods {
			if r.Method == m {
				h(w, r)
				return
			}
		}
		for _, m := range methods {
			w.Header().Add("Allow", m)
		}
		plain(w, http.StatusMethodNotAllowed, "method not allowed")
	}
}

// sleep waits for d; it is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Serve runs a storefront at o.Listen until ctx ends; then it takes no more connections, waits o.Drain for running
// requests and closes what is left. ready, unless nil, is called once with the address that is listened on.
// It returns nil after a stop by ctx; an error names the option or the address at fault.
func Serve(ctx context.Context, o Options, ready func(addr string)) error {
	if err := o.validate(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	s, err := open(o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.options.Listen)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	if ready != nil {
		ready(l.Addr().String())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("demo: serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	return s.stop(srv, failed)
}

// stop drains srv. Requests that outlast the drain, the hanging ones among them, are cut off: that is no error.
func (s *Storefront) stop(srv *http.Server, failed <-chan error) error {
	drain, cancel := context.WithTimeout(context.Background(), s.options.Drain)
	defer cancel()
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
