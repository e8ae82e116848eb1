package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long anything may take that should happen at once, on a machine that is busy with other tests.
const patience = 20 * time.Second

// Process is a program that runs. Its methods may be called from several goroutines.
type Process struct {
	cmd    *exec.Cmd
	stdout output
	stderr output
	ended  chan struct{} // closed once the exit code is known
	code   int           // valid after ended
}

// Start starts cmd with its output kept, in a process group of its own, so that what it starts ends with it.
// The caller ends it by Stop. Others that still hold its output when it ends lose that after cmd.WaitDelay, a second
// unless the caller has set it.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	p.stdout.more, p.stderr.more = make(chan struct{}), make(chan struct{})
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = time.Second
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		defer close(p.ended)
		p.code = exitCode(cmd.Wait())
	}()
	return p, nil
}

// exitCode: a process that was killed has 128 and the signal's number, as in a shell.
func exitCode(err error) int {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return 0
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// Stdout gives what the process has written to its standard output so far.
func (p *Process) Stdout() string { return p.stdout.text() }

// Stderr gives what the process has written to its standard error so far.
func (p *Process) Stderr() string { return p.stderr.text() }

// WaitStdout waits until a line of the standard output contains part and returns the line. The error holds all
// that was written instead.
func (p *Process) WaitStdout(part string) (string, error) { return p.wait(&p.stdout, part) }

// WaitStderr is WaitStdout for the standard error.
func (p *Process) WaitStderr(part string) (string, error) { return p.wait(&p.stderr, part) }

func (p *Process) wait(o *output, part string) (string, error) {
	deadline := time.After(patience)
	for {
		line, more := o.find(part)
		if line != "" {
			return line, nil
		}
		select {
		case <-more:
		case <-p.ended:
			if line, _ := o.find(part); line != "" {
				return line, nil
			}
			return "", fmt.Errorf("%s ended with %d before it wrote %q:\n%s%s", p.cmd.Path, p.code, part, p.Stdout(), p.Stderr())
		case <-deadline:
			return "", fmt.Errorf("%s did not write %q in %v:\n%s%s", p.cmd.Path, part, patience, p.Stdout(), p.Stderr())
		}
	}
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process alone. A process that has ended is no error.
func (p *Process) Signal(s os.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Wait waits for the end and gives the exit code.
func (p *Process) Wait() (int, error) {
	select {
	case <-p.ended:
		return p.code, nil
	case <-time.After(patience):
		return 0, fmt.Errorf("%s did not end in %v:\n%s", p.cmd.Path, patience, p.Stderr())
	}
}

// Stop sends SIGTERM and gives the exit code; a process that does not end is killed with all it started, and
// that is an error.
func (p *Process) Stop() (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	code, err := p.Wait()
	if err != nil {
		return code, errors.Join(err, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL))
	}
	return code, nil
}

// output is what a process wrote. more is closed and replaced at each write.
type output struct {
	mu   sync.Mutex // guards all
	buf  bytes.Buffer
	more chan struct{}
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.buf.Write(b)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// find gives the first whole line that contains part, or what to wait for.
func (o *output) find(part string) (line string, more <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for l := range strings.Lines(o.buf.String()) {
		if strings.HasSuffix(l, "\n") && strings.Contains(l, part) {
			return strings.TrimSuffix(l, "\n"), nil
		}
	}
	return "", o.more
}
