package filewatch

import (
	"errors"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"
)

// Step is between two looks at files, where nothing else is said.
const Step = 2 * time.Second

// Files are read when they are others than before, all of them together. They hold no content: whoever uses them keeps what was
// good when there is a fault.
type Files struct {
	Paths []string // "" for one that is not configured

	next atomic.Int64 // when Due is true again, Unix nanoseconds
	last Stamp        // of what was read last, be it good or bad; zero: it has to be read in any case
	err  error        // why that was bad
}

// Due is true for one caller in each Step. Who looks at files when they are needed, and not in a goroutine of its own, asks it
// first. It may be called by several goroutines at once.
func (f *Files) Due() bool {
	now := time.Now().UnixNano()
	due := f.next.Load()
	return now >= due && f.next.CompareAndSwap(due, now+int64(Step))
}

// Look calls read if the files are others than at the last Look; at the first one in any case. What read has read may be taken
// once Look returns news and no error, and not before: files that change while they are read are a part of the one and a
// part of the other, so they are read again, and if they change again, at the next Look.
//
// An error is news once. Without news it is the one that stands: files that were bad and are the same have not been read. Look
// is for one goroutine at a time.
func (f *Files) Look(read func() error) (news bool, err error) {
	now := Of(f.Paths...)
	if now.Equal(f.last) {
		return false, f.err
	}
	now, err = f.settled(now, read)
	news = true
	if transient(err) {
		now = Stamp{}
		news = f.err == nil || f.err.Error() != err.Error()
	}
	f.last, f.err = now, err
	return news, err
}

// Again has the next Look read the files though they are the same, for who waits to see whether they stay so. It is for the goroutine
// that calls Look.
func (f *Files) Again() { f.last = Stamp{} }

// errMoving: the files did not stay the same for as long as it takes to read them.
var errMoving = errors.New("it was written to while it was read")

// settled calls read until the files are the same before and after, and gives their Stamp. A rename comes once. A file that is
// being written is left alone after the second time: to read it may be costly.
func (f *Files) settled(before Stamp, read func() error) (Stamp, error) {
	moving := 0
	for range 2 {
		err := read()
		after := Of(f.Paths...)
		if moving = after.differs(before); moving < 0 {
			return before, err
		}
		before = after
	}
	return Stamp{}, &fs.PathError{Op: "read", Path: f.Paths[moving], Err: errMoving}
}

// transient is of faults that may pass without that files show it: those of the disk, or that too many files are open. Whether a
// file is there shows.
func transient(err error) bool {
	if errors.Is(err, errMoving) {
		return true
	}
	return errors.As(err, new(syscall.Errno)) && !errors.Is(err, fs.ErrNotExist)
}
