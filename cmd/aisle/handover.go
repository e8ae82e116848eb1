package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// successorPatience is how long the new process may take until it answers.
const successorPatience = 30 * time.Second

// ownSocket is a listener with what its successor has to know of it.
type ownSocket struct {
	handedSocket
	listener net.Listener
}

// startSuccessor runs the binary, as it is now, with the arguments of this process and
// its sockets, and returns when that answers requests. It waits for left to be closed before it
// does anything for operators. After an error it has ended, and this process is as it was.
func (p *process) startSuccessor(ctx context.Context) (pid int, left io.Closer, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	told, tell, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer told.Close()
	begin, beginning, err := os.Pipe()
	if err != nil {
		return 0, nil, errors.Join(err, tell.Close())
	}
	defer func() {
		if err != nil {
			_ = beginning.Close()
		}
	}()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	err = p.handTo(cmd, tell, begin)
	// The pipe ends when the successor does, so no end of it may stay open here.
	if err = errors.Join(err, tell.Close(), begin.Close()); err != nil {
		return 0, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, successorPatience)
	defer cancel()
	if err = p.await(ctx, told, beginning); err == nil {
		return cmd.Process.Pid, beginning, nil
	}
	_ = cmd.Process.Kill()
	return 0, nil, fmt.Errorf("the new process %s: %w", err, <-ended)
}

// await follows what a successor tells. Between its being prepared and its being ready this process begins nothing of what an
// operator asks: nobody is told that something is purged, or revoked, by a process that has no say any more.
func (p *process) await(ctx context.Context, told io.Reader, begin io.Writer) error {
	lines := make(chan string, 2)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(told); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	held := false
	for {
		select {
		case line, more := <-lines:
			switch {
			case !more:
				p.gate.reopen(held)
				return errors.New("ended before it was ready")
			case line == linePrepared && !held:
				p.gate.hold()
				held = true
				if _, err := io.WriteString(begin, lineBegin+"\n"); err != nil {
					p.gate.reopen(held)
					return fmt.Errorf("cannot be told to begin: %w", err)
				}
			case line == lineReady:
				p.gate.shut(held)
				return nil
			}
		case <-ctx.Done():
			p.gate.reopen(held)
			return fmt.Errorf("was not ready: %w", context.Cause(ctx))
		}
	}
}

// handTo starts cmd with copies of the sockets, which are closed here again.
func (p *process) handTo(cmd *exec.Cmd, tell, begin *os.File) (err error) {
	h := handover{Parent: os.Getpid(), Ready: firstFD + len(p.sockets), Begin: firstFD + len(p.sockets) + 1}
	for _, s := range p.sockets {
		f, err := duplicate(s.listener)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Address, err)
		}
		defer f.Close()
		h.Sockets = append(h.Sockets, s.handedSocket)
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, tell, begin)
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), handoverVariable+"="+string(text))
	return cmd.Start()
}

// duplicate gives a descriptor of a listener's socket, to be closed by the caller.
//
// The listener's own File would do, but for what happens to it in exec: it becomes blocking,
// and with it the socket. From then on an Accept of this process sleeps in the kernel,
// where closing does not wake it. To os.NewFile a socket that does not block stays so.
func duplicate(l net.Listener) (*os.File, error) {
	c, ok := l.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("BUG: %T cannot be handed over", l)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var failed error
	err = raw.Control(func(from uintptr) {
		syscall.ForkLock.RLock() // no child started elsewhere may get it
		defer syscall.ForkLock.RUnlock()
		if fd, failed = syscall.Dup(int(from)); failed == nil {
			syscall.CloseOnExec(fd)
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), l.Addr().String()), nil
}

// leave gives up the sockets that a successor has, and the sessions. Unix sockets stay in the file system for it, and the
// admin listener ends at once: its address is the successor's. Nothing more is accepted before the sessions are left: a
// session request that is passed on must not come back. And nothing more is accepted before left is closed, and the successor does what
// operators ask: a page that was purged there is not to come from here.
func (p *process) leave(left io.Closer) {
	for _, s := range p.sockets {
		if u, ok := s.listener.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
	}
	if err := p.edge.StopAccepting(); err != nil {
		p.logger.Warn("a listener was not closed in order", slog.Any("error", err))
	}
	_ = left.Close() // of a pipe
	var both sync.WaitGroup
	both.Go(p.leaveAdmin) // whoever asks something that takes long keeps no session request waiting
	both.Go(p.leaveSessions)
	both.Wait()
}

func (p *process) leaveAdmin() {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := p.admin.Shutdown(ctx); err != nil {
		p.logger.Warn("admin requests were cut off", slog.Any("error", err))
	}
}

// leaveSessions lets the successor have the file: requests to the sidecar that come from now on go to it, those under way
// end, what they wrote is on the disk.
func (p *process) leaveSessions() {
	if p.sidecar == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sidecarTimeout)
	defer cancel()
	if err := errors.Join(p.relay.handOver(ctx), p.closeSidecar()); err != nil {
		p.logger.Warn("sessions were not handed over in order", slog.Any("error", err))
	}
}
