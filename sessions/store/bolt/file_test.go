package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/bolt"
)

func save(t *testing.T, s *bolt.Store, id string, version uint64, data string) {
	t.Helper()
	if err := s.Save(t.Context(), id, version, []byte(data), acceptance.Later()); err != nil {
		t.Fatalf("Save of %s at %d: %v", id, version, err)
	}
}

func holds(t *testing.T, s *bolt.Store, id, want string) {
	t.Helper()
	got, err := s.Load(t.Context(), id)
	if err != nil || string(got) != want {
		t.Fatalf("%s holds %.60q, %v; want %.60q", id, got, err, want)
	}
}

func shut(t *testing.T, s *bolt.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// TestReopen: all that a store was told is there when its file is opened again.
func TestReopen(t *testing.T) {
	ctx := t.Context()
	o := bolt.Options{Path: t.TempDir() + "/new/dir/sessions.db"}
	for _, policy := range []bolt.Sync{bolt.SyncAlways, bolt.SyncInterval} {
		o.Sync = policy
		s := open(t, o)
		save(t, s, policy.String(), 1, "one")
		save(t, s, policy.String(), 2, "two")
		shut(t, s)
	}
	s := open(t, o)
	if err := errors.Join(
		s.PutFacets(ctx, "ref", []byte("facets"), acceptance.Later()), s.Bury(ctx, "erased", acceptance.Later()), s.Delete(ctx, "interval"),
	); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Import(ctx, sessions.Stored{ID: "copy", Version: 7, Data: []byte("copied"), Expires: acceptance.Later()}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	shut(t, s)

	s = open(t, o)
	holds(t, s, "always", "two")
	if err := s.Save(ctx, "always", 2, nil, acceptance.Later()); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("the version is forgotten: %v", err)
	}
	if _, err := s.Load(ctx, "interval"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("the deletion is forgotten: %v", err)
	}
	if f, err := s.GetFacets(ctx, "ref"); err != nil || string(f) != "facets" {
		t.Errorf("facets %q, %v", f, err)
	}
	for id, want := range map[string]store.Kind{"erased": store.Buried, "copy": store.Copy, "always": store.Native} {
		if e, err := s.Get(ctx, id); err != nil || e.Kind != want {
			t.Errorf("%s is %v, %v; want %v", id, e.Kind, err, want)
		}
	}
	if n, err := s.Len(ctx); n != 2 || err != nil {
		t.Errorf("Len is %d, %v", n, err)
	}
	shut(t, s)
	audit(t, o.Path, 2)
}

// audit checks what holds in every file: each row has one end, and the number of sessions is the one that is kept.
func audit(t *testing.T, path string, sessionsWanted int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.View(func(tx *bbolt.Tx) error {
		for _, name := range []string{"sessions", "facets"} {
			rows, ends := tx.Bucket([]byte(name)), tx.Bucket([]byte(name+".ends"))
			counted := 0
			_ = rows.ForEach(func(k, v []byte) error {
				if ends.Get(append(bytes.Clone(v[9:17]), k...)) == nil {
					t.Errorf("the row of %q has no end", k)
				}
				if v[0] != byte(store.Buried) {
					counted++
				}
				return nil
			})
			if r, e := rows.Stats().KeyN, ends.Stats().KeyN; r != e {
				t.Errorf("%s: %d rows, %d ends", name, r, e)
			}
			if name == "sessions" && counted != sessionsWanted {
				t.Errorf("the file has %d sessions, want %d", counted, sessionsWanted)
			}
		}
		if got := tx.Bucket([]byte("aisle")).Get([]byte("count")); !bytes.Equal(got, []byte{0, 0, 0, 0, 0, 0, 0, byte(sessionsWanted)}) {
			t.Errorf("the number kept is %v, want %d", got, sessionsWanted)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFileMode(t *testing.T) {
	path := t.TempDir() + "/data/sessions.db"
	mode := func(path string, want os.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	s := open(t, bolt.Options{Path: path})
	mode(path, 0o600)
	mode(filepath.Dir(path), 0o700)
	shut(t, s)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, bolt.Options{Path: path})
	mode(path, 0o600)
}

// TestRefused: what is not ours is neither read nor written.
func TestRefused(t *testing.T) {
	f := func(name string, o bolt.Options, words ...string) {
		t.Helper()
		before, _ := os.ReadFile(o.Path)
		s, err := bolt.Open(o)
		if err == nil {
			shut(t, s)
			t.Fatalf("%s: opened", name)
		}
		for _, w := range append(words, o.Path) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", name, err, w)
			}
		}
		if after, _ := os.ReadFile(o.Path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", name)
		}
	}
	dir := t.TempDir()
	make := func(name string, fill func(tx *bbolt.Tx) error) bolt.Options {
		path := dir + "/" + name
		db, err := bbolt.Open(path, 0o600, nil)
		if err == nil {
			err = errors.Join(db.Update(fill), db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return bolt.Options{Path: path}
	}
	f("no path", bolt.Options{}, "path")
	f("negative", bolt.Options{Path: dir + "/x", SweepEvery: -1}, "negative")
	f("later format", make("later", func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("aisle"))
		return errors.Join(err, b.Put([]byte("format"), []byte("2")))
	}), `format "2"`, "1")
	f("no format", make("none", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("aisle"))
		return err
	}), `format ""`)
	f("another's", make("another", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("members"))
		return err
	}), "not of aisle")
	text := bolt.Options{Path: dir + "/text"}
	if err := os.WriteFile(text.Path, bytes.Repeat([]byte("no database\n"), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	f("text", text, "invalid")
	f("a directory", bolt.Options{Path: dir}, "directory")
	f("below a file", bolt.Options{Path: text.Path + "/sessions.db"}, "not a directory")
}

// TestEmptyFile: one that was made for us, with an owner say, is as good as none.
func TestEmptyFile(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, bolt.Options{Path: path})
	save(t, s, "a", 1, "one")
	holds(t, s, "a", "one")
}

func TestLocked(t *testing.T) {
	o := bolt.Options{Path: t.TempDir() + "/sessions.db", LockWait: 100 * time.Millisecond}
	s := open(t, o)
	_, err := bolt.Open(o)
	if !errors.Is(err, sessions.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	for _, w := range []string{o.Path, "another process", "100ms"} {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	save(t, s, "a", 1, "one")
	holds(t, s, "a", "one")
}

// TestHandOver: whoever waits gets the file with the last write in it, and the one before is told that it is not
// its any more.
func TestHandOver(t *testing.T) {
	o := bolt.Options{Path: t.TempDir() + "/sessions.db"}
	s := open(t, o)
	for generation := range 5 {
		next := make(chan *bolt.Store)
		go func() {
			s, err := bolt.Open(o)
			if err != nil {
				t.Error(err)
			}
			next <- s
		}()
		save(t, s, fmt.Sprint(generation), 1, "data")
		shut(t, s)
		if err := s.Save(t.Context(), "late", 1, nil, acceptance.Later()); !errors.Is(err, sessions.ErrUnavailable) {
			t.Fatalf("a late write gave %v", err)
		}
		if s = <-next; s == nil {
			return
		}
		for g := range generation + 1 {
			holds(t, s, fmt.Sprint(g), "data")
		}
	}
	shut(t, s)
	audit(t, o.Path, 5)
}

func TestSyncWords(t *testing.T) {
	f := func(in string, want bolt.Sync, ok bool) {
		t.Helper()
		got, err := bolt.ParseSync(in)
		if got != want || (err == nil) != ok {
			t.Errorf("ParseSync(%q) = %v, %v; want %v, %v", in, got, err, want, ok)
		}
		if ok && in != "" && got.String() != in {
			t.Errorf("%v is not %q", got, in)
		}
	}
	f("", bolt.SyncAlways, true)
	f("always", bolt.SyncAlways, true)
	f("interval", bolt.SyncInterval, true)
	f("never", 0, false)
	f("unknown", 0, false)
	if got := bolt.Sync(200).String(); got != "unknown" {
		t.Errorf("Sync(200) is %q", got)
	}
}
