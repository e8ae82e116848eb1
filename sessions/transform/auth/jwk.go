package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// The bounds of a key set.
const (
	maxSet  = 256 << 10 // bytes
	maxKeys = 64
	// A token without a kid is tried on every key of its algorithm.
	maxUnnamed = 4
	minSecret  = 32 // bytes: RFC 7518, 3.2
	maxSecret  = 1 << 10
)

// KeySet is the public halves, and the shared secrets, that tokens are verified by. It is not changed once made. No way of
// printing it shows a secret. The zero value has no keys.
type KeySet struct{ keys []key }

// Len is how many keys there are.
func (s KeySet) Len() int { return len(s.keys) }

// Format prints "<keys>" for every verb.
func (s KeySet) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("<keys>")) }

// key is one key with the one algorithm that it verifies.
type key struct {
	id  string
	alg string
	key any // *rsa.PublicKey, *ecdsa.PublicKey or []byte, as package jwt wants it
}

// jwk is a key of RFC 7517, 4 and RFC 7518, 6. Private halves are not read.
type jwk struct {
	Type  string   `json:"kty"`
	ID    string   `json:"kid"`
	Use   string   `json:"use"`
	Ops   []string `json:"key_ops"`
	Alg   string   `json:"alg"`
	Curve string   `json:"crv"`
	X     string   `json:"x"`
	Y     string   `json:"y"`
	N     string   `json:"n"`
	E     string   `json:"e"`
	K     string   `json:"k"`
}

// ParseKeys reads a JWK set (RFC 7517, 5): keys of kty oct, RSA and EC on P-256. Those of other types, curves,
// algorithms and uses are passed over, as the RFC wants it, and counted. A key that is meant for us and cannot be used, and
// a set without a key for us are errors: all of them, joined, by the key's place and without its content.
func ParseKeys(text []byte) (set KeySet, passed int, err error) {
	set, passed, unusable, err := readSet(text, false)
	switch {
	case err != nil:
		return KeySet{}, 0, err
	case len(unusable) > 0:
		return KeySet{}, 0, errors.Join(unusable...)
	case set.Len() == 0:
		return KeySet{}, 0, errors.New("no key of type oct, RSA or EC on P-256 to verify by")
	}
	return set, passed, nil
}

// readSet reads a set key by key, so that one which cannot be used (malformed, weak, of a kid that is taken) keeps no
// other from coming or going: of those it tells the place and why. In a set that is published a secret cannot be used.
// What is no set is an error; one without keys is not.
func readSet(text []byte, published bool) (set KeySet, passed int, unusable []error, err error) {
	lines, err := linesOf(text)
	if err != nil {
		return KeySet{}, 0, nil, err
	}
	var places []int
	for i, line := range lines {
		k, ours, err := parseKey(line)
		if err == nil && ours {
			err = set.admits(k, published)
		}
		switch {
		case err != nil:
			unusable = append(unusable, fmt.Errorf("keys[%d]: %w", i, err))
		case ours:
			set.keys, places = append(set.keys, k), append(places, i)
		default:
			passed++
		}
	}
	set, crowd := set.named(places)
	return set, passed, append(unusable, crowd...), nil
}

// linesOf gives the keys of a set, each as it stands there. No error quotes them: they may be secrets.
func linesOf(text []byte) ([]json.RawMessage, error) {
	if len(text) > maxSet {
		return nil, fmt.Errorf("a key set of more than %d bytes", maxSet)
	}
	var form struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &form) != nil || form.Keys == nil {
		return nil, errors.New("not a JWK set")
	}
	if len(form.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(form.Keys), maxKeys)
	}
	return form.Keys, nil
}

// named leaves out the keys without a kid of an algorithm that has more keys than a token without a kid is tried on: no
// token could name them. places are those of the keys.
func (s KeySet) named(places []int) (set KeySet, unusable []error) {
	for i, k := range s.keys {
		if n := len(s.of(k.alg)); n > maxUnnamed && k.id == "" {
			unusable = append(unusable, fmt.Errorf("keys[%d]: no kid: of %d keys for %s, more than %d, each needs one", places[i], n, k.alg, maxUnnamed))
			continue
		}
		set.keys = append(set.keys, k)
	}
	return set, unusable
}

func (s KeySet) admits(k key, published bool) error {
	if published && k.alg == algHMAC {
		return errors.New("of type oct it is a secret, and no key to publish: take a file")
	}
	if k.id != "" && slices.ContainsFunc(s.keys, func(o key) bool { return o.id == k.id && o.alg == k.alg }) {
		return errors.New("its kid is there twice")
	}
	return nil
}

func (s KeySet) of(alg string) (list []key) {
	for _, k := range s.keys {
		if k.alg == alg {
			list = append(list, k)
		}
	}
	return list
}

// The algorithms (RFC 7518, 3.1).
const (
	algHMAC = "HS256"
	algRSA  = "RS256"
	algEC   = "ES256"
)

// parseKey gives ours as false for a key that is not meant to verify by one of the three algorithms.
func parseKey(line []byte) (k key, ours bool, err error) {
	var j jwk
	if json.Unmarshal(line, &j) != nil { // its error might quote a secret
		return key{}, false, errors.New("no JWK: a member of another type than RFC 7517 gives it")
	}
	k.id = j.ID
	switch {
	case j.Type == "oct":
		k.alg = algHMAC
	case j.Type == "RSA":
		k.alg = algRSA
	case j.Type == "EC" && j.Curve == "P-256":
		k.alg = algEC
	}
	verifies := (j.Use == "" || j.Use == "sig") && (len(j.Ops) == 0 || slices.Contains(j.Ops, "verify"))
	if k.alg == "" || !verifies || j.Alg != "" && j.Alg != k.alg {
		return key{}, false, nil
	}
	if len(j.ID) > 256 {
		return key{}, false, errors.New("a kid of more than 256 bytes")
	}
	switch k.alg {
	case algHMAC:
		k.key, err = j.secret()
	case algRSA:
		k.key, err = j.rsa()
	case algEC:
		k.key, err = j.ec()
	}
	return k, true, err
}

func (j jwk) secret() ([]byte, error) {
	secret, err := decode(j.K)
	if err != nil || len(secret) < minSecret || len(secret) > maxSecret {
		return nil, fmt.Errorf("k is not %d to %d bytes in base64url", minSecret, maxSecret)
	}
	return secret, nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	n, err := decode(j.N)
	modulus := new(big.Int).SetBytes(n)
	if err != nil || modulus.BitLen() < 2048 || modulus.BitLen() > 8192 || modulus.Bit(0) == 0 {
		return nil, errors.New("n is not an odd number of 2048 to 8192 bits in base64url")
	}
	e, err := decode(j.E)
	exponent := new(big.Int).SetBytes(e)
	if err != nil || exponent.BitLen() < 2 || exponent.BitLen() > 31 || exponent.Bit(0) == 0 {
		return nil, errors.New("e is not an odd number of 2 to 31 bits in base64url")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

func (j jwk) ec() (*ecdsa.PublicKey, error) {
	x, errX := decode(j.X)
	y, errY := decode(j.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("x and y are not 32 bytes each in base64url")
	}
	point := slices.Concat([]byte{4}, x, y) // uncompressed: SEC 1, 2.3.3
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, errors.New("x and y are no point of P-256")
	}
	return public, nil
}

// decode reads base64url; the padding that some issuers write does no harm.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
