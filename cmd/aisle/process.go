package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/store"
	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/obs"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/purge"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	sessionstore "github.com/aislecache/aisle/sessions/store"
)

const (
	accessBuffer = 1 << 20 // bytes; two of them
	adminTimeout = 2 * time.Second
	// sidecarTimeout is how long a hand-over waits for session requests under way.
	sidecarTimeout = 2 * time.Second
)

// process is a running edge: everything that has to be closed.
type process struct {
	logger          *slog.Logger
	ready           readiness
	access          *obs.AccessLog
	store           *store.Store
	upstreams       *upstream.Set
	upstreamMetrics *upstream.Metrics // of every set, one after the other
	engine          *cache.Engine
	edge            *proxy.Edge
	admin           *obs.Admin

	revoked   *revokedFile // of every resolver and sealer, one after the other
	inherited *inheritance
	sockets   []ownSocket   // those of shoppers, and behind them that of the admin listener
	fronts    []proxy.Front // of those of shoppers
	reloader  *reloader
	stopRoom  context.CancelFunc // nil until it runs

	stopFollowing context.CancelFunc // what the successor revokes, and the signals for it; nil until there is one

	gate    gate
	sidecar *sidecar // nil: there is none in this process
	inside  *inProcess
	unasked *unasked // connections to the sidecar
	relay   *relay
	client  *sessions.Client // nil: sessions.mode is off
	ours    []upstream.Options
}

// build makes an edge out of a configuration and opens its listeners; nothing is
// accepted yet. After an error nothing is left open.
func build(from source, inherited *inheritance, logger *slog.Logger) (*process, error) {
	p := &process{logger: logger, inherited: inherited}
	err := p.assemble(from)
	if rest := inherited.rest(); err == nil {
		err = rest
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *process) assemble(from source) error {
	c := from.config
	var err error
	if p.revoked, err = newRevoked(c); err != nil {
		return err
	}
	segments, sealer, err := newSegments(c, p.revoked.Revocations)
	if err != nil {
		return err
	}
	if err := p.listen(c); err != nil {
		return err
	}
	limit, source := obs.SetMemoryLimit(c.Memory())
	p.logger.Info("memory limit", slog.Int64("bytes", limit), slog.String("source", source), slog.Int64("cache_bytes", c.Memory()))
	if limit < c.Memory() {
		p.logger.Warn("cache.memory is more than the process may take", slog.Int64("bytes", limit))
	}
	registry := obs.NewRegistry()
	if err := p.makeSidecar(c, sealer, registry); err != nil {
		return err
	}
	if err := p.makeEngine(c, registry); err != nil {
		return err
	}
	if err := p.makeEdge(c, segments, sealer, registry); err != nil {
		return err
	}
	p.reloader = newReloader(p, from.path, from.text, c, registry)
	p.makeAdmin(registry)
	return nil
}

func (p *process) listen(c *config.Config) error {
	all := c.Listeners()
	for i := range all {
		key := "listen"
		if len(all) > 1 {
			key = fmt.Sprintf("listen[%d]", i)
		}
		front, err := newFront(key, &all[i], p.logger)
		if err != nil {
			return err
		}
		if err := p.open(key, all[i].Address, false); err != nil {
			return err
		}
		p.fronts = append(p.fronts, front)
	}
	return p.open("admin.listen", c.Admin(), true)
}

// open takes an inherited socket, or opens one.
func (p *process) open(key, address string, admin bool) error {
	l, owned := p.inherited.take(address, admin)
	if l == nil {
		var err error
		if l, err = listen(key, address); err != nil {
			return err
		}
		owned = true
	}
	p.sockets = append(p.sockets, ownSocket{handedSocket{address, admin, owned}, l})
	return nil
}

func (p *process) makeEngine(c *config.Config, registry prometheus.Registerer) (err error) {
	if p.store, err = store.New(c.Memory()); err != nil {
		return fmt.Errorf("cache.memory: %w", err)
	}
	registry.MustRegister(newStoreCollector(p.store.Stats))
	p.upstreamMetrics = upstream.NewMetrics(registry)
	if p.upstreams, err = newUpstreams(c, nil, p.upstreamMetrics, p.logger, p.ours...); err != nil {
		return err
	}
	p.upstreamMetrics.Show(p.upstreams)
	p.engine = cache.NewEngine(cache.EngineOptions{
		Store: p.store, Origin: p.upstreams, Events: proxy.NewEvents(registry, p.logger), Labels: c.PurgeRecords(),
	})
	return nil
}

func (p *process) makeEdge(c *config.Config, segments *segment.Resolver, sealer *segment.Sealer, registry prometheus.Registerer) error {
	_, _, access := c.Log()
	destination, err := obs.OpenDestination(access)
	if err != nil {
		return fmt.Errorf("log.access: %w", err)
	}
	p.access = obs.NewAccessLog(destination, accessBuffer, registry)
	parts := p.parts(p.upstreams, segments, sealer)
	parts.Engine, parts.AccessLog, parts.Registry, parts.Logger = p.engine, p.access, registry, p.logger
	p.edge, err = proxy.New(c.Proxy(), parts)
	return err
}

// parts are those that a reload replaces.
func (p *process) parts(upstreams *upstream.Set, segments *segment.Resolver, sealer *segment.Sealer) proxy.Parts {
	parts := proxy.Parts{Origin: upstreams, Segments: segments, Sealer: sealer, Retired: upstreams.Close}
	if p.client != nil {
		parts.Sessions = p.client
	}
	if p.relay != nil {
		parts.Origin = relayed{upstreams, p.relay}
	}
	return parts
}

// makeSidecar makes what this edge has to do with sessions, and begins to serve the sidecar that is inside of it. Where a process
// before has its file still, requests to it wait for that.
func (p *process) makeSidecar(c *config.Config, sealer *segment.Sealer, registry prometheus.Registerer) (err error) {
	o := c.Sessions()
	if o.Mode == "off" {
		return nil
	}
	var dial func(context.Context) (net.Conn, error)
	if o.Mode == "embedded" {
		var waiting sessions.Store
		if p.inherited.ready != nil && hasFile(o) {
			waiting = p.openLater(o)
		}
		if p.sidecar, err = newSidecar(c, waiting, sealer, registry, p.logger); err != nil {
			return err
		}
		p.inside, p.relay, p.unasked = newInProcess(), newRelay(), newUnasked()
		p.sidecar.server.ConnState = p.unasked.note
		dial = p.inside.dial
		go func(s *sidecar) {
			if err := s.serve(p.inside); err != nil {
				p.logger.Error("the sidecar ended", slog.Any("error", err))
			}
		}(p.sidecar)
		if next, ok := successorOptions(p.sockets, p.fronts); ok {
			p.ours = append(p.ours, next)
		}
	}
	p.ours = append(p.ours, sidecarUpstream(o, dial))
	p.client, err = sidecarClient(o, dial)
	return err
}

// hasFile says that the sessions are in a file, which one process has at a time.
func hasFile(o config.Sessions) bool {
	return o.Redis == nil || o.MovingFrom != nil && o.MovingFrom.Redis == nil
}

// openPatience is how long a session request waits at a hand-over: for those under way in the other process, which it gives
// sidecarTimeout, and for the file. Mostly that is milliseconds.
const openPatience = 2 * sidecarTimeout

// openLater opens the file when the process that this one replaces has let go of it.
func (p *process) openLater(o config.Sessions) sessions.Store {
	o.Bolt.LockWait = time.Second
	if o.MovingFrom != nil {
		from := *o.MovingFrom
		from.Bolt.LockWait = time.Second
		o.MovingFrom = &from
	}
	return sessionstore.NewOpening(openPatience, func() (sessions.Store, error) { return openSessions(o, p.logger) }, func(err error) {
		if err != nil {
			p.logger.Error("sessions are not available", slog.Any("error", err))
			return
		}
		p.logger.Info("sessions taken over")
	})
}

func (p *process) makeAdmin(registry *prometheus.Registry) {
	p.admin = obs.NewAdmin(obs.AdminOptions{Registry: registry, Ready: p.ready.get, Logger: p.logger})
	// Without a method in the pattern, so that the handler words its own 405.
	p.admin.Handle("/-/reload", p.gate.guard(p.reloader))
	p.admin.Handle("/purge", p.gate.guard(purge.NewHandler(purge.Options{
		Engine: p.engine, URLLabels: p.edge.PurgeLabels, Registry: registry, Logger: p.logger,
	})))
	if p.client != nil {
		p.admin.Handle(sessions.OperatorPrefix, p.gate.guard(p.operator()))
	}
}

// start serves every listener and returns where their failures come in.
func (p *process) start() <-chan error {
	failed := make(chan error, len(p.sockets))
	serve := func(name string, l net.Listener, run func(net.Listener) error) {
		p.logger.Info("listening", slog.String("for", name), slog.String("address", l.Addr().String()))
		go func() {
			if err := run(l); err != nil {
				failed <- fmt.Errorf("%s %s: %w", name, l.Addr(), err)
			}
		}()
	}
	var ctx context.Context
	ctx, p.stopRoom = context.WithCancel(context.Background())
	go giveRoom(ctx, p.reloader.config().Memory(), p.edge.Connections)
	serve("admin", p.sockets[len(p.fronts)].listener, func(l net.Listener) error {
		p.inherited.awaitLeft()
		return p.admin.Serve(l)
	})
	for i, f := range p.fronts {
		serve("shoppers", p.sockets[i].listener, func(l net.Listener) error { return p.edge.ServeFront(l, f) })
	}
	// Not before: an heir that fails on the way here must leave the file to the one that goes on.
	for _, s := range p.sockets {
		if u, ok := s.listener.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(s.Owned)
		}
	}
	return failed
}

// closeSidecar may be called more than once: a hand-over has done it already.
func (p *process) closeSidecar(ctx context.Context) error {
	if p.sidecar == nil {
		return nil
	}
	p.unasked.close()
	err := p.sidecar.close(ctx)
	_ = p.inside.Close() // made with the sidecar
	p.sidecar = nil
	return err
}

// close closes whatever is there, users before what they use. It is for an edge that
// has drained, or was never started. The admin listener is open until here, so that
// /readyz tells why no more requests are taken.
func (p *process) close() {
	var errs []error
	for _, stop := range []context.CancelFunc{p.stopRoom, p.stopFollowing} {
		if stop != nil {
			stop()
		}
	}
	if p.engine != nil {
		p.engine.Close()
	}
	if p.upstreams != nil {
		p.upstreams.Close()
	}
	if p.store != nil {
		p.store.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(sidecarTimeout, adminTimeout))
	defer cancel()
	errs = append(errs, p.closeSidecar(ctx))
	if p.admin != nil {
		errs = append(errs, p.admin.Shutdown(ctx))
	}
	if p.access != nil {
		errs = append(errs, p.access.Close())
	}
	for _, s := range p.sockets {
		_ = s.listener.Close() // closed already where it was served
	}
	if err := errors.Join(errs...); err != nil {
		p.logger.Warn("not closed in order", slog.Any("error", err))
	}
}
