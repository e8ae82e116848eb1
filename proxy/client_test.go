package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func fieldLines(lines ...string) (b [][]byte) {
	for _, l := range lines {
		b = append(b, []byte(l))
	}
	return b
}

func prefixes(list ...string) prefixSet {
	var p []netip.Prefix
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return newPrefixSet(p)
}

// seen is a clientInfo in words.
type seen struct {
	Addr, Scheme, Host string
	Port               uint16
	Garbage            bool
}

func checkClient(t *testing.T, peer string, f *forwardingLines, want seen) {
	t.Helper()
	c := whoIs(netip.MustParseAddr(peer), prefixes("10.0.0.0/8", "2001:db8::/32", "::ffff:172.16.0.0/108"), f)
	got := seen{c.addr.String(), c.scheme, string(c.host), c.port, c.garbage}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("peer %s: %s", peer, diff)
	}
}

func TestXForwarded(t *testing.T) {
	f := func(peer, xFor, proto, host, port string, want seen) {
		t.Helper()
		var lines forwardingLines
		for _, p := range []struct {
			slot *[][]byte
			text string
		}{{&lines.xFor, xFor}, {&lines.xProto, proto}, {&lines.xHost, host}, {&lines.xPort, port}} {
			if p.text != "" {
				*p.slot = fieldLines(strings.Split(p.text, "\n")...)
			}
		}
		checkClient(t, peer, &lines, want)
	}
	const lb = "10.0.0.1"
	// A stranger is believed nothing.
	f("203.0.113.9", "1.2.3.4", "https", "evil.example", "99", seen{Addr: "203.0.113.9"})
	f(lb, "", "", "", "", seen{Addr: lb})
	f(lb, "1.2.3.4", "https", "shop.example", "8443", seen{Addr: "1.2.3.4", Scheme: "https", Host: "shop.example", Port: 8443})
	f("::ffff:10.0.0.1", "1.2.3.4", "HTTPS", "", "", seen{Addr: "1.2.3.4", Scheme: "https"})
	f("172.16.3.4", "1.2.3.4", "", "", "", seen{Addr: "1.2.3.4"})
	// What stands left of the first stranger is the stranger's own invention.
	f(lb, "6.6.6.6, 1.2.3.4", "http, https", "evil.example, shop.example", "1, 443", seen{Addr: "1.2.3.4", Scheme: "https", Host: "shop.example", Port: 443})
	f(lb, "6.6.6.6, 1.2.3.4, 10.0.0.7", "ftp, https, http", "", "", seen{Addr: "1.2.3.4", Scheme: "https"})
	f(lb, "6.6.6.6\n1.2.3.4\n10.0.0.7", "https", "shop.example", "", seen{Addr: "1.2.3.4", Scheme: "https", Host: "shop.example"})
	f(lb, "10.0.0.9, 10.0.0.8", "", "", "", seen{Addr: "10.0.0.9"})
	// Forms of addresses.
	f(lb, "1.2.3.4:5555", "", "", "", seen{Addr: "1.2.3.4"})
	f(lb, "[2001:dead::1]:5555", "", "", "", seen{Addr: "2001:dead::1"})
	f(lb, "2001:dead::1", "", "", "", seen{Addr: "2001:dead::1"})
	f(lb, "1.2.3.4, 2001:db8::7", "", "", "", seen{Addr: "1.2.3.4"})
	f(lb, "::ffff:1.2.3.4", "", "", "", seen{Addr: "1.2.3.4"})
	f(lb, " , 1.2.3.4 ,, ", "", "", "", seen{Addr: "1.2.3.4"})
	f(lb, "unknown", "https", "", "", seen{Addr: lb, Scheme: "https"})
	// Garbage ends the walk and is told.
	f(lb, "1.2.3.4, nonsense", "", "", "", seen{Addr: lb, Garbage: true})
	f(lb, "nonsense, 1.2.3.4", "", "", "", seen{Addr: "1.2.3.4"})
	f(lb, "fe80::1%eth0", "", "", "", seen{Addr: lb, Garbage: true})
	f(lb, "[::1", "", "", "", seen{Addr: lb, Garbage: true})
	f(lb, "[]", "", "", "", seen{Addr: lb, Garbage: true})
	f(lb, "1.2.3.4", "gopher", "a b", "x", seen{Addr: "1.2.3.4", Garbage: true})
	f(lb, "1.2.3.4", "", "u@h", "", seen{Addr: "1.2.3.4", Garbage: true})
	f(lb, "1.2.3.4", "", "", "0", seen{Addr: "1.2.3.4", Garbage: true})
}

func TestForwarded(t *testing.T) {
	f := func(lines string, want seen) {
		t.Helper()
		// Without X-Forwarded-For the other X-Forwarded-* lose against Forwarded as a whole.
		checkClient(t, "10.0.0.1", &forwardingLines{
			forwarded: fieldLines(strings.Split(lines, "\n")...),
			xProto:    fieldLines("http"), xHost: fieldLines("lost.example"), xPort: fieldLines("1"),
		}, want)
	}
	f("for=1.2.3.4", seen{Addr: "1.2.3.4"})
	f(`For="1.2.3.4:567";Proto=https;HOST="shop.example:8443";by=10.0.0.1`, seen{Addr: "1.2.3.4", Scheme: "https", Host: "shop.example:8443"})
	f(`for="[2001:dead::1]:4711"`, seen{Addr: "2001:dead::1"})
	f(`for=6.6.6.6;host=evil.example, for=1.2.3.4;proto=https`, seen{Addr: "1.2.3.4", Scheme: "https"})
	f("for=6.6.6.6;proto=http\nfor=1.2.3.4;proto=https;host=shop.example\nfor=10.0.0.2;proto=http", seen{Addr: "1.2.3.4", Scheme: "https", Host: "shop.example"})
	f(`for=1.2.3.4, for=10.0.0.2;proto=https`, seen{Addr: "1.2.3.4", Scheme: "https"})
	f("for=_hidden;proto=https", seen{Addr: "10.0.0.1", Scheme: "https"})
	f(`for="unknown"`, seen{Addr: "10.0.0.1"})
	f("proto=https", seen{Addr: "10.0.0.1", Scheme: "https"})
	f(`for=1.2.3.4;ext="a,b;c=\"x\\";proto=https`, seen{Addr: "1.2.3.4", Scheme: "https"})
	f(`;;for=1.2.3.4;`, seen{Addr: "1.2.3.4"})
	// Quotes that a client leaves open reach no further than its own element.
	f(`for=6.6.6.6;ext=", for=1.2.3.4;proto=https`, seen{Addr: "1.2.3.4", Scheme: "https"})
	f(`for=6.6.6.6;ext="\, for="[2001:dead::1]"`, seen{Addr: "2001:dead::1"})
	// Garbage.
	f("for", seen{Addr: "10.0.0.1", Garbage: true})
	f("for=1.2.3.4;for=5.6.7.8", seen{Addr: "10.0.0.1", Garbage: true})
	f(`for="1.2.3.4`, seen{Addr: "10.0.0.1", Garbage: true})
	f(`for="1\.2.3.4"`, seen{Addr: "10.0.0.1", Garbage: true})
	f("for=1.2.3.4;proto=gopher;host=a@b", seen{Addr: "1.2.3.4", Garbage: true})
	f("for=1.2.3.4, garbage", seen{Addr: "10.0.0.1", Garbage: true})
}

// A proxy that writes X-Forwarded-* alone hands its client's own Forwarded on.
func TestForwardedLosesBesideXForwardedFor(t *testing.T) {
	checkClient(t, "10.0.0.1", &forwardingLines{
		forwarded: fieldLines("for=6.6.6.6;proto=https;host=evil.example"), xFor: fieldLines("1.2.3.4"), xProto: fieldLines("http"),
	}, seen{Addr: "1.2.3.4", Scheme: "http"})
}

func TestXForwardedCountWithoutForwarded(t *testing.T) {
	checkClient(t, "10.0.0.1", &forwardingLines{forwarded: fieldLines(" , "), xFor: fieldLines("1.2.3.4")}, seen{Addr: "1.2.3.4"})
}

func TestAppendForwardedFor(t *testing.T) {
	f := func(peer string, lines *forwardingLines, want string) {
		t.Helper()
		c := whoIs(netip.MustParseAddr(peer), prefixes("10.0.0.0/8"), lines)
		if got := appendForwardedFor(nil, &c, lines.xFor); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("203.0.113.9", &forwardingLines{xFor: fieldLines("6.6.6.6")}, "203.0.113.9")
	f("10.0.0.1", &forwardingLines{}, "10.0.0.1")
	f("10.0.0.1", &forwardingLines{xFor: fieldLines("6.6.6.6, 1.2.3.4", "10.0.0.2,")}, "6.6.6.6, 1.2.3.4, 10.0.0.2, 10.0.0.1")
	f("10.0.0.1", &forwardingLines{forwarded: fieldLines("for=1.2.3.4")}, "1.2.3.4, 10.0.0.1")
	f("::ffff:203.0.113.9", &forwardingLines{}, "203.0.113.9")
}

func TestPrefixSet(t *testing.T) {
	f := func(s prefixSet, addr string, want bool) {
		t.Helper()
		if got := s.contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%v contains %s: %v", s, addr, got)
		}
	}
	f(prefixes("127.0.0.0/8", "::1/128"), "127.9.9.9", true)
	f(prefixes("127.0.0.0/8", "::1/128"), "::ffff:127.0.0.1", true)
	f(prefixes("127.0.0.0/8", "::1/128"), "::1", true)
	f(prefixes("127.0.0.0/8"), "128.0.0.1", false)
	f(prefixes("::ffff:10.0.0.0/104"), "10.1.1.1", true)
	f(prefixes("0.0.0.0/0"), "2001:db8::1", false)
	f(nil, "127.0.0.1", false)
	if (prefixSet{}).contains(netip.Addr{}) || prefixes("0.0.0.0/0").contains(netip.Addr{}) {
		t.Error("the invalid address is in a set")
	}
}

func FuzzForwarded(f *testing.F) {
	f.Add([]byte(`for="[2001:db8::1]:80";proto=https, for=1.2.3.4`), []byte("1.2.3.4, 5.6.7.8"), []byte("https"))
	f.Add([]byte(`for="\`), []byte(`",,"`), []byte(`,`))
	peer := netip.MustParseAddr("10.0.0.1")
	trusted := prefixes("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwarded, xFor, proto []byte) {
		lines := forwardingLines{forwarded: [][]byte{forwarded}, xFor: [][]byte{xFor}, xProto: [][]byte{proto}}
		c := whoIs(peer, trusted, &lines)
		if !c.addr.IsValid() || c.scheme != "" && c.scheme != "http" && c.scheme != "https" {
			t.Fatalf("%+v", c)
		}
		// Whatever a client sent, what the proxy appends decides.
		appended := append(append([]byte{}, forwarded...), `, for="[2001:dead::1]:80";proto=https;host=shop.example`...)
		got := whoIs(peer, trusted, &forwardingLines{forwarded: [][]byte{appended}, xProto: lines.xProto})
		want := clientInfo{peer: peer, addr: netip.MustParseAddr("2001:dead::1"), scheme: "https", host: []byte("shop.example"), trusted: true}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(clientInfo{}), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestClientAllocatesNothing(t *testing.T) {
	peer := netip.MustParseAddr("10.0.0.1")
	trusted := prefixes("10.0.0.0/8")
	for _, lines := range []*forwardingLines{
		{xFor: fieldLines("2001:dead::1, 10.0.0.3"), xProto: fieldLines("https"), xHost: fieldLines("shop.example")},
		{forwarded: fieldLines(`for="[2001:dead::1]:80";proto=https;host=shop.example, for=10.0.0.2`)},
	} {
		dst := make([]byte, 0, 128)
		if n := testing.AllocsPerRun(100, func() {
			c := whoIs(peer, trusted, lines)
			appendForwardedFor(dst, &c, lines.xFor)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// A chain as proxies make it: what the client invented, the client, then trusted
// proxies. In either syntax, however it is spread over lines, the client is found.
func TestClientIsFoundInEveryChain(t *testing.T) {
	invented := rapid.SampledFrom([]string{"6.6.6.6", "10.0.0.66", "junk", `"`, "unknown", "::1", `for="`, "\\"})
	stranger := rapid.SampledFrom([]string{"203.0.113.7", "2001:dead::7"})
	proxy := rapid.SampledFrom([]string{"10.0.0.2", "10.9.9.9", "2001:db8::2"})
	rapid.Check(t, func(t *rapid.T) {
		client := stranger.Draw(t, "client")
		proxies := rapid.SliceOfN(proxy, 0, 3).Draw(t, "proxies")
		inventions := rapid.SliceOfN(invented, 0, 3).Draw(t, "inventions")
		var x, forwarded []string
		for _, s := range inventions {
			x, forwarded = append(x, s), append(forwarded, s)
		}
		for i, s := range append([]string{client}, proxies...) {
			scheme := "http"
			if i == 0 {
				scheme = "https" // only the first proxy speaks TLS
			}
			x, forwarded = append(x, s), append(forwarded, `for="`+bracketed(s)+`";proto=`+scheme)
		}
		want := netip.MustParseAddr(client)
		for _, lines := range []*forwardingLines{{xFor: spread(t, x)}, {forwarded: spread(t, forwarded)}} {
			c := whoIs(netip.MustParseAddr("10.0.0.1"), prefixes("10.0.0.0/8", "2001:db8::/32"), lines)
			if c.addr != want || c.garbage || lines.forwarded != nil && c.scheme != "https" {
				t.Fatalf("%+v from %q %q", c, lines.xFor, lines.forwarded)
			}
		}
	})
}

func bracketed(addr string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]:1"
	}
	return addr
}

// spread puts the members of a list on one line or several.
func spread(t *rapid.T, members []string) (lines [][]byte) {
	for i, m := range members {
		if i > 0 && rapid.Bool().Draw(t, "joined") {
			lines[len(lines)-1] = append(lines[len(lines)-1], ", "+m...)
			continue
		}
		lines = append(lines, []byte(m))
	}
	return lines
}
