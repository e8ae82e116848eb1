package tests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/tests/ports"
	"github.com/aislecache/aisle/tests/rig"
)

// example is a block of commands in a document, and what it prints at the least.
type example struct {
	commands string
	want     []string // each on from the one before
}

// examplesOf reads the blocks ```sh of a document, each with the block ```text behind it. One without has definitions,
// which stand before all commands that follow.
func examplesOf(t *testing.T, file string) (list []example) {
	t.Helper()
	text, err := os.ReadFile("../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	definitions := ""
	for _, part := range strings.Split(string(text), "\n```sh\n")[1:] {
		commands, rest, _ := strings.Cut(part, "\n```\n")
		want, ok := strings.CutPrefix(rest, "```text\n")
		if !ok {
			definitions += commands + "\n"
			continue
		}
		want, _, _ = strings.Cut(want, "\n```")
		list = append(list, example{definitions + commands, strings.Split(want, "\n")})
	}
	return list
}

// workedStore is the edge of `make run`: the demo storefront with the configuration and the files of examples/store, in a
// folder that looks like the top of the tree.
type workedStore struct {
	*rig.Edge
	bin, dir, config string // config is the file
}

// runStore starts one. Pairs of old and new text change the configuration.
func runStore(t *testing.T, changes ...string) *workedStore {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		rig.Need(t, "curl")
	}
	s := &workedStore{bin: rig.Aisle(t), dir: t.TempDir()}
	shop, public, admin := rig.RunDemo(t, s.bin), ports.Address(t), ports.Address(t)
	s.Edge = &rig.Edge{URL: "http://" + public, Admin: "http://" + admin}
	s.config = filepath.Join(s.dir, "examples/store/config.yaml")
	if err := os.CopyFS(filepath.Dir(s.config), os.DirFS("../examples/store")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{"127.0.0.1:8080", public, "127.0.0.1:8081", admin, "http://127.0.0.1:9000", shop}
	s.write(t, s.config, strings.NewReplacer(append(addresses, changes...)...).Replace(string(text)))
	if err := os.Mkdir(filepath.Join(s.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.bin, filepath.Join(s.dir, "bin/aisle")); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *workedStore) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *workedStore) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(s.bin, "serve", "--config", "examples/store/config.yaml")
	cmd.Dir = s.dir
	p, err := rig.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	s.Process = p
	if _, err := p.WaitStderr(`"msg":"ready"`); err != nil {
		t.Fatal(err)
	}
}

func (s *workedStore) stop(t *testing.T) {
	t.Helper()
	if code, err := s.Stop(); err != nil || code != 0 {
		t.Errorf("the edge ended with %d, %v:\n%s", code, err, s.Stderr())
	}
}

// do runs commands of a document as somebody would type them at the top of the tree.
func (s *workedStore) do(t *testing.T, commands string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", commands)
	cmd.Dir, cmd.WaitDelay = s.dir, 20*time.Second
	cmd.Env = append(os.Environ(), "EDGE="+s.URL, "ADMIN="+s.Admin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", commands, err, out)
	}
	return string(out)
}

// runExamples runs the examples of a document, in their order. There are at least so many.
func (s *workedStore) runExamples(t *testing.T, file string, atLeast int) {
	t.Helper()
	list := examplesOf(t, file)
	if len(list) < atLeast {
		t.Fatalf("%s: %d examples", file, len(list))
	}
	for _, x := range list {
		out := s.do(t, x.commands)
		rest := out
		for _, want := range x.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s\nlacks %q:\n%.2500s", x.commands, want, out)
				break
			}
			rest = after
		}
	}
}
