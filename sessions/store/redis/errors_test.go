package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store/acceptance"
	"github.com/aislecache/aisle/sessions/store/redis"
	"github.com/aislecache/aisle/sessions/store/redis/redistest"
)

// TestOutOfMemory: the server refuses writes and answers reads.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	big := strings.Repeat("secret", 20_000)
	var err error
	for i := 0; i < 200 && err == nil; i++ {
		err = s.Save(t.Context(), fmt.Sprint(i), 1, []byte(big), acceptance.Later())
	}
	unavailable(t, err, "out of memory")
	holds(t, s, "0", 1, big)
}

// TestErrorsTellNothing: a server's error reply may quote the command, with an id and what a shopper said. What
// becomes of it in a log must not.
func TestErrorsTellNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--rename-command", "EVALSHA", "gone")
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	err := s.Save(t.Context(), "id-of-shopper", 1, []byte("postal code"), acceptance.Later())
	if err == nil || errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	for _, secret := range []string{"id-of-shopper", "postal", "EVALSHA"} {
		if strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%q tells %q", err, secret)
		}
	}
	if err := s.Bury(t.Context(), "id-of-shopper", acceptance.Later()); err == nil {
		t.Error("a command that is not there was answered")
	}
}

// TestForeignValues: a value that is not ours is an error, not an absence, and is not told.
func TestForeignValues(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := open(t, redis.Options{Addresses: []string{server.Addr}})
	for id, args := range map[string][]string{
		"text": {"SET", "aisle:s:{text}", "secret of someone"},
		"long": {"SET", "aisle:s:{long}", "2" + strings.Repeat("secret", 20)},
		"kind": {"SET", "aisle:s:{kind}", "1" + strings.Repeat("0", 16) + "?" + strings.Repeat("0", 32) + "secret"},
		"hash": {"HSET", "aisle:s:{hash}", "secret", "secret"},
	} {
		if _, err := server.Command(args...); err != nil {
			t.Fatal(err)
		}
		_, err := s.Load(t.Context(), id)
		if err == nil || errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: Load gave %v", id, err)
		}
	}
	err := s.Scan(t.Context(), func(sessions.Stored) error { return nil })
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Scan gave %v", err)
	}
}

func TestOptions(t *testing.T) {
	f := func(o redis.Options, words ...string) {
		t.Helper()
		s, err := redis.Open(o)
		if err == nil {
			_ = s.Close()
			t.Fatalf("%+v was accepted", o)
		}
		if errors.Is(err, sessions.ErrUnavailable) {
			t.Errorf("%v invites to try again", err)
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	one := []string{"127.0.0.1:1"}
	two := []string{"127.0.0.1:1", "127.0.0.1:2"}
	shop := redis.Sentinel{Master: "shop", Addresses: one}
	f(redis.Options{}, "addresses: none")
	f(redis.Options{Sentinel: redis.Sentinel{Master: "shop"}}, "sentinel.addresses: none")
	f(redis.Options{Addresses: one, Sentinel: redis.Sentinel{Addresses: one}}, "sentinel.master: no name")
	f(redis.Options{Addresses: one, Sentinel: shop}, "addresses: with sentinel")
	f(redis.Options{Mode: redis.Cluster, Sentinel: shop}, "exclude each other")
	f(redis.Options{Mode: redis.Single, Addresses: two}, "takes one")
	f(redis.Options{Mode: redis.Cluster, Addresses: two, DB: 1, Prefix: "a{b}"}, "db: a cluster", "braces")
	f(redis.Options{Addresses: one, DB: -1}, "db: -1")
	f(redis.Options{Addresses: one, Password: "hidden", PasswordFile: "x"}, "password_file")
	f(redis.Options{Sentinel: redis.Sentinel{Master: "shop", Addresses: one, Password: "hidden", PasswordFile: "x"}}, "sentinel.password_file")
	f(redis.Options{Sentinel: redis.Sentinel{Master: "shop", Addresses: one, PasswordFile: "/nowhere"}}, "/nowhere")
	f(redis.Options{Addresses: one, TLS: redis.TLS{On: true, CertFile: "x"}}, "needs its key")
	f(redis.Options{Addresses: one, TLS: redis.TLS{On: true, CAFile: "/nowhere"}}, "tls", "/nowhere")
	f(redis.Options{Addresses: one, TLS: redis.TLS{On: true, CAFile: "options.go"}}, "options.go holds no certificate")
	f(redis.Options{Addresses: one, TLS: redis.TLS{On: true, CertFile: "/nowhere", KeyFile: "/nowhere"}}, "/nowhere")
	f(redis.Options{Addresses: one, WaitReplicas: -1}, "wait_replicas: -1")
	f(redis.Options{Addresses: one, WaitReplicas: 1, WaitTimeout: time.Minute}, "wait_timeout: 1m0s")
	f(redis.Options{Addresses: one, ReadTimeout: -1}, "negative")
}

func TestModeWords(t *testing.T) {
	f := func(in string, want redis.Mode, ok bool) {
		t.Helper()
		got, err := redis.ParseMode(in)
		if got != want || (err == nil) != ok {
			t.Errorf("ParseMode(%q) = %v, %v; want %v, %v", in, got, err, want, ok)
		}
		if ok && in != "" && got.String() != in {
			t.Errorf("%v is not %q", got, in)
		}
	}
	f("", redis.Auto, true)
	f("auto", redis.Auto, true)
	f("single", redis.Single, true)
	f("cluster", redis.Cluster, true)
	f("sentinel", 0, false)
	f("unknown", 0, false)
	if got := redis.Mode(200).String(); got != "unknown" {
		t.Errorf("Mode(200) is %q", got)
	}
}
