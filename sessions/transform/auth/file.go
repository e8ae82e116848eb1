package auth

import (
	"context"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// watchStep is how often the file is looked at, at most.
const watchStep = 2 * time.Second

// keyFile is a source that is read anew when its file changes. The file is looked at by calls: keys matter to nobody
// else, and there is no goroutine to end.
type keyFile struct {
	path    string
	tell    func(Load)
	current atomic.Pointer[KeySet]
	next    atomic.Int64 // when to look again, Unix nanoseconds

	mu   sync.Mutex
	last stamp // of what was read last, be it good or bad, so that each fault is told once
}

// stamp tells a file from what it was. The zero value is that of a file that is not there.
type stamp struct {
	size     int64
	modified time.Time
}

func openKeyFile(path string, tell func(Load)) (*keyFile, error) {
	f := &keyFile{path: path, tell: tell}
	f.next.Store(time.Now().Add(watchStep).UnixNano())
	var err error
	if f.last, err = f.stamp(); err != nil {
		return nil, err
	}
	load := f.load()
	if load.Err == nil {
		tell(load)
	}
	return f, load.Err
}

func (f *keyFile) stamp() (stamp, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return stamp{}, transform.WithoutPath(err)
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// load reads the file whole and takes its keys if all of it is good.
func (f *keyFile) load() Load {
	set, passed, err := f.read()
	if err != nil {
		return Load{From: f.path, Err: transform.WithoutPath(err)}
	}
	f.current.Store(&set)
	return Load{From: f.path, Keys: set.Len(), Passed: passed}
}

func (f *keyFile) read() (KeySet, int, error) {
	file, err := transform.OpenFile(f.path)
	if err != nil {
		return KeySet{}, 0, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSet+1))
	if err != nil {
		return KeySet{}, 0, err
	}
	return ParseKeys(text)
}

func (f *keyFile) keys(context.Context) (*KeySet, error) {
	f.look()
	return f.current.Load(), nil
}

// look reads the file if it changed. The stamp is taken before: a file that is written meanwhile is read again.
func (f *keyFile) look() {
	now := time.Now().UnixNano()
	due := f.next.Load()
	if now < due || !f.next.CompareAndSwap(due, now+int64(watchStep)) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	found, err := f.stamp()
	if found == f.last {
		return
	}
	f.last = found
	if err != nil {
		f.tell(Load{From: f.path, Err: err})
		return
	}
	f.tell(f.load())
}

// renewed gives none: keys has looked.
func (f *keyFile) renewed(context.Context, *KeySet) *KeySet { return nil }

func (f *keyFile) close() {}
