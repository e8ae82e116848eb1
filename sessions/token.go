package sessions

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// The claims of the public system that never differ (facts 2.2, generation c).
const (
	tokenIssuer  = "session/data-signer"
	tokenSubject = "session"
	// maxToken bounds what is verified at all: our own tokens have about 500 bytes.
	maxToken = 2 << 10
	// memoTokens bounds the verified tokens that are remembered: at most 48 MiB. To verify one costs as much as all else
	// of a read, so those of all shoppers of an hour should fit.
	memoTokens = 256 << 10
)

// TokenState says what a session token is worth. The zero value is TokenAbsent.
type TokenState uint8

// The states of a token. Only TokenValid names a session; with every other a request begins a new one.
const (
	TokenAbsent    TokenState = iota // none, or an empty one
	TokenValid                       // signed by a key of ours for this account, and not expired
	TokenExpired                     // genuine, but its time is over
	TokenForged                      // not signed by the key that it names
	TokenUnknown                     // names no key of ours
	TokenForeign                     // genuine, of another account
	TokenMalformed                   // no ES256 JWT with the claims of a session, or too long
	tokenStates
)

// String returns the lower-case word used in logs and metrics.
func (s TokenState) String() string {
	return [...]string{"absent", "valid", "expired", "forged", "unknown-key", "foreign", "malformed", "unknown"}[min(s, tokenStates)]
}

// TokenStates returns every TokenState. The slice is the caller's.
func TokenStates() []TokenState {
	list := make([]TokenState, tokenStates)
	for i := range list {
		list[i] = TokenState(i)
	}
	return list
}

// claims are those of the public system, in its order (facts 2.2).
type claims struct {
	AccountID []string `json:"account.id"` // always empty, as in generations b and c
	ID        string   `json:"id"`
	Version   uint64   `json:"version"`
	Subject   string   `json:"sub"`
	Account   string   `json:"account"`
	Expires   int64    `json:"exp"`
	Issued    int64    `json:"iat"`
	Issuer    string   `json:"iss"`
	TokenID   string   `json:"jti"`
}

// jwt.Claims

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.Expires, 0)), nil
}
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.Issued, 0)), nil
}
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }
func (c *claims) GetIssuer() (string, error)              { return c.Issuer, nil }
func (c *claims) GetSubject() (string, error)             { return c.Subject, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)  { return nil, nil }

// Tokens makes and verifies the tokens of an account: ES256 JWTs with the claims of the public
// system. It is safe for concurrent use.
type Tokens struct {
	account string
	keys    []TokenKey
	byID    map[string]TokenKey
	public  []byte
	seen    *memo[tokenName, verified]
}

// verified is a genuine token's content; whether its time is over is asked each time. It holds no pointer, and nor does
// its name: the collector passes over a quarter of a million of them, which would otherwise be the tail of every read.
type verified struct {
	text    [maxID]byte // the id, and behind it nothing
	length  uint8
	expires int64
	state   TokenState // TokenValid or TokenForeign
}

// maxID bounds the id in a token: ours are UUIDs.
const maxID = 40

func genuine(id string, expires int64) verified {
	v := verified{length: uint8(len(id)), expires: expires, state: TokenValid}
	copy(v.text[:], id)
	return v
}

func (v *verified) id() string { return string(v.text[:v.length]) }

// NewTokens returns the Tokens of one account. The first key signs, all verify; it fails where there is none.
func NewTokens(account string, keys []TokenKey) (*Tokens, error) {
	if len(keys) == 0 {
		return nil, errors.New("session tokens: no key")
	}
	t := &Tokens{account: account, keys: keys, byID: map[string]TokenKey{}, seen: newMemo[tokenName, verified](memoTokens)}
	for _, k := range keys {
		if k.private == nil {
			return nil, errors.New("session tokens: the zero key")
		}
		t.byID[k.id] = k
	}
	t.public = publicJWKS(keys)
	return t, nil
}

// JWKS gives the public keys as a JWK set (RFC 7517). Do not change the slice.
func (t *Tokens) JWKS() []byte { return t.public }

// Issue gives a token of a session as it is now. It ends with the session.
func (t *Tokens) Issue(now time.Time, s *Session) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, &claims{
		AccountID: []string{}, ID: s.ID, Version: s.Version, Subject: tokenSubject, Account: t.account,
		Expires: s.Expires.Unix(), Issued: now.Unix(), Issuer: tokenIssuer, TokenID: uuid.NewString(),
	})
	token.Header = map[string]any{"alg": "ES256", "kid": t.keys[0].id, "typ": "JWT"}
	text, err := token.SignedString(t.keys[0].private)
	if err != nil {
		return "", fmt.Errorf("session token: %w", err)
	}
	if len(s.ID) <= maxID {
		t.seen.put(nameOf(text), genuine(s.ID, s.Expires.Unix()))
	}
	return text, nil
}

// tokenName stands for a token in the memo: its SHA-256, a fifteenth of its size. No other token has it.
type tokenName [sha256.Size]byte

func nameOf(token string) tokenName { return sha256.Sum256([]byte(token)) }

// Verify gives the id of the session that a token names. The id is "" but with TokenValid.
func (t *Tokens) Verify(now time.Time, token string) (id string, state TokenState) {
	switch {
	case token == "":
		return "", TokenAbsent
	case len(token) > maxToken:
		return "", TokenMalformed
	}
	name := nameOf(token)
	known, ok := t.seen.get(name)
	if !ok {
		if known, state = t.check(token); state != TokenValid {
			return "", state
		}
		t.seen.put(name, known)
	}
	switch {
	case known.state != TokenValid:
		return "", known.state
	case now.Unix() >= known.expires:
		return "", TokenExpired
	}
	return known.id(), TokenValid
}

var errUnknownKey = errors.New("no such key")

// check verifies all but the times, which pass. With TokenValid the signature is ours.
func (t *Tokens) check(token string) (verified, TokenState) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation())
	var c claims
	_, err := parser.ParseWithClaims(token, &c, func(head *jwt.Token) (any, error) {
		id, _ := head.Header["kid"].(string)
		key, ok := t.byID[id]
		if !ok {
			return nil, errUnknownKey
		}
		return &key.private.PublicKey, nil
	})
	switch {
	case errors.Is(err, errUnknownKey):
		return verified{}, TokenUnknown
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return verified{}, TokenForged
	case len(c.ID) > maxID, err != nil, c.ID == "", c.Subject != tokenSubject, c.Issuer != tokenIssuer:
		return verified{}, TokenMalformed
	case c.Account != t.account:
		return verified{state: TokenForeign}, TokenValid
	}
	return genuine(c.ID, c.Expires), TokenValid
}
