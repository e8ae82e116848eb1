package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"github.com/aislecache/aisle/cache"
)

// maxHost bounds a host name (RFC 1035, 2.3.4).
const maxHost = 253

// keyedHost appends the host that stands in the key and goes upstream: that of a
// Host field or an authority (RFC 9110, 7.2), in lower case, without a trailing
// dot, an IPv6 address in its one form (RFC 5952), and with its port only where
// that is not the default one of scheme. statedPort is what a trusted proxy said
// in X-Forwarded-Port; it counts where raw has no port; 0: it said nothing.
// ReasonBadHost is for what is no host: empty, with userinfo, with bytes that no
// host name has, percent-encoded (two readers, two hosts), a port out of range.
func keyedHost(dst, raw []byte, scheme string, statedPort uint16) ([]byte, cache.Reason) {
	name, port, ok := cutPort(raw)
	if !ok {
		return dst, cache.ReasonBadHost
	}
	start := len(dst)
	if raw[0] == '[' {
		dst, ok = appendIPv6(dst, name[1:len(name)-1])
	} else {
		dst, ok = appendHostName(dst, name)
	}
	if !ok {
		return dst[:start], cache.ReasonBadHost
	}
	if port == 0 {
		port = statedPort
	}
	if port != 0 && port != defaultPort(scheme) {
		dst = strconv.AppendUint(append(dst, ':'), uint64(port), 10)
	}
	return dst, cache.ReasonNone
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// cutPort parts a host and its port; an absent or empty one, which RFC 3986,
// 6.2.3, takes for the default, is 0. The host keeps its brackets.
func cutPort(raw []byte) (host []byte, port uint16, ok bool) {
	end := len(raw)
	if len(raw) > 0 && raw[0] == '[' {
		end = bytes.IndexByte(raw, ']') + 1
	} else if colon := bytes.IndexByte(raw, ':'); colon >= 0 {
		end = colon
	}
	if end == 0 {
		return nil, 0, false
	}
	if end == len(raw) {
		return raw, 0, true
	}
	if raw[end] != ':' {
		return nil, 0, false
	}
	port, ok = parsePort(raw[end+1:])
	return raw[:end], port, ok
}

func parsePort(digits []byte) (port uint16, ok bool) {
	if len(digits) == 0 {
		return 0, true
	}
	var n uint32
	for _, c := range digits {
		if c < '0' || c > '9' || len(digits) > 5 {
			return 0, false
		}
		n = n*10 + uint32(c-'0')
	}
	return uint16(n), n > 0 && n <= 65535
}

// appendIPv6 appends an address in brackets; zones and IPvFuture are refused.
func appendIPv6(dst, literal []byte) ([]byte, bool) {
	addr, ok := parseAddr(literal)
	if !ok || !addr.Is6() {
		return dst, false
	}
	return append(addr.AppendTo(append(dst, '[')), ']'), true
}

// parseAddr reads an IP address without a zone and does not allocate.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) == 0 || len(b) > 45 || bytes.IndexByte(b, '%') >= 0 {
		return netip.Addr{}, false
	}
	// The string is a view: ParseAddr keeps its argument in the error alone, and
	// that ends here. A copy would be an allocation per forwarded address.
	addr, err := netip.ParseAddr(unsafe.String(&b[0], len(b)))
	return addr, err == nil
}

// appendHostName appends a name in lower case. Of what RFC 3986 lets into a
// reg-name only letters, digits, "-", "." and "_" name hosts in practice.
func appendHostName(dst, name []byte) ([]byte, bool) {
	name = bytes.TrimSuffix(name, []byte{'.'})
	if len(name) == 0 || len(name) > maxHost {
		return dst, false
	}
	label := 0
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && label > 0:
			label = -1
		default:
			return dst, false
		}
		if label++; label > 63 {
			return dst, false
		}
		dst = append(dst, c)
	}
	return dst, label > 0
}

// hostPattern is one host of an allow-list or a route: an exact one, or with
// suffix all below it. The zero value matches nothing, `any` every host.
type hostPattern struct {
	any    bool
	name   string // lower case; with suffix it begins with a dot
	suffix bool
	port   string // "": any port
}

// parseHostPattern reads `shop.example`, `*.shop.example` or `*`, each with a
// port or without. The error names the pattern.
func parseHostPattern(pattern string) (hostPattern, error) {
	var p hostPattern
	rest, star := strings.CutPrefix(pattern, "*")
	switch {
	case star && (rest == "" || rest[0] == ':'):
		p.any = true
		rest = "any" + rest // a name in its place, so that the port is read below
	case star && rest[0] == '.':
		p.suffix = true
		rest = rest[1:]
	case star:
		return p, fmt.Errorf("%q is no host pattern: `*` stands alone or before a dot", pattern)
	}
	name, port, ok := cutPort([]byte(rest))
	if !ok {
		return p, fmt.Errorf("%q is no host pattern", pattern)
	}
	// With a scheme of neither port the name comes out without any.
	keyed, reason := keyedHost(nil, name, "", 0)
	if reason != cache.ReasonNone {
		return p, fmt.Errorf("%q is no host pattern: %s", pattern, reason)
	}
	if p.name = string(keyed); p.suffix {
		p.name = "." + p.name
	}
	if port != 0 {
		p.port = strconv.Itoa(int(port))
	}
	return p, nil
}

// matches compares with a keyed host. A port 80 or 443 in the pattern is met by
// a host without one, whose scheme's default it was.
func (p *hostPattern) matches(host []byte) bool {
	name, port := host, []byte(nil)
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && host[len(host)-1] != ']' {
		name, port = host[:i], host[i+1:]
	}
	if p.port != "" && string(port) != p.port && (len(port) > 0 || p.port != "80" && p.port != "443") {
		return false
	}
	switch {
	case p.any:
		return true
	case p.suffix:
		return len(name) > len(p.name) && string(name[len(name)-len(p.name):]) == p.name
	}
	return p.name != "" && string(name) == p.name
}

// hostList is the Host allow-list. The zero value allows nothing.
type hostList struct {
	exact    map[string]struct{} // hosts that any port will do for
	patterns []hostPattern
}

// newHostList compiles Options.Hosts; the error names the first bad pattern.
func newHostList(hosts []string) (hostList, error) {
	l := hostList{exact: map[string]struct{}{}}
	for _, h := range hosts {
		p, err := parseHostPattern(h)
		if err != nil {
			return hostList{}, err
		}
		if !p.any && !p.suffix && p.port == "" {
			l.exact[p.name] = struct{}{}
		}
		l.patterns = append(l.patterns, p)
	}
	return l, nil
}

// check gives ReasonUnknownHost for a keyed host that is not on the list, else
// ReasonNone. A host in the map, the ordinary case, costs one look-up however
// long the list is.
func (l *hostList) check(host []byte) cache.Reason {
	if _, ok := l.exact[string(host)]; ok {
		return cache.ReasonNone
	}
	for i := range l.patterns {
		if l.patterns[i].matches(host) {
			return cache.ReasonNone
		}
	}
	return cache.ReasonUnknownHost
}
