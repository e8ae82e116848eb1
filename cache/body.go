package cache

import (
	"context"
	"io"
	"sync"
	"time"
)

// body is what a flight has received so far. Readers follow it at their own
// pace. Up to limit all of it is kept; beyond, it is a window: the fetch waits
// for the fastest reader for as long as it takes, and for the others up to
// patience; a reader that has fallen out of the window by then is cut off.
type body struct {
	mu      sync.Mutex
	kept    []byte // bytes from base on; what readers were given is never written again
	base    int64
	limit   int64
	length  int64                // announced; -1 when it was not
	read    int64                // the farthest any reader has come
	need    int64                // where a reader has to be for the window to move on
	streams map[*Stream]struct{} // the readers that have begun
	readers int                  // those who read, and those who wait for the verdict and may read yet
	over    bool                 // past the limit: a window
	done    bool
	err     error         // why it ended, where it is not whole
	changed chan struct{} // closed and replaced at each change, where somebody waits
}

func (b *body) init(length, limit int64) {
	b.limit, b.length = limit, length
	if length > 0 && length <= limit {
		b.kept = make([]byte, 0, length)
	}
}

// wake tells all who wait; the lock is held.
func (b *body) wake() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// waitChannel is closed at the next change; the lock is held.
func (b *body) waitChannel() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// complete says whether all that was announced has come. Its last bytes are held
// back until the page has landed, some microseconds: a shopper who has a whole
// page and asks again then finds it in memory, not its fetch still finishing.
func (b *body) complete() bool {
	return b.length > 0 && b.base+int64(len(b.kept)) >= b.length
}

// finish ends the body. Only the first call counts: a panic after the last byte
// does not take a whole page from those who are still reading it.
func (b *body) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return
	}
	b.done, b.err = true, err
	b.wake()
}

// fill reads src to its end. overflow is called once when the body outgrows
// the limit. It gives the whole body where it was kept whole, else nil.
func (b *body) fill(ctx context.Context, src io.Reader, overflow func()) ([]byte, error) {
	for {
		room := b.room()
		n, err := src.Read(room)
		if n > 0 {
			if !b.add(room[:n]) {
				overflow()
			}
			if waitErr := b.throttle(ctx); waitErr != nil {
				err = waitErr
			}
		}
		if err == io.EOF {
			return b.whole(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// room gives free space behind what is kept. Only the flight's goroutine writes
// there, and readers see it once add has counted it. A body that is as long as
// announced gets a spare byte instead of a grown buffer: there the end is asked for.
func (b *body) room() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.kept) < cap(b.kept):
	case !b.over && b.length > 0 && int64(len(b.kept)) == b.length:
		return make([]byte, 1)
	default:
		grown := make([]byte, len(b.kept), max(16<<10, 2*cap(b.kept)))
		copy(grown, b.kept)
		b.kept = grown
	}
	return b.kept[len(b.kept):cap(b.kept)]
}

// add counts p in, which came from room; false when this made the body outgrow
// its limit.
func (b *body) add(p []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p...)
	b.wake()
	if b.over || b.base+int64(len(b.kept)) <= b.limit {
		return true
	}
	b.over = true
	return false
}

// patience is how long the fetch of a body past the limit waits for readers that
// are slower than the fastest. It is what one slow reader may cost the others,
// once per window.
const patience = time.Second

// throttle keeps the window: it waits for the readers and then forgets the older
// half. With no reader left there is nothing to fetch for.
func (b *body) throttle(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over || int64(len(b.kept)) <= b.limit {
		return nil
	}
	half := int64(len(b.kept)) / 2
	b.need = b.base + half
	impatient := time.NewTimer(patience)
	defer impatient.Stop()
	for late := false; !b.passed(late); {
		if b.readers == 0 {
			return errNobodyReads
		}
		wait := b.waitChannel()
		b.mu.Unlock()
		var err error
		select {
		case <-wait:
		case <-impatient.C:
			late = true
		case <-ctx.Done():
			err = ctx.Err()
		}
		b.mu.Lock()
		if err != nil {
			return err
		}
	}
	b.kept = append(make([]byte, 0, cap(b.kept)), b.kept[half:]...)
	b.base += half
	return nil
}

// passed says whether the window may move on: all readers are past need, or, when it
// is late, one is. Those who joined and have not begun stand at the beginning.
func (b *body) passed(late bool) bool {
	if b.readers == 0 || b.read < b.need {
		return false
	}
	if late {
		return true
	}
	if b.readers > len(b.streams) {
		return b.need <= 0
	}
	for s := range b.streams {
		if s.at < b.need {
			return false
		}
	}
	return true
}

// whole gives the kept body with little spare capacity, which its cost counts;
// nil where it is a window. It is never nil for a body that was kept, even an empty one.
func (b *body) whole() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return nil
	}
	if spare := cap(b.kept) - len(b.kept); spare > len(b.kept)/16+64 || b.kept == nil {
		b.kept = append(make([]byte, 0, len(b.kept)), b.kept...)
	}
	return b.kept
}

// Stream is one reader's place in a body that is still coming.
type Stream struct {
	// Head is the answer's head; it is shared and immutable.
	Head *Head
	body *body
	at   int64
	shut bool
}

// join counts one who waits for the verdict as a reader from the start. Counted
// only when it begins to read, a fast origin would outgrow the limit, find no
// reader and cut off the very requests that the fetch is for.
func (b *body) join() {
	b.mu.Lock()
	b.readers++
	b.mu.Unlock()
}

// quit takes one that joined out again.
func (b *body) quit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers--
	b.wake()
}

// reader makes a stream for one that joined; its Close is the quit.
func (b *body) reader(head *Head) *Stream {
	s := &Stream{Head: head, body: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams == nil {
		b.streams = map[*Stream]struct{}{}
	}
	b.streams[s] = struct{}{}
	return s
}

// Next gives the bytes that came since the last call, waiting for some; they
// are shared and must not be written to. The error is io.EOF after a whole
// body, else why it is not whole: the reader then aborts its own answer.
func (s *Stream) Next() ([]byte, error) {
	b := s.body
	b.mu.Lock()
	for {
		if s.at < b.base {
			b.mu.Unlock()
			return nil, errFellBehind
		}
		if chunk := b.kept[s.at-b.base:]; len(chunk) > 0 && (b.done || !b.complete()) {
			before := s.at
			s.at += int64(len(chunk))
			b.read = max(b.read, s.at)
			if b.over && before < b.need && s.at >= b.need {
				b.wake()
			}
			b.mu.Unlock()
			return chunk, nil
		}
		if b.done {
			err := b.err
			b.mu.Unlock()
			if err == nil {
				err = io.EOF
			}
			return nil, err
		}
		wait := b.waitChannel()
		b.mu.Unlock()
		<-wait
		b.mu.Lock()
	}
}

// Close ends the reading. It may be called twice.
func (s *Stream) Close() error {
	if s.shut {
		return nil
	}
	s.shut = true
	s.body.mu.Lock()
	delete(s.body.streams, s)
	s.body.mu.Unlock()
	s.body.quit()
	return nil
}
