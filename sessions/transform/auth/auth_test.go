package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform/auth"
)

const secret = "0123456789abcdef0123456789abcdef"

const annIs = "storeUserEmail=ann@x.example storeUserId=u-ann"

// TestAlgorithms: each kind of key logs a shopper in, named by the token or not.
func TestAlgorithms(t *testing.T) {
	f := func(s signer) {
		t.Helper()
		a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(ecKey(t, "other"), s))})
		if got := proves(t, a, cookies(shopperCookie, s.sign(ann()))); got != annIs {
			t.Errorf("%s: %q", s.method.Alg(), got)
		}
		if got := l.told(); got != "valid" {
			t.Errorf("%s: %s", s.method.Alg(), got)
		}
	}
	for _, id := range []string{"k", ""} {
		f(hmacKey(id, secret))
		f(rsaKey(id))
		f(ecKey(t, id))
	}
}

// TestVerdicts: what a token must have to count, and that nothing comes of one that does not.
func TestVerdicts(t *testing.T) {
	s := ecKey(t, "k")
	a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(s)), Issuer: "idp"})
	f := func(want, token string) {
		t.Helper()
		got := proves(t, a, cookies(shopperCookie, token))
		if verdict := l.told(); verdict != want || (got == annIs) != (want == "valid") || got != "" && got != annIs {
			t.Errorf("%s: %q, want %s", verdict, got, want)
		}
	}
	claim := func(want string, changes ...any) {
		t.Helper()
		f(want, s.sign(ann(append([]any{"iss", "idp"}, changes...)...)))
	}
	now := time.Now().Unix()
	claim("valid")
	claim("valid", "exp", float64(now)+900.5)
	claim("valid", "nbf", now+30) // the issuer's clock is ahead
	claim("valid", "extra", map[string]any{"a": []int{1}})
	claim("valid", "audience", "webstore")

	claim("expired", "exp", now)
	claim("expired", "exp", now-1)
	claim("expired", "exp", 0)
	claim("early", "nbf", now+90)
	claim("foreign", "account", "globex")
	claim("foreign", "account", "ACME")
	claim("foreign", "account", nil)
	claim("issuer", "iss", "evil")
	claim("issuer", "iss", nil)
	claim("audience", "audience", "admin")
	claim("audience", "aud", "admin")
	claim("audience", "aud", []string{"x", "admin"})

	claim("malformed", "exp", nil)
	claim("malformed", "exp", "soon")
	claim("malformed", "exp", 1e300)
	claim("malformed", "exp", -1)
	claim("malformed", "nbf", "now")
	claim("malformed", "sub", nil)
	claim("malformed", "sub", "")
	claim("malformed", "sub", []string{"ann@x.example"})
	claim("malformed", "sub", strings.Repeat("a", 513))
	claim("malformed", "userId", nil)
	claim("malformed", "account", true)
	claim("malformed", "isRepresentative", "perhaps")
	claim("malformed", "filler", strings.Repeat("x", 9000))
	f("malformed", "")
	f("malformed", "a.b.c")
	f("malformed", s.sign(ann("iss", "idp"))+".x")
	f("malformed", s.signUnder(map[string]any{"kid": 7}, ann("iss", "idp")))
	f("malformed", s.signUnder(map[string]any{"kid": "k", "crit": []string{"exp"}}, ann("iss", "idp")))

	f("unknown-key", ecKey(t, "else").sign(ann("iss", "idp")))
	f("forged", ecKey(t, "k").sign(ann("iss", "idp")))
	f("forged", ecKey(t, "").sign(ann("iss", "idp")))
	token := s.sign(ann("iss", "idp"))
	f("forged", token[:strings.LastIndex(token, ".")+1])
	f("forged", strings.Replace(token, "."+strings.Split(token, ".")[1]+".", "."+b64([]byte(`{"sub":"bob"}`))+".", 1))
}

// TestAlgorithmConfusion: the key's type says how a token is verified, never the token.
func TestAlgorithmConfusion(t *testing.T) {
	rs, es, hs := rsaKey("r"), ecKey(t, "e"), hmacKey("h", secret)
	a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(rs, es, hs))})
	f := func(want, token string) {
		t.Helper()
		got := proves(t, a, cookies(shopperCookie, token))
		if verdict := l.told(); got != "" || verdict != want {
			t.Errorf("%s: %q, want %s", verdict, got, want)
		}
	}
	// What everybody knows, as a secret.
	for _, public := range []string{rs.public["n"].(string), es.public["x"].(string), jwksOf(rs)} {
		forged := hmacKey("", public)
		f("forged", forged.signAs("r", ann()))
		f("forged", forged.signAs("e", ann()))
		f("forged", forged.signAs("h", ann()))
		f("forged", forged.signAs("", ann()))
	}
	f("forged", rs.signAs("e", ann()))
	f("forged", es.signAs("r", ann()))
	f("forged", hs.signAs("r", ann()))
	f("unknown-key", hs.signAs("R", ann()))

	head := b64([]byte(`{"alg":"none","kid":"h"}`))
	body := strings.Split(hs.sign(ann()), ".")[1]
	f("forged", head+"."+body+".")
	f("malformed", b64([]byte(`{"alg":"nOnE","kid":"h"}`))+"."+body+".")
	f("malformed", b64([]byte(`{"kid":"h"}`))+"."+body+".")
}

// TestClaims: what enters the session.
func TestClaims(t *testing.T) {
	s := hmacKey("k", secret)
	a, _ := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(s))})
	f := func(want string, changes ...any) {
		t.Helper()
		if got := proves(t, a, cookies(shopperCookie, s.sign(ann(changes...)))); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f("customerId=c1 isRepresentative=true "+annIs+" unitId=7", "customerId", "c1", "unitId", 7, "isRepresentative", true)
	f("isRepresentative=false "+annIs, "isRepresentative", "false", "unitId", nil, "customerId", "")
	f("isRepresentative=true "+annIs, "isRepresentative", "true")
	f(annIs, "SUB", "eve@x.example", "UserId", "u-eve") // names are exact

	if got := proves(t, a, nil); got != "" {
		t.Errorf("without cookies: %q", got)
	}
}

// TestRoles: an operator is who has an operator's token, or one that does not say whose it is, in the operator's cookie.
func TestRoles(t *testing.T) {
	s := hmacKey("k", secret)
	shopper, operator := s.sign(ann()), s.sign(ann("sub", "op@acme.example", "userId", "u-op", "audience", "admin"))
	const opIs = "adminUserEmail=op@acme.example adminUserId=u-op"
	keys := keysFile(t, jwksOf(s))
	f := func(o auth.Options, want, verdicts string, pairs ...string) {
		t.Helper()
		o.KeysFile = keys
		a, l := app(t, o)
		if got := proves(t, a, cookies(pairs...)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := l.told(); got != verdicts {
			t.Errorf("verdicts %s, want %s", got, verdicts)
		}
	}
	var o auth.Options
	f(o, annIs, "valid", shopperCookie, shopper)
	f(o, opIs, "valid", adminCookie, operator)
	f(o, opIs+" "+annIs, "valid valid", adminCookie, operator, shopperCookie, shopper)
	unsaid, webstore := s.sign(ann("sub", "op@acme.example", "userId", "u-op")), s.sign(ann("audience", "webstore"))
	f(o, opIs, "valid", adminCookie, unsaid)
	f(o, annIs, "valid", shopperCookie, webstore)
	f(o, "", "audience audience", adminCookie, webstore, shopperCookie, operator)
	f(o, "", "audience", adminCookie, s.sign(ann("aud", []string{"webstore"})))
	f(o, "", "audience", adminCookie, s.sign(ann("audience", "")))
	f(o, opIs, "valid", adminCookie, s.sign(ann("sub", "op@acme.example", "userId", "u-op", "audience", "x", "aud", []string{"admin"})))

	// Several cookies of a role: the first by name that counts.
	many := auth.Options{Cookie: "VtexIdclientAutCookie_.*"}
	bob := s.sign(ann("sub", "bob@x.example", "userId", "u-bob"))
	f(many, annIs, "foreign valid valid", "VtexIdclientAutCookie_a", s.sign(ann("account", "globex")),
		"VtexIdclientAutCookie_b", shopper, "VtexIdclientAutCookie_c", bob)
	f(many, opIs+" "+annIs, "valid valid", adminCookie, operator, shopperCookie, shopper)

	// One pattern for both roles: the token says which it is.
	all := auth.Options{Cookie: "login", AdminCookie: "login"}
	f(all, opIs, "valid", "login", operator)
	f(all, annIs, "valid", "login", shopper) // which does not say
}

// TestStaleCookies: none of them hides the token that counts.
func TestStaleCookies(t *testing.T) {
	s := hmacKey("k", secret)
	a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(s)), Cookie: "c.*", Issuer: "idp"})
	good := s.sign(ann("iss", "idp"))
	f := func(want, verdicts string, stale ...string) {
		t.Helper()
		pairs := []string{"cz", good}
		for i := range 9 {
			pairs = append(pairs, fmt.Sprint("c", i), stale[i%len(stale)])
		}
		if got := proves(t, a, cookies(pairs...)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := l.told(); got != verdicts {
			t.Errorf("verdicts %s, want %s", got, verdicts)
		}
	}
	times := func(verdict string, n int) string { return strings.TrimSpace(strings.Repeat(verdict+" ", n)) }
	f(annIs, "valid "+times("expired", 7), s.sign(ann("iss", "idp", "exp", time.Now().Unix())))
	f(annIs, "valid "+times("foreign", 7), s.sign(ann("iss", "idp", "account", "globex")))
	f(annIs, "valid "+times("issuer", 7), s.sign(ann("iss", "else")))
	f(annIs, "valid "+times("early", 7), s.sign(ann("iss", "idp", "nbf", time.Now().Add(time.Hour).Unix())))
	f(annIs, "valid "+times("malformed", 7), "junk", good[:20], good+strings.Repeat("A", 9000))
	// What says of itself that it counts has to be verified, and only so many are.
	forged := hmacKey("k", "another "+secret).sign(ann("iss", "idp"))
	f("", times("forged", 8), forged)
}

// TestManyCookies: however many there are, eight are verified.
func TestManyCookies(t *testing.T) {
	s := hmacKey("k", secret)
	a, l := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(s)), Cookie: "c.*"})
	var pairs []string
	for i := range 100 {
		pairs = append(pairs, "c"+strings.Repeat("x", i), "junk")
	}
	if got := proves(t, a, cookies(pairs...)); got != "" {
		t.Error(got)
	}
	if got := l.told(); got != strings.TrimSpace(strings.Repeat("malformed ", 8)) {
		t.Error(got)
	}
}

// TestNew: every fault at once.
func TestNew(t *testing.T) {
	f := func(o auth.Options, want ...string) {
		t.Helper()
		_, err := auth.New(o)
		if err == nil {
			t.Errorf("%+v: no error", o)
			return
		}
		for _, word := range want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v, want %q", err, word)
			}
		}
	}
	good := keysFile(t, jwksOf(hmacKey("k", secret)))
	f(auth.Options{Cookie: "(", AdminCookie: "a)|(b"}, "no account", `cookie "("`, `admin_cookie: cookie "a)|(b"`, "want one of keys_file and jwks_url")
	f(auth.Options{Account: "acme", KeysFile: good, JWKSURL: "http://a"}, "want one of")
	f(auth.Options{Account: "acme", KeysFile: good + ".none"}, "shoppers.jwks.none")
	f(auth.Options{Account: "acme", KeysFile: keysFile(t, jwks())}, "shoppers.jwks", "no key")
	f(auth.Options{Account: "acme", KeysFile: t.TempDir()}, "no regular file")
	f(auth.Options{Account: "acme", JWKSURL: "ftp://u:pass@a/"}, "no http or https URL", "u:xxxxx@a")
	f(auth.Options{Account: "acme", JWKSURL: "http://a/#f"}, "no http or https URL")
	f(auth.Options{Account: "acme", JWKSURL: "https:///x"}, "no http or https URL")
	f(auth.Options{Account: "acme", JWKSURL: "http://a", URL: auth.URLOptions{Fresh: -1}}, "negative")
	f(auth.Options{Account: "acme", JWKSURL: "http://a", URL: auth.URLOptions{Keep: time.Second}}, "less than the 5m0s")
	if _, err := auth.New(auth.Options{Account: "acme", JWKSURL: "http://u:pass@a\x00"}); err == nil || strings.Contains(err.Error(), "pass") {
		t.Errorf("%v", err)
	}
}

// TestSpec: the account is not a pattern, and every name is what the public system calls it.
func TestSpec(t *testing.T) {
	a, _ := app(t, auth.Options{Account: "ac.me", KeysFile: keysFile(t, jwksOf(hmacKey("k", secret))), Timeout: time.Second})
	spec := a.Spec()
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	if spec.Name != "authentication" || !spec.Refresh || spec.RunOnCreate || spec.Timeout != time.Second {
		t.Errorf("%+v", spec)
	}
	if diff := cmp.Diff(map[string][]string{"cookie": {`VtexIdclientAutCookie_ac\.me`, "VtexIdclientAutCookie"}}, map[string][]string(spec.Input)); diff != "" {
		t.Error(diff)
	}
	want := []string{"adminUserEmail", "adminUserId", "customerId", "isRepresentative", "storeUserEmail", "storeUserId", "unitId"}
	if diff := cmp.Diff(map[string][]string{"authentication": want}, map[string][]string(spec.Output)); diff != "" {
		t.Error(diff)
	}
}

// TestVerdictNames: each has a word of its own.
func TestVerdictNames(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range auth.Verdicts() {
		name := v.String()
		if name == "" || seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("%d: %q", v, name)
		}
		seen[name] = true
	}
	if len(seen) != 10 || !seen["no-keys"] {
		t.Errorf("%v", seen)
	}
}
