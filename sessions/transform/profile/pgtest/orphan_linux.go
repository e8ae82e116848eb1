package pgtest

import "syscall"

// attributes have a process run as another user, and the kernel end a server whose test was ended by a panic or a time
// limit, when no cleanup runs.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
}
