package proxy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache"
)

func TestKeyedHost(t *testing.T) {
	f := func(raw, scheme string, port uint16, want string) {
		t.Helper()
		got, reason := keyedHost([]byte("x:"), []byte(raw), scheme, port)
		if reason != cache.ReasonNone || string(got) != "x:"+want {
			t.Errorf("%q: got %q, %s; want %q", raw, got, reason, want)
		}
	}
	f("Shop.EXAMPLE", "https", 0, "shop.example")
	f("shop.example.", "https", 0, "shop.example")
	f("shop.example.:443", "https", 0, "shop.example")
	f("shop.example:443", "http", 0, "shop.example:443")
	f("shop.example:80", "http", 0, "shop.example")
	f("shop.example:00080", "http", 0, "shop.example")
	f("shop.example:", "http", 0, "shop.example")
	f("shop.example:8080", "http", 9999, "shop.example:8080")
	f("shop.example", "http", 9999, "shop.example:9999")
	f("shop.example", "https", 443, "shop.example")
	f("a_b.xn--caf-dma.example", "http", 0, "a_b.xn--caf-dma.example")
	f("192.0.2.1:81", "http", 0, "192.0.2.1:81")
	f("[2001:DB8::0:1]", "http", 0, "[2001:db8::1]")
	f("[2001:db8:0:0::1]:443", "https", 0, "[2001:db8::1]")
	f("[::1]:8080", "http", 0, "[::1]:8080")
	f("[::1]:", "http", 0, "[::1]") // an empty port is the default one
	f(strings.Repeat("a", 63)+".b", "http", 0, strings.Repeat("a", 63)+".b")
}

func TestBadHosts(t *testing.T) {
	f := func(raw string) {
		t.Helper()
		if got, reason := keyedHost([]byte("x"), []byte(raw), "http", 0); reason != cache.ReasonBadHost || string(got) != "x" {
			t.Errorf("%q: got %q, %s", raw, got, reason)
		}
	}
	for _, raw := range []string{
		"", ".", "..", "a..", "a..:80", ":", ":80", "a..b", ".a", "a@b", "user:pw@h", "h/x", "h\\x", "h?x", "h#x", "h x", " h", "h\x00", "caf\xc3\xa9", "h%41", "h,i", "h;i", "*", "a'b",
		"h:x", "h:0", "h:65536", "h:-1", "h:+1", "h:80:80", "h:000080", "h:8 0", "h: 80",
		"[", "[]", "[::1", "::1", "[::1]x", "[::1]:x", "[1.2.3.4]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[v1.x]", "[::1]]", "[[::1]]",
		strings.Repeat("a", 64), strings.Repeat("a.", 130),
	} {
		f(raw)
	}
}

func TestHostList(t *testing.T) {
	l, err := newHostList([]string{"Shop.example", "*.wild.example", "ported.example:8443", "plain.example:443", "[2001:db8::1]", "[::1]:99"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(host string, want cache.Reason) {
		t.Helper()
		if got := l.check([]byte(host)); got != want {
			t.Errorf("%q: got %s, want %s", host, got, want)
		}
	}
	f("shop.example", cache.ReasonNone)
	f("shop.example:8080", cache.ReasonNone)
	f("xshop.example", cache.ReasonUnknownHost)
	f("shop.example.evil", cache.ReasonUnknownHost)
	f("a.wild.example", cache.ReasonNone)
	f("a.b.wild.example:81", cache.ReasonNone)
	f("wild.example", cache.ReasonUnknownHost)
	f(".wild.example", cache.ReasonUnknownHost)
	f("evilwild.example", cache.ReasonUnknownHost)
	f("ported.example:8443", cache.ReasonNone)
	f("ported.example", cache.ReasonUnknownHost)
	f("ported.example:84430", cache.ReasonUnknownHost)
	f("plain.example", cache.ReasonNone) // the default port is gone from the keyed host
	f("plain.example:80", cache.ReasonUnknownHost)
	f("[2001:db8::1]", cache.ReasonNone)
	f("[2001:db8::1]:81", cache.ReasonNone)
	f("[2001:db8::2]", cache.ReasonUnknownHost)
	f("[::1]:99", cache.ReasonNone)
	f("[::1]", cache.ReasonUnknownHost)
	f("", cache.ReasonUnknownHost)
}

func TestHostListForAllAndForNone(t *testing.T) {
	f := func(hosts []string, host string, want cache.Reason) {
		t.Helper()
		l, err := newHostList(hosts)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.check([]byte(host)); got != want {
			t.Errorf("%q, %q: %s", hosts, host, got)
		}
	}
	f([]string{"*"}, "any.example:1", cache.ReasonNone)
	f([]string{"*:8080"}, "any.example:8080", cache.ReasonNone)
	f([]string{"*:8080"}, "any.example", cache.ReasonUnknownHost)
	f(nil, "any.example", cache.ReasonUnknownHost)
	var zero hostList
	if zero.check([]byte("x")) != cache.ReasonUnknownHost {
		t.Error("the zero list allows a host")
	}
}

func TestBadHostPatterns(t *testing.T) {
	f := func(pattern string) {
		t.Helper()
		if _, err := newHostList([]string{"good.example", pattern}); err == nil || !strings.Contains(err.Error(), `"`+pattern) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	f("")
	f("*x")
	f("**")
	f("*.")
	f("a.*.b")
	f("a b")
	f("h:x")
	f("http://h")
	f("*.x:0")
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"shop.example:80", "[::1]:443", "a..b", "u@h", "[fe80::1%25x]", "h:99999"} {
		f.Add([]byte(s))
	}
	all, err := newHostList([]string{"*"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, reason := keyedHost(nil, raw, "https", 0)
		if reason != cache.ReasonNone {
			return
		}
		twice, reason := keyedHost(nil, once, "https", 0)
		if reason != cache.ReasonNone || string(once) != string(twice) {
			t.Fatalf("%q: first %q, then %q (%s)", raw, once, twice, reason)
		}
		if strings.ContainsAny(string(once), "@/\\?# %ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.HasSuffix(string(once), ":443") && once[0] != '[' {
			t.Fatalf("%q: keyed as %q", raw, once)
		}
		if all.check(once) != cache.ReasonNone {
			t.Fatalf("%q is not in *", once)
		}
	})
}

func TestHostAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 256)
	l, err := newHostList([]string{"shop.example", "*.b.example"})
	if err != nil {
		t.Fatal(err)
	}
	hosts := [][]byte{[]byte("Shop.Example:443"), []byte("a.b.example"), []byte("[2001:db8::1]:8080")}
	if n := testing.AllocsPerRun(100, func() {
		for _, h := range hosts {
			keyed, _ := keyedHost(buf, h, "https", 0)
			l.check(keyed)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The list against an oracle on strings.
func TestHostListAgainstOracle(t *testing.T) {
	name := rapid.StringMatching(`(a\.|b\.){0,2}(x|y)\.example`)
	pattern := rapid.Custom(func(t *rapid.T) string {
		p := name.Draw(t, "name")
		if rapid.Bool().Draw(t, "wild") {
			p = "*." + p
		}
		return p + rapid.SampledFrom([]string{"", "", ":81"}).Draw(t, "port")
	})
	rapid.Check(t, func(t *rapid.T) {
		patterns := rapid.SliceOfN(pattern, 0, 3).Draw(t, "patterns")
		host, port := name.Draw(t, "host"), rapid.SampledFrom([]string{"", ":81", ":82"}).Draw(t, "port")
		l, err := newHostList(patterns)
		if err != nil {
			t.Fatal(err)
		}
		want := cache.ReasonUnknownHost
		for _, p := range patterns {
			bare, patternPort, _ := strings.Cut(p, ":")
			suffix, wild := strings.CutPrefix(bare, "*")
			if (patternPort == "" || port == ":"+patternPort) && (!wild && host == bare || wild && strings.HasSuffix(host, suffix)) {
				want = cache.ReasonNone
			}
		}
		if got := l.check([]byte(host + port)); got != want {
			t.Fatalf("%q in %q: got %s, want %s", host+port, patterns, got, want)
		}
	})
}

// However a host is written, it is keyed as one.
func TestWritingsOfOneHost(t *testing.T) {
	f := func(scheme, want string, writings ...string) {
		t.Helper()
		for _, w := range writings {
			if got, reason := keyedHost(nil, []byte(w), scheme, 0); reason != cache.ReasonNone || string(got) != want {
				t.Errorf("%q: %q, %s", w, got, reason)
			}
		}
	}
	f("https", "shop.example", "shop.example", "SHOP.EXAMPLE", "shop.example.", "Shop.example:443", "shop.example.:0443", "shop.example:")
	f("http", "[2001:db8::1]", "[2001:db8::1]", "[2001:DB8:0:0:0:0:0:1]:80", "[2001:0db8::0001]:")
}
