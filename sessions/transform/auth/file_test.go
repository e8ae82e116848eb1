package auth_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
	"github.com/aislecache/aisle/sessions/transform/auth"
)

// TestKeysFileRotates: a new file counts within 2 s, a bad one changes nothing and is told once.
func TestKeysFileRotates(t *testing.T) {
	first, second := hmacKey("1", secret), hmacKey("2", "another "+secret)
	path := keysFile(t, jwksOf(first))
	synctest.Test(t, func(t *testing.T) {
		a, l := app(t, auth.Options{KeysFile: path})
		step := func(s signer, verdict, load string) {
			t.Helper()
			proves(t, a, cookies(shopperCookie, s.sign(ann())))
			if got := l.told(); got != verdict {
				t.Errorf("key %s: %s, want %s", s.id(), got, verdict)
			}
			if got := l.loaded(); got != load && (load != "bad" || !strings.HasPrefix(got, "bad: ") || strings.Contains(got, " | ")) {
				t.Errorf("told %q, want %q", got, load)
			}
		}
		step(first, "valid", "ok")

		write(t, path, jwksOf(second, first))
		step(second, "unknown-key", "") // looked at a moment ago
		time.Sleep(2 * time.Second)
		step(second, "valid", "ok")
		step(first, "valid", "")

		for _, bad := range []string{"", "{", jwks(), jwks(with(first.public, "k", "AA"))} {
			write(t, path, bad)
			time.Sleep(2 * time.Second)
			step(first, "valid", "bad")
			time.Sleep(2 * time.Second)
			step(second, "valid", "") // told once
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		step(first, "valid", "bad: no such file or directory")
		time.Sleep(2 * time.Second)
		step(first, "valid", "")

		write(t, path, jwksOf(second)) // the first is revoked
		time.Sleep(2 * time.Second)
		step(first, "unknown-key", "ok")
		step(second, "valid", "")
	})
}

// TestKeysFileOfEqualSizeAndTime: a key is revoked by a file that looks like the one of before.
func TestKeysFileOfEqualSizeAndTime(t *testing.T) {
	first, second := hmacKey("1", secret), hmacKey("2", secret)
	path := keysFile(t, jwksOf(first))
	synctest.Test(t, func(t *testing.T) {
		a, l := app(t, auth.Options{KeysFile: path})
		in := cookies(shopperCookie, first.sign(ann()))
		if got := proves(t, a, in); got != annIs {
			t.Error(got)
		}
		filewatchtest.Alike(t, path, jwksOf(second))
		time.Sleep(2 * time.Second)
		if got := proves(t, a, in); got != "" {
			t.Errorf("a revoked key proves %s", got)
		}
		if got := l.loaded(); got != "ok | ok" {
			t.Errorf("told %q", got)
		}
	})
}

// TestKeysFileThatIsAPipe is refused at a start, and changes nothing later; nobody waits for it.
func TestKeysFileThatIsAPipe(t *testing.T) {
	s := hmacKey("k", secret)
	path := keysFile(t, jwksOf(s))
	synctest.Test(t, func(t *testing.T) {
		a, l := app(t, auth.Options{KeysFile: path})
		l.loaded()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if got := proves(t, a, cookies(shopperCookie, s.sign(ann()))); got != annIs {
			t.Error(got)
		}
		if got := l.loaded(); got != "bad: no regular file" {
			t.Error(got)
		}
		if _, err := auth.New(auth.Options{Account: "acme", KeysFile: path}); err == nil || err.Error() != "authentication.keys_file: "+path+": no regular file" {
			t.Errorf("%v", err)
		}
	})
}

// TestKeysFileUnderCalls: calls while the file changes see one set or the other, never a mix or none.
func TestKeysFileUnderCalls(t *testing.T) {
	first, second := hmacKey("k", secret), hmacKey("k", "another "+secret)
	path := keysFile(t, jwksOf(first))
	synctest.Test(t, func(t *testing.T) {
		a, l := app(t, auth.Options{KeysFile: path})
		one, two := first.sign(ann()), second.sign(ann("sub", "bob@x.example", "userId", "u-bob"))
		for i := range 20 {
			write(t, path, jwksOf([]signer{second, first}[i%2]))
			time.Sleep(2 * time.Second)
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					got := proves(t, a, cookies(shopperCookie, one))
					if got != annIs && got != "" {
						t.Error(got)
					}
				})
			}
			calls.Wait()
			want := []string{"storeUserEmail=bob@x.example storeUserId=u-bob", ""}[i%2]
			if got := proves(t, a, cookies(shopperCookie, two)); got != want {
				t.Errorf("step %d: %q, want %q", i, got, want)
			}
		}
		if strings.Contains(l.told(), "no-keys") {
			t.Error("a moment without keys")
		}
	})
}
