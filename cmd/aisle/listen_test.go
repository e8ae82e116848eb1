package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAnAbandonedSocketIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as a process that was killed leaves it
	left.Close()
	l, err := listen("listen", "unix:"+path)
	if err != nil {
		t.Fatalf("not taken over: %v", err)
	}
	l.Close()
}

func TestASocketInUseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := listen("listen", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = listen("listen", "unix:"+path)
	var failed *listenError
	if !errors.As(err, &failed) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want a listenError of an address in use", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the first listener lost its socket: %v", err)
	}
	conn.Close()
}

func TestAFileInThePlaceOfASocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen("listen", "unix:"+path); err == nil {
		t.Error("listened on a file")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "data" {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

func TestAPortInUseNamesTheKey(t *testing.T) {
	first, err := listen("listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	address := first.Addr().String()
	_, err = listen("admin.listen", address)
	if want := "admin.listen: listen tcp " + address + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
