package sessions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/operation"
)

const defaultDeadline = 5 * time.Second // the public clients give up after 7 s (facts, part 3)

// HandlerOptions configure the HTTP API of a Service, which must be given.
type HandlerOptions struct {
	Service *Service
	Cookies CookieOptions
	Origins []string // that scripts may call from, such as https://shop.example
	// Trusted are edges and the proxies before them: their X-Forwarded-For counts, and edges alone may call what is for
	// edges. A peer on a unix socket or a pipe is an edge.
	Trusted  []netip.Prefix
	Backends []BackendKey
	// Checkout answers the public endpoints under /api/checkout/pub/, under any prefix: those of regions. nil: there are none.
	Checkout http.Handler
	// CreateRate and CreateBurst bound the sessions that one address begins (an IPv6 one: its /64): so many per second,
	// and so many at once. 0: 100, and those of ten seconds, at least 10. A rate below 0: unbounded. Backends are not bounded.
	CreateRate  float64
	CreateBurst int
	Deadline    time.Duration // of a request; 0: 5 s
	Logger      *slog.Logger  // of errors that are ours; nil: discarded
}

// Handler is the HTTP API: the public one under any prefix before /api, and the edges' own under /_aisle. It is
// safe for concurrent use.
type Handler struct {
	o         HandlerOptions
	service   *Service
	metrics   *Metrics
	cors      cors
	peers     peers
	newcomers *newcomers
}

// NewHandler returns the HTTP API. It says all that is wrong with the options.
func NewHandler(o HandlerOptions) (*Handler, error) {
	if o.Service == nil {
		return nil, errors.New("sessions: no Service")
	}
	list, err := newCORS(o.Origins)
	if err := errors.Join(err, o.Cookies.Validate()); err != nil {
		return nil, err
	}
	if o.Deadline == 0 {
		o.Deadline = defaultDeadline
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		o: o, service: o.Service, metrics: o.Service.metrics, cors: list, peers: peers{o.Trusted},
		newcomers: newNewcomers(o.CreateRate, o.CreateBurst),
	}, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.o.Deadline)
	defer cancel()
	e := &exchange{h: h, w: w, r: r.WithContext(ctx), began: time.Now(), operation: operation.ID(r.Header.Get(operation.Field))}
	defer e.end()
	e.endpoint, e.token, _ = parsePath(r.URL.EscapedPath())
	if e.endpoint == noEndpoint && h.isInternal(r) {
		e.endpoint = internalEndpoint
	}
	if e.endpoint == noEndpoint && h.o.Checkout != nil && strings.Contains(r.URL.EscapedPath(), checkoutPath) {
		e.endpoint = checkoutEndpoint
	}
	e.head()
	if err := e.serve(); err != nil {
		e.fail(err)
	}
}

// exchange is one request and its answer.
type exchange struct {
	h         *Handler
	w         http.ResponseWriter
	r         *http.Request
	began     time.Time
	operation string
	endpoint  endpoint
	token     string // that of the path
	visits    bool   // a browser's, of a session that is not that of its own cookie
	status    int    // of the answer, 0 before there is one
}

// end counts the exchange, and answers where its handling broke down.
func (e *exchange) end() {
	if fault := recover(); fault != nil {
		e.h.metrics.panics.Inc()
		e.h.o.Logger.Error("panic in a sessions request", "operation", e.operation, "endpoint", e.endpoint.String(),
			"panic", panicText(fault), "stack", string(debug.Stack()))
		if e.status == 0 {
			e.w.Header().Del("Set-Cookie")
			e.write(faultOf(errors.New("panic")))
		}
	}
	e.h.metrics.answered(e.endpoint, e.status, time.Since(e.began))
}

// panicText is what may be logged of a panic: its value may be text of a session, unless the runtime made it.
func panicText(fault any) string {
	if err, ok := fault.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", fault)
}

// head writes the fields that every answer carries.
func (e *exchange) head() {
	header := e.w.Header()
	header.Set("Cache-Control", "private, no-store")
	header.Set("Vary", "Origin, Cookie")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set(operation.Field, e.operation)
	e.h.cors.mark(header, e.r.Header)
}

func (e *exchange) serve() error {
	allow := e.allowed()
	switch {
	case allow == "":
		return &Fault{Status: http.StatusNotFound, Type: "NotFound", Message: "no such endpoint"}
	case e.r.Method == http.MethodOptions:
		return e.options(allow)
	case e.endpoint != checkoutEndpoint && !listed(allow, e.r.Method): // Checkout says so in its own form
		e.w.Header().Set("Allow", allow)
		return &Fault{Status: http.StatusMethodNotAllowed, Type: "MethodNotAllowed", Message: "allowed are " + allow}
	}
	switch e.endpoint {
	case jwksEndpoint:
		return e.jwks()
	case segmentsEndpoint:
		return e.segments()
	case internalEndpoint:
		return e.internal()
	case checkoutEndpoint:
		e.h.o.Checkout.ServeHTTP(&noted{e.w, &e.status}, e.r)
		return nil
	default:
		return e.sessions()
	}
}

func (e *exchange) options(allow string) error {
	header := e.w.Header()
	header.Set("Allow", allow)
	if header.Get("Access-Control-Allow-Origin") != "" {
		e.h.cors.preflight(header, allow)
	}
	e.status = http.StatusNoContent
	e.w.WriteHeader(e.status)
	return nil
}

// noted remembers the status of an answer that another handler writes.
type noted struct {
	http.ResponseWriter
	status *int
}

// WriteHeader implements http.ResponseWriter.
func (n *noted) WriteHeader(status int) {
	*n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (n *noted) Write(text []byte) (int, error) {
	if *n.status == 0 {
		*n.status = http.StatusOK
	}
	return n.ResponseWriter.Write(text)
}

func (e *exchange) jwks() error {
	e.w.Header().Set("Cache-Control", "public, max-age=300")
	e.answer(http.StatusOK, e.h.service.o.Tokens.JWKS())
	return nil
}
