package sessions_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

func newKey(t testing.TB) sessions.TokenKey {
	t.Helper()
	key, err := sessions.GenerateTokenKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newTokens(t testing.TB, account string, keys ...sessions.TokenKey) *sessions.Tokens {
	t.Helper()
	tokens, err := sessions.NewTokens(account, keys)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func issue(t testing.TB, tokens *sessions.Tokens, now time.Time, s *sessions.Session) string {
	t.Helper()
	token, err := tokens.Issue(now, s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// part decodes one of the first two parts of a JWT.
func part(t testing.TB, token string, i int) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTokenForm holds tokens to the public system's claims, in its order (facts 2.2, generation c).
func TestTokenForm(t *testing.T) {
	key := newKey(t)
	now := time.Unix(1_700_000_000, 999)
	s := &sessions.Session{ID: "26d2cb6c-213e-4936-9e2a-1d1e299ec33b", Version: 7, Expires: time.Unix(1_700_432_000, 0)}
	token := issue(t, newTokens(t, "acme", key), now, s)
	var head map[string]string
	if err := json.Unmarshal([]byte(part(t, token, 0)), &head); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"alg": "ES256", "kid": key.ID(), "typ": "JWT"}, head); diff != "" {
		t.Errorf("head (-want +got)\n%s", diff)
	}
	claims := part(t, token, 1)
	var jti struct {
		ID string `json:"jti"`
	}
	if err := json.Unmarshal([]byte(claims), &jti); err != nil || len(jti.ID) != 36 {
		t.Fatalf("jti %q, %v", jti.ID, err)
	}
	want := `{"account.id":[],"id":"26d2cb6c-213e-4936-9e2a-1d1e299ec33b","version":7,"sub":"session","account":"acme",` +
		`"exp":1700432000,"iat":1700000000,"iss":"session/data-signer","jti":"` + jti.ID + `"}`
	if claims != want {
		t.Errorf("claims\n got %s\nwant %s", claims, want)
	}
}

func TestTokenStates(t *testing.T) {
	old, young := newKey(t), newKey(t)
	now := time.Unix(1_700_000_000, 0)
	s := &sessions.Session{ID: "the-session", Version: 1, Expires: now.Add(time.Hour)}
	rotated := newTokens(t, "acme", young, old)
	good := issue(t, rotated, now, s)
	f := func(name, token string, at time.Time, id string, want sessions.TokenState) {
		t.Helper()
		for range 2 { // the second time from the memo
			gotID, got := rotated.Verify(at, token)
			if got != want || gotID != id {
				t.Errorf("%s: got %q, %v; want %q, %v", name, gotID, got, id, want)
			}
		}
	}
	f("valid", good, now, s.ID, sessions.TokenValid)
	f("last second", good, now.Add(time.Hour-time.Nanosecond), s.ID, sessions.TokenValid)
	f("over", good, now.Add(time.Hour), "", sessions.TokenExpired)
	f("signed by the older key", issue(t, newTokens(t, "acme", old), now, s), now, s.ID, sessions.TokenValid)
	f("a key that is gone", issue(t, newTokens(t, "acme", newKey(t)), now, s), now, "", sessions.TokenUnknown)
	f("another account's", issue(t, newTokens(t, "other", young), now, s), now, "", sessions.TokenForeign)
	f("none", "", now, "", sessions.TokenAbsent)
	f("too long", strings.Repeat("a", 3000), now, "", sessions.TokenMalformed)
	f("no JWT", "invalidToken", now, "", sessions.TokenMalformed)
	f("two parts", good[:strings.LastIndex(good, ".")], now, "", sessions.TokenMalformed)
	f("no signature", good[:strings.LastIndex(good, ".")+1], now, "", sessions.TokenForged)

	// Another's claims under our signature.
	parts := strings.Split(good, ".")
	claims := strings.Replace(part(t, good, 1), "the-session", "not-session", 1)
	f("forged", parts[0]+"."+base64.RawURLEncoding.EncodeToString([]byte(claims))+"."+parts[2], now, "", sessions.TokenForged)
}

// forge makes a token by another algorithm, or with other claims.
func forge(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokenForgeries(t *testing.T) {
	key := newKey(t)
	tokens := newTokens(t, "acme", key)
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"id": "x", "sub": "session", "account": "acme", "exp": 2_000_000_000, "iss": "session/data-signer", "account.id": []string{}}
		change(c)
		return c
	}
	f := func(name, token string) {
		t.Helper()
		if id, state := tokens.Verify(time.Unix(1_700_000_000, 0), token); id != "" || state == sessions.TokenValid {
			t.Errorf("%s: %q is %v", name, id, state)
		}
	}
	same := func(jwt.MapClaims) {}
	f("alg none", forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, key.ID(), claims(same)))
	f("the public key as an HMAC secret", forge(t, jwt.SigningMethodHS256, tokens.JWKS(), key.ID(), claims(same)))
	f("no kid", forge(t, jwt.SigningMethodHS256, []byte("x"), "", claims(same)))
	for _, name := range []string{"id", "sub", "iss"} {
		f("without "+name, signed(t, key, claims(func(c jwt.MapClaims) { delete(c, name) })))
	}
	f("without exp", signed(t, key, claims(func(c jwt.MapClaims) { delete(c, "exp") })))
	f("without account", signed(t, key, claims(func(c jwt.MapClaims) { delete(c, "account") })))
	if id, state := tokens.Verify(time.Unix(1_700_000_000, 0), signed(t, key, claims(same))); id != "x" || state != sessions.TokenValid {
		t.Errorf("the forgeries' pattern is %v itself", state)
	}
}

// signed signs claims by a key of ours, as only a leak of the key would let anybody.
func signed(t *testing.T, key sessions.TokenKey, claims jwt.MapClaims) string {
	t.Helper()
	var set struct {
		Keys []struct {
			D string `json:"d"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(sessions.FormatTokenKeys([]sessions.TokenKey{key}), &set); err != nil {
		t.Fatal(err)
	}
	return forge(t, jwt.SigningMethodES256, privateKey(t, set.Keys[0].D), key.ID(), claims)
}

func TestNewTokensNeedsKeys(t *testing.T) {
	if _, err := sessions.NewTokens("acme", nil); err == nil {
		t.Error("no key: no error")
	}
	if _, err := sessions.NewTokens("acme", []sessions.TokenKey{{}}); err == nil {
		t.Error("the zero key: no error")
	}
}

// TestTokenMemoIsBounded: verified tokens are remembered, and others are not taken for them.
func TestTokenMemoIsBounded(t *testing.T) {
	tokens := newTokens(t, "acme", newKey(t))
	now := time.Unix(1_700_000_000, 0)
	for i := range 50 {
		id := fmt.Sprint("session ", i)
		token := issue(t, tokens, now, &sessions.Session{ID: id, Expires: now.Add(time.Hour)})
		if got, _ := tokens.Verify(now, token); got != id {
			t.Fatalf("got %q, want %q", got, id)
		}
		if got, state := tokens.Verify(now, token+"x"); got != "" || state == sessions.TokenValid {
			t.Fatalf("a longer token is %v", state)
		}
	}
}

func TestTokenStateStrings(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(sessions.TokenStates(), 200) {
		word := s.String()
		if word == "" || word != strings.ToLower(word) || strings.Contains(word, " ") || seen[word] {
			t.Errorf("state %d is %q", s, word)
		}
		seen[word] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d states", len(seen))
	}
}

func FuzzVerify(f *testing.F) {
	tokens := newTokens(f, "acme", newKey(f))
	now := time.Unix(1_700_000_000, 0)
	good := issue(f, tokens, now, &sessions.Session{ID: "x", Expires: now.Add(time.Hour)})
	for _, seed := range []string{"", "invalidToken", good, good[:len(good)-1], "a.b.c", "..", strings.Replace(good, ".", "..", 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, state := tokens.Verify(now, token)
		if (id != "") != (state == sessions.TokenValid) {
			t.Fatalf("%q: %q is %v", token, id, state)
		}
		// ECDSA signatures are malleable, so a few spellings of one may pass; its claims are what they were.
		if state == sessions.TokenValid && !strings.HasPrefix(token, good[:strings.LastIndex(good, ".")]) {
			t.Fatalf("%q is valid", token)
		}
	})
}
