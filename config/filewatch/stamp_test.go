package filewatch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aislecache/aisle/config/filewatch"
	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// directory has file, twin of the same size and time with another text, and link to file.
func directory(t testing.TB) (file, twin, link string) {
	t.Helper()
	dir := t.TempDir()
	file, twin, link = filepath.Join(dir, "file"), filepath.Join(dir, "twin"), filepath.Join(dir, "link")
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	write(t, file, "one")
	write(t, twin, "two")
	must(t, os.Chtimes(file, at, at), os.Chtimes(twin, at, at), os.Symlink(file, link))
	time.Sleep(20 * time.Millisecond) // the clock of files may stand still for some
	return file, twin, link
}

// TestStamp: what is done to a file, or to a link to it, shows or does not.
func TestStamp(t *testing.T) {
	f := func(name string, shows bool, do func(t *testing.T, file, twin, link string)) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			file, twin, link := directory(t)
			before, none := filewatch.Of(link), filewatch.Of(link+".none", "")
			do(t, file, twin, link)
			if same := filewatch.Of(link).Equal(before); same == shows {
				t.Errorf("shows: %v, want %v", !same, shows)
			}
			if !filewatch.Of(link+".none", "").Equal(none) {
				t.Error("files that are not there have changed")
			}
		})
	}
	f("nothing", false, func(*testing.T, string, string, string) {})
	f("it is read", false, func(t *testing.T, file, _, _ string) {
		_, err := os.ReadFile(file)
		must(t, err)
	})
	f("moved over", true, func(t *testing.T, file, twin, _ string) { must(t, os.Rename(twin, file)) })
	f("moved over by one that looks alike", true, func(t *testing.T, file, _, _ string) { filewatchtest.Alike(t, file, "two") })
	f("written in place", true, func(t *testing.T, file, _, _ string) { write(t, file, "three") })
	f("written in place, its time set back", true, func(t *testing.T, file, _, _ string) {
		was, err := os.Stat(file)
		must(t, err)
		write(t, file, "two")
		must(t, os.Chtimes(file, was.ModTime(), was.ModTime()))
	})
	f("another time", true, func(t *testing.T, file, _, _ string) { must(t, os.Chtimes(file, time.Time{}, time.Unix(1, 0))) })
	f("the link is moved", true, func(t *testing.T, _, twin, link string) {
		must(t, os.Symlink(twin, link+".new"), os.Rename(link+".new", link))
	})
	f("the link is made anew", false, func(t *testing.T, file, _, link string) {
		must(t, os.Symlink(file, link+".new"), os.Rename(link+".new", link))
	})
	f("removed", true, func(t *testing.T, file, _, _ string) { must(t, os.Remove(file)) })
	f("the link is removed", true, func(t *testing.T, _, _, link string) { must(t, os.Remove(link)) })
	f("removed, and back as another file", true, func(t *testing.T, file, twin, _ string) {
		must(t, os.Remove(file), os.Link(twin, file))
	})
}

// TestStampOfSeveral: one that changes is enough.
func TestStampOfSeveral(t *testing.T) {
	file, twin, link := directory(t)
	one, both := filewatch.Of(file), filewatch.Of(file, twin)
	if both.Equal(one) || one.Equal(filewatch.Stamp{}) || !both.Equal(filewatch.Of(link, twin)) {
		t.Error("a Stamp is of its files, by whatever name")
	}
	write(t, twin, "three")
	if both.Equal(filewatch.Of(file, twin)) || !one.Equal(filewatch.Of(file)) {
		t.Error("the second has changed, not the first")
	}
}
