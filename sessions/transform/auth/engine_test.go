package auth_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
)

// browser is a session with its cookies; each step is a request that writes nothing.
type browser struct {
	t      *testing.T
	engine *transform.Engine
	values transform.Values
	marks  transform.Marks
}

func newBrowser(t *testing.T, a *auth.Auth) *browser {
	t.Helper()
	e, err := transform.New([]transform.App{a}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, engine: e}
}

// is makes a request with a token, "" for none, and wants a shopper, "" for nobody, and an outcome.
func (b *browser) is(shopper, outcome, token string) {
	b.t.Helper()
	change := transform.Change{Marks: b.marks}
	if token != "" {
		change.Cookies = []transform.Cookie{{Name: shopperCookie, Value: token}}
	}
	r, err := b.engine.Run(b.t.Context(), b.values, change)
	if err != nil {
		b.t.Fatal(err)
	}
	b.values, b.marks = r.Values, r.Marks
	var outcomes []string
	for _, c := range r.Calls {
		outcomes = append(outcomes, c.Outcome.String())
	}
	if got := strings.Join(outcomes, " "); got != outcome {
		b.t.Errorf("outcomes %q, want %q", got, outcome)
	}
	if got := r.Values.Text(transform.Key{Namespace: "authentication", Name: "storeUserId"}); got != shopper {
		b.t.Errorf("shopper %q, want %q", got, shopper)
	}
	if (len(r.Values["authentication"]) > 0) != (shopper != "") {
		b.t.Errorf("%v", r.Values["authentication"])
	}
}

// TestLogOut: a cookie that is gone, a token that is over and a key that is revoked each end at the next call.
func TestLogOut(t *testing.T) {
	one, two := hmacKey("1", secret), hmacKey("2", "another "+secret)
	path := keysFile(t, jwksOf(one, two))
	synctest.Test(t, func(t *testing.T) {
		a, _ := app(t, auth.Options{KeysFile: path})
		hour := one.sign(ann())
		bob := two.sign(ann("userId", "u-bob", "exp", time.Now().Add(100*time.Hour).Unix()))

		b := newBrowser(t, a)
		b.is("u-ann", "ok", hour)
		b.is("", "ok", "")
		b.is("u-ann", "ok", hour)
		b.is("u-bob", "ok", bob)
		b.is("", "ok", bob[:len(bob)-4]+"AAAA")

		b.is("u-ann", "ok", hour)
		time.Sleep(time.Hour - time.Second)
		b.is("u-ann", "ok", hour)
		time.Sleep(time.Second)
		b.is("", "ok", hour) // nothing has changed but the time

		b.is("u-bob", "ok", bob)
		write(t, path, jwksOf(one))
		time.Sleep(2 * time.Second)
		b.is("", "ok", bob)
	})
}

// TestKeysThatDoNotCome never log anybody in, nor keep logged in who is another now.
func TestKeysThatDoNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := ecKey(t, "1")
		p := &provider{takes: time.Hour}
		a, _ := remote(t, p)
		week := time.Now().Add(7 * 24 * time.Hour).Unix()
		token, bob := one.sign(ann("exp", week)), one.sign(ann("userId", "u-bob", "exp", week))
		b := newBrowser(t, a)
		b.is("", "timeout", token)
		b.is("", "timeout", token)
		p.set(jwksOf(one), nil, 0)
		time.Sleep(time.Minute)
		b.is("u-ann", "ok", token)

		p.set("", errDown, 0)
		time.Sleep(25 * time.Hour)
		b.is("u-ann", "failed", token) // as far as anybody knows
		b.is("", "failed", bob)
		b.is("", "failed", token)

		p.set(jwksOf(one), nil, 0)
		time.Sleep(time.Minute)
		b.is("u-ann", "ok", token)
		p.set("", nil, time.Hour)
		time.Sleep(5 * 24 * time.Hour)
		b.is("u-ann", "timeout", token)
		time.Sleep(48 * time.Hour)
		b.is("", "ok", token) // over: no key is needed to see that
	})
}

// TestTampering: a token that is changed anywhere proves nothing.
func TestTampering(t *testing.T) {
	for _, s := range []signer{hmacKey("k", secret), rsaKey("k"), ecKey(t, "k")} {
		a, _ := app(t, auth.Options{KeysFile: keysFile(t, jwksOf(s))})
		token := s.sign(ann())
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n"
		rapid.Check(t, func(rt *rapid.T) {
			at := rapid.IntRange(0, len(token)-1).Draw(rt, "at")
			by := alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(rt, "by")]
			if by == token[at] {
				return
			}
			forged := token[:at] + string(by) + token[at+1:]
			if rapid.Bool().Draw(rt, "insert") {
				forged = token[:at] + string(by) + token[at:]
			}
			if forged == token {
				return
			}
			if got := proves(t, a, cookies(shopperCookie, forged)); got != "" {
				rt.Fatalf("%s: %q proves %s", s.method.Alg(), forged, got)
			}
		})
	}
}

// FuzzToken: no text panics, and none but those that were signed proves anything.
func FuzzToken(f *testing.F) {
	s := hmacKey("k", secret)
	good := s.sign(ann("exp", time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC).Unix()))
	for _, seed := range []string{good, s.sign(ann("exp", 0)), "", "..", "a.b.c", b64([]byte(`{"alg":"HS256"}`)) + ".bnVsbA.", good + "=", good[:40]} {
		f.Add(seed)
	}
	a, l := app(f, auth.Options{KeysFile: keysFile(f, jwksOf(s))})
	f.Fuzz(func(t *testing.T, token string) {
		got := proves(t, a, cookies(shopperCookie, token))
		if verdict := l.told(); token != good && (got != "" || verdict == "valid") {
			t.Errorf("%q: %s, %s", token, verdict, got)
		}
	})
}
