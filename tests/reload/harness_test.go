package reload_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/rig"
)

// patience is how long anything may take that should happen at once, on a machine that is busy with other tests.
const patience = 20 * time.Second

// edge is a line of processes, each of which has replaced the one before. Their log is a file: of a pipe the reader
// ends with the process that the test has started, and a successor must not.
type edge struct {
	t          *testing.T
	dir        string
	url, admin string // of all of them
}

// logLine is a line of the log.
type logLine struct {
	Msg, For, Address, Error string
	Pid, To                  int
}

// start runs `aisle serve` on edge.yaml in a directory of its own. before is what the command line begins with.
func start(t *testing.T, config string, env []string, before ...string) *edge {
	t.Helper()
	e := &edge{t: t, dir: t.TempDir()}
	e.configure(config)
	bin, err := rig.Build(e.dir)
	must(t, err)
	cmd := e.launch(env, append(before, bin)...)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		for _, l := range e.lines("ready") { // the numbers of processes of ours alone
			if l.Pid != cmd.Process.Pid {
				_ = syscall.Kill(l.Pid, syscall.SIGTERM)
			}
		}
		if len(e.lines("handed over")) == 0 { // else it ends by itself
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
		if err := <-ended; err != nil {
			t.Errorf("the first process: %v", err)
		}
		e.await("stopped", len(e.lines("ready")))
		if text, err := os.ReadFile(e.path("log")); err != nil || bytes.Contains(text, []byte("DATA RACE")) || bytes.Contains(text, []byte("panic")) {
			t.Errorf("%v, in the log:\n%s", err, text)
		}
	})
	return e
}

// launch starts `aisle serve` on edge.yaml; command is what its command line begins with.
func (e *edge) launch(env []string, command ...string) *exec.Cmd {
	e.t.Helper()
	log, err := os.OpenFile(e.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(e.t, err)
	defer log.Close()
	args := append(command, "serve", "--config", e.path("edge.yaml"))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = e.dir, log, log, append(os.Environ(), env...)
	must(e.t, cmd.Start())
	return cmd
}

func (e *edge) path(name string) string { return filepath.Join(e.dir, name) }

// configure replaces the file in one step: whoever reads it sees the old one or the new one.
func (e *edge) configure(config string) {
	e.t.Helper()
	err := os.WriteFile(e.path("next"), []byte(config), 0o600)
	if err = errors.Join(err, os.Rename(e.path("next"), e.path("edge.yaml"))); err != nil {
		e.t.Error(err) // not Fatal: the load test reloads in a goroutine of its own
	}
}

// lines gives the lines of the log with a message.
func (e *edge) lines(msg string) (found []logLine) {
	text, err := os.ReadFile(e.path("log"))
	if err != nil {
		e.t.Error(err)
	}
	for text := range bytes.Lines(text) {
		var l logLine
		if json.Unmarshal(text, &l) == nil && l.Msg == msg {
			found = append(found, l)
		}
	}
	return found
}

// await waits until the log has a message n times, and gives the last one.
func (e *edge) await(msg string, n int) logLine {
	e.t.Helper()
	var found []logLine
	e.until(fmt.Sprintf("%d times %q", n, msg), func() bool {
		found = e.lines(msg)
		return len(found) >= n && n > 0
	})
	return found[len(found)-1]
}

// until waits until something is there.
func (e *edge) until(what string, there func() bool) {
	e.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if there() {
			return
		}
	}
	text, _ := os.ReadFile(e.path("log"))
	e.t.Fatalf("no %s within %v:\n%s", what, patience, text)
}

// ready waits for the first process and finds where it listens.
func (e *edge) ready() (pid int) {
	e.t.Helper()
	pid = e.await("ready", 1).Pid
	for _, l := range e.lines("listening") {
		if l.For == "admin" {
			e.admin = "http://" + l.Address
		} else {
			e.url = "http://" + l.Address
		}
	}
	return pid
}

// replace has the process pid replaced and gives its successor's number.
func (e *edge) replace(pid int) int {
	e.t.Helper()
	n := len(e.lines("handed over"))
	must(e.t, syscall.Kill(pid, syscall.SIGUSR2))
	return e.await("handed over", n+1).To
}

// get asks once, on a connection of its own.
func get(method, url string) (int, string, error) {
	res, err := rig.Fetch(method, url, "")
	if err != nil {
		return 0, "", err
	}
	return res.Status, res.Body, nil
}

// expect fails the test unless the answer has the status, and the text in its body.
func expect(t *testing.T, method, url string, status int, text string) {
	t.Helper()
	got, body, err := get(method, url)
	if err != nil || got != status || !strings.Contains(body, text) {
		t.Fatalf("%s %s: %d %.300q %v, want %d with %q", method, url, got, body, err, status, text)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		t.Fatal(errs[i])
	}
}

func configOf(origin, more string) string {
	return rig.Config(origin, fmt.Sprintf("cache: {memory: 64MiB}\nlog: {access: off}\ndrain_timeout: 10s\n%s", more))
}
