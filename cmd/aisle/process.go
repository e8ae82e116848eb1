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
)

const (
	accessBuffer = 1 << 20 // bytes; two of them
	adminTimeout = 2 * time.Second
)

// process is a running edge: everything that has to be closed.
type process struct {
	logger    *slog.Logger
	ready     readiness
	access    *obs.AccessLog
	store     *store.Store
	upstreams *upstream.Set
	engine    *cache.Engine
	edge      *proxy.Edge
	admin     *obs.Admin

	listeners     []net.Listener
	adminListener net.Listener
}

// build makes an edge out of a configuration and opens its listeners; nothing is
// accepted yet. After an error nothing is left open.
func build(c *config.Config, logger *slog.Logger) (*process, error) {
	p := &process{logger: logger}
	if err := p.assemble(c); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *process) assemble(c *config.Config) error {
	keys, err := c.SealKeys()
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
	if err := p.makeEngine(c, registry); err != nil {
		return err
	}
	if err := p.makeEdge(c, keys, registry); err != nil {
		return err
	}
	p.makeAdmin(registry)
	return nil
}

func (p *process) listen(c *config.Config) error {
	for i, address := range c.Listen() {
		key := "listen"
		if len(c.Listen()) > 1 {
			key = fmt.Sprintf("listen[%d]", i)
		}
		l, err := listen(key, address)
		if err != nil {
			return err
		}
		p.listeners = append(p.listeners, l)
	}
	l, err := listen("admin.listen", c.Admin())
	if err != nil {
		return err
	}
	p.adminListener = l
	return nil
}

func (p *process) makeEngine(c *config.Config, registry prometheus.Registerer) (err error) {
	if p.store, err = store.New(c.Memory()); err != nil {
		return fmt.Errorf("cache.memory: %w", err)
	}
	registry.MustRegister(newStoreCollector(p.store.Stats))
	upstreams := c.Upstreams()
	if p.upstreams, err = upstream.NewSet(upstreams[0].Name, upstreams...); err != nil {
		return err
	}
	p.engine = cache.NewEngine(cache.EngineOptions{
		Store: p.store, Origin: p.upstreams, Events: proxy.NewEvents(registry, p.logger), Labels: c.PurgeRecords(),
	})
	return nil
}

func (p *process) makeEdge(c *config.Config, keys []segment.SealKey, registry prometheus.Registerer) error {
	options := c.Segment()
	options.Keys = keys
	segments, err := segment.New(options)
	if err != nil {
		return err
	}
	sealer, err := segment.NewSealer(options.Account, keys, options.SealTTL)
	if err != nil {
		return err
	}
	_, _, access := c.Log()
	destination, err := obs.OpenDestination(access)
	if err != nil {
		return fmt.Errorf("log.access: %w", err)
	}
	p.access = obs.NewAccessLog(destination, accessBuffer, registry)
	p.edge, err = proxy.New(c.Proxy(), proxy.Parts{
		Engine: p.engine, Origin: p.upstreams, Segments: segments, Sealer: sealer,
		AccessLog: p.access, Registry: registry, Logger: p.logger,
	})
	return err
}

func (p *process) makeAdmin(registry *prometheus.Registry) {
	p.admin = obs.NewAdmin(obs.AdminOptions{Registry: registry, Ready: p.ready.get, Logger: p.logger})
	// Without a method in the pattern, so that the handler words its own 405.
	p.admin.Handle("/purge", purge.NewHandler(purge.Options{
		Engine: p.engine, URLLabels: p.edge.PurgeLabels, Registry: registry, Logger: p.logger,
	}))
}

// start serves every listener and returns where their failures come in.
func (p *process) start() <-chan error {
	failed := make(chan error, len(p.listeners)+1)
	serve := func(name string, l net.Listener, run func(net.Listener) error) {
		p.logger.Info("listening", slog.String("for", name), slog.String("address", l.Addr().String()))
		go func() {
			if err := run(l); err != nil {
				failed <- fmt.Errorf("%s %s: %w", name, l.Addr(), err)
			}
		}()
	}
	serve("admin", p.adminListener, p.admin.Serve)
	for _, l := range p.listeners {
		serve("shoppers", l, p.edge.Serve)
	}
	return failed
}

// close closes whatever is there, users before what they use. It is for an edge that
// has drained, or was never started. The admin listener is open until here, so that
// /readyz tells why no more requests are taken.
func (p *process) close() {
	var errs []error
	if p.engine != nil {
		p.engine.Close()
	}
	if p.upstreams != nil {
		p.upstreams.Close()
	}
	if p.store != nil {
		p.store.Close()
	}
	if p.admin != nil {
		ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
		defer cancel()
		errs = append(errs, p.admin.Shutdown(ctx))
	}
	if p.access != nil {
		errs = append(errs, p.access.Close())
	}
	for _, l := range append(p.listeners, p.adminListener) {
		if l != nil {
			_ = l.Close() // closed already where it was served
		}
	}
	if err := errors.Join(errs...); err != nil {
		p.logger.Warn("not closed in order", slog.Any("error", err))
	}
}
