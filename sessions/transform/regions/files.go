package regions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// files are a Table that follows its files. They are looked at by time and size: what tells of changes by itself does not on network file
// systems, nor through a link that is moved.
type files struct {
	o     Options
	table atomic.Pointer[Table]
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// stamp is what a change of a file shows by.
type stamp struct {
	modified time.Time
	size     int64
	err      string // why it cannot be looked at
}

func newFiles(o Options) (*files, error) {
	f := &files{o: o}
	last := f.stamps()
	if err := f.load(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	if o.Ranges != "" || o.Polygons != "" {
		f.ended.Go(func() { f.watch(ctx, last) })
	}
	return f, nil
}

func (f *files) close() {
	f.stop()
	f.ended.Wait()
}

func (f *files) find(_ context.Context, p Place) (string, error) {
	r, ok := f.table.Load().Find(p)
	if !ok {
		return "", nil
	}
	return r.ID, nil
}

func (f *files) watch(ctx context.Context, last [2]stamp) {
	ticker := time.NewTicker(f.o.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// Taken before the files are read: what is written meanwhile shows at the next look.
		if now := f.stamps(); now != last {
			last = now
			f.o.Told(f.load())
		}
	}
}

func (f *files) stamps() (s [2]stamp) {
	for i, name := range []string{f.o.Ranges, f.o.Polygons} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			s[i] = stamp{err: err.Error()}
			continue
		}
		s[i] = stamp{modified: info.ModTime(), size: info.Size()}
	}
	return s
}

// load reads both files whole, then swaps the table; with an error nothing has changed.
func (f *files) load() error {
	ranges, err := open(f.o.Ranges)
	if err != nil {
		return fmt.Errorf("regions: %w", err)
	}
	polygons, err := open(f.o.Polygons)
	if err != nil {
		return fmt.Errorf("regions: %w", err)
	}
	t, err := Parse(ranges, polygons, f.o.Format)
	if err != nil {
		return fmt.Errorf("regions of %s: %w", f.names(), err)
	}
	f.table.Store(t)
	return nil
}

func (f *files) names() string {
	switch {
	case f.o.Polygons == "":
		return f.o.Ranges
	case f.o.Ranges == "":
		return f.o.Polygons
	}
	return f.o.Ranges + " and " + f.o.Polygons
}

const maxFile = 1 << 30 // bytes

// open reads a file at once, so that one that is being written is read as it is at one moment as far as that goes. nil for no name.
func open(name string) (io.Reader, error) {
	if name == "" {
		return nil, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	// A pipe would be waited for without end, and a device could be endless.
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("no regular file")}
	}
	if info.Size() > maxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%d bytes: at most %d", info.Size(), maxFile)}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(text), nil
}
