package auth_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/auth"
	"github.com/aislecache/aisle/tests/ports"
)

// provider is an identity provider's JWKS URL, without a network.
type provider struct {
	mu      sync.Mutex
	text    string
	err     error
	takes   time.Duration
	fetches int
}

func (p *provider) set(text string, err error, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.err, p.takes = text, err, takes
}

// fetched gives the number of fetches since the last time.
func (p *provider) fetched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.fetches
	p.fetches = 0
	return n
}

// RoundTrip implements http.RoundTripper.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.fetches++
	text, err, takes := p.text, p.err, p.takes
	p.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewBufferString(text)), Request: r}, nil
}

// remote is an app whose keys are at p.
func remote(t *testing.T, p *provider) (*auth.Auth, *log) {
	t.Helper()
	return app(t, auth.Options{JWKSURL: "https://u:pass@idp.example/jwks?secret=1", Client: &http.Client{Transport: p}})
}

// bounded calls the app as the Engine does, with 500 ms, and gives the verdicts, and "failed" for an error.
func bounded(t *testing.T, a *auth.Auth, l *log, token string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	out, err := a.Transform(ctx, cookies(shopperCookie, token))
	if ctx.Err() != nil {
		t.Error("the Engine has given up")
	}
	if err != nil {
		if out != nil {
			t.Error("values beside an error")
		}
		return l.told() + " failed"
	}
	return l.told()
}

// TestURLRotates: a key that nobody has seen is fetched at once, but not as often as tokens name such keys.
func TestURLRotates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, none := ecKey(t, "1"), ecKey(t, "2"), ecKey(t, "none")
		p := &provider{text: jwksOf(one)}
		a, l := remote(t, p)
		step := func(s signer, verdict string, fetches int) {
			t.Helper()
			if got := bounded(t, a, l, s.sign(ann("exp", time.Now().Add(100*time.Hour).Unix()))); got != verdict {
				t.Errorf("key %s: %q, want %q", s.id(), got, verdict)
			}
			synctest.Wait()
			if got := p.fetched(); got != fetches {
				t.Errorf("key %s: %d fetches, want %d", s.id(), got, fetches)
			}
		}
		if out := proves(t, a, nil); out != "" || p.fetched() != 0 {
			t.Error("fetched for nobody")
		}
		step(one, "valid", 1)
		step(one, "valid", 0)
		p.set(jwksOf(two, one), nil, 0)
		step(two, "unknown-key", 0) // the last fetch is a moment ago
		time.Sleep(5 * time.Second)
		step(two, "valid", 1)
		step(one, "valid", 0)
		for range 100 {
			step(none, "unknown-key", 0)
		}
		time.Sleep(5 * time.Second)
		step(none, "unknown-key", 1)
		step(none, "unknown-key", 0)

		// A key that is taken away: the call that finds the set old has it fetched, and the next one knows.
		p.set(jwksOf(two), nil, 0)
		time.Sleep(5*time.Minute - time.Second)
		step(one, "valid", 0)
		time.Sleep(time.Second)
		step(one, "valid", 1)
		step(one, "unknown-key", 0)

		// A URL that fails, or gives what is no key set, changes nothing for a day; each fault is told, without the URL's secrets.
		l.loaded()
		for _, text := range []string{"", "{}", `{"keys":null}`, "<html>"} {
			p.set(text, nil, 0)
			time.Sleep(time.Hour)
			step(two, "valid", 1)
		}
		told := l.loaded()
		if strings.Count(told, "bad: not a JWK set") != 4 {
			t.Error(told)
		}
		if strings.Contains(told, "pass") || strings.Contains(told, "secret=1") {
			t.Error(told)
		}
		p.set("", errDown, 0)
		time.Sleep(19 * time.Hour)
		step(two, "valid", 1)
		time.Sleep(time.Hour + time.Minute)
		step(two, "no-keys failed", 1)
		step(two, "no-keys failed", 0)
		p.set(jwksOf(two), nil, 0)
		time.Sleep(5 * time.Second)
		step(two, "valid", 1)
	})
}

// TestURLPassesOver: a key that cannot be used keeps no other from coming or going, is never verified by, and is told.
func TestURLPassesOver(t *testing.T) {
	old, next, weak := ecKey(t, "old"), ecKey(t, "new"), hmacKey("weak", secret[:31])
	published := hmacKey("published", secret)
	f := func(bad signer, told string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			p := &provider{text: jwksOf(old)}
			a, l := remote(t, p)
			is := func(s signer, verdict string) {
				t.Helper()
				if got := bounded(t, a, l, s.sign(ann())); got != verdict {
					t.Errorf("%s: key %s: %q, want %q", told, s.id(), got, verdict)
				}
			}
			is(old, "valid")
			p.set(jwksOf(bad, next), nil, 0)
			time.Sleep(5 * time.Second)
			is(next, "valid")
			is(old, "unknown-key")
			if bad.secret != nil {
				is(bad, "unknown-key")
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			last := l.loads[len(l.loads)-1]
			if last.Err != nil || last.Keys != 1 || last.Passed != 1 || (told != "") != (last.Unusable != nil) ||
				told != "" && last.Unusable.Error() != "keys[0]: "+told {
				t.Errorf("told %+v, want %q", last, told)
			}
		})
	}
	as := func(jwk map[string]any) signer { return signer{public: jwk} }
	rs, es := rsaKey("r").public, ecKey(t, "e").public
	f(as(with(rs, "n", b64([]byte(strings.Repeat("z", 128))))), "n is not an odd number of 2048 to 8192 bits in base64url")
	f(as(with(es, "x", "!")), "x and y are not 32 bytes each in base64url")
	f(as(with(es, "x", es["y"])), "x and y are no point of P-256")
	f(as(with(es, "kid", 7)), "no JWK: a member of another type than RFC 7517 gives it")
	f(weak, "k is not 32 to 1024 bytes in base64url")
	f(published, "of type oct it is a secret, and no key to publish: take a file")
	f(as(jwk("o", "kty", "OKP", "crv", "Ed25519", "x", "AA")), "")
	f(signer{method: next.method, public: jwk("x")}, "")
}

// TestURLOfTwins: of two keys of one kid the first is taken.
func TestURLOfTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, twin := ecKey(t, "1"), ecKey(t, "1")
		a, l := remote(t, &provider{text: jwksOf(one, twin)})
		for _, step := range []struct {
			s    signer
			want string
		}{{one, "valid"}, {twin, "forged"}} {
			if got := bounded(t, a, l, step.s.sign(ann())); got != step.want {
				t.Errorf("%q, want %q", got, step.want)
			}
		}
	})
}

// TestURLUnnamed: keys without a kid give way where a token without one is not tried on so many.
func TestURLUnnamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signers := []signer{ecKey(t, ""), ecKey(t, "1"), ecKey(t, "2"), ecKey(t, "3"), ecKey(t, "4")}
		p := &provider{text: jwksOf(signers[:4]...)}
		a, l := remote(t, p)
		if got := bounded(t, a, l, signers[0].sign(ann())); got != "valid" {
			t.Error(got)
		}
		p.set(jwksOf(signers...), nil, 0)
		time.Sleep(5 * time.Second)
		for i, want := range []string{"valid", "valid", "valid", "valid", "forged"} {
			s := signers[len(signers)-1-i] // the new one first: it has the set fetched
			if got := bounded(t, a, l, s.sign(ann())); got != want {
				t.Errorf("key %q: %q, want %q", s.id(), got, want)
			}
		}
	})
}

// TestURLRevokesAll: a set without usable keys has nobody logged in.
func TestURLRevokesAll(t *testing.T) {
	one, weak := ecKey(t, "1"), hmacKey("weak", secret[:31])
	for _, text := range []string{jwks(), jwksOf(weak), jwks(with(one.public, "use", "enc"))} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{text: jwksOf(one)}
			a, _ := remote(t, p)
			b := newBrowser(t, a)
			token := one.sign(ann())
			b.is("u-ann", "ok", token)
			p.set(text, nil, 0)
			time.Sleep(5 * time.Minute)
			b.is("u-ann", "ok", token) // the call that has them fetched
			synctest.Wait()
			b.is("", "ok", token)
			p.set(jwksOf(one), nil, 0)
			time.Sleep(5 * time.Second)
			b.is("u-ann", "ok", token)
		})
	}
}

// TestURLHangs: a URL that does not answer keeps nobody logged in whose token is over, or whose key is gone.
func TestURLHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, gone := ecKey(t, "1"), ecKey(t, "gone")
		p := &provider{text: jwksOf(one), takes: time.Hour}
		a, l := remote(t, p)
		step := func(token, verdict string) {
			t.Helper()
			if got := bounded(t, a, l, token); got != verdict {
				t.Errorf("%q, want %q", got, verdict)
			}
		}
		step(one.sign(ann()), "no-keys failed")
		step(one.sign(ann("exp", time.Now().Unix())), "expired")
		step("junk", "no-keys failed") // no harm: nothing came of it before

		time.Sleep(time.Minute)
		p.set(jwksOf(one), nil, 400*time.Millisecond) // longer than a call waits
		step(one.sign(ann()), "no-keys failed")
		time.Sleep(time.Second)
		step(one.sign(ann()), "valid") // the fetch outlived the call that began it

		p.set(jwksOf(one), nil, time.Hour)
		time.Sleep(time.Minute)
		step(gone.sign(ann()), "unknown-key")
		step(gone.sign(ann()), "unknown-key")
	})
}

// TestURLHangsWithManyCookies: a token that is over logs out without keys, however many cookies stand before it.
func TestURLHangsWithManyCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := ecKey(t, "1")
		a, l := app(t, auth.Options{JWKSURL: "https://idp.example/", Client: &http.Client{Transport: &provider{err: errDown}}, Cookie: "c.*"})
		in := cookies("cz", one.sign(ann("exp", time.Now().Unix())))
		for _, name := range strings.Split("abcdefghi", "") {
			in.Put(transform.Key{Namespace: transform.CookieNamespace, Name: "c" + name}, transform.TextValue(one.sign(ann())))
		}
		if got := proves(t, a, in); got != "" {
			t.Error(got)
		}
		if got := l.told(); !strings.HasSuffix(got, "no-keys expired") {
			t.Error(got)
		}
	})
}

// TestURLIsFetchedOnce for all who wait for it.
func TestURLIsFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := ecKey(t, "1")
		p := &provider{text: jwksOf(one), takes: 100 * time.Millisecond}
		a, l := remote(t, p)
		token := one.sign(ann())
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if got := proves(t, a, cookies(shopperCookie, token)); got != annIs {
					t.Error(got)
				}
			})
		}
		calls.Wait()
		if n := p.fetched(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		if got := l.loaded(); got != "ok" {
			t.Error(got)
		}
	})
}

// TestClose ends a fetch and whoever waits for it; after it nothing is fetched.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := ecKey(t, "1")
		p := &provider{text: jwksOf(one), takes: time.Hour}
		a, l := remote(t, p)
		var calls sync.WaitGroup
		calls.Go(func() {
			if got := bounded(t, a, l, one.sign(ann())); got != "no-keys failed" {
				t.Error(got)
			}
		})
		synctest.Wait()
		began := time.Now()
		a.Close()
		calls.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
		p.fetched()
		time.Sleep(time.Minute)
		if got := bounded(t, a, l, one.sign(ann())); got != "no-keys failed" || p.fetched() != 0 {
			t.Errorf("%q after Close", got)
		}
	})
}

// TestURLOverTheWire: a real server, and what is no answer.
func TestURLOverTheWire(t *testing.T) {
	s := rsaKey("r")
	good := jwksOf(s, ecKey(t, "e"))
	f := func(want string, handler http.HandlerFunc) {
		t.Helper()
		server := httptest.NewServer(handler)
		defer server.Close()
		a, l := app(t, auth.Options{JWKSURL: server.URL + "/keys"})
		defer a.Close()
		out, err := a.Transform(t.Context(), cookies(shopperCookie, s.sign(ann())))
		if (err == nil) != (want == "ok") || (out != nil) != (want == "ok") {
			t.Errorf("%v, %v, want %s", out, err, want)
		}
		if told := l.loaded(); !strings.Contains(told, want) {
			t.Errorf("%s, want %s", told, want)
		}
	}
	f("ok", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "aisle" || !strings.Contains(r.Header.Get("Accept"), "json") || r.Method != http.MethodGet {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		_, _ = io.WriteString(w, good)
	})
	f("status 500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = io.WriteString(w, good) })
	f("status 302", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/keys" {
			t.Error("followed a redirect")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	f("more than 262144 bytes", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte(" "), 300<<10))
	})
	f("EOF", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5000")
		_, _ = io.WriteString(w, good[:100])
	})

	a, l := app(t, auth.Options{JWKSURL: "http://" + ports.Address(t)})
	if _, err := a.Transform(t.Context(), cookies(shopperCookie, s.sign(ann()))); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if told := l.loaded(); !strings.Contains(told, "refused") {
		t.Error(told)
	}
}
