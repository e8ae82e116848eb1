package isolation_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reload has every edge read another configuration 20 times a second: with a route more that nobody asks for, which
// makes a new route table, and with other limits of an upstream, which makes new connections.
func (r *run) reload(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, e := range r.edges {
			if e.native && n%3 != 0 {
				continue // its transforms are made anew each time, and live on for a while
			}
			if err := e.change(n); err != nil {
				r.report(&request{edge: e, shopper: &shopper{}, path: "reload", nonce: nonceMark}, nil, differ("%v", err))
				return
			}
		}
	}
}

// change renames another configuration into place and has the process read it. One that is just being replaced, and
// gone, is no error: its heir has read the file, or will be told the next time.
func (e *edge) change(n int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := strings.Replace(e.config, "\nroutes:\n", fmt.Sprintf("\nroutes:\n  - {match: {path: \"/reload/%d/**\"}, scope: private}\n", n), 1)
	if n%8 == 0 {
		text = strings.Replace(text, "timeouts: {connect: 5s,", fmt.Sprintf("max_connections: %d, timeouts: {connect: 5s,", 200+n%100), 2)
	}
	if err := e.put(text); err != nil {
		return err
	}
	if err := syscall.Kill(int(e.log.pid.Load()), syscall.SIGHUP); err != nil && err != syscall.ESRCH {
		return err
	}
	return nil
}

// put renames a configuration into place.
func (e *edge) put(text string) error {
	if err := os.WriteFile(e.file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(e.file+".new", e.file)
}

// replace puts a new process in the place of every edge. It is over when the old ones have ended: while there are two,
// a purge reaches one of them, and whoever purges has to know that.
func (t *trouble) replace(ctx context.Context) error {
	t.steady.Lock()
	defer t.steady.Unlock()
	t.leaving = true
	for _, e := range t.edges {
		before := strings.Count(e.log.String(), `msg="handed over"`)
		if err := syscall.Kill(int(e.log.pid.Load()), syscall.SIGUSR2); err != nil {
			return fmt.Errorf("edge %s: %w", e.name, err)
		}
		// Also when the run ends meanwhile: else nobody would end the heir.
		heirs, err := e.awaitLines(context.WithoutCancel(ctx), regexp.MustCompile(`msg="handed over" to=(\d+)`), before+1)
		if err != nil {
			return err
		}
		pid, err := strconv.ParseInt(heirs[before][1], 10, 64)
		if err != nil {
			return err
		}
		e.log.pid.Store(pid)
		if _, err := e.awaitLines(ctx, regexp.MustCompile(`msg=stopped`), before+1); err != nil {
			return err
		}
	}
	t.leaving = false
	return nil
}

// awaitLines waits until the log has as many matches.
func (e *edge) awaitLines(ctx context.Context, line *regexp.Regexp, count int) ([][]string, error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; pause(ctx, 5*time.Millisecond) {
		if found := line.FindAllStringSubmatch(e.log.String(), -1); len(found) >= count {
			return found, nil
		}
	}
	return nil, fmt.Errorf("edge %s did not write %q %d times:\n%s", e.name, line, count, last(e.log.String()))
}

// checkUpheaval: a restless run without reloads and restarts proves nothing.
func (r *run) checkUpheaval(t *testing.T) {
	t.Helper()
	for _, e := range r.edges {
		log := e.log.String()
		reloads, restarts := strings.Count(log, "result=reloaded"), strings.Count(log, `msg="handed over"`)
		t.Logf("edge %s: %d reloads, %d restarts", e.name, reloads, restarts)
		if reloads < 50 || restarts < 2 {
			t.Errorf("edge %s has seen %d reloads and %d restarts: the run does not test them", e.name, reloads, restarts)
		}
	}
}
