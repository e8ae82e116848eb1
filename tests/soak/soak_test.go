package soak_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// full says that this is `make soak`: everything in the size of issue 4, figures kept, targets of time checked.
func full() bool { return os.Getenv("AISLE_SOAK") != "" }

// sized is the size of something: in `make soak`, and in `make test`.
func sized[T any](soak, test T) T {
	if full() {
		return soak
	}
	return test
}

// figure tells of something that was measured, and keeps it where the run is one for the document.
func figure(t *testing.T, what, format string, args ...any) {
	t.Helper()
	value := fmt.Sprintf(format, args...)
	t.Logf("%s: %s", what, value)
	name := os.Getenv("AISLE_SOAK_FIGURES")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintf(file, "| %s | %s |\n", what, value); err != nil {
		t.Fatal(err)
	}
}

// goroutines asks the edge's profile how many there are, but for fasthttp's workers without a connection, which it
// keeps for ten seconds.
func goroutines(t *testing.T, edge *rig.Edge) (n int) {
	t.Helper()
	text := rig.Get(t, edge.Admin+"/debug/pprof/goroutine?debug=1").Body
	for _, stack := range regexp.MustCompile(`(?m)^(\d+) @ .*\n#\t\S+\t(.*)`).FindAllStringSubmatch(text, -1) {
		count, err := strconv.Atoi(stack[1])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(stack[2], "github.com/valyala/fasthttp.(*workerPool).workerFunc+") {
			n += count
		}
	}
	if n == 0 {
		t.Fatalf("no goroutine is in the profile: %.200q", text)
	}
	return n
}

// settle waits until the edge has no more goroutines than that, and gives how many it has in the end.
func settle(t *testing.T, edge *rig.Edge, most int) int {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		n := goroutines(t, edge)
		if n <= most || time.Now().After(deadline) {
			return n
		}
		time.Sleep(50 * time.Millisecond) // another process: there is nothing to wait on
	}
}

// quantile is the value below which the share q of all lies. It sorts in place.
func quantile[T cmp.Ordered](all []T, q float64) T {
	var none T
	if len(all) == 0 {
		return none
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// group runs functions at once and keeps their errors.
type group struct {
	running sync.WaitGroup
	mu      sync.Mutex // guards errs
	errs    []error
}

func (g *group) run(f func() error) {
	g.running.Go(func() {
		if err := f(); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.errs = append(g.errs, err)
		}
	})
}

// wait gives the number of errors and the first few of them, nil where there are none.
func (g *group) wait() error {
	g.running.Wait()
	if len(g.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%d errors, as in: %w", len(g.errs), errors.Join(g.errs[:min(len(g.errs), 5)]...))
}

// client is one with connections of its own, that it keeps.
func client(connections int) *http.Client {
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true,
	}}
}
