// Package redistest runs real Redis servers for tests, on ports of loopback of their own and in directories that
// end with the test: one alone, one with a replica under Sentinel, or a Cluster.
package redistest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
)

// patience is how long anything may take on a busy machine.
const patience = 30 * time.Second

// Server is a process of redis-server. Its methods are for one goroutine at a time; clients may be many.
type Server struct {
	Addr string // host:port, the same after Restart

	t    testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// Start starts a server that keeps every acknowledged write on its disk (appendfsync always). More settings, as
// in "--maxmemory", "1mb", come after those. It is ended when the test is.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	return launch(t, append([]string{"--appendonly", "yes", "--appendfsync", "always"}, settings...))
}

func launch(t testing.TB, args []string) *Server {
	t.Helper()
	s := &Server{t: t, dir: directory(t), args: args, Addr: ports.Address(t)}
	if err := s.start(); err != nil {
		t.Fatalf("redis-server: %v\n%s", err, s.log())
	}
	t.Cleanup(s.Kill)
	return s
}

// directory is a new one. t.TempDir would do but for its length: it holds the test's name.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("%v", err)
		}
	})
	return dir
}

// start starts the process and waits until it answers.
func (s *Server) start() error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is not installed, and these tests run a real one: run `tools/need redis`")
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	args := append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--daemonize", "no",
		"--logfile", filepath.Join(s.dir, "log"),
	}, s.args...)
	if config := filepath.Join(s.dir, "sentinel.conf"); exists(config) {
		args = []string{config, "--sentinel"}
	}
	s.cmd = exec.Command(program, args...)
	s.cmd.SysProcAttr = noOrphan()
	out, err := os.OpenFile(filepath.Join(s.dir, "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // how it ended is in its log, and it is always ended by a signal
		close(done)
	}(s.cmd, s.done)
	return s.wait()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// wait waits until the server serves: it has loaded its data.
func (s *Server) wait() error {
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for limit := time.After(patience); ; {
		answer, err := s.Command("PING")
		if answer == "PONG" || err != nil && errors.Is(err, errNoAuth) {
			return nil
		}
		select {
		case <-s.done:
			return errors.New("it ended at once")
		case <-limit:
			return fmt.Errorf("it is not ready: %q, %w", answer, err)
		case <-ticks.C:
		}
	}
}

// Kill ends the process as a power cut of its machine's processor would: by SIGKILL. It returns when the process is gone,
// and does nothing if it is already.
func (s *Server) Kill() {
	select {
	case <-s.done:
		return
	default:
	}
	_ = s.cmd.Process.Kill() // it may be ending by itself
	<-s.done
}

// Restart starts the process again on the same port and directory, and waits until it serves.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("redis-server on %s, again: %v\n%s", s.Addr, err, s.log())
	}
}

// log is what the server has said, for messages.
func (s *Server) log() string {
	var all []byte
	for _, name := range []string{"out", "log"} {
		if f, err := os.Open(filepath.Join(s.dir, name)); err == nil {
			text, _ := io.ReadAll(f)
			_ = f.Close()
			all = append(all, text...)
		}
	}
	return string(all[max(0, len(all)-4000):])
}

// until waits for a condition that comes about by itself.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-limit:
			t.Fatalf("%s: not after %v", what, patience)
		case <-ticks.C:
		}
	}
}
