// Package bolt keeps sessions in one file, by bbolt. One process has the file at a time.
package bolt

import (
	"fmt"
	"time"
)

// Sync says when a write reaches the disk.
type Sync uint8

const (
	// SyncAlways answers a write when it is on the disk. Writes that arrive together share one fsync.
	SyncAlways Sync = iota
	// SyncInterval answers when the operating system has the write, and has it brought to the disk at an interval. The
	// end of the process, kill -9 included, loses nothing. The end of the machine loses what was
	// written since, and may leave a file that cannot be read, as bbolt's order of writes is not kept then.
	SyncInterval
	syncs
)

// String returns the word used in the configuration.
func (s Sync) String() string { return [...]string{"always", "interval", "unknown"}[min(s, syncs)] }

// ParseSync reads what String gives; "" is always.
func ParseSync(word string) (Sync, error) {
	if word == "" {
		return SyncAlways, nil
	}
	for s := range syncs {
		if s.String() == word {
			return s, nil
		}
	}
	return 0, fmt.Errorf("sync %q: want always or interval", word)
}

// Options of a store. A zero field but Path takes its default.
type Options struct {
	Path      string        // of the file; it and its directory are made if they are absent, for the owner alone
	Sync      Sync          // SyncAlways
	SyncEvery time.Duration // of SyncInterval; 100 ms
	// LockWait is how long Open waits for a process that has the file, as at a hand-over; 5 s. It looks
	// every 50 ms.
	LockWait time.Duration
	// SweepEvery is how often expired sessions are removed; 30 s. They are not found from the moment they
	// expire, swept or not.
	SweepEvery time.Duration
	// CompactShare is the share of free pages from which Open writes the file anew; 0.5. Above 1: never.
	CompactShare float64
	// CompactMax is up to how many bytes of sessions Open does that, since shoppers wait meanwhile; 64 MiB.
	// Larger files are for Compact.
	CompactMax int64
}

func (o Options) withDefaults() Options {
	setDefault(&o.SyncEvery, 100*time.Millisecond)
	setDefault(&o.LockWait, 5*time.Second)
	setDefault(&o.SweepEvery, 30*time.Second)
	setDefault(&o.CompactShare, 0.5)
	setDefault(&o.CompactMax, 64<<20)
	return o
}

func setDefault[T int64 | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
