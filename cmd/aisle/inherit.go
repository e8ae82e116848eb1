package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A process may find its sockets open: systemd opens them before it (sd_listen_fds(3)), or
// the process that it replaces hands them over. Both hold the same socket then, so a
// connection in its queue is never lost.

const (
	firstFD = 3 // the first descriptor after standard error

	// handoverVariable holds a handover as JSON.
	handoverVariable = "AISLE_HANDOVER"
	adminName        = "admin" // of LISTEN_FDNAMES: the socket of the admin listener
)

// handover is what a process tells the one that it starts in its place. Of a process
// that is not its parent it means nothing: a variable lives on in whatever is started later.
type handover struct {
	Parent  int            `json:"parent"`  // process id
	Sockets []handedSocket `json:"sockets"` // of descriptors from firstFD on, in order
	Ready   int            `json:"ready"`   // descriptor of a pipe: what is told to the old process, a line each
	Begin   int            `json:"begin"`   // and of one that it answers by, which ends when the old one accepts nothing more
}

// What a successor tells, and is told. It is prepared when it has read all that it needs to begin, begins when the old process
// does nothing more that it would have to know of, and is ready when it answers: then the old process may go.
const (
	linePrepared = "prepared"
	lineBegin    = "begin"
	lineReady    = "ready"
)

// handedSocket is a socket by the address that the configuration gives it, which says
// more than its own: of port 0 there is nothing to see in that.
type handedSocket struct {
	Address string `json:"address"`
	Admin   bool   `json:"admin"`
	Owned   bool   `json:"owned"` // a unix socket is removed by its last owner; systemd's stay
}

// inheritance is the sockets that a process has found open and has not taken yet. The
// zero value has none.
type inheritance struct {
	sockets []inheritedSocket
	ready   *os.File // nil: nobody waits
	begin   *os.File // nil: nobody says when
}

type inheritedSocket struct {
	handedSocket
	anyAddress bool // systemd's: taken in their order
	listener   net.Listener
}

// inherit reads what the environment tells, and takes it out of it. Its error names the
// variable or the descriptor at fault.
func inherit() (*inheritance, error) {
	in := &inheritance{}
	given, activated := os.Getenv(handoverVariable), os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
	count, names := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{handoverVariable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	if given != "" {
		return in, in.fromParent(given)
	}
	if activated {
		return in, in.fromSystemd(count, names)
	}
	return in, nil
}

func (in *inheritance) fromParent(given string) error {
	var h handover
	if err := json.Unmarshal([]byte(given), &h); err != nil {
		return fmt.Errorf("%s: %w", handoverVariable, err)
	}
	if h.Parent != os.Getppid() {
		return nil
	}
	syscall.CloseOnExec(h.Ready)
	in.ready = os.NewFile(uintptr(h.Ready), "ready")
	if h.Begin != 0 {
		syscall.CloseOnExec(h.Begin)
		in.begin = os.NewFile(uintptr(h.Begin), "begin")
	}
	for i, s := range h.Sockets {
		l, err := listenerOf(firstFD + i)
		if err != nil {
			return err
		}
		in.sockets = append(in.sockets, inheritedSocket{handedSocket: s, listener: l})
	}
	return nil
}

func (in *inheritance) fromSystemd(count, names string) error {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1024 {
		return fmt.Errorf("LISTEN_FDS: %q is not a number of sockets", count)
	}
	name := strings.Split(names, ":")
	for i := range n {
		l, err := listenerOf(firstFD + i)
		if err != nil {
			return err
		}
		s := inheritedSocket{anyAddress: true, listener: l}
		s.Admin = i < len(name) && name[i] == adminName
		in.sockets = append(in.sockets, s)
	}
	return nil
}

func listenerOf(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "inherited socket "+strconv.Itoa(fd))
	l, err := net.FileListener(f) // of a copy, closed on exec
	if err != nil {
		return nil, fmt.Errorf("inherited descriptor %d: %w", fd, err)
	}
	return l, f.Close()
}

// take gives the socket for an address, or nil. owned says that a unix socket is ours to remove.
func (in *inheritance) take(address string, admin bool) (l net.Listener, owned bool) {
	for i := range in.sockets {
		s := &in.sockets[i]
		if s.listener != nil && s.Admin == admin && (s.anyAddress || s.Address == address) {
			l, s.listener = s.listener, nil
			return l, s.Owned
		}
	}
	return nil, false
}

// rest closes what nobody has taken. Of systemd's sockets that is an error: a unit and a
// configuration that do not fit leave shoppers waiting on a socket that nobody answers.
func (in *inheritance) rest() error {
	var errs []error
	for _, s := range in.sockets {
		if s.listener == nil {
			continue
		}
		if s.anyAddress {
			errs = append(errs, fmt.Errorf("LISTEN_FDS: the socket %s is more than `listen` has", s.listener.Addr()))
		}
		errs = append(errs, s.listener.Close())
	}
	return errors.Join(errs...)
}

// awaitBegin tells the process of before that this one is prepared, and returns when it may begin: at once where there is none,
// or it has gone meanwhile.
func (in *inheritance) awaitBegin() error {
	if in.begin == nil {
		return nil
	}
	_, err := in.ready.WriteString(linePrepared + "\n")
	if err == nil {
		_, _ = bufio.NewReader(in.begin).ReadString('\n')
	}
	return err
}

// awaitLeft returns when the process of before accepts nothing more. awaitBegin was before it.
func (in *inheritance) awaitLeft() {
	if in.begin != nil {
		_, _ = io.Copy(io.Discard, in.begin)
		_ = in.begin.Close()
	}
}

// tellReady tells whoever waits that this process answers. A parent that has gone, or
// a service manager that does not listen, is no reason to stop.
func (in *inheritance) tellReady() error {
	// The service manager first: it would take the end of the old process, which may come at once, for that of the service.
	err := notify(mainPID() + "\nREADY=1")
	if in.ready != nil {
		_, err2 := in.ready.WriteString(lineReady + "\n")
		err = errors.Join(err, err2, in.ready.Close())
		in.ready = nil
	}
	return err
}

// mainPID is what tells a service manager which process is the service.
func mainPID() string { return fmt.Sprintf("MAINPID=%d", os.Getpid()) }

// notify tells a service manager (sd_notify(3)), where there is one.
func notify(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // net knows '@' for abstract ones
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	_, err = c.Write([]byte(state))
	return errors.Join(err, c.Close())
}
