package rig_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aislecache/aisle/tests/rig"
)

func shell(t *testing.T, script string) *rig.Process {
	t.Helper()
	p, err := rig.Start(exec.Command("/bin/sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = p.Stop() })
	return p
}

func TestWaitForLines(t *testing.T) {
	p := shell(t, "echo one; printf half; echo two >&2; exec sleep 100")
	if line, err := p.WaitStdout("on"); err != nil || line != "one" {
		t.Errorf("WaitStdout = %q, %v", line, err)
	}
	if line, err := p.WaitStderr("two"); err != nil || line != "two" {
		t.Errorf("WaitStderr = %q, %v", line, err)
	}
	if code, err := p.Stop(); err != nil || code != 128+int(syscall.SIGTERM) {
		t.Errorf("Stop = %d, %v", code, err)
	}
}

func TestEndBeforeLine(t *testing.T) {
	p := shell(t, "echo this; exit 3")
	_, err := p.WaitStdout("that")
	if err == nil || !strings.Contains(err.Error(), "ended with 3") || !strings.Contains(err.Error(), "this") {
		t.Errorf("the error does not tell: %v", err)
	}
	if code, err := p.Wait(); err != nil || code != 3 {
		t.Errorf("Wait = %d, %v", code, err)
	}
}

func TestStartFails(t *testing.T) {
	if _, err := rig.Start(exec.Command("/nonexistent")); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestFetch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Cache-Status", "aisle; hit")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
		fmt.Fprint(w, r.Method, " ", r.Host, " ", r.Header.Values("X-A"))
	}))
	defer server.Close()
	r, err := rig.Fetch("PATCH", server.URL, "", "Host: shop.example", "X-A: 1", "x-a:2")
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != http.StatusFound || !r.Hit() || r.Body != "PATCH shop.example [1 2]" {
		t.Errorf("answer %+v", r)
	}
	if _, err := rig.Fetch("GET", server.URL, "", "no colon"); err == nil {
		t.Error("a header without a colon was sent")
	}
}

// TestEdge starts the pair that all other tests build on.
func TestEdge(t *testing.T) {
	bin := rig.Aisle(t)
	edge := rig.RunEdge(t, bin, rig.Config(rig.RunDemo(t, bin), ""))
	if r := rig.Get(t, edge.URL+"/"); r.Status != 200 || r.Hit() {
		t.Errorf("first: %d %s", r.Status, r.CacheStatus())
	}
	if r := rig.Get(t, edge.URL+"/"); r.Status != 200 || !r.Hit() {
		t.Errorf("second: %d %s", r.Status, r.CacheStatus())
	}
	if r := rig.Get(t, edge.Admin+"/readyz"); r.Body != "ready\n" {
		t.Errorf("readyz: %q", r.Body)
	}
}

// TestEdgeRefused: a configuration that is bad gives an error that tells, and leaves no process.
func TestEdgeRefused(t *testing.T) {
	_, err := rig.StartEdge(rig.Aisle(t), t.TempDir(), "nonsense: 1\n")
	if err == nil || !strings.Contains(err.Error(), "nonsense") || !strings.Contains(err.Error(), "ended with 2") {
		t.Errorf("error: %v", err)
	}
}
