package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// operatorCookie holds an operator's log-in; a shopper's is in the cookie of that name with _ and the account (facts/sessions.md, 2.3).
const operatorCookie = "VtexIdclientAutCookie"

// loginLives is how long a log-in lasts.
const loginLives = 24 * time.Hour

// The audiences of log-ins (docs/authentication.md).
const (
	adminAudience   = "admin"
	shopperAudience = "webstore"
)

// claims are those of the token of a log-in.
type claims struct {
	Email    string `json:"sub"`
	UserID   string `json:"userId"`
	Customer string `json:"customerId,omitempty"`
	Account  string `json:"account"`
	Audience string `json:"audience,omitempty"`
	Issuer   string `json:"iss"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// signingKey signs log-ins by HMAC-SHA256, as HS256 of RFC 7518.
type signingKey struct {
	id     string
	secret []byte
}

func (k signingKey) head() string {
	return segmentOfJWT(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid,omitempty"`
		Typ string `json:"typ"`
	}{"HS256", k.id, "JWT"})
}

func segmentOfJWT(v any) string {
	text, _ := json.Marshal(v) // texts and numbers cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

func (k signingKey) mac(text string) []byte {
	h := hmac.New(sha256.New, k.secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign makes a JWT (RFC 7519).
func (k signingKey) sign(c claims) string {
	text := k.head() + "." + segmentOfJWT(c)
	return text + "." + base64.RawURLEncoding.EncodeToString(k.mac(text))
}

// verify reads a token that this key has signed and that is not over. It knows its own header alone, whatever a token says.
func (k signingKey) verify(token string, now time.Time) (c claims, ok bool) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 {
		return claims{}, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || !hmac.Equal(signature, k.mac(token[:at])) {
		return claims{}, false
	}
	body, own := strings.CutPrefix(token[:at], k.head()+".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if !own || err != nil || json.Unmarshal(text, &c) != nil || now.Unix() >= c.Expires {
		return claims{}, false
	}
	return c, true
}

// shopperCookie is the name of the cookie with a shopper's log-in.
func (s *Storefront) shopperCookie() string { return operatorCookie + "_" + s.options.Account }

// kindOfLogIn gives what tells the log-ins of operators and of shoppers apart.
func (s *Storefront) kindOfLogIn(operator bool) (cookie, audience string) {
	if operator {
		return operatorCookie, adminAudience
	}
	return s.shopperCookie(), shopperAudience
}

// logIn sends the cookie of a log-in.
func (s *Storefront) logIn(w http.ResponseWriter, email string, operator bool) {
	now := time.Now()
	name, audience := s.kindOfLogIn(operator)
	c := claims{
		Email: email, UserID: userID(email), Account: s.options.Account, Audience: audience, Issuer: "casa-lume",
		Issued: now.Unix(), Expires: now.Add(loginLives).Unix(),
	}
	if known, ok := s.catalogue.data.customer(email); ok && known.id != "" && !operator {
		c.UserID, c.Customer = known.id, known.id
	}
	setCookie(w, name, s.catalogue.data.key.sign(c), int(loginLives.Seconds()))
}

// userID is the id of somebody who is no customer yet: the same at each log-in.
func userID(email string) string {
	sum := sha256.Sum256([]byte("user:" + strings.ToLower(email)))
	return "u-" + hex.EncodeToString(sum[:8])
}

// loggedIn is the e-mail in the log-in of a request, "" without one.
func (s *Storefront) loggedIn(r *http.Request, operator bool) string {
	name, audience := s.kindOfLogIn(operator)
	c, ok := s.catalogue.data.key.verify(lastCookie(r, name), time.Now())
	if !ok || c.Account != s.options.Account || c.Audience != "" && c.Audience != audience {
		return ""
	}
	return c.Email
}
