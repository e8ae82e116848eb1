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
		p.gate.shut()
		return cmd.Process.Pid, beginning, nil
	}
	_ = cmd.Process.Kill()
	err = fmt.Errorf("the new process %s: %w", err, <-ended)
	p.gate.reopen() // not before: it may have answered shoppers, and what was purged here it would not know
	return 0, nil, errors.Join(err, notify(mainPID()))
}

// await follows what a successor tells, until it is ready. Between its being prepared and that this process does nothing of what an
// operator asks: nobody is told that something is purged, or revoked, by a process that has no say any more.
func (p *process) await(ctx context.Context, told io.Reader, begin io.Writer) error {
	lines := make(chan string, 3) // as many as there are
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(told); scanner.Scan() && len(lines) < cap(lines); {
			lines <- scanner.Text()
		}
	}()
	for {
		line, err := next(ctx, lines)
		switch {
		case err != nil:
			return err
		case line == lineReady:
			return nil
		case line == linePrepared:
			if err := p.letBegin(ctx, begin); err != nil {
				return fmt.Errorf("could not begin: %w", err)
			}
		}
	}
}

// next is the next line, also when ctx has ended meanwhile: a successor that is ready must not be killed.
func next(ctx context.Context, lines <-chan string) (string, error) {
	line, more := "", false
	select {
	case line, more = <-lines:
	case <-ctx.Done():
		select {
		case line, more = <-lines:
		default:
			return "", fmt.Errorf("was not ready: %w", context.Cause(ctx))
		}
	}
	if !more {
		return "", errors.New("ended before it was ready")
	}
	return line, nil
}

// holdPatience is how long operators' requests under way may take at a hand-over.
const holdPatience = 5 * time.Second

func (p *process) letBegin(ctx context.Context, begin io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, holdPatience)
	defer cancel()
	if err := p.gate.hold(ctx); err != nil {
		return err
	}
	_, err := io.WriteString(begin, lineBegin+"\n")
	return err
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

// stopAccepting leaves the sockets to a successor. Unix sockets stay in the file system for it. Nothing more is accepted before left is
// closed, and the successor does what operators ask: a page that was purged there is not to come from here.
func (p *process) stopAccepting(left io.Closer) {
	for _, s := range p.sockets {
		if u, ok := s.listener.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
	}
	if err := p.edge.StopAccepting(); err != nil {
		p.logger.Warn("a listener was not closed in order", slog.Any("error", err))
	}
	p.admin.StopAccepting()
	_ = left.Close() // of a pipe
}

// leave ends what a successor does by now, after stopAccepting: a session request that is passed on must not come back.
func (p *process) leave() {
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
	if err := errors.Join(p.relay.handOver(ctx), p.closeSidecar(ctx)); err != nil {
		p.logger.Warn("sessions were not handed over in order", slog.Any("error", err))
	}
}

// passOn has the successor do what this process is told to by mistake, until stop is closed: whoever sends a signal may know
// of the old number alone.
func (p *process) passOn(caught *signals, pid int, stop <-chan struct{}) {
	for {
		signal := syscall.SIGHUP
		select {
		case <-caught.reload:
		case <-caught.rotated:
			signal = syscall.SIGUSR1
			if err := p.access.Reopen(); err != nil {
				p.logger.Error("access log not reopened", slog.Any("error", err))
			}
		case <-stop:
			return
		}
		if err := syscall.Kill(pid, signal); err != nil {
			p.logger.Warn("a signal was not passed on", slog.String("signal", signal.String()), slog.Int("to", pid), slog.Any("error", err))
		}
	}
}
