package regions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/sessions/transform"
)

// files are a Table that follows its files.
type files struct {
	o     Options
	table atomic.Pointer[Table]
	seen  filewatch.Files // of the watcher alone, once it runs
	stop  func()
}

func newFiles(o Options) (*files, error) {
	f := &files{o: o, seen: filewatch.Files{Paths: []string{o.Ranges, o.Polygons}}, stop: func() {}}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	if o.Ranges != "" || o.Polygons != "" {
		f.stop = filewatch.Start(o.Poll, f.look)
	}
	return f, nil
}

func (f *files) close() { f.stop() }

func (f *files) find(_ context.Context, p Place) (string, error) {
	r, ok := f.table.Load().Find(p)
	if !ok {
		return "", nil
	}
	return r.ID, nil
}

func (f *files) look() {
	if news, err := f.load(); news {
		f.o.Told(err)
	}
}

// load reads both files whole where one of them is another than before, then swaps the table; with an error nothing has changed.
func (f *files) load() (news bool, err error) {
	var t *Table
	news, err = f.seen.Look(func() (err error) {
		t, err = f.read()
		return err
	})
	if news && err == nil {
		f.table.Store(t)
	}
	return news, f.keyed(err)
}

func (f *files) rangesKey() string   { return "checkout.regions.file: " + f.o.Ranges }
func (f *files) polygonsKey() string { return "checkout.polygons.file: " + f.o.Polygons }

func (f *files) read() (*Table, error) {
	b := newBuilder(f.o.Format)
	ranges, polygons := reading(f.o.Ranges, b.readRanges), reading(f.o.Polygons, b.readPolygons)
	return b.finish(f.rangesKey(), ranges, f.polygonsKey(), polygons)
}

// keyed has the key of a file that was written to while both were read, as read gives it for all other faults.
func (f *files) keyed(err error) error {
	var moving *fs.PathError
	switch {
	case !errors.As(err, &moving):
		return err
	case moving.Path == f.o.Ranges:
		return transform.AtKey(f.rangesKey(), moving.Err)
	}
	return transform.AtKey(f.polygonsKey(), moving.Err)
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
