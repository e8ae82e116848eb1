package auth

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	maxToken = 8 << 10 // bytes: cookies of more are not kept by browsers
	maxClaim = 512     // bytes of one claim that enters the session
	// earlySlack is how far an issuer's clock may be ahead of ours. Expiry has none: what is over is over.
	earlySlack = time.Minute
	lastTime   = 253402300799 // the end of the year 9999, Unix seconds
	operators  = "admin"
)

// identity is what a token proves.
type identity struct {
	email, user           string
	customer, unit, agent string
	role                  role
	account, issuer       string
	expires, begins       int64 // Unix seconds; begins 0: at once
}

// role is whom a token was issued for, by its audience. The zero value is of one that does not say.
type role uint8

const (
	roleUnsaid role = iota
	roleShopper
	roleOperator
)

// rules are what the claims of a token must meet.
type rules struct{ account, issuer string }

// verify gives the identity of a token that is signed by a key of the set and meets the rules; with any
// Verdict but VerdictValid the identity is none.
func (s KeySet) verify(now time.Time, token string, want rules) (identity, Verdict) {
	// encoding/base64 passes over line ends.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return identity{}, VerdictMalformed
	}
	claims := jwt.MapClaims{}
	_, err := newParser().ParseWithClaims(token, claims, s.choose)
	switch {
	case errors.Is(err, errUnknownKey):
		return identity{}, VerdictUnknownKey
	case errors.Is(err, errOtherAlgorithm), errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return identity{}, VerdictForged
	case err != nil:
		return identity{}, VerdictMalformed
	}
	id, ok := read(claims)
	if !ok {
		return identity{}, VerdictMalformed
	}
	if v := id.judge(now, want); v != VerdictValid {
		return identity{}, v
	}
	return id, VerdictValid
}

func newParser() *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{algHMAC, algRSA, algEC}), jwt.WithoutClaimsValidation(),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding())
}

var (
	errUnknownKey     = errors.New("no such key")
	errOtherAlgorithm = errors.New("not the key's algorithm")
	errCritical       = errors.New("critical header parameters")
)

// choose gives the keys that may have signed a token. What a key verifies by is its own: a token that names an RSA
// key and HS256 would be verified by a secret that everybody knows.
func (s KeySet) choose(head *jwt.Token) (any, error) {
	if _, ok := head.Header["crit"]; ok {
		return nil, errCritical // RFC 7515, 4.1.11: what is not understood must be refused
	}
	named, ok := head.Header["kid"]
	id, isText := named.(string)
	if ok && !isText {
		return nil, jwt.ErrTokenMalformed
	}
	var fitting jwt.VerificationKeySet
	known := false
	for _, k := range s.keys {
		if id != "" && k.id != id {
			continue
		}
		known = true
		if k.alg == head.Method.Alg() {
			fitting.Keys = append(fitting.Keys, k.key)
		}
	}
	switch {
	case !known, id == "" && len(fitting.Keys) == 0:
		return nil, errUnknownKey
	case len(fitting.Keys) == 0:
		return nil, errOtherAlgorithm
	case len(fitting.Keys) > maxUnnamed:
		return nil, errUnknownKey
	}
	return fitting, nil
}

// expired says whether a token says of itself that it is over: no signature is needed to believe that.
func expired(now time.Time, token string) bool {
	at, ok := seconds(unsigned(token)["exp"])
	return ok && now.Unix() >= at
}

// stated is what a token would be worth if it were signed as it says.
func stated(now time.Time, token string, want rules) Verdict {
	id, ok := read(unsigned(token))
	if !ok {
		return VerdictMalformed
	}
	return id.judge(now, want)
}

// unsigned are the claims of a token that anybody may have made; none of what is no token.
func unsigned(token string) jwt.MapClaims {
	claims := jwt.MapClaims{}
	if len(token) > maxToken {
		return nil
	}
	if _, _, err := newParser().ParseUnverified(token, claims); err != nil {
		return nil
	}
	return claims
}

// read takes the claims of the public system (facts, part 3), and says whether those are there that must be.
func read(claims jwt.MapClaims) (id identity, ok bool) {
	ok = true
	text := func(name string) string {
		switch v := claims[name].(type) {
		case nil:
			return ""
		case string:
			ok = ok && len(v) <= maxClaim
			return v
		case json.Number:
			return v.String()
		}
		ok = false
		return ""
	}
	id = identity{
		email: text("sub"), user: text("userId"), account: text("account"), issuer: text("iss"),
		customer: text("customerId"), unit: text("unitId"),
	}
	id.agent, ok = flag(claims["isRepresentative"], ok)
	id.role = max(roleOf(claims["audience"]), roleOf(claims["aud"]))
	var there bool
	id.expires, there = seconds(claims["exp"])
	ok = ok && there && id.email != "" && id.user != ""
	if claims["nbf"] != nil {
		id.begins, there = seconds(claims["nbf"])
		ok = ok && there
	}
	return id, ok
}

// flag reads a boolean; in a session it is text (facts 1.2).
func flag(claim any, ok bool) (string, bool) {
	switch claim {
	case nil:
		return "", ok
	case true, "true":
		return "true", ok
	case false, "false":
		return "false", ok
	}
	return "", false
}

// roleOf reads `audience`, and `aud` of RFC 7519, 4.1.3: a text or a list.
func roleOf(claim any) role {
	list, ok := claim.([]any)
	switch {
	case claim == nil:
		return roleUnsaid
	case claim == operators, ok && slices.Contains(list, any(operators)):
		return roleOperator
	}
	return roleShopper
}

// seconds reads a NumericDate (RFC 7519, 2), down to the second.
func seconds(claim any) (int64, bool) {
	number, ok := claim.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := number.Float64()
	if err != nil || f < 0 || f > lastTime {
		return 0, false
	}
	return int64(math.Floor(f)), true
}

func (id identity) judge(now time.Time, want rules) Verdict {
	switch {
	case id.account != want.account:
		return VerdictForeign
	case want.issuer != "" && id.issuer != want.issuer:
		return VerdictIssuer
	case now.Unix() >= id.expires:
		return VerdictExpired
	case now.Add(earlySlack).Unix() < id.begins:
		return VerdictEarly
	}
	return VerdictValid
}
