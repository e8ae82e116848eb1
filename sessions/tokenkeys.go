package sessions

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// TokenKey is a named ECDSA P-256 key that session tokens are signed with. No way of printing it
// shows the secret; FormatTokenKeys alone gives it away. The zero value is no key.
type TokenKey struct {
	id      string
	private *ecdsa.PrivateKey
}

// ID is the `kid` of the tokens that the key signs; it is no secret.
func (k TokenKey) ID() string { return k.id }

// Format prints "<secret>" for every verb.
func (k TokenKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("<secret>")) }

// MarshalText gives "<secret>" and no error; JSON, YAML and slog print that.
func (k TokenKey) MarshalText() ([]byte, error) { return []byte("<secret>"), nil }

// GenerateTokenKey makes a key with a UUID as its id, as the public system's are (facts 2.2).
func GenerateTokenKey() (TokenKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return TokenKey{}, fmt.Errorf("token key: %w", err)
	}
	return TokenKey{uuid.NewString(), private}, nil
}

// jwk is an EC key of RFC 7517 and RFC 7518, 6.2; D is in the keys file alone.
type jwk struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	ID    string `json:"kid"`
	Use   string `json:"use,omitempty"`
	Alg   string `json:"alg,omitempty"`
	X     string `json:"x"`
	Y     string `json:"y"`
	D     string `json:"d,omitempty"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

// ParseTokenKeys reads a keys file: a JWK set of private P-256 keys with ids, newest first. The
// first signs, all verify. Every fault is reported, joined, by the key's place and without
// the secret; a file without a key is an error.
func ParseTokenKeys(text []byte) ([]TokenKey, error) {
	var set jwks
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("not a JWK set") // err might quote a secret
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("no key")
	}
	var errs []error
	var keys []TokenKey
	seen := map[string]bool{}
	for i, k := range set.Keys {
		key, err := k.parse()
		if err == nil && seen[k.ID] {
			err = fmt.Errorf("kid %q is not unique", k.ID)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("keys[%d]: %w", i, err))
			continue
		}
		seen[k.ID] = true
		keys = append(keys, key)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return keys, nil
}

func (k jwk) parse() (TokenKey, error) {
	if k.Type != "EC" || k.Curve != "P-256" {
		return TokenKey{}, fmt.Errorf("kty %q and crv %q, want EC and P-256", k.Type, k.Curve)
	}
	if k.ID == "" || len(k.ID) > 64 {
		return TokenKey{}, errors.New("kid must have 1 to 64 bytes")
	}
	d, err := base64.RawURLEncoding.DecodeString(k.D)
	if err != nil || len(d) != 32 {
		return TokenKey{}, errors.New("d is not 32 bytes in base64url")
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil {
		return TokenKey{}, errors.New("d is no private key of P-256")
	}
	key := TokenKey{k.ID, private}
	if stated := key.public(); k.X != stated.X || k.Y != stated.Y {
		return TokenKey{}, errors.New("x and y are not the public key of d")
	}
	return key, nil
}

func (k TokenKey) public() jwk {
	public, err := k.private.PublicKey.ECDH()
	if err != nil {
		panic("BUG: a key off its curve: " + err.Error())
	}
	x, y := coordinates(public)
	return jwk{Type: "EC", Curve: "P-256", ID: k.id, Use: "sig", Alg: "ES256", X: x, Y: y}
}

// coordinates parts the uncompressed point (SEC 1, 2.3.3).
func coordinates(k *ecdh.PublicKey) (x, y string) {
	point := k.Bytes()[1:]
	return base64.RawURLEncoding.EncodeToString(point[:32]), base64.RawURLEncoding.EncodeToString(point[32:])
}

// FormatTokenKeys gives the text of a keys file: it holds the secrets.
func FormatTokenKeys(keys []TokenKey) []byte {
	var set jwks
	for _, k := range keys {
		line := k.public()
		d, err := k.private.Bytes()
		if err != nil {
			panic("BUG: a key off its curve: " + err.Error())
		}
		line.D = base64.RawURLEncoding.EncodeToString(d)
		set.Keys = append(set.Keys, line)
	}
	text, err := json.MarshalIndent(set, "", "  ")
	if err != nil {
		panic("BUG: " + err.Error()) // strings alone
	}
	return append(text, '\n')
}

// publicJWKS gives the JWK set that others verify tokens by.
func publicJWKS(keys []TokenKey) []byte {
	set := jwks{Keys: []jwk{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.public())
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return text
}
