package rig

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Build makes the aisle binary in dir and gives its path. Where AISLE_BIN names one, that is taken: `make test`
// builds one with the race detector for all tests.
func Build(dir string) (string, error) {
	if path := os.Getenv("AISLE_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "aisle")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/aislecache/aisle/cmd/aisle").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Edge is a running `aisle serve`.
type Edge struct {
	*Process
	URL   string // of the shoppers' side, as in http://127.0.0.1:45678
	Admin string // of the admin listener
}

// StartEdge runs the edge on a configuration, with dir as its working directory. Listen addresses in the
// configuration should have port 0, so that edges never meet; the real ones are read off the log.
func StartEdge(bin, dir, config string) (*Edge, error) { return startEdge(bin, dir, config, 0) }

// StartEdgeAndHeirs is StartEdge for an edge that hands over to a new process, and that to another: the Process has
// the output of them all, and ends when the last of them does.
func StartEdgeAndHeirs(bin, dir, config string) (*Edge, error) {
	return startEdge(bin, dir, config, 24*time.Hour)
}

func startEdge(bin, dir, config string, heirs time.Duration) (*Edge, error) {
	file := filepath.Join(dir, "edge.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, "serve", "--config", file)
	cmd.Dir, cmd.WaitDelay = dir, heirs
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	e := &Edge{Process: p}
	if err := e.findAddresses(); err != nil {
		_, stopped := p.Stop()
		return nil, errors.Join(err, stopped)
	}
	return e, nil
}

func (e *Edge) findAddresses() error {
	if _, err := e.WaitStderr(`"msg":"ready"`); err != nil {
		return err
	}
	for text := range strings.Lines(e.Stderr()) {
		var line struct{ Msg, For, Address string }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Msg != "listening" {
			continue
		}
		if line.For == "admin" {
			e.Admin = "http://" + line.Address
		} else {
			e.URL = "http://" + line.Address
		}
	}
	if e.URL == "" || e.Admin == "" {
		return fmt.Errorf("the edge's log does not tell where it listens:\n%s", e.Stderr())
	}
	return nil
}

// StartDemo runs the demo storefront on a port of the system's choice and gives its URL, without a slash at the
// end. args are further flags.
func StartDemo(bin string, args ...string) (*Process, string, error) {
	p, err := Start(exec.Command(bin, append([]string{"demo", "--listen", "127.0.0.1:0"}, args...)...))
	if err != nil {
		return nil, "", err
	}
	line, err := p.WaitStdout("storefront at http://")
	if err != nil {
		_, stopped := p.Stop()
		return nil, "", errors.Join(err, stopped)
	}
	_, url, _ := strings.Cut(line, "storefront at ")
	return p, strings.TrimSuffix(url, "/"), nil
}

// Config is the smallest configuration for tests: one origin, and ports of the system's choice. more is further
// YAML, at the top level.
func Config(origin, more string) string {
	return fmt.Sprintf("listen: \"127.0.0.1:0\"\nadmin: {listen: \"127.0.0.1:0\"}\nupstreams: {storefront: {servers: [%q]}}\n%s\n", origin, more)
}
