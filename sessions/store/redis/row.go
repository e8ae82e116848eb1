package redis

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/aislecache/aisle/sessions/store"
)

// A row is one string value: a header of fixed width and the data. A hash would hold the same in three to four
// times the memory per session, and a script can cut a header as well. Under format 1 the header is, in ASCII:
//
//	format   1 byte   "1"
//	version 16 bytes  hexadecimal, so that texts compare as the numbers do
//	kind     1 byte   "n" native, "c" copy, "b" buried
//	expires 16 bytes  Unix milliseconds, hexadecimal
//	mark    16 bytes  by which a writer knows its own write when no answer came
const (
	rowFormat  = "1"
	markSize   = 16
	headerSize = 1 + 16 + 1 + 16 + markSize
)

type row struct {
	kind    store.Kind
	version uint64
	expires int64 // Unix milliseconds
	mark    string
	data    []byte
}

// letters of the kinds, by kind.
const letters = "-ncb"

// encode gives the value in memory of its own: a command may be on its way when its caller has gone.
func (r row) encode() string {
	b := make([]byte, 0, headerSize+len(r.data))
	b = append(b, rowFormat...)
	b = append(b, hex16(r.version)...)
	b = append(b, letters[r.kind])
	b = append(b, hex16(uint64(r.expires))...)
	b = append(b, r.mark...)
	return string(append(b, r.data...))
}

// decode reads a value, which its data is a view into.
func decode(value []byte) (row, error) {
	if len(value) < headerSize || string(value[:1]) != rowFormat {
		return row{}, fmt.Errorf("a value of %d bytes that is no row of format %s", len(value), rowFormat)
	}
	version, err := strconv.ParseUint(string(value[1:17]), 16, 64)
	if err != nil {
		return row{}, fmt.Errorf("a row whose version is no number")
	}
	expires, err := strconv.ParseUint(string(value[18:34]), 16, 64)
	if err != nil {
		return row{}, fmt.Errorf("a row whose end is no number")
	}
	r := row{version: version, expires: int64(expires), mark: string(value[34:headerSize]), data: value[headerSize:]}
	for kind := store.Native; kind <= store.Buried; kind++ {
		if letters[kind] == value[17] {
			r.kind = kind
			return r, nil
		}
	}
	return row{}, fmt.Errorf("a row of unknown kind %q", value[17])
}

func hex16(n uint64) string { return fmt.Sprintf("%016x", n) }

// newMark makes a mark that no other write has.
func newMark() string {
	var b [markSize / 2]byte
	_, _ = rand.Read(b[:]) // never fails, since Go 1.24
	return hex.EncodeToString(b[:])
}

// noMark is that of rows whose repetition is harmless.
const noMark = "----------------"

// millis is a time as Redis takes it, which refuses 0 and less. Part of a millisecond counts as a whole one, so that
// nothing ends early.
func millis(t time.Time) int64 { return max(1, t.Add(time.Millisecond-1).UnixMilli()) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
