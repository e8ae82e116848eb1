package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/aislecache/aisle/sessions"
)

// format is the version of the file's layout, kept under metaFormat. It is raised with every change that an
// older aisle would misread.
const format = 1

// The buckets, and the keys in that of the file itself.
const (
	metaBucket      = "aisle"
	sessionBucket   = "sessions"
	sessionEnds     = "sessions.ends"
	facetsBucket    = "facets"
	facetsEnds      = "facets.ends"
	metaFormat      = "format"
	metaCount       = "count" // of sessions, 8 bytes
	fileMode        = 0o600
	directoryMode   = 0o700
	shortestAttempt = 100 * time.Millisecond // bbolt tries a lock just once if it is given less
)

// Open opens the store in a file. A file that is held by another process gives an error that wraps
// sessions.ErrUnavailable after Options.LockWait; one that is none of ours, or of another format, is refused untouched.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	if o.Path == "" {
		return nil, errors.New("session store: no path is given")
	}
	if min(o.SyncEvery, o.LockWait, o.SweepEvery) < 0 {
		return nil, fmt.Errorf("session store %s: a negative duration is given", o.Path)
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), directoryMode); err != nil {
		return nil, fmt.Errorf("session store %s: %w", o.Path, err)
	}
	db, err := openFile(o.Path, o.LockWait)
	if err != nil {
		return nil, err
	}
	if db, err = prepare(db, o); err != nil {
		return nil, fmt.Errorf("session store %s: %w", o.Path, err)
	}
	return start(db, o), nil
}

// openFile opens and locks the file at path.
func openFile(path string, wait time.Duration) (*bbolt.DB, error) {
	for deadline := time.Now().Add(wait); ; {
		db, current, err := tryFile(path, max(shortestAttempt, time.Until(deadline)))
		switch {
		case errors.Is(err, bolterrors.ErrTimeout):
			return nil, fmt.Errorf("session store %s: %w: another process has the file, and did not release it within %v",
				path, sessions.ErrUnavailable, wait)
		case err != nil:
			return nil, fmt.Errorf("session store %s: %w", path, err)
		case current:
			return db, nil
		}
		// While we waited for the lock, its holder put a compacted file in this one's place. What we would
		// write into the old one would be lost.
		if err := db.Close(); err != nil {
			return nil, fmt.Errorf("session store %s: %w", path, err)
		}
	}
}

// tryFile opens the file and says whether it is still the one at path.
func tryFile(path string, wait time.Duration) (db *bbolt.DB, current bool, err error) {
	var file *os.File
	db, err = bbolt.Open(path, fileMode, &bbolt.Options{
		Timeout: wait,
		// With a list of many free pages the default type makes commits slow.
		FreelistType: bbolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	if err != nil {
		return nil, false, err
	}
	ours, err := file.Stat()
	if err != nil {
		return nil, false, errors.Join(err, db.Close())
	}
	there, err := os.Stat(path)
	return db, err == nil && os.SameFile(ours, there), nil
}

// prepare checks the file's format, compacts the file if it is worth it, and makes what is missing. On an
// error the file is closed.
func prepare(db *bbolt.DB, o Options) (*bbolt.DB, error) {
	err := db.View(checkFormat)
	if err == nil {
		db, err = compactWorthwhile(db, o)
	}
	if err == nil {
		err = db.Update(makeBuckets)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := os.Chmod(o.Path, fileMode); err != nil { // a file that came from a backup, say
		return nil, errors.Join(err, db.Close())
	}
	db.NoSync = o.Sync == SyncInterval
	return db, nil
}

// checkFormat passes files of ours and empty ones.
func checkFormat(tx *bbolt.Tx) error {
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return errors.New("the file is a bbolt database, but not of aisle's sessions")
		}
		return nil
	}
	if got := string(meta.Get([]byte(metaFormat))); got != fmt.Sprint(format) {
		return fmt.Errorf("the file has format %q, and this aisle knows format %d only", got, format)
	}
	return nil
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range []string{metaBucket, sessionBucket, sessionEnds, facetsBucket, facetsEnds} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(metaBucket)).Put([]byte(metaFormat), []byte(fmt.Sprint(format)))
}

func sessionTable(tx *bbolt.Tx) table {
	return table{tx.Bucket([]byte(sessionBucket)), tx.Bucket([]byte(sessionEnds))}
}

func facetsTable(tx *bbolt.Tx) table {
	return table{tx.Bucket([]byte(facetsBucket)), tx.Bucket([]byte(facetsEnds))}
}

// countOf gives the number of sessions, ended ones that are not swept yet included.
func countOf(tx *bbolt.Tx) int64 {
	value := tx.Bucket([]byte(metaBucket)).Get([]byte(metaCount))
	if len(value) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}

func setCount(tx *bbolt.Tx, n int64) error {
	return tx.Bucket([]byte(metaBucket)).Put([]byte(metaCount), binary.BigEndian.AppendUint64(nil, uint64(n)))
}
