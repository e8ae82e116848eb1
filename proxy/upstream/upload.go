package upstream

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/aislecache/aisle/cache"
)

var errStopped = errors.New("the exchange is over")

// upload is the body of a request. net/http reads it on a goroutine that may
// outlive RoundTrip, while the reader below belongs to a request of the listener
// and dies with it; upload is the fence between the two.
type upload struct {
	stopped atomic.Bool
	read    atomic.Bool // a Read went through
	failure atomic.Pointer[error]

	mu   sync.Mutex // held during a Read
	from io.Reader  // guarded by mu
	left int64      // guarded by mu; bytes to come, -1 when unknown
}

func newUpload(r *cache.OriginRequest) *upload { return &upload{from: r.Body, left: r.Length} }

// Read never goes past the announced length, whose framing is the listener's.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped.Load() {
		return 0, errStopped
	}
	if u.left == 0 {
		return 0, io.EOF
	}
	if u.left > 0 && int64(len(p)) > u.left {
		p = p[:u.left]
	}
	u.read.Store(true)
	n, err := u.from.Read(p)
	if u.left > 0 {
		u.left -= int64(n)
	}
	if err == io.EOF && u.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		u.failure.Store(&err)
	}
	return n, err
}

// Close is for net/http, which closes the body after each try; the reader below
// is not ours to close.
func (u *upload) Close() error { return nil }

// stop lets no further Read begin.
func (u *upload) stop() { u.stopped.Store(true) }

// wait returns when no Read is under way, and lets go of the reader below. It
// follows stop.
func (u *upload) wait() {
	u.mu.Lock()
	u.from = nil
	u.mu.Unlock()
}

func (u *upload) touched() bool { return u.read.Load() }

// failed is the error of the reader below, if it had one.
func (u *upload) failed() error {
	if err := u.failure.Load(); err != nil {
		return *err
	}
	return nil
}
