//go:build !linux

package pgtest

import "syscall"

// attributes have a process run as another user.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as}
}
