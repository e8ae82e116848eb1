package proxy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/aislecache/aisle/proxy"
)

const signature = "\r\n\r\n\x00\r\nQUIT\n"

// header2 is a header of version 2, with the length of what follows.
func header2(command, family byte, rest string) string {
	b := append([]byte(signature), command, family)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(rest)))) + rest
}

func tlv(kind byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value)))) + value
}

const (
	fourToFour = "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"                                                           // 1.2.3.4:80 to 5.6.7.8:443
	sixToSix   = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "::::::::::::::::" + "\xff\xff\x00\x50" // [2001:db8::1]:65535
)

// proxyHeaders are headers with the source that they state and whether the client spoke TLS.
var proxyHeaders = []struct {
	header, source string
	secure         bool
}{
	{"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", "1.2.3.4:80", false},
	{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", false},
	{"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", false},
	{"PROXY TCP6 2001:db8::1 ::1 80 443\r\n", "[2001:db8::1]:80", false},
	{"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false},
	{"PROXY UNKNOWN\r\n", "", false},
	{"PROXY UNKNOWN ffff:f...f:ffff whatever\r\n", "", false},
	{header2(0x21, 0x11, fourToFour), "1.2.3.4:80", false},
	{header2(0x21, 0x21, sixToSix), "[2001:db8::1]:65535", false},
	{header2(0x21, 0x11, fourToFour+tlv(0x20, "\x01\x00\x00\x00\x00")), "1.2.3.4:80", true},
	{header2(0x21, 0x11, fourToFour+tlv(0x20, "\x00\x00\x00\x00\x01")), "1.2.3.4:80", false},
	{header2(0x21, 0x11, fourToFour+tlv(0x20, "\x06\x00\x00\x00\x01")), "1.2.3.4:80", false},
	{header2(0x21, 0x11, fourToFour+tlv(0x04, "\x01\x01\x01")+tlv(0x20, "\x07\x00\x00\x00\x00"+tlv(0x21, "TLSv1.3"))+tlv(0x05, "id")), "1.2.3.4:80", true},
	{header2(0x21, 0x21, sixToSix+tlv(0x20, "\x01\x00\x00\x00\x00")), "[2001:db8::1]:65535", true},
	{header2(0x20, 0x11, fourToFour+tlv(0x20, "\x01\x00\x00\x00\x00")), "", false}, // of the balancer itself
	{header2(0x20, 0x00, ""), "", false},
	{header2(0x21, 0x00, "whatever"), "", false},
	{header2(0x21, 0x12, fourToFour), "", false}, // UDP
	{header2(0x21, 0x31, strings.Repeat("/a\x00", 72)), "", false},
}

// A header is read to its last byte and no further: what follows may be TLS.
func TestReadProxyHeader(t *testing.T) {
	for _, c := range proxyHeaders {
		r := strings.NewReader(c.header + "GET / HTTP/1.1\r\n")
		source, secure, err := proxy.ReadProxyHeader(r)
		rest, _ := io.ReadAll(r)
		want := netip.AddrPort{}
		if c.source != "" {
			want = netip.MustParseAddrPort(c.source)
		}
		if source != want || secure != c.secure || err != nil || string(rest) != "GET / HTTP/1.1\r\n" {
			t.Errorf("%q: %s %v %v, then %q", c.header, source, secure, err, rest)
		}
		for n := range len(c.header) {
			if _, _, err := proxy.ReadProxyHeader(strings.NewReader(c.header[:n])); err == nil {
				t.Errorf("%q is cut off", c.header[:n])
			}
		}
	}
}

func TestReadProxyHeaderRefuses(t *testing.T) {
	f := func(header string) {
		t.Helper()
		source, secure, err := proxy.ReadProxyHeader(strings.NewReader(header + strings.Repeat("x", 200)))
		if !errors.Is(err, proxy.ErrProxyHeader) || source.IsValid() || secure {
			t.Errorf("%q: %s %v %v", header, source, secure, err)
		}
	}
	f("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	f("proxy TCP4 1.2.3.4 5.6.7.8 80 443\r\n")
	f("PROXY  TCP4 1.2.3.4 5.6.7.8 80 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 443 \r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 443 1\r\n")
	f("PROXY UDP4 1.2.3.4 5.6.7.8 80 443\r\n")
	f("PROXY UNKNOWNTCP4\r\n")
	f("PROXY TCP4 ::1 5.6.7.8 80 443\r\n")
	f("PROXY TCP4 1.2.3.4 ::1 80 443\r\n")
	f("PROXY TCP6 1.2.3.4 5.6.7.8 80 443\r\n")
	f("PROXY TCP6 fe80::1%eth0 ::1 80 443\r\n")
	f("PROXY TCP4 1.2.3.04 5.6.7.8 80 443\r\n")
	f("PROXY TCP4 1.2.3 5.6.7.8 80 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 65536 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 080 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 -1 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 +1 443\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 x\r\n")
	f("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n")
	f("PROXY UNKNOWN " + strings.Repeat("x", 100) + "\r\n")
	f(header2(0x11, 0x11, fourToFour))
	f(header2(0x22, 0x11, fourToFour))
	f(header2(0x21, 0x11, fourToFour[:11]))
	f(header2(0x21, 0x21, sixToSix[:35]))
	f(header2(0x21, 0x11, fourToFour+"\x20"))
	f(header2(0x21, 0x11, fourToFour+"\x20\x00\x06\x01\x00\x00\x00\x00"))
	f(header2(0x21, 0x11, fourToFour+tlv(4, strings.Repeat("\x00", 4<<10))))
}

// What a balancer sends leads to no panic, no more is read than a header may have, and
// what is read is the same whatever follows.
func FuzzProxyHeader(f *testing.F) {
	for _, c := range proxyHeaders {
		f.Add([]byte(c.header))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := bytes.NewReader(sent)
		source, secure, err := proxy.ReadProxyHeader(r)
		read := len(sent) - r.Len()
		if read > 16+4<<10 {
			t.Fatalf("%d bytes read", read)
		}
		if err != nil && (source.IsValid() || secure) {
			t.Fatalf("%s %v with %v", source, secure, err)
		}
		if err != nil {
			return
		}
		again, secureAgain, err := proxy.ReadProxyHeader(io.MultiReader(bytes.NewReader(sent[:read]), strings.NewReader("GET")))
		if again != source || secureAgain != secure || err != nil {
			t.Fatalf("%s %v, alone %s %v %v", source, secure, again, secureAgain, err)
		}
	})
}
