package profile

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/sessions/transform"
)

// file is a source in memory that follows a file. The zero value is of no use.
type file struct {
	path    string
	read    func(io.Reader) (*table, error)
	told    func(Load)
	current atomic.Pointer[table]
	seen    filewatch.Files // of the watcher alone, once it runs
	emptied bool            // the last look found no customers where there were some; of the watcher too
	stop    func()
}

// newFile reads the file and watches it. An operator who replaces it does so by a rename: a look at a file that is being
// written may find a part of it that is a sound file too, until the next look.
func newFile(path string, told func(Load)) (*file, error) {
	f := &file{path: path, told: told, seen: filewatch.Files{Paths: []string{path}}}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		f.read = readCSV
	case ".yaml", ".yml":
		f.read = readYAML
	default:
		return nil, errors.New("it is no .csv, .yaml or .yml")
	}
	if err := f.load(); err != nil {
		return nil, err
	}
	f.stop = filewatch.Start(filewatch.Step, func() {
		_ = f.load() // told, and the customers of before are in use
	})
	return f, nil
}

func (f *file) find(_ context.Context, id, email string) (Customer, bool, error) {
	c, found := f.current.Load().find(id, email)
	return c, found, nil
}

func (f *file) close() { f.stop() }

// load reads the file where it is another than before, and swaps the customers if it is sound as a whole.
func (f *file) load() error {
	began := time.Now()
	var next *table
	news, err := f.seen.Look(func() (err error) {
		next = nil // of a file that was written to meanwhile: two are enough to have in memory
		next, err = f.whole()
		return err
	})
	err = transform.WithoutPath(err)
	if !news {
		return err
	}
	first := err == nil && next.count == 0 && f.held() > 0 && !f.emptied
	switch f.emptied = first; {
	case first:
		f.seen.Again()
		err = errNobodyLeft
	case err == nil:
		f.replace(next)
	}
	f.told(Load{Path: f.path, Customers: f.held(), Took: time.Since(began), Err: err})
	return err
}

// whole gives all customers of the file.
func (f *file) whole() (*table, error) {
	in, err := transform.OpenFile(f.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	return f.read(in)
}

// errNobodyLeft: a file without customers is what an editor or a copy leaves before it writes.
var errNobodyLeft = errors.New("it has no customers any more: that counts if it is still so at the next look")

// held is the number of customers in use.
func (f *file) held() int {
	if t := f.current.Load(); t != nil {
		return t.count
	}
	return 0
}

// replace gives the memory of many customers of before back at once: the next collection may be minutes away, and so may
// the next file.
func (f *file) replace(next *table) {
	old := f.current.Swap(next)
	if old != nil && old.count >= collectEvery {
		old = nil
		debug.FreeOSMemory()
	}
}
