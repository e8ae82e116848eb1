package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/obs"
)

// signals are those that a running edge obeys.
type signals struct {
	end      chan os.Signal // SIGTERM, SIGINT
	rotated  chan os.Signal // SIGUSR1: logrotate has moved the access log away
	reload   chan os.Signal // SIGHUP
	handOver chan os.Signal // SIGUSR2
}

// catch is called before the configuration is read: an unhandled SIGHUP would end the
// process, and one that comes while the edge starts may be about a file that has changed since.
func catch() *signals {
	s := &signals{
		end: make(chan os.Signal, 2), rotated: make(chan os.Signal, 1),
		reload: make(chan os.Signal, 1), handOver: make(chan os.Signal, 1),
	}
	signal.Notify(s.end, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(s.rotated, syscall.SIGUSR1)
	signal.Notify(s.reload, syscall.SIGHUP)
	signal.Notify(s.handOver, syscall.SIGUSR2)
	return s
}

func (s *signals) stop() {
	for _, c := range []chan os.Signal{s.end, s.rotated, s.reload, s.handOver} {
		signal.Stop(c)
	}
}

// serve runs the edge until SIGTERM or SIGINT, or until another one has its sockets.
func serve(args []string, _, stderr io.Writer) int {
	fs := newFlags("serve", stderr)
	file := fs.String("config", "config.yaml", "configuration `file`")
	if code, done := parseFlags(fs, args, 0); done {
		return code
	}
	caught := catch()
	defer caught.stop()
	from, logger, err := loadToServe(*file, stderr)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	for _, warning := range from.config.Warnings() {
		logger.Warn("configuration", slog.String("warning", warning))
	}
	inherited, err := inherit()
	if err != nil {
		fmt.Fprintf(stderr, "aisle serve: %v\n", err)
		return exitFailure
	}
	p, err := build(from, inherited, logger)
	if err != nil {
		fmt.Fprintf(stderr, "aisle serve: %v\n", err)
		return exitCodeOf(err)
	}
	return p.run(caught)
}

// source is a configuration with where it is from.
type source struct {
	path   string
	text   []byte
	config *config.Config
}

// load keeps the text, for a reload to compare with.
func load(path string) ([]byte, *config.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("configuration: %w", err)
	}
	c, err := config.ParseFile(path, text)
	return text, c, err
}

// loadToServe reads what a process that goes on running needs at first.
func loadToServe(path string, logs io.Writer) (source, *slog.Logger, error) {
	text, c, err := load(path)
	if err != nil {
		return source{}, nil, err
	}
	logger, err := newLogger(c, logs)
	return source{path, text, c}, logger, err
}

// exitCodeOf: what the configuration names and is not so is the configuration's fault.
func exitCodeOf(err error) int {
	var listening *listenError
	if errors.As(err, &listening) {
		return exitFailure
	}
	return exitUsage
}

func newLogger(c *config.Config, w io.Writer) (*slog.Logger, error) {
	format, level, _ := c.Log()
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	return obs.NewLogger(w, format, l)
}

// run serves until a signal comes or a listener fails, then drains. A second
// signal cuts off what is left.
func (p *process) run(caught *signals) int {
	if err := p.awaitTurn(caught.end); err != nil {
		p.logger.Error("not started", slog.Any("error", err))
		p.close()
		return exitFailure
	}
	failed := p.start()
	p.ready.set(stateReady)
	p.logger.Info("ready", slog.Int("pid", os.Getpid()))
	if err := p.inherited.tellReady(); err != nil {
		p.logger.Warn("nobody was told of being ready", slog.Any("error", err))
	}
	for {
		select {
		case <-caught.rotated:
			if err := p.access.Reopen(); err != nil {
				p.logger.Error("access log not reopened", slog.Any("error", err))
			}
		case <-caught.reload:
			_, _, _ = p.reloader.reload("SIGHUP") // logged
		case <-caught.handOver:
			if p.handOver(caught) {
				return p.drain(caught.end)
			}
		case err := <-failed:
			p.logger.Error("listener failed", slog.Any("error", err))
			p.drain(caught.end)
			return exitFailure
		case s := <-caught.end:
			p.logger.Info("draining", slog.String("signal", s.String()), slog.Duration("timeout", p.reloader.config().DrainTimeout()))
			return p.drain(caught.end)
		}
	}
}

// awaitTurn waits for the process of before, where there is one, and catches up with what operators had it do since this one has read
// its files: revocations and reloads. A configuration that this process cannot follow ends it, and the one of before goes on.
func (p *process) awaitTurn(end <-chan os.Signal) error {
	if p.inherited.ready == nil {
		return nil
	}
	if err := p.inherited.awaitBegin(); err != nil {
		p.logger.Warn("the process of before was not told of this one", slog.Any("error", err))
	}
	if err := errors.Join(p.revoked.read(), p.reloader.catchUp()); err != nil {
		return err
	}
	select {
	case s := <-end:
		return fmt.Errorf("signal %s", s)
	default:
		return nil
	}
}

// handOver starts a successor and leaves the sockets to it, or says why not and goes on.
// To be told to end while the successor starts is to end without one.
func (p *process) handOver(caught *signals) bool {
	p.logger.Info("starting a new process")
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan struct{})
	go func() {
		select {
		case s := <-caught.end:
			cancel(fmt.Errorf("signal %s", s))
			caught.end <- s // run obeys it
		case <-done:
		}
	}()
	pid, left, err := p.startSuccessor(ctx)
	close(done)
	cancel(nil)
	if err != nil {
		p.logger.Error("not handed over: this process goes on", slog.Any("error", err))
		return false
	}
	p.reloader.end()
	p.stopAccepting(left)
	// Not before: whoever waits for this line, and asks something then, must reach the successor.
	p.logger.Info("handed over", slog.Int("to", pid), slog.Duration("timeout", p.reloader.config().DrainTimeout()))
	ctx, p.stopFollowing = context.WithCancel(context.Background())
	go p.revoked.follow(ctx, p.logger)
	go p.passOn(caught, pid, ctx.Done())
	p.leave()
	return true
}

// drain takes no more requests, lets those under way finish, and closes everything in
// the order in which it uses each other.
func (p *process) drain(signals <-chan os.Signal) int {
	p.ready.set(stateDraining)
	p.reloader.end()
	ctx, cancel := context.WithTimeout(context.Background(), p.reloader.config().DrainTimeout())
	defer cancel()
	finished := make(chan error, 1)
	go func() { finished <- p.edge.Shutdown(ctx) }()
	select {
	case s := <-signals:
		p.logger.Warn("ended at once", slog.String("signal", s.String()))
		_ = p.access.Close() // what is buffered; nothing else is worth waiting for
		return exitFailure
	case err := <-finished:
		if err != nil {
			p.logger.Warn("requests were cut off", slog.Any("error", err))
		}
	}
	p.close()
	p.logger.Info("stopped")
	return exitOK
}
