package bolt

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/aislecache/aisle/sessions/store"
)

// A row is a header and data. Under format 1 the header is the kind, one byte, the version and the end in Unix
// milliseconds, eight bytes each, big-endian. Sessions are rows under their id, facets under their reference.
const headerSize = 1 + 8 + 8

type row struct {
	kind    store.Kind
	version uint64
	expires int64 // Unix milliseconds
	data    []byte
}

// encode gives the bytes of a row in memory of their own: bbolt keeps a value until its transaction ends.
func (r row) encode() []byte {
	b := make([]byte, 0, headerSize+len(r.data))
	b = append(b, byte(r.kind))
	b = binary.BigEndian.AppendUint64(b, r.version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.expires))
	return append(b, r.data...)
}

// decode reads a row. Its data is a view into value.
func decode(value []byte) (row, error) {
	if len(value) < headerSize {
		return row{}, fmt.Errorf("a row of %d bytes is too short for its header", len(value))
	}
	r := row{
		kind:    store.Kind(value[0]),
		version: binary.BigEndian.Uint64(value[1:]),
		expires: int64(binary.BigEndian.Uint64(value[9:])),
		data:    value[headerSize:],
	}
	if r.kind != store.Native && r.kind != store.Copy && r.kind != store.Buried {
		return row{}, fmt.Errorf("a row of unknown kind %d", value[0])
	}
	return r, nil
}

// live says whether there is a session, or facets, at the time given.
func (r row) live(now int64) bool {
	return (r.kind == store.Native || r.kind == store.Copy) && now < r.expires
}

// stored says whether the row is counted: it is a session, ended or not.
func (r row) stored() bool { return r.kind == store.Native || r.kind == store.Copy }

// table is a bucket of rows with the bucket that finds them by their end: 8 bytes of Unix milliseconds, big-endian,
// then the row's key.
type table struct{ rows, ends *bbolt.Bucket }

// get gives the row under key, whether it has ended or not; an absent one as the zero row.
func (t table) get(key string) (row, error) { return get(t.rows, key) }

func get(rows *bbolt.Bucket, key string) (row, error) {
	value := rows.Get([]byte(key))
	if value == nil {
		return row{}, nil
	}
	return decode(value)
}

// put replaces had, the row that is there, if any.
func (t table) put(key string, had row, value []byte, expires int64) error {
	if had.kind != store.Absent && had.expires != expires {
		if err := t.ends.Delete(endKey(had.expires, key)); err != nil {
			return err
		}
	}
	if had.kind == store.Absent || had.expires != expires {
		if err := t.ends.Put(endKey(expires, key), nil); err != nil {
			return err
		}
	}
	return t.rows.Put([]byte(key), value)
}

// remove removes had, the row that is there.
func (t table) remove(key string, had row) error {
	if err := t.ends.Delete(endKey(had.expires, key)); err != nil {
		return err
	}
	return t.rows.Delete([]byte(key))
}

// due gives the ends, up to limit, that are not after now, the oldest first. They are copies.
func (t table) due(now int64, limit int) [][]byte {
	var ends [][]byte
	c := t.ends.Cursor()
	for k, _ := c.First(); k != nil && len(ends) < limit; k, _ = c.Next() {
		if int64(binary.BigEndian.Uint64(k)) > now {
			break
		}
		ends = append(ends, append([]byte{}, k...))
	}
	return ends
}

// sweep removes up to limit rows that have ended. It gives how many ends it has seen, and how many of their rows
// are counted ones. The row itself has the last word on whether it has ended.
func (t table) sweep(now int64, limit int) (seen int, counted int64, err error) {
	ends := t.due(now, limit)
	for _, end := range ends {
		r, err := t.get(string(end[8:]))
		if err == nil {
			err = t.ends.Delete(end)
		}
		if err == nil && r.kind != store.Absent && r.expires <= now {
			err = t.rows.Delete(end[8:])
			if r.stored() {
				counted++
			}
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return len(ends), counted, nil
}

func endKey(expires int64, key string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires)), key...)
}

// millis is a time at rest. Part of a millisecond counts as a whole one, so that nothing ends early.
func millis(t time.Time) int64 {
	return max(0, t.Add(time.Millisecond-1).UnixMilli()) // an earlier year would sort last as an unsigned number
}

func timeOf(millis int64) time.Time { return time.UnixMilli(millis).UTC() }
