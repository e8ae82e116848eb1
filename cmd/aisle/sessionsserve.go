package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/obs"
	"github.com/aislecache/aisle/sessions"
)

// sessionsCommand runs the sidecar alone, or one of its tools.
func sessionsCommand(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		if code, known := sessionsTool(args[0], args[1:], stdout, stderr); known {
			return code
		}
		fmt.Fprintf(stderr, "aisle sessions: unknown command %q\n\n", args[0])
		sessionsUsage(stderr)
		return exitUsage
	}
	fs := newFlags("sessions", stderr)
	file := fs.String("config", "config.yaml", "configuration `file`")
	fs.Usage = func() {
		sessionsUsage(stderr)
		fs.PrintDefaults()
	}
	if code, done := parseFlags(fs, args, 0); done {
		return code
	}
	end := make(chan os.Signal, 2)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(end)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP) // which would end the process
	defer signal.Stop(reload)
	from, logger, err := loadToServe(*file, stderr)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(aloneGC)
	}
	a, err := newAlone(from.config, logger)
	if err != nil {
		fmt.Fprintf(stderr, "aisle sessions: %v\n", err)
		return exitCodeOf(err)
	}
	return a.run(end, reload, from)
}

// aloneGC is the collector's GOGC of a sidecar that is a process of its own: what lives in it is small, since the sessions are in
// the file or in Redis, and with 100 it would collect some twenty times a second under load.
const aloneGC = 1000

// alone is a sidecar that is a process of its own.
type alone struct {
	sidecar *sidecar
	admin   *obs.Admin
	ready   readiness
	logger  *slog.Logger
	sockets [2]net.Listener // of edges, and of the admin listener
}

func newAlone(c *config.Config, logger *slog.Logger) (_ *alone, err error) {
	a := &alone{logger: logger}
	revoked, err := newRevoked(c)
	if err != nil {
		return nil, err
	}
	_, sealer, err := newSegments(c, revoked.Revocations)
	if err != nil {
		return nil, err
	}
	addresses := []struct{ key, address string }{{"sessions.listen", c.Sessions().Listen}, {"admin.listen", c.Admin()}}
	for i, s := range addresses {
		if a.sockets[i], err = listen(s.key, s.address); err != nil {
			a.closeSockets()
			return nil, err
		}
	}
	registry := obs.NewRegistry()
	if a.sidecar, err = newSidecar(c, nil, sealer, registry, logger); err != nil {
		a.closeSockets()
		return nil, err
	}
	a.admin = obs.NewAdmin(obs.AdminOptions{Registry: registry, Ready: a.ready.get, Logger: logger})
	a.admin.Handle(sessions.OperatorPrefix, sessions.NewOperator(sessions.OperatorOptions{
		Service: a.sidecar.service, Explain: a.sidecar.explain, Logger: logger,
		Revoke: func(ctx context.Context, text string) (sessions.Revocation, error) {
			return revokeAndKeep(ctx, a.sidecar.service, revoked, text)
		},
	}))
	return a, nil
}

func (a *alone) closeSockets() {
	for _, s := range a.sockets {
		if s != nil {
			_ = s.Close()
		}
	}
}

// run serves until a signal comes or a listener fails.
func (a *alone) run(end, reload <-chan os.Signal, from source) int {
	failed := make(chan error, 2)
	go func() { failed <- a.admin.Serve(a.sockets[1]) }()
	go func() { failed <- a.sidecar.serve(a.sockets[0]) }()
	a.ready.set(stateReady)
	a.logger.Info("ready", slog.String("sessions", a.sockets[0].Addr().String()), slog.String("admin", a.sockets[1].Addr().String()), slog.Int("pid", os.Getpid()))
	code, waiting := exitOK, true
	for waiting {
		select {
		case <-reload:
			from = a.follow(from)
			continue
		case err := <-failed:
			a.logger.Error("listener failed", slog.Any("error", err))
			code = exitFailure
		case s := <-end:
			a.logger.Info("draining", slog.String("signal", s.String()))
		}
		waiting = false
	}
	return a.drain(from.config, code)
}

// follow has a running sidecar use the transforms of its file as it is now, or changes nothing. It gives what the sidecar runs by.
func (a *alone) follow(from source) source {
	text, next, err := load(from.path)
	if err == nil {
		if paths := from.config.NeedsRestart(next); len(paths) > 0 {
			err = needsRestart(paths)
		}
	}
	var transforms *transforms
	if err == nil {
		transforms, err = a.sidecar.newTransforms(next.Sessions())
	}
	if err != nil {
		a.logger.Error("configuration not reloaded", slog.String("file", from.path), slog.Any("errors", faultLines(err)))
		return from
	}
	transforms.use()
	a.logger.Info("configuration", slog.String("result", reloadDone.String()))
	return source{from.path, text, next}
}

// drain lets the requests under way finish, and the store close.
func (a *alone) drain(c *config.Config, code int) int {
	a.ready.set(stateDraining)
	ctx, cancel := context.WithTimeout(context.Background(), c.DrainTimeout())
	defer cancel()
	if err := a.sidecar.close(ctx); err != nil {
		a.logger.Error("sessions were not closed in order", slog.Any("error", err))
		code = exitFailure
	}
	stop, done := context.WithTimeout(context.Background(), adminTimeout)
	defer done()
	_ = a.admin.Shutdown(stop) // nobody is served by it any more
	a.logger.Info("stopped")
	return code
}
