package soak_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// changing is a configuration that differs each time, in what a reload changes.
func changing(origin string, n int) string {
	return fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
drain_timeout: 20s
log: {access: "off"}
upstreams: {storefront: {servers: [%q], max_connections: %d}}
routes:
  - {match: {path: "/files/**"}, scope: public, ttl: %ds}
  - {match: {path: "/new/%[4]d/**"}, scope: private}
`, origin, 500+n%2, 60+n%7, n)
}

// shop is an origin that says nothing of freshness and takes its time on some pages.
func shop(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, n)
		return
	}
	body := strings.Repeat(r.URL.Path, 200)
	if strings.HasPrefix(r.URL.Path, "/api/slow") {
		for _, half := range []string{body[:len(body)/2], body[len(body)/2:]} {
			_, _ = io.WriteString(w, half)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(300 * time.Millisecond) // a slow origin is what the test is about
		}
		return
	}
	_, _ = io.WriteString(w, body)
}

// visit makes one request, a slow one or of a random kind, and says what is wrong with the answer.
func visit(c *http.Client, url string, slow bool, rng *rand.Rand) error {
	path, method, upload := fmt.Sprintf("/files/%d", rng.IntN(200)), http.MethodGet, ""
	switch kind := rng.IntN(20); {
	case slow:
		path = fmt.Sprintf("/api/slow/%d", rng.IntN(1000))
	case kind == 0:
		path, method, upload = "/api/cart", http.MethodPost, strings.Repeat("u", rng.IntN(100_000))
	case kind == 1:
		path = fmt.Sprintf("/files/new-%d", rng.Int())
	}
	req, err := http.NewRequest(method, url+path, strings.NewReader(upload))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	want := strings.Repeat(path, 200)
	if method == http.MethodPost {
		want = strconv.Itoa(len(upload))
	}
	if err != nil || resp.StatusCode != http.StatusOK || string(text) != want {
		return fmt.Errorf("%s %s: %d, %d bytes, %v; %s", method, path, resp.StatusCode, len(text), err, resp.Header.Get("Cache-Status"))
	}
	return nil
}

// operator reloads and restarts an edge, whose process changes with each restart.
type operator struct {
	edge              *rig.Edge
	file, origin      string
	pid               int
	reloads, restarts int
}

// reload writes another configuration and has it read, by a signal and over HTTP in turn.
func (o *operator) reload() error {
	o.reloads++
	text := changing(o.origin, o.reloads)
	// Renamed into place: a file that is half written is not what this is about.
	if err := os.WriteFile(o.file+".new", []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(o.file+".new", o.file); err != nil {
		return err
	}
	if o.reloads%2 == 0 {
		return syscall.Kill(o.pid, syscall.SIGHUP)
	}
	r, err := rig.Fetch(http.MethodPost, o.edge.Admin+"/-/reload", "")
	if err != nil || r.Status != http.StatusOK {
		return fmt.Errorf("reload %d: %+v, %v", o.reloads, r, err)
	}
	return nil
}

// restart hands the sockets over to a new process and waits until that one has them.
func (o *operator) restart() error {
	before := strings.Count(o.edge.Stderr(), `"msg":"handed over"`)
	if err := syscall.Kill(o.pid, syscall.SIGUSR2); err != nil {
		return err
	}
	o.restarts++
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // another process
		if strings.Count(o.edge.Stderr(), `"msg":"handed over"`) == before {
			continue
		}
		all := regexp.MustCompile(`"msg":"handed over","to":(\d+)`).FindAllStringSubmatch(o.edge.Stderr(), -1)
		if len(all) <= before {
			return fmt.Errorf("the log of the hand-over does not tell to whom:\n%s", o.edge.Stderr())
		}
		pid, err := strconv.Atoi(all[before][1])
		o.pid = pid
		return err
	}
	return fmt.Errorf("restart %d: not handed over:\n%.4000s", o.restarts, o.edge.Stderr())
}

// work reloads 20 times a second and restarts every so often, until ctx ends.
func (o *operator) work(ctx context.Context, each time.Duration) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	next := time.Now().Add(each)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := o.reload()
		if err == nil && time.Now().After(next) {
			next = time.Now().Add(each)
			err = o.restart()
		}
		if err != nil {
			return err
		}
	}
}

// TestReloadsAndRestarts: under full load no request fails while the configuration changes 20 times a second and the
// process is replaced every few seconds.
func TestReloadsAndRestarts(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(shop))
	t.Cleanup(origin.Close)
	dir := t.TempDir()
	edge, err := rig.StartEdgeAndHeirs(rig.Aisle(t), dir, changing(origin.URL, 0))
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{edge: edge, file: filepath.Join(dir, "edge.yaml"), origin: origin.URL, pid: edge.Pid()}
	t.Cleanup(func() { o.end(t) })
	length, each := sized(time.Minute, 4*time.Second), sized(5*time.Second, time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var shoppers, operating group
	var answers atomic.Int64
	operating.run(func() error { return o.work(ctx, each) })
	for i := range 32 {
		c := client(1)
		shoppers.run(func() error {
			defer c.CloseIdleConnections()
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			var failed error
			for ctx.Err() == nil {
				if err := visit(c, edge.URL, i%4 == 0, rng); err != nil && failed == nil {
					failed = err
				}
				answers.Add(1)
			}
			return failed
		})
	}
	failed := shoppers.wait()
	if err := operating.wait(); err != nil {
		t.Error(err)
	}
	if failed != nil {
		t.Errorf("requests failed: %v", failed)
	}
	figure(t, "requests during reloads and restarts", "%d in %v, %d reloads, %d restarts: %d clients saw a failure", answers.Load(), length, o.reloads, o.restarts, len(shoppers.errs))
	if least := int(length/each) / 2; o.restarts < least || o.reloads < 10*least {
		t.Errorf("only %d reloads and %d restarts", o.reloads, o.restarts)
	}
}

// end ends the last process, and waits for the first.
func (o *operator) end(t *testing.T) {
	if err := syscall.Kill(o.pid, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if code, err := o.edge.Wait(); err != nil || code != 0 {
		t.Errorf("the first process ended with %d, %v:\n%.4000s", code, err, o.edge.Stderr())
	}
}
