package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/proxy"
	"github.com/aislecache/aisle/proxy/upstream"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions"
	sessionstore "github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/bolt"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/transform/native"
)

// sidecar is a running sessions system: that of `aisle sessions`, or the one inside of an edge.
type sidecar struct {
	store   sessions.Store
	service *sessions.Service
	server  *http.Server
	logger  *slog.Logger

	metrics *sessions.Metrics
	told    *native.Metrics
	apps    atomic.Pointer[native.Set] // of the engine that is in use
	revoked *revokedFile               // of a tool; nil elsewhere
}

// newSidecar opens the store, unless it is given one, and makes the rest. After an error nothing is left open.
func newSidecar(c *config.Config, store sessions.Store, sealer *segment.Sealer, registry prometheus.Registerer, logger *slog.Logger) (_ *sidecar, err error) {
	o := c.Sessions()
	if store == nil {
		if store, err = openSessions(o, logger); err != nil {
			return nil, err
		}
	}
	s := &sidecar{store: store, logger: logger, metrics: sessions.NewMetrics(registry), told: native.NewMetrics(registry)}
	defer func() {
		if err != nil {
			s.closeApps()
			_ = store.Close()
		}
	}()
	sessions.RegisterCount(registry, store)
	transforms, err := s.newTransforms(o)
	if err != nil {
		return nil, err
	}
	s.apps.Store(transforms.set)
	keys, err := c.TokenKeys()
	if err != nil {
		return nil, err
	}
	account := c.Segment().Account
	tokens, err := sessions.NewTokens(account, keys)
	if err != nil {
		return nil, err
	}
	if s.service, err = sessions.New(sessions.Options{
		Account: account, TTL: o.TTL, Sliding: o.Sliding, Store: store, Tokens: tokens, Sealer: sealer, Engine: transforms.engine, DeniedQuery: o.Denied, Metrics: s.metrics,
	}); err != nil {
		return nil, err
	}
	backends, err := c.BackendKeys()
	if err != nil {
		return nil, err
	}
	handler, err := sessions.NewHandler(sessions.HandlerOptions{
		Service: s.service, Cookies: o.Cookies, Origins: o.Origins, Trusted: o.Trusted, Backends: backends, CreateRate: o.CreateRate, Logger: logger,
		Checkout: http.HandlerFunc(s.checkout),
	})
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	s.server = sessions.NewServer(handler, logger)
	return s, nil
}

// openSessions opens the store that the configuration names, and where sessions are to be moved from another one begins to.
func openSessions(o config.Sessions, logger *slog.Logger) (sessions.Store, error) {
	to, from, err := openPair(o, openStore)
	if err != nil || from == nil {
		return to, err
	}
	return startMoving(from, to, logger), nil
}

// openPair opens the store that the configuration names and, where one is named, that which sessions move from; from is nil
// otherwise. After an error neither is open.
func openPair(o config.Sessions, open func(config.SessionsStore) (sessionstore.Movable, error)) (to, from sessionstore.Movable, err error) {
	if to, err = open(o.SessionsStore); err != nil || o.MovingFrom == nil {
		return to, nil, err
	}
	if from, err = open(*o.MovingFrom); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("moving_from: %w", err), to.Close())
	}
	return to, from, nil
}

func openStore(o config.SessionsStore) (sessionstore.Movable, error) {
	if o.Redis != nil {
		s, err := redis.Open(*o.Redis)
		if err != nil {
			return nil, fmt.Errorf("sessions.store.redis: %w", err)
		}
		return s, nil
	}
	s, err := bolt.Open(o.Bolt)
	if err != nil {
		return nil, fmt.Errorf("sessions.store.bolt: %w", err)
	}
	return s, nil
}

// serve answers on l until close.
func (s *sidecar) serve(l net.Listener) error {
	if err := s.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// close lets the requests under way finish, then has the store commit and let go of its file.
func (s *sidecar) close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	s.closeApps()
	return errors.Join(err, s.store.Close())
}

// sidecarIdle bounds the silence of the sidecar within an answer, and sidecarAnswer until it: the public clients give up
// after 7 s.
const (
	sidecarAnswer = 6 * time.Second
	sidecarIdle   = 10 * time.Second
)

// sidecarUpstream is the upstream that the sidecar's endpoints go to.
func sidecarUpstream(o config.Sessions, dial func(context.Context) (net.Conn, error)) upstream.Options {
	u := upstream.Options{Name: proxy.SidecarUpstream, FirstByte: sidecarAnswer, Idle: sidecarIdle, KeepAlive: time.Minute, Dial: dial}
	u.Servers = []string{"http://sessions.in-process"}
	if o.Mode == "remote" {
		u.Servers = []string{o.Remote}
	}
	return u
}

// sidecarClient is how the edge itself asks the sidecar.
func sidecarClient(o config.Sessions, dial func(context.Context) (net.Conn, error)) (*sessions.Client, error) {
	if o.Mode == "remote" {
		transport, base, err := sessions.DialURL(o.Remote)
		if err != nil {
			return nil, fmt.Errorf("sessions.remote.url: %w", err)
		}
		return sessions.NewClient(sessions.ClientOptions{Transport: transport, Base: base}), nil
	}
	transport := &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
	}
	return sessions.NewClient(sessions.ClientOptions{Transport: transport}), nil
}
