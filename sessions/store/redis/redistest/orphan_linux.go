package redistest

import "syscall"

// noOrphan has the kernel end a server whose test was ended by a panic or a time limit, when no cleanup runs.
func noOrphan() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
