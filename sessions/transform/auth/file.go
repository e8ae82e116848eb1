package auth

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/sessions/transform"
)

// keyFile is a source that is read anew when its file changes. The file is looked at by calls: keys matter to nobody
// else, and there is no goroutine to end.
type keyFile struct {
	path    string
	tell    func(Load)
	current atomic.Pointer[KeySet]

	mu    sync.Mutex // for looking
	files filewatch.Files
}

func openKeyFile(path string, tell func(Load)) (*keyFile, error) {
	f := &keyFile{path: path, tell: tell, files: filewatch.Files{Paths: []string{path}}}
	load, _ := f.load()
	if load.Err == nil {
		tell(load)
	}
	return f, load.Err
}

// load reads the file whole, if it changed, and takes its keys if all of it is good.
func (f *keyFile) load() (l Load, news bool) {
	var set KeySet
	news, err := f.files.Look(func() (err error) {
		set, l.Passed, err = f.read()
		return err
	})
	switch {
	case err != nil:
		return Load{From: f.path, Err: transform.WithoutPath(err)}, news
	case news:
		f.current.Store(&set)
	}
	l.From, l.Keys = f.path, set.Len()
	return l, news
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

func (f *keyFile) look() {
	if !f.files.Due() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if load, news := f.load(); news {
		f.tell(load)
	}
}

// renewed gives none: keys has looked.
func (f *keyFile) renewed(context.Context, *KeySet) *KeySet { return nil }

func (f *keyFile) close() {}
