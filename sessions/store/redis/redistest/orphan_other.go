//go:build !linux

package redistest

import "syscall"

// noOrphan can do nothing here.
func noOrphan() *syscall.SysProcAttr { return nil }
