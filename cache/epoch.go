package cache

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// StreamID names a purge on the stream that edges share; the zero value is a
// purge of this edge alone. Entries that travel between edges compare by it.
type StreamID struct{ Ms, Seq uint64 }

// Epoch is the place of a fetch in the order of purges: the last purge of the
// shared stream that this edge had applied, and this edge's own number.
type Epoch struct {
	Stream StreamID
	Local  uint64
}

// PurgeState says what purges have done to an entry.
type PurgeState uint8

// The states, the stronger the greater.
const (
	NotPurged  PurgeState = iota
	SoftPurged            // stale since the purge; refetched without condition
	HardPurged            // never used again, not even as stale or for revalidation
)

// Verdict is what the purges say of one set of labels.
type Verdict struct {
	State PurgeState
	// Since is when the soft purge was, where State is SoftPurged: of several the
	// latest, but for an entry that was already found purged by an earlier one.
	Since Time
}

// Epochs is the global sequence of purges and what each named. A purge is O(1)
// in the number of entries: nothing is searched for, everything carries the
// number under which its fetch began and is compared on use.
type Epochs struct {
	seq atomic.Uint64 // the last published purge

	mu         sync.RWMutex // guards all below
	stream     StreamID
	deliberate ledger
	casual     ledger
}

// ledger holds purge records by label, the least recently purged first to go.
type ledger struct {
	capacity  int
	floors    bool // whether a forgotten record raises the floor
	records   map[string]*list.Element
	order     *list.List // of *purgeRecord, least recently purged first
	hardFloor uint64
	softFloor uint64
	softAt    Time
}

type purgeRecord struct {
	label      string
	hard, soft uint64 // sequence of the last purge of each kind; 0: none
	softAt     Time
}

// NewEpochs makes an empty sequence that remembers up to capacity labels. Past
// it the oldest record is forgotten and a floor rises to its number: whatever
// was fetched before the floor counts as purged.
func NewEpochs(capacity int) *Epochs {
	return &Epochs{deliberate: newLedger(capacity, true), casual: newLedger(capacity, false)}
}

func newLedger(capacity int, floors bool) ledger {
	return ledger{capacity: capacity, floors: floors, records: map[string]*list.Element{}, order: list.New()}
}

// Now gives the epoch that a fetch beginning now carries.
func (e *Epochs) Now() Epoch {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return Epoch{Stream: e.stream, Local: e.seq.Load()}
}

// Sequence gives the number of the last purge.
func (e *Epochs) Sequence() uint64 { return e.seq.Load() }

// Purge records a purge of all labels at once and gives its number.
//
// The record is made first and the sequence published after it, within one
// critical section. The other order loses purges: a hit that loads the new
// number, finds no record yet and stores that number as checked would never
// look again.
func (e *Epochs) Purge(now Time, soft bool, labels ...string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.seq.Load() + 1
	for _, l := range labels {
		e.deliberate.record(l, next, soft, now)
	}
	e.seq.Store(next)
	return next
}

// PurgeAll makes everything fetched so far stale (soft) or dead.
func (e *Epochs) PurgeAll(now Time, soft bool) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.seq.Load() + 1
	e.deliberate.raise(next, soft, now)
	e.seq.Store(next)
	return next
}

// Invalidate is the hard purge that an unsafe request makes (RFC 9111, 4.4).
// It is recorded apart: shoppers can cause any number of these, and they must
// not push out an operator's records or raise the floor. Past the capacity the
// oldest is forgotten.
func (e *Epochs) Invalidate(now Time, labels ...string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.seq.Load() + 1
	for _, l := range labels {
		e.casual.record(l, next, false, now)
	}
	e.seq.Store(next)
	return next
}

// Check says what the purges after epoch did to the labels.
func (e *Epochs) Check(labels []string, epoch Epoch) Verdict {
	if e.seq.Load() == epoch.Local {
		return Verdict{}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	v := e.deliberate.check(labels, epoch.Local)
	if v.State == HardPurged {
		return v
	}
	if e.casual.check(labels, epoch.Local).State == HardPurged {
		return Verdict{State: HardPurged}
	}
	return v
}

func (l *ledger) record(label string, seq uint64, soft bool, now Time) {
	at, ok := l.records[label]
	if !ok {
		at = l.order.PushBack(&purgeRecord{label: label})
		l.records[label] = at
	}
	l.order.MoveToBack(at)
	r := at.Value.(*purgeRecord)
	if soft {
		r.soft, r.softAt = seq, now
	} else {
		r.hard = seq
	}
	if len(l.records) > l.capacity {
		l.forgetOldest()
	}
}

func (l *ledger) forgetOldest() {
	oldest := l.order.Remove(l.order.Front()).(*purgeRecord)
	delete(l.records, oldest.label)
	if !l.floors {
		return
	}
	if oldest.hard > 0 {
		l.raise(oldest.hard, false, 0)
	}
	if oldest.soft > 0 {
		l.raise(oldest.soft, true, oldest.softAt)
	}
}

func (l *ledger) raise(seq uint64, soft bool, now Time) {
	if !soft {
		l.hardFloor = max(l.hardFloor, seq)
	} else if seq > l.softFloor {
		l.softFloor, l.softAt = seq, now
	}
}

func (l *ledger) check(labels []string, epoch uint64) Verdict {
	if l.hardFloor > epoch {
		return Verdict{State: HardPurged}
	}
	var v Verdict
	if l.softFloor > epoch {
		v = Verdict{SoftPurged, l.softAt}
	}
	for _, label := range labels {
		at, ok := l.records[label]
		if !ok {
			continue
		}
		r := at.Value.(*purgeRecord)
		if r.hard > epoch {
			return Verdict{State: HardPurged}
		}
		if r.soft > epoch {
			v = Verdict{SoftPurged, max(v.Since, r.softAt)}
		}
	}
	return v
}

// checkEntry is Check with the entry's own memory of it, for the hit path.
//
// The sequence is loaded before the labels are looked up, and that value is
// what the entry remembers: a purge published in between has a greater number
// and is looked for at the next use.
func (e *Epochs) checkEntry(entry *Entry) Verdict {
	seq := e.seq.Load()
	if entry.checked.Load() == seq {
		if since := entry.purged.Load(); since != 0 {
			return Verdict{SoftPurged, Time(since)}
		}
		return Verdict{}
	}
	v := e.Check(entry.Labels, entry.Epoch)
	if v.State == HardPurged {
		return v // not remembered: the entry is about to be replaced
	}
	if v.State == SoftPurged {
		v.Since = entry.softPurged(max(v.Since, 1))
	}
	entry.checked.Store(seq)
	return v
}

// softPurged remembers a soft purge and gives the earliest that was remembered: a
// second purge must not begin another grace for a page that is stale already.
func (e *Entry) softPurged(since Time) Time {
	for {
		known := e.purged.Load()
		if known != 0 && Time(known) <= since {
			return Time(known)
		}
		if e.purged.CompareAndSwap(known, int64(since)) {
			return since
		}
	}
}

// URLLabel is the label of one target on one host, whatever its scheme,
// segment and variant. An empty host is that target on every host.
func URLLabel(host, target string) string { return "u\x00" + host + "\x00" + target }

// TagLabel is the label of a tag that an origin gave (Surrogate-Key, Cache-Tag, xkey).
func TagLabel(tag string) string { return "t\x00" + tag }
