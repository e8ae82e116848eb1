package obs_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aislecache/aisle/obs"
)

// sink is a writer that can be watched, made to fail and made to hang.
type sink struct {
	mu     sync.Mutex
	got    bytes.Buffer
	writes int
	err    error
	most   int           // bytes it takes before err
	gate   chan struct{} // not nil: each Write takes a token first
	closed int
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		s.got.Write(p[:s.most])
		return s.most, s.err
	}
	return s.got.Write(p)
}

func (s *sink) Close() error {
	s.closed++
	return nil
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// counts checks the log's metrics.
func counts(t *testing.T, reg prometheus.Gatherer, dropped, failures int) {
	t.Helper()
	want := fmt.Sprintf(`
		# HELP aisle_access_log_dropped_total Access log lines that were lost: the buffer was full, or writing failed.
		# TYPE aisle_access_log_dropped_total counter
		aisle_access_log_dropped_total %d
		# HELP aisle_access_log_write_failures_total Writes of buffered access log lines that failed.
		# TYPE aisle_access_log_write_failures_total counter
		aisle_access_log_write_failures_total %d
	`, dropped, failures)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestAccessLogFlushesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, reg := &sink{}, prometheus.NewRegistry()
		l := obs.NewAccessLog(s, 1<<10, reg)
		line := []byte("one")
		l.Write(line)
		copy(line, "XXX") // the caller's memory is the caller's again
		l.Write([]byte("two"))
		synctest.Wait()
		if got := s.text(); got != "" {
			t.Errorf("written at once: %q", got)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := s.text(); got != "one\ntwo\n" {
			t.Errorf("after 200 ms: %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.writes != 1 {
			t.Errorf("%d writes for one batch", s.writes)
		}
		l.Write([]byte("three"))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := s.text(); got != "one\ntwo\nthree\n" {
			t.Errorf("after Close: %q", got)
		}
		if err := l.Close(); err != nil || s.closed != 1 {
			t.Errorf("second Close: %v, writer closed %d times", err, s.closed)
		}
		counts(t, reg, 0, 0)
		l.Write([]byte("late"))
		counts(t, reg, 1, 0)
	})
}

func TestAccessLogFlushesWhenHalfFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		l := obs.NewAccessLog(s, 10, prometheus.NewRegistry())
		l.Write([]byte("abcd")) // with its newline exactly half
		synctest.Wait()
		if got := s.text(); got != "" {
			t.Errorf("half: %q", got)
		}
		l.Write([]byte(""))
		synctest.Wait() // and no time passes
		if got := s.text(); got != "abcd\n\n" {
			t.Errorf("more than half: %q", got)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAccessLogDropsWhatHasNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, reg := &sink{gate: make(chan struct{})}, prometheus.NewRegistry()
		l := obs.NewAccessLog(s, 10, reg)
		l.Write([]byte("too long a line"))
		counts(t, reg, 1, 0)
		l.Write([]byte("123456789")) // with its newline it fills the first buffer
		synctest.Wait()              // the writer hangs on it
		l.Write([]byte("abcd"))
		l.Write([]byte("efgh"))
		l.Write([]byte("i")) // nothing left
		l.Write([]byte(""))
		counts(t, reg, 3, 0)
		close(s.gate)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := s.text(); got != "123456789\nabcd\nefgh\n" {
			t.Errorf("written: %q", got)
		}
		counts(t, reg, 3, 0)
	})
}

func TestAccessLogCountsWhatAWriterLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		s, reg := &sink{err: full, most: 6}, prometheus.NewRegistry()
		l := obs.NewAccessLog(s, 1<<10, reg)
		l.Write([]byte("whole"))
		l.Write([]byte("lost"))
		l.Write([]byte("lost too"))
		err := l.Close()
		if !errors.Is(err, full) {
			t.Errorf("Close = %v, want it to wrap %v", err, full)
		}
		if got := s.text(); got != "whole\n" {
			t.Errorf("written: %q", got)
		}
		counts(t, reg, 2, 1)
	})
}

func TestAccessLogCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		l := obs.NewAccessLog(s, 1<<10, prometheus.NewRegistry())
		l.Write([]byte("line"))
		began := time.Now()
		err := l.Close()
		if took := time.Since(began); err == nil || took != 5*time.Second {
			t.Errorf("Close = %v after %v, want an error after 5s", err, took)
		}
		close(s.gate) // lets the goroutine end
	})
}

func TestAccessLogOff(t *testing.T) {
	reg := prometheus.NewRegistry()
	l := obs.NewAccessLog(nil, 1<<10, reg)
	if l.Enabled() {
		t.Error("a log without a writer is enabled")
	}
	l.Write([]byte("line"))
	if err := errors.Join(l.Reopen(), l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	counts(t, reg, 0, 0)
}

// Lines of many goroutines come out whole, each once.
func TestAccessLogConcurrent(t *testing.T) {
	const writers, lines = 8, 500
	s, reg := &sink{}, prometheus.NewRegistry()
	l := obs.NewAccessLog(s, 1<<20, reg)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range lines {
				l.Write(fmt.Appendf(nil, "writer %d line %d", w, n))
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	next := make([]int, writers)
	for line := range strings.Lines(s.text()) {
		var w, n int
		if _, err := fmt.Sscanf(line, "writer %d line %d\n", &w, &n); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if n != next[w] {
			t.Fatalf("writer %d: line %d where %d was due", w, n, next[w])
		}
		next[w]++
	}
	for w, n := range next {
		if n != lines {
			t.Errorf("writer %d: %d of %d lines", w, n, lines)
		}
	}
	counts(t, reg, 0, 0)
}

func TestAccessLogAllocatesNothing(t *testing.T) {
	l := obs.NewAccessLog(&bytes.Buffer{}, 1<<10, prometheus.NewRegistry())
	line := bytes.Repeat([]byte("x"), 100)
	// The buffer behind it grows by doubling, which is rare enough to vanish in the mean.
	if got := testing.AllocsPerRun(20_000, func() { l.Write(line) }); got != 0 {
		t.Errorf("a line allocates %v times", got)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
