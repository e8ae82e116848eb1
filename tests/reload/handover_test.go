package reload_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
	"github.com/aislecache/aisle/tests/rig"
)

// origin answers with its path; /slow/ waits until release is closed.
func origin(t *testing.T, release <-chan struct{}) (url string, entered chan struct{}) {
	t.Helper()
	entered = make(chan struct{}, 64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/account/slow") {
			entered <- struct{}{}
			<-release
		}
		w.Header().Set("Cache-Control", "public, max-age=1")
		fmt.Fprint(w, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s.URL, entered
}

// A successor has the sockets, and the request under way is the old process's to answer.
func TestHandOver(t *testing.T) {
	release := make(chan struct{})
	url, entered := origin(t, release)
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: t.TempDir() + "/notify", Net: "unixgram"})
	must(t, err)
	defer notified.Close()
	e := start(t, configOf(url, ""), []string{"NOTIFY_SOCKET=" + notified.LocalAddr().String()})
	first := e.ready()
	isNotified(t, notified, first)
	result := make(chan string, 1)
	go func() {
		status, body, err := get("GET", e.url+"/account/slow")
		result <- fmt.Sprint(status, body, err)
	}()
	<-entered
	second := e.replace(first)
	if second == first {
		t.Fatalf("%d has replaced itself", first)
	}
	isNotified(t, notified, second)
	expect(t, "GET", e.admin+"/readyz", 200, "ready")
	expect(t, "GET", e.url+"/p", 200, "/p")
	if n := len(e.lines("stopped")); n != 0 {
		t.Error("the old process has ended with a request under way")
	}
	close(release)
	if got := <-result; got != "200/account/slow<nil>" {
		t.Errorf("the request under way got %s", got)
	}
	e.await("stopped", 1)
	expect(t, "GET", e.url+"/p", 200, "/p")
	third := e.replace(second)
	isNotified(t, notified, third)
	e.await("stopped", 2)
	expect(t, "GET", e.url+"/q", 200, "/q")
}

func isNotified(t *testing.T, c *net.UnixConn, pid int) {
	t.Helper()
	b := make([]byte, 256)
	must(t, c.SetReadDeadline(time.Now().Add(patience)))
	n, err := c.Read(b)
	if want := fmt.Sprintf("MAINPID=%d\nREADY=1", pid); err != nil || string(b[:n]) != want {
		t.Errorf("the service manager was told %q %v, want %q", b[:n], err, want)
	}
}

// A successor that fails to start leaves everything to the old process, which says why.
func TestHandOverFails(t *testing.T) {
	url, _ := origin(t, nil)
	dir := t.TempDir()
	good := strings.ReplaceAll(configOf(url, ""), `"127.0.0.1:0"`, `"unix:`+dir+`/`)
	good = strings.Replace(good, dir+"/", dir+`/edge"`, 1)
	good = strings.Replace(good, dir+"/}", dir+`/admin"}`, 1)
	e := start(t, good, nil)
	pid := e.await("ready", 1).Pid
	e.configure(good + "segment: {keys_file: edge.yaml}\n") // is read after the sockets are there
	must(t, syscall.Kill(pid, syscall.SIGUSR2))
	failed := e.await("not handed over: this process goes on", 1)
	if want := "the new process ended before it was ready: exit status 2"; failed.Error != want {
		t.Errorf("it says %q, want %q", failed.Error, want)
	}
	e.configure(good + "nonsense: true\n")
	must(t, syscall.Kill(pid, syscall.SIGUSR2))
	e.await("not handed over: this process goes on", 2)
	for _, name := range []string{"/edge", "/admin"} {
		c, err := net.Dial("unix", dir+name)
		if err != nil {
			t.Fatalf("the socket has gone with the successor: %v", err)
		}
		c.Close()
	}
	// The socket files are the successor's where there is one, and go with the last.
	e.configure(good)
	last := e.replace(pid)
	e.await("stopped", 1)
	if c, err := net.Dial("unix", dir+"/edge"); err != nil {
		t.Errorf("the socket has gone with the old process: %v", err)
	} else {
		c.Close()
	}
	must(t, syscall.Kill(last, syscall.SIGTERM))
	e.await("stopped", 2)
	if _, err := os.Stat(dir + "/edge"); !os.IsNotExist(err) {
		t.Errorf("the socket of the last process is still there: %v", err)
	}
}

// systemd has the sockets open before aisle is, by name, and they take what comes meanwhile.
func TestSocketActivation(t *testing.T) {
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		rig.Need(t, "systemd-socket-activate, of the package systemd")
	}
	url, _ := origin(t, nil)
	shoppers, admin := ports.Address(t), ports.Address(t)
	// The configuration's own addresses are not listened on.
	e := start(t, configOf(url, ""), nil, tool, "-l", admin, "-l", shoppers, "--fdname=admin:edge")
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", shoppers); err == nil {
			c.Close() // which has aisle started
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	expect(t, "GET", "http://"+shoppers+"/p", 200, "/p")
	expect(t, "GET", "http://"+admin+"/readyz", 200, "ready")
	pid := e.ready()
	if e.url != "http://"+shoppers || e.admin != "http://"+admin {
		t.Errorf("it listens on %s and %s", e.url, e.admin)
	}
	e.replace(pid)
	e.await("stopped", 1)
	expect(t, "GET", "http://"+shoppers+"/q", 200, "/q")
}
