package proxy

import (
	"bytes"
	"net/netip"

	"github.com/aislecache/aisle/cache"
)

// prefixSet is a set of addresses, from newPrefixSet. The zero value is empty.
type prefixSet []netip.Prefix

// newPrefixSet copies the prefixes. IPv4 in IPv6 form becomes IPv4, as do the
// addresses that are looked up.
func newPrefixSet(prefixes []netip.Prefix) prefixSet {
	s := make(prefixSet, 0, len(prefixes))
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		s = append(s, p)
	}
	return s
}

// contains says whether an address is in one of the prefixes.
func (s prefixSet) contains(addr netip.Addr) bool {
	addr = addr.Unmap()
	for _, p := range s {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwardingLines are the lines, in order, of the fields that proxies state the
// client in. All are views; they are looked at for a trusted peer only.
type forwardingLines struct {
	forwarded                  [][]byte // RFC 7239
	xFor, xProto, xHost, xPort [][]byte
}

// clientInfo is who asked, as far as it can be believed.
type clientInfo struct {
	peer    netip.Addr // who the connection is with
	addr    netip.Addr // never invalid where the peer's is not
	scheme  string     // "http", "https"; "" where nobody who is believed said so
	host    []byte     // a view, as it was stated, fit for keyedHost; nil where not
	port    uint16     // 0 where not stated
	trusted bool       // the peer is a trusted proxy
	garbage bool       // something a trusted peer sent was unreadable, and ignored
}

// whoIs finds the client behind trusted proxies. The chain is walked from the
// right, where the nearest proxy writes, over addresses that are trusted, to the
// first that is not: that is the client. Whatever stands further left the client
// may have written itself. Scheme and host are those that the same element
// states, since it was written by the proxy that the client spoke to; where it
// states none, those of the elements on its right, the nearest first.
// Where X-Forwarded-For is there Forwarded is not looked at: nearly every proxy
// writes the one, few the other, and what a proxy does not write it lets its
// client write. Nothing is an error: what cannot be read ends the walk and is flagged.
func whoIs(peer netip.Addr, trusted prefixSet, f *forwardingLines) clientInfo {
	c := clientInfo{peer: peer.Unmap(), addr: peer.Unmap()}
	if c.trusted = trusted.contains(peer); !c.trusted {
		return c
	}
	if len(f.xFor) > 0 || !c.walkForwarded(trusted, f.forwarded) {
		c.walkX(trusted, f)
	}
	return c
}

// walkForwarded reads Forwarded; false says that there is none.
func (c *clientInfo) walkForwarded(trusted prefixSet, lines [][]byte) (found bool) {
	list := fromRight{lines: lines, quoted: true}
	for element, ok := list.next(); ok; element, ok = list.next() {
		found = true
		hop, ok := parseForwarded(element)
		if !ok {
			c.garbage = true
			return true
		}
		c.state(hop.proto, hop.host)
		if !c.step(trusted, hop.node) {
			return true
		}
	}
	return found
}

// walkX reads X-Forwarded-For beside the lists of -Proto and -Host. These need
// not be as long: a proxy may overwrite them where it appends an address. Then
// their leftmost member stands for all that lies further left.
func (c *clientInfo) walkX(trusted prefixSet, f *forwardingLines) {
	addrs, protos, hosts := fromRight{lines: f.xFor}, fromRight{lines: f.xProto}, fromRight{lines: f.xHost}
	ports := fromRight{lines: f.xPort}
	for {
		proto, _ := protos.next()
		host, _ := hosts.next()
		c.state(proto, host)
		if digits, ok := ports.next(); ok {
			c.statePort(digits)
		}
		node, ok := addrs.next()
		if !ok || !c.step(trusted, node) {
			return
		}
	}
}

// state notes what one element says about how the client asked; it overwrites
// what elements on its right said.
func (c *clientInfo) state(proto, host []byte) {
	switch {
	case bytes.EqualFold(proto, []byte("https")):
		c.scheme = "https"
	case bytes.EqualFold(proto, []byte("http")):
		c.scheme = "http"
	case len(proto) > 0:
		c.garbage = true
	}
	if len(host) == 0 {
		return
	}
	var scratch [maxHost + 8]byte
	if _, reason := keyedHost(scratch[:0], host, "", 0); reason != cache.ReasonNone {
		c.garbage = true
		return
	}
	c.host = host
}

func (c *clientInfo) statePort(digits []byte) {
	port, ok := parsePort(digits)
	if !ok {
		c.garbage = true
		return
	}
	c.port = port
}

// step takes the address that an element names for the client's, and says
// whether it is itself a trusted proxy, so that the walk goes on. Nodes without
// an address (unknown, _obfuscated, nothing) end it silently.
func (c *clientInfo) step(trusted prefixSet, node []byte) bool {
	if len(node) == 0 || node[0] == '_' || bytes.EqualFold(node, []byte("unknown")) {
		return false
	}
	addr, ok := parseNode(node)
	if !ok {
		c.garbage = true
		return false
	}
	c.addr = addr.Unmap()
	return trusted.contains(c.addr)
}

// parseNode reads an address, with or without a port (RFC 7239, 6; several load
// balancers write one into X-Forwarded-For too).
func parseNode(node []byte) (netip.Addr, bool) {
	switch {
	case node[0] == '[':
		end := bytes.IndexByte(node, ']')
		if end < 0 || end+1 < len(node) && node[end+1] != ':' {
			return netip.Addr{}, false
		}
		node = node[1:end]
	case bytes.Count(node, []byte{':'}) == 1:
		node = node[:bytes.IndexByte(node, ':')]
	}
	return parseAddr(node)
}

// fromRight gives the members of a list field from the last to the first, empty
// ones left out. Reading from that end is what makes it safe: an open quote or
// junk that a client sent cannot swallow what a proxy appended to its line.
type fromRight struct {
	lines  [][]byte // those not begun yet
	rest   []byte
	quoted bool // commas within quoted strings part nothing
}

func (l *fromRight) next() (member []byte, ok bool) {
	for {
		for len(l.rest) == 0 {
			if len(l.lines) == 0 {
				return nil, false
			}
			l.rest = l.lines[len(l.lines)-1]
			l.lines = l.lines[:len(l.lines)-1]
		}
		comma := l.lastComma()
		member = bytes.Trim(l.rest[comma+1:], " \t")
		l.rest = l.rest[:max(comma, 0)]
		if len(member) > 0 {
			return member, true
		}
	}
}

// lastComma gives the place of the last comma that parts members, or -1.
func (l *fromRight) lastComma() int {
	if !l.quoted {
		return bytes.LastIndexByte(l.rest, ',')
	}
	inside := false
	for i := len(l.rest) - 1; i >= 0; i-- {
		switch c := l.rest[i]; {
		case c == '"' && !escaped(l.rest, i, inside):
			inside = !inside
		case c == ',' && !inside:
			return i
		}
	}
	return -1
}

// escaped says whether the quote at i is one within a quoted string: only there
// does a backslash count, and only an odd number of them.
func escaped(b []byte, i int, inside bool) bool {
	n := 0
	for inside && i-n > 0 && b[i-n-1] == '\\' {
		n++
	}
	return n%2 == 1
}

// forwardedHop is one element of Forwarded; views, without quotes.
type forwardedHop struct{ node, proto, host []byte }

// parseForwarded reads one forwarded-element (RFC 7239, 4). Unknown parameters
// are passed over; one of ours twice, or written outside of the grammar, spoils
// the element as a whole.
func parseForwarded(element []byte) (hop forwardedHop, ok bool) {
	for len(element) > 0 {
		var pair []byte
		pair, element = cutPair(element)
		name, value, has := bytes.Cut(bytes.Trim(pair, " \t"), []byte{'='})
		if len(name) == 0 && !has {
			continue // an empty pair is in the grammar
		}
		if !has || !hop.set(name, value) {
			return forwardedHop{}, false
		}
	}
	return hop, true
}

func (h *forwardedHop) set(name, value []byte) bool {
	var slot *[]byte
	switch {
	case bytes.EqualFold(name, []byte("for")):
		slot = &h.node
	case bytes.EqualFold(name, []byte("proto")):
		slot = &h.proto
	case bytes.EqualFold(name, []byte("host")):
		slot = &h.host
	default:
		return true
	}
	value, ok := unquote(value)
	if !ok || *slot != nil {
		return false
	}
	*slot = value
	return true
}

// cutPair parts an element at its first semicolon outside of quotes.
func cutPair(element []byte) (pair, rest []byte) {
	inside := false
	for i := 0; i < len(element); i++ {
		switch c := element[i]; {
		case c == '\\' && inside:
			i++
		case c == '"':
			inside = !inside
		case c == ';' && !inside:
			return element[:i], element[i+1:]
		}
	}
	return element, nil
}

// unquote takes the quotes off a value. No value that is of use here needs an
// escape, so one with a backslash is refused; so is a stray quote.
func unquote(value []byte) ([]byte, bool) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return value, bytes.IndexByte(value, '"') < 0 && bytes.IndexByte(value, '\\') < 0
}

// appendForwardedFor appends the X-Forwarded-For value of a pass: what a trusted
// peer said in xFor, then the peer. Where it spoke in Forwarded alone, the client
// found there stands for its chain; what a stranger said is not handed on.
func appendForwardedFor(dst []byte, c *clientInfo, xFor [][]byte) []byte {
	start := len(dst)
	if c.trusted {
		for _, line := range xFor {
			if line = bytes.Trim(line, " \t,"); len(line) > 0 {
				dst = append(append(dst, line...), ", "...)
			}
		}
	}
	if c.addr != c.peer && len(dst) == start {
		dst = append(c.addr.AppendTo(dst), ", "...)
	}
	return c.peer.AppendTo(dst)
}
