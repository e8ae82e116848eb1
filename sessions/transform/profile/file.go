package profile

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

const watchStep = 2 * time.Second // between two looks at the file

// stamp tells whether a file is another than before.
type stamp struct {
	size     int64
	modified int64 // Unix nanoseconds
}

// file is a source in memory that follows a file. The zero value is of no use.
type file struct {
	path    string
	read    func(io.Reader) (*table, error)
	told    func(Load)
	current atomic.Pointer[table]

	// Of the watcher alone, once it runs.
	seen   stamp  // of the file that was last read, taken or not
	reason string // why the last look gave nothing; told once, not at each look

	stop    context.CancelFunc
	watcher sync.WaitGroup
}

// newFile reads the file and watches it. An operator who replaces it does so by a rename: a look at a file that is being
// written may find a part of it that is a sound file too, until the next look.
func newFile(path string, told func(Load)) (*file, error) {
	f := &file{path: path, told: told}
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
	ctx, cancel := context.WithCancel(context.Background())
	f.stop = cancel
	f.watcher.Go(func() { f.watch(ctx) })
	return f, nil
}

func (f *file) find(_ context.Context, id, email string) (Customer, bool, error) {
	c, found := f.current.Load().find(id, email)
	return c, found, nil
}

func (f *file) close() {
	f.stop()
	f.watcher.Wait()
}

func (f *file) watch(ctx context.Context) {
	ticks := time.NewTicker(watchStep)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			_ = f.load() // told, and the customers of before are in use
		}
	}
}

// load reads the file where it is another than before, and swaps the customers if it is sound as a whole.
func (f *file) load() error {
	began := time.Now()
	next, now, err := f.fresh()
	if next != nil && next.count == 0 && f.held() > 0 {
		next, err = nil, errNobodyLeft
	}
	f.seen = now
	switch {
	case next != nil:
		f.reason = ""
		f.replace(next)
	case err == nil:
		return nil
	case now == stamp{} && err.Error() == f.reason: // still not there
		return err
	default:
		f.reason = err.Error()
	}
	f.told(Load{Path: f.path, Customers: f.held(), Took: time.Since(began), Err: err})
	return err
}

// errNobodyLeft: a file without customers is what an editor or a copy leaves before it writes.
var errNobodyLeft = errors.New("it has no customers any more: that counts at a start alone")

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

var errMoving = errors.New("it was written to while it was read")

// fresh gives the customers of a file that is another than f.seen, and nothing of one that is the same. A file that could
// not be read, or was written to meanwhile, has the zero stamp: it is read again at the next look.
func (f *file) fresh() (*table, stamp, error) {
	in, err := transform.OpenFile(f.path)
	if err != nil {
		return nil, stamp{}, transform.WithoutPath(err)
	}
	defer func() { _ = in.Close() }() // it was only read
	before, err := stampOf(in)
	if err != nil || before == f.seen {
		return nil, before, err
	}
	t, err := f.read(in)
	after, failed := stampOf(in)
	switch {
	case failed != nil:
		return nil, stamp{}, failed
	case after != before:
		return nil, stamp{}, errMoving
	case err != nil && errors.As(err, new(*os.PathError)): // of the disk, not of what is in it
		return nil, stamp{}, transform.WithoutPath(err)
	case err != nil:
		return nil, before, err
	}
	return t, before, nil
}

func stampOf(in *os.File) (stamp, error) {
	info, err := in.Stat()
	if err != nil {
		return stamp{}, transform.WithoutPath(err)
	}
	return stamp{info.Size(), info.ModTime().UnixNano()}, nil
}
