package rig

import (
	"os"
	"os/exec"
	"testing"

	"github.com/aislecache/aisle/tests/ports"
)

// Aisle is Build for a test.
func Aisle(t testing.TB) string {
	t.Helper()
	bin, err := Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// RunEdge starts an edge that ends with the test; an exit code other than 0 fails it, a data race among them.
func RunEdge(t testing.TB, bin, config string) *Edge {
	t.Helper()
	e, err := StartEdge(bin, t.TempDir(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped(t, e.Process) })
	return e
}

// RunDemo starts a demo storefront that ends with the test, and gives its URL.
func RunDemo(t testing.TB, bin string, args ...string) string {
	t.Helper()
	p, url, err := StartDemo(bin, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped(t, p) })
	return url
}

// Run starts a program that ends with the test, whatever its exit code.
func Run(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func stopped(t testing.TB, p *Process) {
	if code, err := p.Stop(); err != nil || code != 0 {
		t.Errorf("%s ended with %d, %v:\n%s", p.cmd.Path, code, err, p.Stderr())
	}
}

// Get is Fetch with GET for a test: no answer fails it.
func Get(t testing.TB, url string, headers ...string) *Response {
	t.Helper()
	r, err := Fetch("GET", url, "", headers...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Need says that a test cannot run because something is not installed. `make test` installs everything and sets
// AISLE_TEST_ALL; there it is a failure, elsewhere the test is skipped.
func Need(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("AISLE_TEST_ALL") != "" {
		t.Fatalf("%s is not there, though `make test` should have installed it", what)
	}
	t.Skipf("%s is not there: `make test` installs it", what)
}

// MakeRun does what `make run` does, at addresses of its own, until the test ends; root leads to the top of the tree. It gives the
// URL of the edge.
func MakeRun(t testing.TB, root string) (p *Process, url string) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		Need(t, "curl")
	}
	edge := ports.Address(t)
	cmd := exec.Command("tools/run")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "AISLE_BIN="+Aisle(t), "DIR="+t.TempDir(), "EDGE="+edge, "ADMIN="+ports.Address(t), "ORIGIN="+ports.Address(t))
	p = Run(t, cmd)
	if _, err := p.WaitStdout("Ctrl-C ends both."); err != nil {
		t.Fatal(err)
	}
	return p, "http://" + edge
}
