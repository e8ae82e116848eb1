// Package store moves sessions from one store to another while both are in use.
package store

import (
	"context"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// Kind says what a store holds under an id.
type Kind uint8

// What a store may hold.
const (
	// Absent is nothing, or something that has expired.
	Absent Kind = iota
	// Native is a session that was saved or touched here: this store has the last word on it.
	Native
	// Copy is a session that Import brought and that nobody has edited here. As long as the store that it
	// came from is in use, that one has the last word.
	Copy
	// Buried is the mark of a session that was erased and must not come back by an Import.
	Buried
	kinds
)

// String returns the word used in messages.
func (k Kind) String() string {
	return [...]string{"absent", "native", "copy", "buried", "unknown"}[min(k, kinds)]
}

// Entry is what a store holds under an id: the session if it is Native or a Copy, its end if it is Buried. Its
// data is the caller's.
type Entry struct {
	sessions.Stored
	Kind Kind
}

// live says whether there is a session to read.
func (e *Entry) live() bool { return e.Kind == Native || e.Kind == Copy }

// Facets is a facets value as a store keeps it. Value is the receiver's own.
type Facets struct {
	Ref     string
	Value   []byte
	Expires time.Time
}

// Movable is a store that sessions can be moved from and to: every one that aisle has. Save and Touch make a
// session Native.
type Movable interface {
	sessions.Store
	// Get gives what is under id. Absent and Buried are no errors.
	Get(ctx context.Context, id string) (Entry, error)
	// Import keeps s as a Copy and says whether it did. It does not if s has expired, if id is Buried, or
	// if what is there is of the same version or newer; but a Copy of the same version takes a later expiry.
	Import(ctx context.Context, s sessions.Stored) (bool, error)
	// Retract removes a Copy that is still at version, and says whether there was one.
	Retract(ctx context.Context, id string, version uint64) (bool, error)
	// Bury erases what is under id, if anything, and refuses its Import until the time given.
	Bury(ctx context.Context, id string, until time.Time) error
	// ScanFacets calls fn for every facets value, as Scan does for sessions.
	ScanFacets(ctx context.Context, fn func(Facets) error) error
}
