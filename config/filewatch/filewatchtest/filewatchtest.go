// Package filewatchtest is for tests of what follows files.
package filewatchtest

import (
	"os"
	"testing"
)

// Alike moves another file over this one, with another text of the same size and with the same time: what `mv` of a file made by
// `cp -p` does, and many a tool that manages configurations.
func Alike(t testing.TB, path, text string) {
	t.Helper()
	was, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if was.Size() != int64(len(text)) {
		t.Fatalf("%d bytes in place of %d: that shows", len(text), was.Size())
	}
	if err := os.WriteFile(path+".alike", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".alike", was.ModTime(), was.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".alike", path); err != nil {
		t.Fatal(err)
	}
}
