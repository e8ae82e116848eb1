package isolation_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
)

// edge is a running aisle.
type edge struct {
	name   string
	addr   string
	admin  string
	pass   bool // unsealed: pass
	native bool // its own sidecar issues the segments, by the transforms in extra
	memory string
	file   string // of the configuration
	log    *transcript
	floors floors

	mu     sync.Mutex // guards both, and the writing of file
	config string     // as it was written
	extra  string     // the part of it that only this edge has
}

// build compiles the binary, once for each kind of it.
func build(t *testing.T, race bool) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "aisle")
	args := []string{"build", "-o", out}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/aisle")...)
	cmd.Dir = filepath.Join("..", "..")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, text)
	}
	return out
}

// transcript is what a process wrote, within bounds.
type transcript struct {
	pid  atomic.Int64 // of the process; of its heir once that has its sockets
	mu   sync.Mutex   // guards text
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len() < 1<<20 {
		t.text.Write(b)
	}
	return len(b), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start runs a process until the test is over and ends it by SIGTERM, or the one that it has handed over to.
func start(t *testing.T, binary string, args ...string) *transcript {
	t.Helper()
	log := &transcript{}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, t.TempDir()
	// A race is reported and the process goes on; the log is read at the end.
	cmd.Env = append(os.Environ(), "GORACE=halt_on_error=0")
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", binary, err)
	}
	log.pid.Store(int64(cmd.Process.Pid))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // heirs have its output, so their end is waited for too
	t.Cleanup(func() {
		_ = syscall.Kill(int(log.pid.Load()), syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s %s: %v\n%s", filepath.Base(binary), args[0], err, last(log.String()))
			}
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
			t.Errorf("%s %s did not end on SIGTERM\n%s", filepath.Base(binary), args[0], last(log.String()))
		}
	})
	return log
}

func last(text string) string {
	if len(text) > 4000 {
		return "…" + text[len(text)-4000:]
	}
	return text
}

// awaitReady waits until a URL answers with 200.
func awaitReady(t *testing.T, url string, log *transcript) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %v\n%s", url, ctx.Err(), last(log.String()))
		case <-time.After(20 * time.Millisecond): // another process: there is nothing to wait on
		}
	}
}

// startEdge writes a configuration and runs an edge by it.
func startEdge(t *testing.T, binary string, e *edge, storefront, special string) {
	t.Helper()
	dir := t.TempDir()
	keys, file := filepath.Join(dir, "seal.keys"), filepath.Join(dir, e.name+".yaml")
	e.addr, e.admin = ports.Address(t), ports.Address(t)
	e.file, e.config = file, configuration(e, storefront, special, keys)
	for path, text := range map[string]string{keys: keysFile(), file: e.config} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e.log = start(t, binary, "serve", "--config", file)
	awaitReady(t, "http://"+e.admin+"/readyz", e.log)
}
