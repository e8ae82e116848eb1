package upstream

import "time"

// cells is how many steps a window has: it forgets a tenth at a time.
const cells = 10

// window counts what happened of late: events, and those among them that are
// marked. It covers between nine and ten steps of time. The zero value but for
// step is ready; its owner guards it.
type window struct {
	step time.Duration
	ring [cells]cell
}

type cell struct {
	at        int64 // which step since 1970
	n, marked int
}

// add counts one event, marked by 1 or 0.
func (w *window) add(now time.Time, marked int) {
	c := w.cell(now)
	c.n++
	c.marked += marked
}

// mark marks an event that was counted before.
func (w *window) mark(now time.Time) { w.cell(now).marked++ }

func (w *window) cell(now time.Time) *cell {
	at := now.UnixNano() / int64(w.step)
	c := &w.ring[at%cells]
	if c.at != at {
		*c = cell{at: at}
	}
	return c
}

// sum gives the counts of the window that ends now.
func (w *window) sum(now time.Time) (n, marked int) {
	at := now.UnixNano() / int64(w.step)
	for i := range w.ring {
		if c := &w.ring[i]; c.at > at-cells && c.at <= at {
			n += c.n
			marked += c.marked
		}
	}
	return n, marked
}
