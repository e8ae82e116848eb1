package cache

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Time is an instant in nanoseconds since the Unix epoch: an entry holds no
// pointers for its times.
type Time int64

// TimeOf converts.
func TimeOf(t time.Time) Time { return Time(t.UnixNano()) }

// Add gives t+d, saturating instead of wrapping.
func (t Time) Add(d time.Duration) Time {
	s := t + Time(d)
	if d > 0 && s < t {
		return Time(1<<63 - 1)
	}
	return s
}

// Block is a header block packed into one slice without pointers: for each
// field line the two lengths, the name, the value. The zero value is empty.
type Block []byte

// AppendLine appends one field line.
func (b Block) AppendLine(name, value string) Block {
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = binary.AppendUvarint(b, uint64(len(value)))
	b = append(b, name...)
	return append(b, value...)
}

// Next gives the first line and the rest of the block. The slices are views,
// valid as long as the block. ok is false at the end.
func (b Block) Next() (name, value []byte, rest Block, ok bool) {
	n, a := binary.Uvarint(b)
	if a <= 0 {
		return nil, nil, nil, false
	}
	v, c := binary.Uvarint(b[a:])
	b = b[a+c:]
	return b[:n:n], b[n : n+v : n+v], b[n+v:], true
}

// Fields unpacks the block into lines that own their memory.
func (b Block) Fields() []Field {
	var all []Field
	for name, value, rest, ok := b.Next(); ok; name, value, rest, ok = rest.Next() {
		all = append(all, Field{string(name), string(value)})
	}
	return all
}

// Head is the head of an answer as everybody may have it: connection fields,
// Set-Cookie (unless the route stores it), Age and Segment-Vary are out.
type Head struct {
	Status int
	Header Block
	Length int64 // of the body; -1 when it is not known yet
	// ETag is the origin's entity tag, with quotes and W/; empty if it gave none.
	ETag string
	// LastModified is the origin's Last-Modified; empty if it gave none.
	LastModified string
	Server       string // who answered, for the log
}

// Entry is one stored page. It is immutable but for the sequence number at which
// it was last checked against the purges; slices in it are never written again.
type Entry struct {
	Head
	Key  []byte // whole: base and variant
	Hash uint64 // of Key, seeded per process
	Body []byte
	// Digest names the body where the origin gave no ETag, so that segment pages
	// always leave memory with a validator (DESIGN.md, rule 7).
	Digest string

	Born   Time          // now - Born is the Age (RFC 9111, 4.2.3)
	TTL    time.Duration // fresh while Age < TTL; 0: stale at once
	Grace  time.Duration // after TTL: served stale while it is revalidated
	Keep   time.Duration // after TTL: served stale when the origin fails
	Retain time.Duration // after TTL: kept at all, at least Grace and Keep

	// NoCache marks a page of `no-cache`: each use is validated first.
	NoCache bool

	// Labels are what a purge may name: url, tags.
	Labels []string
	// Epoch is the purge epoch under which the fetch of this page began.
	Epoch Epoch

	spec variantSpec // what the page depends on beyond its base key

	checked atomic.Uint64 // sequence at which no purge of Labels was found
	purged  atomic.Int64  // Time of the earliest soft purge that was found; 0: none
}

// entryOverhead is what an entry costs beyond its slices: the struct, the slice
// headers of labels, the store's own bookkeeping (measured in cache/store).
const entryOverhead = 640

// Cost is what the entry takes in memory, in bytes: key, header block, body,
// labels and overhead. Capacities count, not lengths: that is what is held.
func (e *Entry) Cost() int64 {
	n := cap(e.Key) + cap(e.Header) + cap(e.Body) + len(e.ETag) + len(e.LastModified) + len(e.Digest) + entryOverhead
	for _, l := range e.Labels {
		n += len(l) + 16
	}
	return int64(n)
}

// Expires is when the entry is of no use at all.
func (e *Entry) Expires() Time { return e.Born.Add(e.TTL).Add(e.Retain) }

// hasValidator says whether the origin can be asked about this page by
// condition. On segment scope a date does not count: real storefronts have one
// Last-Modified for all segments, and 853175 is what comes of trusting it.
func (e *Entry) hasValidator(scope Scope) bool {
	return e.ETag != "" || (scope == ScopePublic && e.LastModified != "")
}
