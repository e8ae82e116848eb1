package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// MaxRevoked bounds the tokens that Revocations remember, each for little more than the life of a seal. One more has the seals of all
// tokens void, which are then issued anew.
const MaxRevoked = 4096

// Digest stands for a segment token where the token itself is not kept. In text it is 32 hex digits.
type Digest [16]byte

// DigestOf gives the digest of a token, exactly as it stands in the cookie.
func DigestOf(token []byte) Digest {
	sum := sha256.Sum256(token)
	return Digest(sum[:16])
}

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(d[:], text[:min(len(text), 2*len(d))]); err != nil || n != len(d) || len(text) != 2*len(d) {
		return fmt.Errorf("%.40q is no digest of a token", text)
	}
	return nil
}

// Revocations are segment tokens of which every seal issued until a moment is void. They outlive the Resolvers and
// Sealers that share them, of which a reload makes new ones. The zero value is ready and has none. It is safe for
// concurrent use.
//
// A seal does not say when it was issued, and equal tokens share one. So what is void is every expiry up to the latest
// that a seal could have had by then, and seals that are issued from then on expire a quarter of an hour after it.
type Revocations struct {
	mu      sync.Mutex // for writers
	ttl     int64      // seconds: the longest of any Sealer that shares this, guarded by mu
	current atomic.Pointer[voided]
}

// voided is never changed. A read follows one pointer, which is nil where nothing was ever revoked.
type voided struct {
	tokens map[Digest]int64 // to the last expiry that is void, Unix seconds
	floor  int64            // the same for every token: what stands for those that were too many to remember
	last   int64            // the highest of them all: no seal beyond is void, and its token need not be digested
}

func newVoided(tokens map[Digest]int64, floor int64) *voided {
	v := &voided{tokens: tokens, floor: floor, last: floor}
	for _, until := range tokens {
		v.last = max(v.last, until)
	}
	if len(tokens) > MaxRevoked {
		v.tokens, v.floor = map[Digest]int64{}, v.last // the floor stands for what is too much to remember
	}
	return v
}

// join has seals of this life be among those that a revocation voids.
func (r *Revocations) join(ttl time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ttl = max(r.ttl, int64((ttl+time.Second-1)/time.Second))
}

// Revoke voids every seal of the token that was issued until now, and gives the last expiry that is void.
func (r *Revocations) Revoke(now time.Time, token Digest) (until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := roundUp(now.Unix() + 1 + r.ttl)
	if before := r.current.Load().until(token); before > now.Unix() {
		last = max(last, before+sealRound) // one that was issued after an earlier revocation
	}
	r.void(now, token, last)
	return time.Unix(last, 0)
}

// Void takes over what another Revocations has said: that of a sidecar that is asked to revoke, so that what it issues
// from then on counts here.
func (r *Revocations) Void(now time.Time, token Digest, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.void(now, token, max(until.Unix(), r.current.Load().until(token)))
}

// revocationsText is Revocations as JSON.
type revocationsText struct {
	Floor  int64            `json:"floor,omitempty"`
	Tokens map[Digest]int64 `json:"tokens"`
}

// MarshalJSON gives all that is void, for a process that comes after this one.
func (r *Revocations) MarshalJSON() ([]byte, error) {
	text := revocationsText{Tokens: map[Digest]int64{}}
	if v := r.current.Load(); v != nil {
		text = revocationsText{v.floor, v.tokens}
	}
	return json.Marshal(text)
}

// UnmarshalJSON adds what another has given to what is void here.
func (r *Revocations) UnmarshalJSON(text []byte) error {
	var more revocationsText
	if err := json.Unmarshal(text, &more); err != nil {
		return fmt.Errorf("revocations: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	tokens, floor := r.known()
	for token, until := range more.Tokens {
		tokens[token] = max(tokens[token], until)
	}
	r.current.Store(newVoided(tokens, max(floor, more.Floor)))
	return nil
}

// known gives a copy of what is void. It needs mu.
func (r *Revocations) known() (tokens map[Digest]int64, floor int64) {
	v := r.current.Load()
	if v == nil {
		return map[Digest]int64{}, 0
	}
	return maps.Clone(v.tokens), v.floor
}

// void needs mu. What is past is forgotten: seals of that expiry are no longer valid anyway.
func (r *Revocations) void(now time.Time, token Digest, last int64) {
	tokens, floor := r.known()
	maps.DeleteFunc(tokens, func(_ Digest, until int64) bool { return until <= now.Unix() })
	tokens[token] = last
	r.current.Store(newVoided(tokens, floor))
}

// until gives the last expiry of the token's seals that is void, 0 for none.
func (v *voided) until(token Digest) int64 {
	if v == nil {
		return 0
	}
	return max(v.floor, v.tokens[token])
}

// voids says whether a seal of the token with this expiry is void.
func (r *Revocations) voids(token []byte, expiry int64) bool {
	v := r.current.Load()
	return v != nil && expiry <= v.last && expiry <= v.until(DigestOf(token))
}

// after gives an expiry that is not void, at or after this one.
func (r *Revocations) after(token []byte, expiry int64) int64 {
	v := r.current.Load()
	if v == nil || expiry > v.last {
		return expiry
	}
	return max(expiry, roundUp(v.until(DigestOf(token))+1))
}

// roundUp gives the end of a quarter of an hour.
func roundUp(seconds int64) int64 { return seconds + (sealRound-seconds%sealRound)%sealRound }
