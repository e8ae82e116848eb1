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
	"time"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/obs"
)

// serve runs the edge until SIGTERM or SIGINT.
func serve(args []string, _, stderr io.Writer) int {
	fs := newFlags("serve", stderr)
	file := fs.String("config", "config.yaml", "configuration `file`")
	if code, done := parseFlags(fs, args, 0); done {
		return code
	}
	c, err := config.Load(*file)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	logger, err := newLogger(c, stderr)
	if err != nil {
		printFaults(stderr, *file, err)
		return exitUsage
	}
	for _, warning := range c.Warnings() {
		logger.Warn("configuration", slog.String("warning", warning))
	}
	p, err := build(c, logger)
	if err != nil {
		fmt.Fprintf(stderr, "aisle serve: %v\n", err)
		return exitCodeOf(err)
	}
	return p.run(c)
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
func (p *process) run(c *config.Config) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	rotated := make(chan os.Signal, 1)
	signal.Notify(rotated, syscall.SIGUSR1) // logrotate has moved the access log away
	defer signal.Stop(rotated)

	failed := p.start()
	p.ready.set(stateReady)
	p.logger.Info("ready")
	for {
		select {
		case <-rotated:
			if err := p.access.Reopen(); err != nil {
				p.logger.Error("access log not reopened", slog.Any("error", err))
			}
		case err := <-failed:
			p.logger.Error("listener failed", slog.Any("error", err))
			p.drain(c.DrainTimeout(), signals)
			return exitFailure
		case s := <-signals:
			p.logger.Info("draining", slog.String("signal", s.String()), slog.Duration("timeout", c.DrainTimeout()))
			return p.drain(c.DrainTimeout(), signals)
		}
	}
}

// drain takes no more requests, lets those under way finish, and closes everything in
// the order in which it uses each other.
func (p *process) drain(timeout time.Duration, signals <-chan os.Signal) int {
	p.ready.set(stateDraining)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
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
