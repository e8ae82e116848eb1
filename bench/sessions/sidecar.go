package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const configText = `listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
upstreams: {storefront: {servers: ["http://127.0.0.1:9"]}}
sessions: {mode: embedded, listen: "127.0.0.1:0", creates_per_minute: 0, store: {bolt: sessions.db}}
`

// sidecar is a running `aisle sessions` on bbolt, with every commit on the disk before it is acknowledged.
type sidecar struct {
	address string
	pid     int
	cmd     *exec.Cmd
}

func startSidecar(bin, dir string) (*sidecar, error) {
	if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(configText), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(bin, "sessions", "--config", "c.yaml")
	cmd.Dir = dir
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &sidecar{cmd: cmd, pid: cmd.Process.Pid}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var line struct{ Msg, Sessions string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			s.address = line.Sessions
			go func() { // or a full pipe would stop it
				for lines.Scan() {
					fmt.Fprintln(os.Stderr, lines.Text())
				}
			}()
			return s, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	return nil, fmt.Errorf("the sidecar ended before it was ready: %w", cmd.Wait())
}

func (s *sidecar) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// tick is the unit of times in /proc, which Linux has fixed for all that reads them.
const tick = 10 * time.Millisecond

// processorTime is what a process has used so far; 0 is this one.
func processorTime(pid int) (time.Duration, error) {
	name := "self"
	if pid != 0 {
		name = strconv.Itoa(pid)
	}
	text, err := os.ReadFile("/proc/" + name + "/stat")
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat reads utime and stime, the 14th and 15th field (proc_pid_stat(5)).
func parseStat(text string) (time.Duration, error) {
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:]) // the second field, in brackets, may hold anything
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc stat has %d fields", len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}
