package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
)

// signer is a key that an identity provider signs with.
type signer struct {
	method jwt.SigningMethod
	secret any
	public map[string]any // its JWK
}

func (s signer) id() string {
	id, _ := s.public["kid"].(string)
	return id
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func hmacKey(id, secret string) signer {
	return signer{jwt.SigningMethodHS256, []byte(secret), jwk(id, "kty", "oct", "k", b64([]byte(secret)))}
}

func ecKey(t testing.TB, id string) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return signer{jwt.SigningMethodES256, private, jwk(id, "kty", "EC", "crv", "P-256", "x", b64(point[1:33]), "y", b64(point[33:]))}
}

// rsaPrivate is slow to make, and as good for every test.
var rsaPrivate = sync.OnceValue(func() *rsa.PrivateKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return private
})

func rsaKey(id string) signer {
	private := rsaPrivate()
	e := big.NewInt(int64(private.E)).Bytes()
	return signer{jwt.SigningMethodRS256, private, jwk(id, "kty", "RSA", "n", b64(private.N.Bytes()), "e", b64(e))}
}

// jwk makes a JWK of a kid, "" for none, and pairs of names and values.
func jwk(id string, pairs ...string) map[string]any {
	m := map[string]any{}
	if id != "" {
		m["kid"] = id
	}
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	return m
}

// with gives a copy of a JWK with one member replaced.
func with(m map[string]any, name string, value any) map[string]any {
	c := maps.Clone(m)
	c[name] = value
	return c
}

func jwks(keys ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"keys": append([]map[string]any{}, keys...)})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func jwksOf(signers ...signer) string {
	var keys []map[string]any
	for _, s := range signers {
		keys = append(keys, s.public)
	}
	return jwks(keys...)
}

type claims = jwt.MapClaims

// ann is a shopper's claims, for an hour; each of the changes replaces a claim, nil takes it away.
func ann(changes ...any) claims {
	c := claims{"sub": "ann@x.example", "userId": "u-ann", "account": "acme", "exp": time.Now().Add(time.Hour).Unix()}
	for pair := range slices.Chunk(changes, 2) {
		c[pair[0].(string)] = pair[1]
		if pair[1] == nil {
			delete(c, pair[0].(string))
		}
	}
	return c
}

func (s signer) sign(c claims) string { return s.signAs(s.id(), c) }

// signAs states another key than it signs with.
func (s signer) signAs(id string, c claims) string {
	head := map[string]any{}
	if id != "" {
		head["kid"] = id
	}
	return s.signUnder(head, c)
}

func (s signer) signUnder(head map[string]any, c claims) string {
	token := jwt.NewWithClaims(s.method, c)
	for name, value := range head {
		token.Header[name] = value
	}
	text, err := token.SignedString(s.secret)
	if err != nil {
		panic(err)
	}
	return text
}

const (
	shopperCookie = "VtexIdclientAutCookie_acme"
	adminCookie   = "VtexIdclientAutCookie"
)

// cookies makes inputs of "name", "value" pairs.
func cookies(pairs ...string) transform.Values {
	in := transform.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		in.Put(transform.Key{Namespace: transform.CookieNamespace, Name: pair[0]}, transform.TextValue(pair[1]))
	}
	return in
}

// log keeps what the app tells.
type log struct {
	mu       sync.Mutex
	verdicts []auth.Verdict
	loads    []auth.Load
}

func (l *log) verdict(v auth.Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.verdicts = append(l.verdicts, v)
}

func (l *log) load(x auth.Load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loads = append(l.loads, x)
}

// told gives the verdicts since the last time.
func (l *log) told() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var words []string
	for _, v := range l.verdicts {
		words = append(words, v.String())
	}
	l.verdicts = nil
	return strings.Join(words, " ")
}

// loaded gives the loads since the last time: "ok", or "bad" and the error.
func (l *log) loaded() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var words []string
	for _, x := range l.loads {
		if x.Err != nil {
			words = append(words, "bad: "+x.Err.Error())
			continue
		}
		words = append(words, "ok")
	}
	l.loads = nil
	return strings.Join(words, " | ")
}

// app makes the app of o, told to the log; o needs no account.
func app(t testing.TB, o auth.Options) (*auth.Auth, *log) {
	t.Helper()
	l := &log{}
	if o.Account == "" {
		o.Account = "acme"
	}
	o.Verdict, o.Loaded = l.verdict, l.load
	a, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, l
}

func keysFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shoppers.jwks")
	write(t, path, text)
	return path
}

// write replaces a file as operators' tools do: whole.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// proves gives the outputs of a call as "name=text" words, without the empty ones; all outputs must be there.
func proves(t testing.TB, a *auth.Auth, in transform.Values) string {
	t.Helper()
	out, err := a.Transform(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var names, words []string
	for k := range out.All() {
		names = append(names, k.Name)
		if text := out.Text(k); text != "" {
			words = append(words, k.Name+"="+text)
		}
	}
	if diff := cmp.Diff(a.Spec().Output["authentication"], names); diff != "" {
		t.Errorf("outputs (-declared +given):\n%s", diff)
	}
	return strings.Join(words, " ")
}

var errDown = errors.New("down")
