package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What is not meant for this process means nothing to it, and leaves the environment all the same.
func TestInherit(t *testing.T) {
	f := func(env map[string]string, fault string) {
		t.Helper()
		for name, value := range env {
			t.Setenv(name, value)
		}
		in, err := inherit()
		switch {
		case fault == "" && err != nil, fault != "" && (err == nil || !strings.Contains(err.Error(), fault)):
			t.Errorf("%v: error %v, want one with %q", env, err, fault)
		case err == nil && (len(in.sockets) != 0 || in.ready != nil):
			t.Errorf("%v: inherits %+v", env, in)
		}
		for name := range env {
			if value, ok := os.LookupEnv(name); ok {
				t.Errorf("%s=%s is left to children", name, value)
			}
		}
	}
	own, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getpid()+1)
	f(nil, "")
	f(map[string]string{"LISTEN_PID": other, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}, "")
	f(map[string]string{"LISTEN_PID": own, "LISTEN_FDS": "0"}, "")
	f(map[string]string{"LISTEN_PID": own, "LISTEN_FDS": "many"}, `LISTEN_FDS: "many"`)
	f(map[string]string{"LISTEN_PID": own, "LISTEN_FDS": "-1"}, "LISTEN_FDS")
	f(map[string]string{handoverVariable: "{"}, handoverVariable)
	f(map[string]string{handoverVariable: `{"parent":` + own + `,"sockets":[{"address":":1"}],"ready":4}`}, "")
}

// Sockets of a hand-over go by address, systemd's by order; both kinds keep the admin listener apart.
func TestTake(t *testing.T) {
	open := func() net.Listener {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	a, b, c := open(), open(), open()
	in := &inheritance{sockets: []inheritedSocket{
		{handedSocket{":1", false, true}, false, a}, {handedSocket{":2", true, false}, false, b}, {handedSocket{"", false, false}, true, c},
	}}
	f := func(address string, admin bool, want net.Listener, owned bool) {
		t.Helper()
		if got, isOwned := in.take(address, admin); got != want || isOwned != owned {
			t.Errorf("%s, admin %t: %v, owned %t", address, admin, got, isOwned)
		}
	}
	f(":2", false, c, false) // not the admin's
	f(":1", false, a, true)
	f(":1", false, nil, false) // once
	f(":1", true, nil, false)
	f(":2", true, b, false)
	if err := in.rest(); err != nil {
		t.Errorf("with nothing left: %v", err)
	}
}

// What is left over is closed. Of systemd's sockets it is an error besides.
func TestRest(t *testing.T) {
	f := func(systemd bool, fault string) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		in := &inheritance{sockets: []inheritedSocket{{handedSocket{Address: ":1"}, systemd, l}}}
		err = in.rest()
		if (err != nil) != systemd || systemd && !strings.Contains(err.Error(), fault) {
			t.Errorf("systemd %t: %v", systemd, err)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Errorf("systemd %t: still open", systemd)
		}
	}
	f(false, "")
	f(true, "LISTEN_FDS: the socket 127.0.0.1:")
}

// A copy of a socket that went through exec's hands leaves the listener's own as it is: closing wakes its Accept.
func TestDuplicateDoesNotBlock(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := duplicate(l)
	if err != nil {
		t.Fatal(err)
	}
	f.Fd() // as exec does
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	l.Close()
	if err := <-ended; err == nil {
		t.Error("Accept has succeeded on a closed listener")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := duplicate(struct{ net.Listener }{l}); err == nil {
		t.Error("what is no socket was duplicated")
	}
}

func TestReloadResultNames(t *testing.T) {
	for want, r := range map[string]reloadResult{"reloaded": reloadDone, "unchanged": reloadUnchanged, "refused": reloadRefused, "unknown": numReloadResults} {
		if r.String() != want {
			t.Errorf("%d is %q, want %q", r, r, want)
		}
	}
}

// A service manager that is not there is an error to tell of, and none at all is not.
func TestNotify(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := notify("READY=1"); err != nil {
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	if err := notify("READY=1"); err == nil || !strings.Contains(err.Error(), "NOTIFY_SOCKET") {
		t.Errorf("error %v", err)
	}
}
