package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/auth"
)

func TestParseKeys(t *testing.T) {
	f := func(text string, keys, passed int) {
		t.Helper()
		set, skipped, err := auth.ParseKeys([]byte(text))
		if err != nil || set.Len() != keys || skipped != passed {
			t.Errorf("%d keys, %d passed over, %v; want %d and %d", set.Len(), skipped, err, keys, passed)
		}
	}
	hs, rs, es := hmacKey("h", secret).public, rsaKey("r").public, ecKey(t, "e").public
	f(jwks(hs, rs, es), 3, 0)
	f(jwks(with(hs, "kid", "same"), with(rs, "kid", "same")), 2, 0) // alternatives: RFC 7517, 4.5
	f(jwks(with(with(rs, "alg", "RS256"), "use", "sig"), with(es, "key_ops", []string{"sign", "verify"})), 2, 0)
	f(jwks(with(rs, "e", "AQAB=="), with(rs, "kid", "d")), 2, 0)
	f(jwks(with(es, "d", "whatever"), hs), 2, 0)

	// Not for us.
	f(jwks(hs, with(rs, "alg", "RS512"), with(es, "crv", "P-384"), with(hs, "use", "enc"), with(rs, "key_ops", []string{"encrypt"}),
		jwk("o", "kty", "OKP", "crv", "Ed25519"), jwk("x")), 1, 6)
	f(jwks(with(rs, "kid", "1"), with(rs, "alg", "HS256")), 1, 1)
}

func TestParseKeysRefuses(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		set, _, err := auth.ParseKeys([]byte(text))
		if err == nil || set.Len() != 0 {
			t.Errorf("%.80s: %d keys, no error", text, set.Len())
			return
		}
		for _, word := range want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v, want %q", err, word)
			}
		}
		if strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%v tells a secret", err)
		}
	}
	hs, rs, es := hmacKey("h", secret).public, rsaKey("r").public, ecKey(t, "e").public
	f("", "not a JWK set")
	f(`[]`, "not a JWK set")
	f(`{}`, "not a JWK set")
	f(`{"keys":null}`, "not a JWK set")
	f(`{"keys":{}}`, "not a JWK set")
	f(jwks(), "no key of type")
	f(`{"keys":[{"kty":7,"k":"`+secret+`"}]}`, "keys[0]: no JWK")
	f(`{"keys":["`+secret+`"]}`, "keys[0]: no JWK")
	f(jwks(hs, with(es, "kid", 7)), "keys[1]: no JWK")
	f(jwks(with(rs, "use", "enc")), "no key of type")
	f(jwks(hs, with(hs, "k", b64([]byte(secret[1:])))), "keys[1]: k is not 32")
	f(jwks(with(hs, "k", "c2VjcmV0!")), "keys[0]: k")
	f(jwks(with(rs, "n", b64(make([]byte, 256)))), "keys[0]: n is not")
	f(jwks(with(rs, "n", b64([]byte(secret)))), "2048")
	f(jwks(with(rs, "n", b64([]byte(strings.Repeat("z", 2000))))), "8192")
	f(jwks(with(rs, "e", b64([]byte{1}))), "e is not")
	f(jwks(with(rs, "e", b64([]byte{4}))), "e is not")
	f(jwks(with(rs, "e", b64([]byte(secret)))), "e is not")
	f(jwks(with(es, "x", b64([]byte(secret)))), "no point of P-256")
	f(jwks(with(es, "y", es["x"].(string)+"AA")), "32 bytes each")
	f(jwks(hs, es, hs, with(es, "x", "")), "keys[2]: its kid is there twice", "keys[3]: x and y")
	f(jwks(with(hs, "kid", strings.Repeat("k", 257))), "256 bytes")

	var many []map[string]any
	for i := range 65 {
		many = append(many, with(hs, "kid", fmt.Sprint(i)))
	}
	f(jwks(many...), "65 keys")
	delete(many[0], "kid")
	f(jwks(many[:5]...), "keys[0]: no kid: of 5 keys for HS256")
	f(`{"keys":[`+strings.Repeat(" ", 256<<10)+`]}`, "more than 262144 bytes")
}

// TestUnnamedTokens: without a kid a token is tried on few keys only.
func TestUnnamedTokens(t *testing.T) {
	f := func(keys int, want string) {
		t.Helper()
		var signers []signer
		for i := range keys {
			signers = append(signers, hmacKey(fmt.Sprint(i), fmt.Sprint(i)+secret))
		}
		a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(signers...))})
		proves(t, a, cookies(shopperCookie, signers[keys-1].signAs("", ann())))
		if got := l.told(); got != want {
			t.Errorf("%d keys: %s, want %s", keys, got, want)
		}
	}
	f(4, "valid")
	f(5, "unknown-key")
}

// TestKeysAreNotPrinted by any verb.
func TestKeysAreNotPrinted(t *testing.T) {
	set, _, err := auth.ParseKeys([]byte(jwksOf(hmacKey("h", secret))))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, set); got != "<keys>" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

// FuzzParseKeys: no text panics, and what is read can be verified by.
func FuzzParseKeys(f *testing.F) {
	good := hmacKey("h", secret)
	for _, seed := range []string{
		jwksOf(good), jwksOf(rsaKey("r"), good), jwksOf(ecKey(f, "e")), `{"keys":[{"kty":"EC","crv":"P-256"}]}`,
		`{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":null}`, `{"keys":[null]}`, "[", jwks(with(good.public, "key_ops", []string{})),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, passed, err := auth.ParseKeys([]byte(text))
		if (err == nil) != (set.Len() > 0) {
			t.Fatalf("%d keys and %v", set.Len(), err)
		}
		if err != nil {
			if passed != 0 {
				t.Fatalf("%d passed over beside %v", passed, err)
			}
			return
		}
		a, l := app(t, auth.Options{KeysFile: keysFile(t, text)})
		proves(t, a, cookies(shopperCookie, good.signAs("", ann())))
		if got := l.told(); got == "" || got == "no-keys" {
			t.Fatal(got)
		}
	})
}
