package obs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// flushEvery is the longest that a line waits in memory.
	flushEvery = 200 * time.Millisecond
	// closePatience bounds Close: a reader that left our pipe full must not keep the
	// process from ending.
	closePatience = 5 * time.Second
)

// AccessLog writes lines to a slow writer from fast goroutines: Write copies into
// one buffer while another goroutine hands the other one to the writer. It never
// blocks on the writer; what has no room is dropped and counted.
type AccessLog struct {
	dst    io.Writer     // nil: off
	size   int           // of each buffer, in bytes
	half   chan struct{} // tells the flusher that filling is half full
	quit   chan struct{} // closed by Close
	done   chan struct{} // closed when the flusher has ended
	reason error         // of the last failed write; read after done

	dropped, failures prometheus.Counter

	mu      sync.Mutex
	filling []byte // guarded by mu
	closed  bool   // guarded by mu
}

// NewAccessLog makes an access log with two buffers of bufferBytes each and starts
// its goroutine, which Close ends. It registers aisle_access_log_dropped_total and
// aisle_access_log_write_failures_total with reg and, as all that registers, panics
// if they are there. A line longer than a buffer is always dropped. A nil w is a log
// that is off; nothing is counted then. An AccessLog closes its w if that has a
// Close, and nobody else writes to it.
func NewAccessLog(w io.Writer, bufferBytes int, reg prometheus.Registerer) *AccessLog {
	l := &AccessLog{
		dst:  w,
		size: bufferBytes,
		half: make(chan struct{}, 1),
		quit: make(chan struct{}),
		done: make(chan struct{}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aisle_access_log_dropped_total",
			Help: "Access log lines that were lost: the buffer was full, or writing failed.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aisle_access_log_write_failures_total",
			Help: "Writes of buffered access log lines that failed.",
		}),
	}
	reg.MustRegister(l.dropped, l.failures)
	if w == nil {
		close(l.done)
		return l
	}
	l.filling = make([]byte, 0, bufferBytes)
	go l.run(make([]byte, 0, bufferBytes))
	return l
}

// Enabled says whether lines go anywhere, so that none need be built if not.
func (l *AccessLog) Enabled() bool { return l.dst != nil }

// Write takes one line, without its newline. It copies the line and allocates
// nothing. It does not wait for the writer.
func (l *AccessLog) Write(line []byte) {
	if l.dst == nil {
		return
	}
	l.mu.Lock()
	before := len(l.filling)
	fits := !l.closed && before+len(line)+1 <= l.size
	if fits {
		l.filling = append(append(l.filling, line...), '\n')
	}
	after := len(l.filling)
	l.mu.Unlock()
	if !fits {
		l.dropped.Inc()
	}
	if before <= l.size/2 && after > l.size/2 {
		select {
		case l.half <- struct{}{}:
		default: // the flusher knows
		}
	}
}

// Reopen opens a file anew under its path, for logrotate. It does nothing for
// other destinations. If it fails the old file stays in use.
func (l *AccessLog) Reopen() error {
	if r, ok := l.dst.(interface{ Reopen() error }); ok {
		return r.Reopen()
	}
	return nil
}

// Close writes what is buffered, ends the goroutine and closes the writer. It gives
// up after 5 s of a writer that takes nothing; the goroutine then stays until that
// write returns. Lines that come later are dropped and counted. The error is the
// last one of the writer. A second Close does nothing.
func (l *AccessLog) Close() error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.mu.Unlock()
	if again || l.dst == nil {
		return nil
	}
	close(l.quit)
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-l.done:
	case <-patience.C:
		return fmt.Errorf("access log: the destination took nothing for %v", closePatience)
	}
	if c, ok := l.dst.(io.Closer); ok {
		return errors.Join(l.reason, c.Close())
	}
	return l.reason
}

// run is the flusher. spare is the buffer that is not being filled.
func (l *AccessLog) run(spare []byte) {
	defer close(l.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.half:
		case <-l.quit:
			l.flush(spare)
			return
		}
		spare = l.flush(spare)
	}
}

// flush swaps the buffers and writes the full one, which it returns empty.
func (l *AccessLog) flush(spare []byte) []byte {
	l.mu.Lock()
	full := l.filling
	l.filling = spare
	l.mu.Unlock()
	if len(full) == 0 {
		return full
	}
	if n, err := l.dst.Write(full); err != nil {
		l.reason = fmt.Errorf("access log: %w", err)
		l.failures.Inc()
		// The line that was cut counts as lost.
		l.dropped.Add(float64(bytes.Count(full[n:], []byte{'\n'})))
	}
	return full[:0]
}
