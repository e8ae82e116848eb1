package filewatch_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
)

// reader follows files, keeps what was good, and finds a text with "bad" in it bad.
type reader struct {
	files filewatch.Files
	reads int
	kept  string
	amid  func() // done once, before the last file is read
	fault error  // instead of reading
}

func newReader(paths ...string) *reader {
	return &reader{files: filewatch.Files{Paths: paths}}
}

func (r *reader) read() (string, error) {
	r.reads++
	if r.fault != nil {
		return "", r.fault
	}
	var all []string
	for i, path := range r.files.Paths {
		if amid := r.amid; amid != nil && i == len(r.files.Paths)-1 {
			r.amid = nil
			amid()
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		all = append(all, string(text))
	}
	if text := strings.Join(all, "+"); !strings.Contains(text, "bad") {
		return text, nil
	}
	return "", errors.New("it is bad")
}

// look gives what a Look does: how often it read, what it told, what stands, and what is kept.
func (r *reader) look() string {
	var text string
	r.reads = 0
	news, err := r.files.Look(func() (err error) {
		text, err = r.read()
		return err
	})
	told := "quiet"
	switch {
	case news && err == nil:
		r.kept, told = text, "read"
	case news:
		told = "told"
	}
	if err != nil {
		told += " " + err.Error()
	}
	return fmt.Sprintf("%d %s: %s", r.reads, told, r.kept)
}

// steps makes checks of looks after something was done.
func steps(t *testing.T, r *reader) func(want string, do ...func()) {
	return func(want string, do ...func()) {
		t.Helper()
		for _, d := range do {
			d()
		}
		if got := r.look(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLook: what is good stays in force until something good comes, and each fault is told once.
func TestLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	is := func(text string) func() { return func() { write(t, path, text) } }
	alike := func(text string) func() { return func() { filewatchtest.Alike(t, path, text) } }
	r := newReader(path)
	f := steps(t, r)
	f("1 read: one", is("one"))
	f("0 quiet: one")
	f("1 read: two", alike("two"))
	f("1 told it is bad: two", alike("bad"))
	f("0 quiet it is bad: two")
	f("1 told it is bad: two", is("bad too"))
	gone := "open " + path + ": no such file or directory"
	f("1 told "+gone+": two", func() { must(t, os.Remove(path)) })
	f("0 quiet " + gone + ": two")
	f("1 read: two", is("two"))
	f("0 quiet: two")
	f("1 read: two", r.files.Again)
	f("0 quiet: two")

	// The same file, away and back.
	f("1 told "+gone+": two", func() { must(t, os.Rename(path, path+".away")) })
	f("1 read: two", func() { must(t, os.Rename(path+".away", path)) })

	// It begins with a fault, as at a start that is then refused.
	r = newReader(path + ".none")
	f = steps(t, r)
	f("1 told open " + path + ".none: no such file or directory: ")
	f("0 quiet open " + path + ".none: no such file or directory: ")
}

// TestLookWhileWritten: half of a file is never kept, although it reads well.
func TestLookWhileWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	r := newReader(path)
	f := steps(t, r)
	f("1 read: one")
	f("2 read: whole", func() {
		write(t, path, "ha")
		r.amid = func() { write(t, path, "whole") }
	})
	f("0 quiet: whole")

	// A writer that goes on and on.
	var more func()
	more = func() { write(t, path, fmt.Sprint("half ", time.Now())); r.amid = more }
	moving := "read " + path + ": it was written to while it was read: whole"
	f("2 told "+moving, func() { write(t, path, "half"); r.amid = more })
	f("2 quiet " + moving)
	f("1 read: done", func() { r.amid = nil; write(t, path, "done") })

	// It is moved away, or over, in between.
	f("2 told open "+path+": no such file or directory: done", func() {
		write(t, path, "x")
		r.amid = func() { must(t, os.Remove(path)) }
	})
	f("2 read: new", func() {
		write(t, path, "old")
		r.amid = func() { filewatchtest.Alike(t, path, "new") }
	})
}

// TestLookAtSeveral: files are of one version, also where the link to their directory is moved between the two, as Kubernetes
// does with a ConfigMap.
func TestLookAtSeveral(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	version := func(name string) func() {
		return func() {
			must(t, os.MkdirAll(filepath.Join(dir, name), 0o700))
			for _, of := range []string{"cert", "key"} {
				path := filepath.Join(dir, name, of)
				write(t, path, name)
				must(t, os.Chtimes(path, at, at))
			}
			must(t, os.Symlink(name, filepath.Join(dir, "new")), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "data")))
		}
	}
	r := newReader(filepath.Join(dir, "data", "cert"), filepath.Join(dir, "data", "key"))
	f := steps(t, r)
	f("1 read: v1+v1", version("v1"))
	f("1 read: v2+v2", version("v2"))
	f("2 read: v4+v4", version("v3"), func() { r.amid = version("v4") })
	f("0 quiet: v4+v4")
	f("1 told it is bad: v4+v4", func() { write(t, r.files.Paths[1], "bad") })
	f("0 quiet it is bad: v4+v4")
}

// TestLookPasses: a fault that may pass without a change of the file is told once, and tried again.
func TestLookPasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "one")
	r := newReader(path)
	f := steps(t, r)
	f("1 read: one")
	full := &os.PathError{Op: "open", Path: path, Err: syscall.EMFILE}
	f("1 told "+full.Error()+": one", func() { write(t, path, "two"); r.fault = full })
	f("1 quiet " + full.Error() + ": one")
	broken := &os.PathError{Op: "read", Path: path, Err: syscall.EIO}
	f("1 told "+broken.Error()+": one", func() { r.fault = broken })
	f("1 read: two", func() { r.fault = nil })
	f("0 quiet: two")
}

// TestNoFiles: where none is configured, there is one Look.
func TestNoFiles(t *testing.T) {
	r := newReader("", "")
	r.fault = errors.New("nothing to read")
	f := steps(t, r)
	f("1 told nothing to read: ")
	f("0 quiet nothing to read: ")
}

// TestDue: of all calls in a step one looks.
func TestDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := filewatch.Files{}
		f := func(after time.Duration, want int32) {
			t.Helper()
			time.Sleep(after)
			var due atomic.Int32
			var calls sync.WaitGroup
			for range 50 {
				calls.Go(func() {
					if files.Due() {
						due.Add(1)
					}
				})
			}
			calls.Wait()
			if got := due.Load(); got != want {
				t.Errorf("%d looks, want %d", got, want)
			}
		}
		f(0, 1)
		f(filewatch.Step-1, 0)
		f(1, 1)
		f(time.Hour, 1)
	})
}

// TestStart: a look in each step, and none after stop, which waits for one that is under way.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun, ended atomic.Int32
		stop := filewatch.Start(time.Minute, func() {
			begun.Add(1)
			time.Sleep(time.Second)
			ended.Add(1)
		})
		f := func(wantBegun, wantEnded int32) {
			t.Helper()
			if b, e := begun.Load(), ended.Load(); b != wantBegun || e != wantEnded {
				t.Errorf("%d looks begun and %d ended, want %d and %d", b, e, wantBegun, wantEnded)
			}
		}
		time.Sleep(3*time.Minute + time.Millisecond)
		f(3, 2)
		stop()
		f(3, 3)
		time.Sleep(time.Hour)
		f(3, 3)
	})
}
