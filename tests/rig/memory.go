package rig

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Resident is the resident memory of the process in bytes, as the kernel counts it.
func (p *Process) Resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "\nVmRSS:")
	number, _, _ := strings.Cut(after, " kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("VmRSS of process %d: %w", p.Pid(), err)
	}
	return kib << 10, nil
}

// WatchMemory samples the resident memory until the function that it returns is called, which gives the most of it
// that was seen, in bytes, or -1 where it cannot be read.
func (p *Process) WatchMemory() (most func() int64) {
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		peak := int64(-1)
		for {
			if n, err := p.Resident(); err == nil {
				peak = max(peak, n)
			}
			select {
			case <-tick.C:
			case <-stop:
				done <- peak
				return
			}
		}
	}()
	return sync.OnceValue(func() int64 {
		close(stop)
		return <-done
	})
}
