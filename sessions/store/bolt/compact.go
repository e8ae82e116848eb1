package bolt

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/aislecache/aisle/sessions"
)

const (
	compactSuffix = ".compact"
	// compactTx is how many bytes one transaction of a compaction takes: they are held in memory until it ends.
	compactTx = 16 << 20
	// compactMin is the size of a file that no compaction makes usefully smaller.
	compactMin = 1 << 20
)

// Compact writes the sessions of the file src into a new file dst, without the free pages that bbolt never gives
// back. No process may have src open meanwhile. dst must not exist; it is whole and on the disk when Compact returns nil.
func Compact(src, dst string) error {
	if _, err := os.Stat(src); err != nil { // bbolt would make it
		return fmt.Errorf("compact: %w", err)
	}
	from, err := bbolt.Open(src, fileMode, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("compact %s: %w: another process has the file", src, sessions.ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("compact %s: %w", src, err)
	}
	err = from.View(checkFormat)
	if err == nil {
		err = compactTo(from, dst)
	}
	if err = cmp.Or(err, from.Close()); err != nil {
		return fmt.Errorf("compact %s: %w", src, err)
	}
	return nil
}

func compactTo(from *bbolt.DB, dst string) error {
	to, err := compacted(from, dst)
	if err != nil {
		return err
	}
	return cmp.Or(to.Close(), syncDirectory(dst))
}

// compacted makes the file dst from another and gives it open, locked and synced.
func compacted(from *bbolt.DB, dst string) (*bbolt.DB, error) {
	if _, err := os.Lstat(dst); !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dst, cmp.Or(err, os.ErrExist))
	}
	to, err := bbolt.Open(dst, fileMode, &bbolt.Options{
		NoSync: true, FreelistType: bbolt.FreelistMapType, Timeout: shortestAttempt,
	})
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(bbolt.Compact(to, from, compactTx), to.Sync()); err != nil {
		return nil, errors.Join(err, to.Close(), os.Remove(dst))
	}
	to.NoSync = false
	return to, nil
}

// compactWorthwhile puts a compacted file in the place of db, if that is worth its time, and gives the one that is
// to be used. The old one keeps its lock until the new one, locked too, has its name: nobody can come between. Killed
// at any moment, it leaves one of the two under the name, whole.
func compactWorthwhile(db *bbolt.DB, o Options) (*bbolt.DB, error) {
	beside := o.Path + compactSuffix
	// What a compaction that was killed has left.
	if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return db, err
	}
	if !worthwhile(db, o) {
		return db, nil
	}
	smaller, err := compacted(db, beside)
	if err != nil {
		return db, fmt.Errorf("compaction: %w", err)
	}
	if err := cmp.Or(os.Rename(beside, o.Path), syncDirectory(o.Path)); err != nil {
		return db, errors.Join(err, smaller.Close())
	}
	return smaller, db.Close()
}

// worthwhile says whether the file has enough free pages, and few enough others.
func worthwhile(db *bbolt.DB, o Options) bool {
	page := int64(db.Info().PageSize)
	free := int64(db.Stats().FreePageN) * page
	var size int64
	// A transaction that reads cannot fail here: the file is open, and is ours.
	_ = db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	return size > compactMin && float64(free) >= o.CompactShare*float64(size) && size-free <= o.CompactMax
}

// syncDirectory makes the name of a file as durable as what is in it.
func syncDirectory(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}
