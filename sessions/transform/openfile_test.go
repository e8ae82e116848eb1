package transform_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	regular, pipe, link := filepath.Join(dir, "regular"), filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := os.WriteFile(regular, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(regular, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{regular, link} {
		file, err := transform.OpenFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(file); err != nil || string(text) != "text" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		_ = file.Close()
	}
	refused := func(name, want string) {
		t.Helper()
		file, err := transform.OpenFile(name)
		if err == nil {
			_ = file.Close()
			t.Errorf("%s is opened", name)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	refused(pipe, "no regular file")
	refused(dir, "no regular file")
	refused("/dev/zero", "no regular file")
	refused(regular+".none", "no such file")
}
