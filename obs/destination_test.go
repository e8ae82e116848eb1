package obs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aislecache/aisle/obs"
)

func TestStandardDestinations(t *testing.T) {
	for _, name := range []string{"stdout", "stderr"} {
		w, err := obs.OpenDestination(name)
		if err != nil || w == nil {
			t.Fatalf("OpenDestination(%q) = %v, %v", name, w, err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("closing %s: %v", name, err)
		}
	}
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if _, err := f.Stat(); err != nil {
			t.Errorf("%s was closed: %v", f.Name(), err)
		}
	}
}

func TestDestinationOff(t *testing.T) {
	w, err := obs.OpenDestination("off")
	if w != nil || err != nil {
		t.Fatalf("OpenDestination(off) = %v, %v", w, err)
	}
	if obs.NewAccessLog(w, 100, prometheus.NewRegistry()).Enabled() {
		t.Error("an access log to off is enabled")
	}
}

func TestDestinationErrors(t *testing.T) {
	if _, err := obs.OpenDestination(""); err == nil {
		t.Error(`OpenDestination("") gave no error`)
	}
	path := filepath.Join(t.TempDir(), "absent", "access.log")
	_, err := obs.OpenDestination(path)
	var at *fs.PathError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &at) || at.Path != path {
		t.Errorf("OpenDestination(%q) = %v", path, err)
	}
}

// A log file is appended to, and after logrotate moved it the path is written anew.
func TestDestinationReopen(t *testing.T) {
	dir := t.TempDir()
	path, moved := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := obs.OpenDestination(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(line string) {
		t.Helper()
		if _, err := w.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	reopen := w.(interface{ Reopen() error }).Reopen
	write("one")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	write("two")
	if err := reopen(); err != nil {
		t.Fatal(err)
	}
	write("three")
	holds(t, moved, "before\none\ntwo\n")
	holds(t, path, "three\n")

	gone := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, gone); err != nil {
		t.Fatal(err)
	}
	if err := reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Reopen without its directory = %v", err)
	}
	write("four")
	holds(t, filepath.Join(gone, "access.log"), "three\nfour\n")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestAccessLogReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	w, err := obs.OpenDestination(path)
	if err != nil {
		t.Fatal(err)
	}
	l := obs.NewAccessLog(w, 1<<10, prometheus.NewRegistry())
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.Write([]byte("line"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "line\n")
	holds(t, path+".1", "")
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if string(got) != want {
		t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
	}
}
