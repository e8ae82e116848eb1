// Package pgtest runs a real PostgreSQL server for tests, as a user other than root, on a port of loopback of its own
// and in a directory that ends with the test.
package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
)

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// Password is the one of the superuser `aisle`.
const Password = "a secret of tests"

// Server is a process of postgres. Its methods are for one goroutine at a time; clients may be many.
type Server struct {
	Port int // of 127.0.0.1, the same after Restart

	t    testing.TB
	dir  string
	bin  string
	as   *syscall.Credential // nil: the test's own user
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// Start makes a new database cluster and a server of it, which are ended when the test is.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, bin: programs(t), as: credential(t), Port: ports.Free(t)}
	s.dir = s.directory()
	secret := filepath.Join(s.dir, "password")
	s.must(os.WriteFile(secret, []byte(Password), 0o600))
	s.own(secret)
	s.run("initdb", "--pgdata", s.data(), "--username", "aisle", "--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8",
		"--locale", "C", "--no-sync")
	if err := s.start(); err != nil {
		t.Fatalf("postgres: %v\n%s", err, s.log())
	}
	t.Cleanup(s.Kill)
	return s
}

// DSN is for a client that may do anything.
func (s *Server) DSN() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=aisle password='%s' dbname=postgres sslmode=disable", s.Port, Password)
}

// Do runs statements.
func (s *Server) Do(statements string) {
	s.t.Helper()
	cmd := s.command("psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", s.DSN(), "--command", statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("psql: %v\n%s", err, out)
	}
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// programs finds the directory of the server's programs, which Debian keeps off the path.
func programs(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is sound
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		t.Fatal("PostgreSQL is not installed, and these tests run a real one: run `tools/need postgres`")
	}
	return filepath.Dir(path)
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 where it is none
	return n
}

// credential is the user to run as: PostgreSQL refuses root.
func credential(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("no user other than root to run PostgreSQL as")
	return nil
}

// directory is a new one of the server's user. That of t.TempDir is below one that this user cannot enter.
func (s *Server) directory() string {
	dir, err := os.MkdirTemp("", "postgres")
	s.must(err)
	s.t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.t.Errorf("%v", err)
		}
	})
	s.own(dir)
	return dir
}

func (s *Server) own(path string) {
	if s.as != nil {
		s.must(os.Chown(path, int(s.as.Uid), int(s.as.Gid)))
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + s.dir}
	cmd.SysProcAttr = attributes(s.as)
	return cmd
}

func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts the process and waits until it serves.
func (s *Server) start() error {
	s.cmd = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.Port), "-h", "127.0.0.1", "-k", s.dir,
		"-c", "fsync=off", "-c", "max_connections=40", "-c", "shared_buffers=16MB")
	out, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
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

// wait waits until the server takes connections.
func (s *Server) wait() error {
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for limit := time.After(patience); ; {
		err := s.command("pg_isready", "--quiet", "--host", "127.0.0.1", "--port", strconv.Itoa(s.Port)).Run()
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return errors.New("it ended at once")
		case <-limit:
			return fmt.Errorf("it is not ready: %w", err)
		case <-ticks.C:
		}
	}
}

// Kill ends the server at once: SIGQUIT is what has it end its own processes too. It returns when it is gone, and does
// nothing if it is already.
func (s *Server) Kill() {
	select {
	case <-s.done:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // it may be ending by itself
	select {
	case <-s.done:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// Restart starts the server again on the same port and directory, and waits until it serves.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("postgres, again: %v\n%s", err, s.log())
	}
}

// log is what the server has said, for messages.
func (s *Server) log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log")) // or there is none
	return string(text[max(0, len(text)-4000):])
}
