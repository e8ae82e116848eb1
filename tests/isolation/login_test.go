package isolation_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"time"
)

// The cookies that hold log-ins (facts/sessions.md, part 4).
const (
	shopperCookie  = "VtexIdclientAutCookie_" + account
	operatorCookie = "VtexIdclientAutCookie"
)

// claims are those of a log-in that counts.
func claims(c customer, lives time.Duration) map[string]any {
	return map[string]any{"sub": c.email, "userId": c.id, "account": account, "exp": time.Now().Add(lives).Unix()}
}

func signed(claims map[string]any) string { return signedBy(loginSecret(), claims) }

// signedBy makes a JWT (RFC 7515) with HS256.
func signedBy(secret []byte, claims map[string]any) string {
	body, _ := json.Marshal(claims) // texts and numbers cannot fail
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"test","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// loginOf makes the log-in of a customer, for as long as the test runs or for a few seconds.
func loginOf(c customer, lives time.Duration) login {
	all := claims(c, lives)
	return login{cookie: signed(all), email: c.email, id: c.id, expires: time.Unix(all["exp"].(int64), 0), sound: true}
}

// brief tells of a log-in that ends while the test runs.
func (l login) brief() bool { return l.sound && l.expires.Before(time.Now().Add(10*time.Minute)) }

// operatorOf makes an operator's log-in.
func operatorOf(email string) login {
	all := claims(customer{"op-" + email, email}, time.Hour)
	all["audience"] = "admin"
	return login{cookie: signed(all), email: email, id: "op-" + email, expires: time.Unix(all["exp"].(int64), 0), sound: true}
}

// falseLogin is one that must not count: of another account, key or audience, or over.
func falseLogin(r *rand.Rand, c customer) login {
	all, secret := claims(c, time.Hour), loginSecret()
	switch r.IntN(4) {
	case 0:
		all["account"] = "other"
	case 1:
		secret = []byte("a secret of somebody else's, who knows the id")
	case 2:
		all["exp"] = time.Now().Add(-time.Second).Unix()
	default:
		all["audience"] = "admin"
	}
	return login{cookie: signedBy(secret, all), email: c.email, id: c.id}
}

// viewed is a session as the API shows it.
type viewed struct {
	Namespaces map[string]map[string]struct {
		Value any `json:"value"`
	} `json:"namespaces"`
}

func viewOf(body io.Reader) (v viewed, err error) {
	err = json.NewDecoder(body).Decode(&v)
	return v, err
}

func (v viewed) text(namespace, name string) string {
	text, _ := v.Namespaces[namespace][name].Value.(string)
	return text
}
