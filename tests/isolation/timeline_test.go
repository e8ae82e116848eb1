package isolation_test

import (
	"sync"
	"testing"
	"time"
)

// timeline is what something was, one value after the other. While a change is under way both values may be seen, and
// nothing else: that window is as wide as it takes until the edge has shown the new one.
type timeline[T any] struct {
	mu   sync.Mutex // guards eras
	eras []era[T]
}

// era is a value that may count from one moment on and alone counts from another. settled is zero while nobody knows.
type era[T any] struct {
	from, settled time.Time
	value         T
}

// begin notes a change that is about to be made. The one before must be settled.
func (l *timeline[T]) begin(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eras = append(l.eras, era[T]{from: time.Now(), value: v})
}

// settle notes that the change counts for all that begins from now on.
func (l *timeline[T]) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eras[len(l.eras)-1].settled = time.Now()
}

// set is a change without a window.
func (l *timeline[T]) set(v T) {
	l.begin(v)
	l.settle()
}

// put notes a change that was made at some moment between two.
func (l *timeline[T]) put(v T, from, settled time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eras = append(l.eras, era[T]{from, settled, v})
}

// newest is what is, or is about to be.
func (l *timeline[T]) newest() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.eras[len(l.eras)-1].value
}

// between are the values that may have counted at some moment from a to b.
func (l *timeline[T]) between(a, b time.Time) (list []T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range l.eras {
		over := i+1 < len(l.eras) && !l.eras[i+1].settled.IsZero() && l.eras[i+1].settled.Before(a)
		if !over && !e.from.After(b) {
			list = append(list, e.value)
		}
	}
	return list
}

// TestTimeline: both values count while a change is under way, and one alone before and after.
func TestTimeline(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	l := timeline[int]{eras: []era[int]{{at(0), at(0), 1}, {at(10), at(20), 2}, {at(30), time.Time{}, 3}}}
	f := func(a, b int, want ...int) {
		t.Helper()
		got := l.between(at(a), at(b))
		if len(got) != len(want) {
			t.Errorf("from %d to %d: %v, want %v", a, b, got, want)
			return
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("from %d to %d: %v, want %v", a, b, got, want)
			}
		}
	}
	f(1, 9, 1)
	f(1, 10, 1, 2)
	f(15, 16, 1, 2)
	f(20, 20, 1, 2)
	f(21, 29, 2)
	f(25, 31, 2, 3)
	f(40, 41, 2, 3)
}
