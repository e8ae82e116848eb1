package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

// bloated makes a file of some megabytes of which most pages are free, and gives what is in it.
func bloated(t *testing.T, path string) (ids []string) {
	t.Helper()
	s := open(t, bolt.Options{Path: path, Sync: bolt.SyncInterval})
	data := strings.Repeat("x", 16<<10)
	for i := range 400 {
		save(t, s, fmt.Sprint(i), 1, data)
	}
	for i := range 400 {
		if i%20 == 0 {
			ids = append(ids, fmt.Sprint(i))
		} else if err := s.Delete(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutFacets(t.Context(), "ref", []byte("facets"), acceptance.Later()); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	return ids
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// whole checks that s has all that bloated left, and takes writes.
func whole(t *testing.T, s *bolt.Store, ids []string) {
	t.Helper()
	for _, id := range ids {
		holds(t, s, id, strings.Repeat("x", 16<<10))
	}
	if n, err := s.Len(t.Context()); n != len(ids) || err != nil {
		t.Errorf("Len is %d, %v; want %d", n, err, len(ids))
	}
	if f, err := s.GetFacets(t.Context(), "ref"); err != nil || string(f) != "facets" {
		t.Errorf("facets %q, %v", f, err)
	}
	save(t, s, ids[0], 2, "edited")
}

func TestCompactAtOpen(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	ids := bloated(t, path)
	// What a compaction that was killed has left, a part of a file.
	if err := os.WriteFile(path+".compact", []byte("part of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := size(t, path)

	f := func(name string, o bolt.Options, smaller bool) {
		t.Helper()
		o.Path = path
		shut(t, open(t, o))
		if after := size(t, path); (after < before) != smaller {
			t.Errorf("%s: the file had %d bytes and has %d", name, before, after)
		}
		if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the file beside is there: %v", name, err)
		}
	}
	f("never", bolt.Options{CompactShare: 1.1}, false)
	f("too much to copy", bolt.Options{CompactMax: 1000}, false)
	f("default", bolt.Options{}, true)

	s := open(t, bolt.Options{Path: path})
	whole(t, s, ids)
	shut(t, s)
	audit(t, path, len(ids))
	before = size(t, path)
	f("nothing to gain", bolt.Options{}, false)
}

// TestCompactAndWait: a process that waited for the lock of the file that was replaced must not go on with that
// one: what it writes there would be lost.
func TestCompactAndWait(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	ids := bloated(t, path)
	holder := open(t, bolt.Options{Path: path, CompactShare: 1.1})
	waiting := make(chan *bolt.Store)
	for range 2 {
		go func() {
			s, err := bolt.Open(bolt.Options{Path: path})
			if err != nil {
				t.Error(err)
			}
			waiting <- s
		}()
	}
	shut(t, holder)
	first := <-waiting // it has compacted, while the other waited for the old file
	if first == nil {
		return
	}
	save(t, first, "of the first", 1, "data")
	shut(t, first)
	if second := <-waiting; second != nil {
		holds(t, second, "of the first", "data")
		save(t, second, "of the second", 1, "data")
		whole2 := append(ids, "of the first", "of the second")
		shut(t, second)
		audit(t, path, len(whole2))
	}
	last := open(t, bolt.Options{Path: path})
	holds(t, last, "of the second", "data")
}

func TestCompactOffline(t *testing.T) {
	dir := t.TempDir()
	src, dst := dir+"/sessions.db", dir+"/small.db"
	ids := bloated(t, src)
	before, err := os.ReadFile(src)
	if err != nil {
		t.Fatal(err)
	}
	if err := bolt.Compact(src, dst); err != nil {
		t.Fatal(err)
	}
	if size(t, dst) >= int64(len(before)) {
		t.Errorf("%d bytes became %d", len(before), size(t, dst))
	}
	if after, err := os.ReadFile(src); err != nil || string(after) != string(before) {
		t.Errorf("the source was changed: %v", err)
	}
	if info, err := os.Stat(dst); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new file has mode %v, %v", info.Mode(), err)
	}
	s := open(t, bolt.Options{Path: dst})
	whole(t, s, ids)
	shut(t, s)

	f := func(name, src, dst string, want error, word string) {
		t.Helper()
		err := bolt.Compact(src, dst)
		if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f("there is one", src, dst, os.ErrExist, dst)
	f("no source", dir+"/none", dir+"/x", os.ErrNotExist, dir+"/none")
	if err := os.WriteFile(dir+"/text", []byte(strings.Repeat("text", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f("no database", dir+"/text", dir+"/x", nil, "text")
	s = open(t, bolt.Options{Path: src})
	f("in use", src, dir+"/x", sessions.ErrUnavailable, "another process")
	if _, err := os.Stat(dir + "/x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failure left a file: %v", err)
	}
	holds(t, s, ids[0], strings.Repeat("x", 16<<10))
}
