package segment

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

const (
	sealVersion    = "v1"
	sealMACBytes   = 16
	sealRound      = 15 * 60 // seconds
	maxSealBytes   = len(sealVersion) + 1 + maxKeyID + 1 + maxExpiryChars + 1 + 2*sealMACBytes
	maxExpiryChars = 19 // digits of the largest int64
	defaultSealTTL = time.Hour
)

// Sealer makes and opens seals: the proof that the sessions system issued a segment token. A seal is
// "v1.<key id>.<expiry, unix seconds>.<32 hex digits>", the last being HMAC-SHA256, cut to 128 bits, over
// length-delimited version, account, expiry and token. It is immutable and safe for concurrent use.
type Sealer struct {
	account string
	keys    []SealKey
	ttl     time.Duration
	revoked *Revocations
}

// NewSealer returns a Sealer for one account. The first key seals, all open; ttl is the least life of a seal, one
// hour where it is 0. revoked may be nil: nothing ever is. It fails where there is no key, or an unfit one, or the ttl is
// negative.
func NewSealer(account string, keys []SealKey, ttl time.Duration, revoked *Revocations) (*Sealer, error) {
	errs := checkKeys(keys)
	if len(keys) == 0 {
		errs = append(errs, errors.New("segment.keys_file: no key"))
	}
	errs = append(errs, checkSealTTL(ttl)...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return newSealer(account, keys, ttl, revoked), nil
}

func newSealer(account string, keys []SealKey, ttl time.Duration, revoked *Revocations) *Sealer {
	if ttl == 0 {
		ttl = defaultSealTTL
	}
	if revoked == nil {
		revoked = &Revocations{}
	}
	revoked.join(ttl)
	return &Sealer{account: account, keys: append([]SealKey(nil), keys...), ttl: ttl, revoked: revoked}
}

// Seal returns the seal of the token bytes, exactly as they stand in the cookie. It expires ttl after now, rounded up
// to a quarter of an hour, so that equal tokens share one seal and one memo entry; after a revocation of the token a quarter
// later.
func (s *Sealer) Seal(now time.Time, token []byte) string {
	until := now.Add(s.ttl)
	seconds := until.Unix()
	if until.Nanosecond() > 0 {
		seconds++
	}
	seconds = s.revoked.after(token, roundUp(seconds))
	expiry := strconv.FormatInt(seconds, 10)
	key := s.keys[0]
	return sealVersion + "." + key.id + "." + expiry + "." + string(s.mac(key, expiry, token))
}

// Latest is the last expiry that a seal may have which this Sealer issues until now.
func (s *Sealer) Latest(now time.Time, token []byte) time.Time {
	return time.Unix(s.revoked.after(token, roundUp(now.Add(s.ttl).Unix()+1)), 0)
}

// Revoke voids every seal of the token that was issued until now, and gives the last expiry that is void.
func (s *Sealer) Revoke(now time.Time, token Digest) (until time.Time) {
	return s.revoked.Revoke(now, token)
}

// Open tells what seal is worth beside token, both as they stand in the cookies, and when it expires; the time is
// zero where the seal is not genuine. At the second of its expiry a seal is expired.
func (s *Sealer) Open(now time.Time, token, seal []byte) (SealState, time.Time) {
	state, expiry := s.open(now.Unix(), token, seal)
	if state == SealAbsent || state == SealForged || state == SealUnknownKey {
		return state, time.Time{}
	}
	return state, time.Unix(expiry, 0)
}

func (s *Sealer) open(now int64, token, seal []byte) (SealState, int64) {
	if len(seal) == 0 {
		return SealAbsent, 0
	}
	parts := bytes.Split(seal, []byte("."))
	if len(seal) > maxSealBytes || len(parts) != 4 || string(parts[0]) != sealVersion {
		return SealForged, 0
	}
	expiry, err := strconv.ParseInt(string(parts[2]), 10, 64)
	if err != nil {
		return SealForged, 0
	}
	for _, key := range s.keys {
		if key.id == string(parts[1]) {
			return s.verify(key, now, expiry, token, parts)
		}
	}
	return SealUnknownKey, 0
}

// verify covers the expiry's own text, so that a seal has one spelling only.
func (s *Sealer) verify(key SealKey, now, expiry int64, token []byte, parts [][]byte) (SealState, int64) {
	if subtle.ConstantTimeCompare(s.mac(key, string(parts[2]), token), parts[3]) != 1 {
		return SealForged, 0
	}
	switch {
	case now >= expiry:
		return SealExpired, expiry
	case s.revoked.voids(token, expiry):
		return SealRevoked, expiry
	}
	return SealValid, expiry
}

// mac returns the hex text of the MAC.
func (s *Sealer) mac(key SealKey, expiry string, token []byte) []byte {
	var message []byte
	for _, part := range []string{sealVersion, s.account, expiry, string(token)} {
		message = binary.AppendUvarint(message, uint64(len(part)))
		message = append(message, part...)
	}
	h := hmac.New(sha256.New, key.secret())
	h.Write(message)
	return hex.AppendEncode(nil, h.Sum(nil)[:sealMACBytes])
}

func checkSealTTL(ttl time.Duration) []error {
	if ttl < 0 {
		return []error{errors.New("segment.seal_ttl: " + ttl.String() + " is negative")}
	}
	return nil
}
