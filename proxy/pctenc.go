package proxy

// byteSet is a set of bytes; read only once made.
type byteSet [256]bool

func setOf(members string) (s byteSet) {
	for i := range len(members) {
		s[members[i]] = true
	}
	return s
}

const unreservedBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// The classes of RFC 3986, 2 and 3.3, as tables that nobody writes to.
var (
	unreserved = setOf(unreservedBytes)
	// pathBytes may stand raw in a path: pchar and the slash.
	pathBytes = setOf(unreservedBytes + "!$&'()*+,;=:@/")
	// tokenBytes make a method or the name of a field (RFC 9110, 5.6.2).
	tokenBytes = setOf("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
)

const upperHex = "0123456789ABCDEF"

// unhex gives the value of a hex digit, in either case.
func unhex(c byte) (v byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escapeAt reads the percent-encoded byte (RFC 3986, 2.1) that b has at i.
func escapeAt(b []byte, i int) (v byte, ok bool) {
	if i+2 >= len(b) || b[i] != '%' {
		return 0, false
	}
	hi, ok1 := unhex(b[i+1])
	lo, ok2 := unhex(b[i+2])
	return hi<<4 | lo, ok1 && ok2
}

func appendEscape(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// appendDecodedByte appends the byte that an escape stands for where RFC 3986,
// 6.2.2.2, makes the two equal, else the escape with upper-case digits.
func appendDecodedByte(dst []byte, c byte) []byte {
	if unreserved[c] {
		return append(dst, c)
	}
	return appendEscape(dst, c)
}
