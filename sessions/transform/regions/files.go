package regions

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
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
	t, err := f.read()
	if err != nil {
		return err
	}
	f.table.Store(t)
	return nil
}

func (f *files) read() (*Table, error) {
	b := newBuilder(f.o.Format)
	ranges, polygons := reading(f.o.Ranges, b.readRanges), reading(f.o.Polygons, b.readPolygons)
	return b.finish("checkout.regions.file: "+f.o.Ranges, ranges, "checkout.polygons.file: "+f.o.Polygons, polygons)
}

const maxFile = 1 << 30 // bytes

// reading reads a file at once, so that one that is being written is read as it is at one moment as far as that goes. Without a name there
// is nothing to read.
func reading(name string, by func([]byte) error) error {
	if name == "" {
		return nil
	}
	file, err := transform.OpenFile(name)
	if err != nil {
		return transform.WithoutPath(err)
	}
	defer file.Close()
	var text bytes.Buffer
	if info, err := file.Stat(); err == nil {
		text.Grow(int(min(info.Size(), maxFile)) + bytes.MinRead)
	}
	n, err := text.ReadFrom(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return transform.WithoutPath(err)
	case n > maxFile:
		return fmt.Errorf("more than %d bytes", maxFile)
	}
	return by(text.Bytes())
}
