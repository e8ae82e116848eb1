package cache

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// verdict is what became of a fetch, known once its head has been judged.
type verdict uint8

const (
	undecided     verdict = iota
	shared                // storable: streams to all whose variant it is
	sharedFailure         // a 5xx: for those who waited and have nothing stale
	exclusive             // storable in itself but not by us: for its leader alone
	unstorable            // for no one from whom something was taken
	failed                // no answer
)

// flight is one fetch of one key. Its goroutine is nobody's: the requests that
// wait for it may leave, it goes on. It stays in its shard's table under the
// key that it was asked by and the key of the variant that it turned out to
// be, until the store returns its entry.
type flight struct {
	shard  *shard
	policy *Policy
	ask    *Ask
	start  []byte // the key it was begun under
	hash   uint64 // of start
	base   []byte // the base key
	bhash  uint64 // of base
	prior  *Entry // what is revalidated; nil: fetched without condition
	// epoch is taken before the fetch begins: what is purged while it runs must
	// beat what it brings back.
	epoch   Epoch
	begun   Time
	refresh bool // nobody leads it: it runs behind a stale answer
	stale   bool // a stale page is stored: a 5xx never replaces it
	authed  bool

	ready chan struct{} // closed when all below down to body is set

	verdict    verdict
	reason     Reason
	status     int // the origin's
	revalid    bool
	entry      *Entry // without its body until landed
	setCookies []string
	err        *OriginError
	spec       variantSpec

	body   body
	landed atomic.Pointer[Entry] // whole, on its way into the store

	mu         sync.Mutex // guards the two below
	handover   *OriginResponse
	leaderGone bool
}

// decided says whether ready is closed.
func (f *flight) decided() bool {
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

// settle publishes the verdict. It is called once.
func (f *flight) settle(v verdict, reason Reason) {
	f.verdict, f.reason = v, reason
	close(f.ready)
}

// offer leaves an answer to the leader, or closes it when the leader has left.
func (f *flight) offer(resp *OriginResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leaderGone {
		resp.Body.Close()
		return
	}
	f.handover = resp
}

// claim gives the offered answer to the leader; nil if there is none.
func (f *flight) claim() *OriginResponse {
	f.mu.Lock()
	defer f.mu.Unlock()
	resp := f.handover
	f.handover, f.leaderGone = nil, true
	return resp
}

// abandon is the leader leaving before it had its answer, or not wanting it.
func (f *flight) abandon() {
	if resp := f.claim(); resp != nil {
		resp.Body.Close()
	}
}

// matches says whether the page of this flight is the variant that r asks for.
// r may have joined by a key that did not yet tell variants apart.
func (f *flight) matches(r *Request) bool {
	r.key = append(r.key[:0], r.Base...)
	r.key = appendVariant(r.key, &f.spec, r.Dims)
	return bytes.Equal(r.key, f.entry.Key)
}

// since is a duration between two instants, for events.
func since(from, to Time) time.Duration { return time.Duration(to - from) }
