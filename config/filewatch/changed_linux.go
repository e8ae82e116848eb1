package filewatch

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when the file was last written to, renamed or given another owner, mode or time; zero where that is not known.
func changed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return time.Time{}
}
