package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// proxyHeader is what a balancer says of its client. The zero value says nothing: the
// balancer speaks for itself, as its health checks do.
type proxyHeader struct {
	source netip.AddrPort // invalid where it is not stated
	secure bool           // the client spoke TLS to the balancer
}

const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
	longest1   = 107 // bytes of a header of version 1, CR LF counted
	longest2   = 4 << 10
)

var errProxyHeader = errors.New("no PROXY protocol header")

// readProxyHeader reads a header of version 1 or 2 of HAProxy's specification, "The
// PROXY protocol", and not a byte more: what follows may be TLS. Its error wraps
// errProxyHeader where the bytes are at fault.
func readProxyHeader(r io.Reader) (proxyHeader, error) {
	var start [len(signature2)]byte // every header of version 1 is longer
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return proxyHeader{}, err
	}
	switch {
	case string(start[:]) == signature2:
		return readProxyHeader2(r)
	case strings.HasPrefix(string(start[:]), signature1):
		return readProxyHeader1(r, start[:])
	}
	return proxyHeader{}, fmt.Errorf("%w: %q", errProxyHeader, start)
}

// readProxyHeader1 reads the rest of a line byte by byte, since nobody knows its length.
func readProxyHeader1(r io.Reader, start []byte) (proxyHeader, error) {
	line := append(make([]byte, 0, longest1), start...)
	for !bytes.HasSuffix(line, crlf) {
		if len(line) == longest1 {
			return proxyHeader{}, fmt.Errorf("%w: %q has no end", errProxyHeader, line)
		}
		n := len(line)
		line = line[:n+1]
		if _, err := io.ReadFull(r, line[n:]); err != nil {
			return proxyHeader{}, err
		}
	}
	return parseProxyLine(string(line[:len(line)-len(crlf)]))
}

// parseProxyLine: section 2.1. What follows UNKNOWN is to be ignored.
func parseProxyLine(line string) (proxyHeader, error) {
	if line == "PROXY UNKNOWN" || strings.HasPrefix(line, "PROXY UNKNOWN ") {
		return proxyHeader{}, nil
	}
	fault := fmt.Errorf("%w: %q", errProxyHeader, line)
	parts := strings.Split(line, " ")
	if len(parts) != 6 || parts[1] != "TCP4" && parts[1] != "TCP6" {
		return proxyHeader{}, fault
	}
	source, ok := parseNodeOf(parts[1], parts[2], parts[4])
	_, ok2 := parseNodeOf(parts[1], parts[3], parts[5])
	if !ok || !ok2 {
		return proxyHeader{}, fault
	}
	return proxyHeader{source: source}, nil
}

// parseNodeOf reads an address of a family and a port, in their one canonical form each.
func parseNodeOf(family, address, digits string) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Zone() != "" || addr.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, false
	}
	if digits == "0" {
		return netip.AddrPortFrom(addr, 0), true
	}
	port, ok := parsePort([]byte(digits))
	return netip.AddrPortFrom(addr, port), ok && digits != "" && digits[0] != '0'
}

// The parts of a header of version 2 (section 2.2) that count here.
const (
	commandLocal  = 0x20 // with the version in the upper half
	commandProxy  = 0x21
	familyTCP4    = 0x11
	familyTCP6    = 0x21
	tlvSSL        = 0x20
	sslClientFlag = 0x01
)

func readProxyHeader2(r io.Reader) (proxyHeader, error) {
	var fixed [4]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return proxyHeader{}, err
	}
	length := int(binary.BigEndian.Uint16(fixed[2:]))
	if length > longest2 {
		return proxyHeader{}, fmt.Errorf("%w: %d bytes of addresses", errProxyHeader, length)
	}
	rest := make([]byte, length)
	if _, err := io.ReadFull(r, rest); err != nil {
		return proxyHeader{}, err
	}
	return parseProxyHeader2(fixed[0], fixed[1], rest)
}

// parseProxyHeader2 reads what follows the signature. Families other than TCP state no
// address that could be used; the connection is served as the balancer's own.
func parseProxyHeader2(command, family byte, rest []byte) (proxyHeader, error) {
	if command == commandLocal {
		return proxyHeader{}, nil
	}
	if command != commandProxy {
		return proxyHeader{}, fmt.Errorf("%w: version and command %#x", errProxyHeader, command)
	}
	size := 0 // of one address
	switch family {
	case familyTCP4:
		size = 4
	case familyTCP6:
		size = 16
	default:
		return proxyHeader{}, nil
	}
	if len(rest) < 2*size+4 {
		return proxyHeader{}, fmt.Errorf("%w: %d bytes of addresses", errProxyHeader, len(rest))
	}
	addr, _ := netip.AddrFromSlice(rest[:size])
	h := proxyHeader{source: netip.AddrPortFrom(addr, binary.BigEndian.Uint16(rest[2*size:]))}
	for tlvs := rest[2*size+4:]; len(tlvs) > 0; {
		if len(tlvs) < 3 || len(tlvs) < 3+int(binary.BigEndian.Uint16(tlvs[1:])) {
			return proxyHeader{}, fmt.Errorf("%w: a part of %d bytes is cut off", errProxyHeader, len(tlvs))
		}
		end := 3 + int(binary.BigEndian.Uint16(tlvs[1:]))
		if tlvs[0] == tlvSSL && end > 3 {
			h.secure = tlvs[3]&sslClientFlag != 0
		}
		tlvs = tlvs[end:]
	}
	return h, nil
}
