package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
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
// its sockets, and returns when that answers requests. After an error it has ended, and
// this process is as it was.
func (p *process) startSuccessor(ctx context.Context) (pid int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	err = p.handTo(cmd, writer)
	// The pipe ends when the successor does, so no end of it may stay open here.
	if err = errors.Join(err, writer.Close()); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ready := make(chan bool, 1)
	go func() {
		line, _ := bufio.NewReader(reader).ReadString('\n')
		ready <- line == "ready\n"
	}()
	ctx, cancel := context.WithTimeout(ctx, successorPatience)
	defer cancel()
	select {
	case ok := <-ready:
		if ok {
			return cmd.Process.Pid, nil
		}
		err = errors.New("ended before it was ready")
	case <-ctx.Done():
		err = fmt.Errorf("was not ready: %w", context.Cause(ctx))
	}
	_ = cmd.Process.Kill()
	return 0, fmt.Errorf("the new process %s: %w", err, <-ended)
}

// handTo starts cmd with copies of the sockets, which are closed here again.
func (p *process) handTo(cmd *exec.Cmd, ready *os.File) (err error) {
	h := handover{Parent: os.Getpid(), Ready: firstFD + len(p.sockets)}
	for _, s := range p.sockets {
		f, err := duplicate(s.listener)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Address, err)
		}
		defer f.Close()
		h.Sockets = append(h.Sockets, s.handedSocket)
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, ready)
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

// leave gives up the sockets that a successor has. Unix sockets stay in the file system
// for it, and the admin listener ends at once: its address is the successor's.
func (p *process) leave() {
	for _, s := range p.sockets {
		if u, ok := s.listener.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := p.admin.Shutdown(ctx); err != nil {
		p.logger.Warn("admin requests were cut off", slog.Any("error", err))
	}
	p.leaveSessions()
}

// leaveSessions lets the successor have the file: requests to the sidecar that come from now on go to it, those under way
// end, what they wrote is on the disk.
func (p *process) leaveSessions() {
	if p.sidecar == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if err := errors.Join(p.relay.handOver(ctx), p.closeSidecar()); err != nil {
		p.logger.Warn("sessions were not handed over in order", slog.Any("error", err))
	}
}
