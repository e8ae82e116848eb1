package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/config"
	"github.com/aislecache/aisle/segment"
)

// reloadResult is what became of a reload.
type reloadResult uint8

const (
	reloadDone      reloadResult = iota // the edge runs by the file as it is now
	reloadUnchanged                     // the file, and those that it names, are as they were
	reloadRefused                       // the edge runs by what it ran by before

	numReloadResults
)

func (r reloadResult) String() string {
	return [...]string{"reloaded", "unchanged", "refused", "unknown"}[min(r, numReloadResults)]
}

// errDraining: what has begun to end takes no new configuration.
var errDraining = errors.New("the edge is draining")

// reloader has a running edge follow its configuration file. Reloads come one after the
// other. The engine, the store, the logs and the sockets are the same for the process's life.
type reloader struct {
	p       *process
	path    string
	metrics reloadMetrics

	mu      sync.Mutex
	current *config.Config
	print   fingerprint // of what current was read from
	ended   bool
}

// fingerprint tells a configuration and the files that it names from other contents.
type fingerprint [sha256.Size]byte

// fingerprintOf leaves out what cannot be read: to say so is for whoever needs it.
func fingerprintOf(text []byte, c *config.Config) fingerprint {
	h := sha256.New()
	add := func(b []byte) {
		fmt.Fprintf(h, "%d:", len(b))
		h.Write(b)
	}
	add(text)
	for _, path := range c.Files() {
		content, err := os.ReadFile(path)
		if err == nil {
			add(content)
		}
	}
	return fingerprint(h.Sum(nil))
}

// newReloader goes on from the configuration that p was built from, and its text.
func newReloader(p *process, path string, text []byte, c *config.Config, registry prometheus.Registerer) *reloader {
	r := &reloader{p: p, path: path, current: c, print: fingerprintOf(text, c), metrics: newReloadMetrics(registry)}
	r.metrics.succeeded()
	return r
}

// config gives the configuration that the edge runs by.
func (r *reloader) config() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// end has every further reload refused. One under way is waited for.
func (r *reloader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// reload reads the file and has the edge run by it, or changes nothing. Warnings are of
// the file; the error is of type config.Problems where the file is at fault.
func (r *reloader) reload(cause string) (reloadResult, []string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	result, warnings, err := r.follow()
	r.metrics.count(result)
	log := r.p.logger.With(slog.String("cause", cause), slog.String("result", result.String()))
	switch {
	case err != nil:
		log.Error("configuration not reloaded", slog.String("file", r.path), slog.Any("errors", faultLines(err)))
	case len(warnings) > 0:
		log.Warn("configuration", slog.Any("warnings", warnings))
	default:
		log.Info("configuration")
	}
	return result, warnings, err
}

// catchUp has the edge run by what has changed since the file was read at the start, and returns why it cannot.
func (r *reloader) catchUp() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	result, _, err := r.follow()
	if result == reloadDone {
		r.metrics.count(result)
		r.p.logger.Info("configuration", slog.String("cause", "changed at a hand-over"), slog.String("result", result.String()))
	}
	return err
}

func (r *reloader) follow() (reloadResult, []string, error) {
	if r.ended {
		return reloadRefused, nil, errDraining
	}
	text, err := os.ReadFile(r.path)
	if err != nil {
		return reloadRefused, nil, fmt.Errorf("configuration: %w", err)
	}
	next, err := config.ParseFile(r.path, text)
	if err != nil {
		return reloadRefused, nil, err
	}
	if paths := r.current.NeedsRestart(next); len(paths) > 0 {
		return reloadRefused, nil, needsRestart(paths)
	}
	// Before the comparison: these files may have changed alone, and are no part of it.
	for _, f := range r.p.fronts {
		if f.TLS == nil {
			continue
		}
		if err := f.TLS.Reload(); err != nil {
			return reloadRefused, nil, fmt.Errorf("listen: %w", err)
		}
	}
	// Taken before the files are read by what is made of them: one that is written
	// meanwhile is one more change, seen next time.
	print := fingerprintOf(text, next)
	if print == r.print {
		return reloadUnchanged, nil, nil
	}
	if err := r.p.swap(next); err != nil {
		return reloadRefused, nil, err
	}
	r.current, r.print = next, print
	return reloadDone, next.Warnings(), nil
}

// needsRestart says of each key that it cannot change here.
func needsRestart(paths []string) config.Problems {
	var all config.Problems
	for _, path := range paths {
		all = append(all, config.Problem{Path: path, Message: "takes effect at a restart only"})
	}
	return all
}

func faultLines(err error) []string {
	var problems config.Problems
	if errors.As(err, &problems) {
		return problems.Errors()
	}
	return strings.Split(err.Error(), "\n") // joined ones come a line each
}

// swap builds all that a configuration changes, and puts it to use in one step.
func (p *process) swap(c *config.Config) error {
	segments, sealer, err := newSegments(c, p.revoked.Revocations)
	if err != nil {
		return err
	}
	upstreams, err := newUpstreams(c, p.upstreams, p.upstreamMetrics, p.logger, p.ours...)
	if err != nil {
		return err
	}
	transforms, err := p.nextTransforms(c)
	if err != nil {
		upstreams.Close()
		return err
	}
	if err = p.edge.Reload(c.Proxy(), p.parts(upstreams, segments, sealer)); err != nil {
		transforms.close()
		upstreams.Close()
		return err
	}
	transforms.use()
	p.upstreamMetrics.Show(upstreams)
	p.upstreams = upstreams // the one before is closed when its last request has ended
	return nil
}

// newSegments makes what knows shoppers' segments.
func newSegments(c *config.Config, revoked *segment.Revocations) (*segment.Resolver, *segment.Sealer, error) {
	keys, err := c.SealKeys()
	if err != nil {
		return nil, nil, err
	}
	options := c.Segment()
	options.Keys, options.Revoked = keys, revoked
	segments, err := segment.New(options)
	if err != nil {
		return nil, nil, err
	}
	sealer, err := segment.NewSealer(options.Account, keys, options.SealTTL, revoked)
	return segments, sealer, err
}
