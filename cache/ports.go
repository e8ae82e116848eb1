package cache

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Field is one field line of a message: the name as it came or as net/http
// spells it, and one value.
type Field struct{ Name, Value string }

// OriginRequest is what goes upstream. It owns all it refers to, so it may
// outlive the request that it was made from.
type OriginRequest struct {
	Method   string
	Scheme   string // of the keyed request; not of the connection to the origin
	Host     string // keyed host: lower case, default port gone
	Target   string // origin-form; for cacheable requests the very bytes in the key
	Upstream string // name of the upstream; empty is the default one
	Fields   []Field
	Body     io.Reader // nil: none
	Length   int64     // of Body; -1 when unknown
	// Upgrade is the protocol that the client asks to switch to (RFC 9110, 7.8); empty: none. It
	// needs a request without a Body.
	Upgrade string
	// Interim gets each interim answer but 100 and 101, with its end-to-end fields (RFC 9110, 15.2). It is
	// called on a goroutine of the transport's, one call at a time and none once Fetch has
	// returned. nil: they are swallowed.
	Interim func(status int, fields []Field)
}

// OriginResponse is the head of an answer and its body as it comes.
// Fields holds end-to-end fields only; connection fields and Content-Length
// are the transport's.
type OriginResponse struct {
	Status int
	Fields []Field
	// Body is never nil. A Read that ends before the announced length returns
	// io.ErrUnexpectedEOF, never io.EOF. Whoever holds the response closes it.
	Body   io.ReadCloser
	Length int64  // of Body; -1 when unknown
	Server string // the address that answered, for the log
	// Trailer gives the trailer fields, once a Read of Body has returned io.EOF; no field before, and none where
	// there were none. nil: there can be none.
	Trailer func() []Field
	// Upgraded is the connection after a 101 that answers OriginRequest.Upgrade; else nil. Its Close is that
	// of Body, and Body has no bytes. Reads and writes may go on at once.
	Upgraded Upgraded
}

// Upgraded is a connection that has left HTTP. ctx of Fetch still bounds it.
type Upgraded interface {
	io.ReadWriteCloser
	// CloseWrite ends what is written, and leaves the other way open.
	CloseWrite() error
}

// Origin is the port to the upstreams. Fetch returns when the head of the
// final answer is there. Its error is an *OriginError. ctx bounds the head and
// the body: when it ends, the body fails.
type Origin interface {
	Fetch(ctx context.Context, r *OriginRequest) (*OriginResponse, error)
}

// OriginError says why no answer could be had.
type OriginError struct {
	Reason     Reason        // one of the failure reasons
	Server     string        // the address at fault, if it is known
	RetryAfter time.Duration // when trying again makes sense; 0: unknown
	Err        error
}

func (e *OriginError) Error() string {
	if e.Server == "" {
		return fmt.Sprintf("origin: %s: %v", e.Reason, e.Err)
	}
	return fmt.Sprintf("origin %s: %s: %v", e.Server, e.Reason, e.Err)
}

// Unwrap gives the transport's own error.
func (e *OriginError) Unwrap() error { return e.Err }

// Store keeps entries. It is safe for concurrent use.
//
// Get returns the entry stored under exactly these key bytes, or nil: a store
// finds by hash and compares the whole key. Set may be asynchronous and may
// drop the entry; false says that it was dropped for certain. The engine is
// the only caller of Set and sees to one writer per key at a time. Del is
// clean-up only: correctness never rests on it.
type Store interface {
	Get(hash uint64, key []byte) *Entry
	Set(e *Entry) bool
	Del(hash uint64, key []byte)
}

// Events is told what happens behind the requests. Calls come from many
// goroutines and must not block.
type Events interface {
	// Fetched: an anonymous fetch ended. reason says whether it was stored, or
	// why not; took runs from its start to its last byte.
	Fetched(p *Policy, reason Reason, status int, took time.Duration)
	// Landed: a finished flight left the table; visible says whether the store had
	// the entry by then.
	Landed(visible bool)
	// Panicked: a fetch panicked and was recovered.
	Panicked(value any, stack []byte)
}

// Dimensions gives the values that a request's page may depend on beyond its
// base key: the projected segment and the fields that reach the origin. All
// appends are injective encodings, allocate nothing beyond dst, and depend on
// nothing that does not reach the origin.
type Dimensions interface {
	// AppendSegment appends the whole projected segment; nothing on public scope.
	AppendSegment(dst []byte) []byte
	// AppendSegmentField appends the value of one segment field of the projection.
	AppendSegmentField(dst []byte, field string) []byte
	// AppendField appends the value of a request field (lower-case name) as it
	// reaches the origin; absent and empty differ.
	AppendField(dst []byte, name string) []byte
}

// Asker makes the anonymous request of an exchange. It is called at most a few
// times per request, on the goroutine that serves it.
type Asker interface {
	Ask() *Ask
}
