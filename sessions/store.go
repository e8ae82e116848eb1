package sessions

import (
	"context"
	"time"
)

// Store keeps sessions as bytes, each under its id, until it expires. All methods are safe for
// concurrent use. Errors other than ErrNotFound and ErrConflict wrap ErrUnavailable where to
// try again may help.
//
// A write is acknowledged (nil) only when it is as durable as the store was configured
// to make it: an acknowledged one is never lost by the end of the process.
type Store interface {
	// Load gives the stored bytes, which are the caller's, or ErrNotFound.
	Load(ctx context.Context, id string) ([]byte, error)
	// Save stores data as version `version`, if what is stored now is at version-1, or is absent
	// and version is 1; else it gives ErrConflict, or ErrNotFound where an edited session is gone.
	// Exactly one of several concurrent Saves of one version succeeds. It keeps no reference to data.
	Save(ctx context.Context, id string, version uint64, data []byte, expires time.Time) error
	// Touch moves the expiry of a session alone, for a sliding lifetime. ErrNotFound where it is gone.
	Touch(ctx context.Context, id string, expires time.Time) error
	// Delete erases a session with all its versions; ErrNotFound where there is none.
	Delete(ctx context.Context, id string) error
	// PutFacets keeps a facets value by its reference for at least until expires. GetFacets gives it
	// back, or ErrNotFound. Both the same for every session: equal values, equal references.
	PutFacets(ctx context.Context, ref string, value []byte, expires time.Time) error
	GetFacets(ctx context.Context, ref string) ([]byte, error)
	// Scan calls fn for every live session, in any order, while others write: one that exists
	// throughout is seen at least once. It stops at fn's first error and gives it.
	Scan(ctx context.Context, fn func(Stored) error) error
	// Len is the number of live sessions, roughly.
	Len(ctx context.Context) (int, error)
	Close() error
}

// Stored is a session as a Store keeps it, for Scan and migration. Data is fn's own.
type Stored struct {
	ID      string
	Version uint64
	Data    []byte
	Expires time.Time
}
