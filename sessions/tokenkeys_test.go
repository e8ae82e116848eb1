package sessions_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
)

func privateKey(t *testing.T, d string) *ecdsa.PrivateKey {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(d)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestTokenKeysSurvive: keys that were written and read verify what was signed before.
func TestTokenKeysSurvive(t *testing.T) {
	keys := []sessions.TokenKey{newKey(t), newKey(t)}
	read, err := sessions.ParseTokenKeys(sessions.FormatTokenKeys(keys))
	if err != nil {
		t.Fatal(err)
	}
	if read[0].ID() != keys[0].ID() || read[1].ID() != keys[1].ID() || len(read) != 2 {
		t.Fatalf("the order changed: %s, %s", read[0].ID(), read[1].ID())
	}
	now := time.Unix(1_700_000_000, 0)
	token := issue(t, newTokens(t, "acme", keys...), now, &sessions.Session{ID: "x", Expires: now.Add(time.Hour)})
	if id, state := newTokens(t, "acme", read...).Verify(now, token); id != "x" {
		t.Errorf("after a restart the token is %v", state)
	}
}

func TestParseTokenKeysFaults(t *testing.T) {
	key := newKey(t)
	text := string(sessions.FormatTokenKeys([]sessions.TokenKey{key}))
	var set map[string][]map[string]string
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	secret := set["keys"][0]["d"]
	changed := func(name, value string) string {
		line := map[string]string{}
		for k, v := range set["keys"][0] {
			line[k] = v
		}
		line[name] = value
		out, err := json.Marshal(map[string]any{"keys": []any{line}})
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	f := func(text, want string) {
		t.Helper()
		_, err := sessions.ParseTokenKeys([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%.60s: the secret is in the error", text)
		}
	}
	f("", "not a JWK set")
	f(secret, "not a JWK set")
	f(`{}`, "no key")
	f(`{"keys":[]}`, "no key")
	f(changed("kty", "RSA"), `keys[0]: kty "RSA"`)
	f(changed("crv", "P-384"), `crv "P-384"`)
	f(changed("kid", ""), "kid must have")
	f(changed("kid", strings.Repeat("k", 65)), "kid must have")
	f(changed("d", ""), "d is not 32 bytes")
	f(changed("d", secret+"="), "d is not 32 bytes")
	f(changed("d", strings.Repeat("A", 43)), "no private key")
	f(changed("x", strings.Repeat("A", 43)), "not the public key of d")
	f(strings.Replace(text, "[", "["+changed("kid", key.ID())[len(`{"keys":[`):len(changed("kid", key.ID()))-2]+",", 1), "not unique")
	f(`{"keys":[{},{"kty":"EC","crv":"P-256"}]}`, "keys[1]")
}

// TestTokenKeyPrintsNoSecret: whatever prints a key, by whatever verb.
func TestTokenKeyPrintsNoSecret(t *testing.T) {
	key := newKey(t)
	text := string(sessions.FormatTokenKeys([]sessions.TokenKey{key}))
	if !strings.Contains(text, `"d"`) {
		t.Fatal("the file holds no secret")
	}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", key)
	inJSON, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprint(key), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", key), fmt.Sprintf("%d", key), string(inJSON)} {
		if strings.Trim(got, `"`) != "<secret>" && got != `"\u003csecret\u003e"` {
			t.Errorf("printed as %s", got)
		}
	}
	if !strings.Contains(out.String(), "<secret>") {
		t.Errorf("logged as %s", out.String())
	}
}

// TestJWKS: others can verify by what is published, and sign by none of it.
func TestJWKS(t *testing.T) {
	keys := []sessions.TokenKey{newKey(t), newKey(t)}
	var got struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(newTokens(t, "acme", keys...).JWKS(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Keys) != 2 {
		t.Fatalf("%d keys", len(got.Keys))
	}
	for i, k := range got.Keys {
		want := map[string]string{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": keys[i].ID(), "x": k["x"], "y": k["y"]}
		if diff := cmp.Diff(want, k); diff != "" || len(k["x"]) != 43 || len(k["y"]) != 43 {
			t.Errorf("key %d (-want +got)\n%s", i, diff)
		}
	}
	if _, err := sessions.ParseTokenKeys(newTokens(t, "acme", keys...).JWKS()); err == nil {
		t.Error("the published set has secrets in it")
	}
}

func FuzzParseTokenKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","d":"AAAA"}]}`))
	f.Add(sessions.FormatTokenKeys([]sessions.TokenKey{newKey(f)}))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := sessions.ParseTokenKeys(text)
		if (err == nil) == (len(keys) == 0) {
			t.Fatalf("%q: %d keys, %v", text, len(keys), err)
		}
		if err != nil {
			return
		}
		again, err := sessions.ParseTokenKeys(sessions.FormatTokenKeys(keys))
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%q: written and read: %d keys, %v", text, len(again), err)
		}
	})
}
