package profile

import "encoding/binary"

// packing is how the bytes of a text are kept in memory. Ids, documents and phones are most of a customer, and have few
// different signs. A text has one packed form, so that packed texts can be compared as they are.
type packing uint64

const (
	plain  packing = iota // as they are
	hex                   // two hexadecimal digits in a byte, in lower case
	number                // two signs in a byte, of those that phone numbers and documents are written with
	uuid                  // in the usual form, in lower case

	packingBits = 2
	uuidLength  = 36
)

const (
	hexSigns    = "0123456789abcdef"
	numberSigns = "0123456789+-.() "
)

// appendPacked appends a text, with its length and its packing before it.
func appendPacked(dst []byte, text string) []byte {
	p := packingOf(text)
	dst = binary.AppendUvarint(dst, uint64(len(text))<<packingBits|uint64(p))
	if p == plain {
		return append(dst, text...)
	}
	half, high := byte(0), true
	for i := range len(text) {
		var sign byte
		switch {
		case p == uuid && isDash(i):
			continue
		case p == number:
			sign, _ = numberSign(text[i])
		default:
			sign, _ = hexSign(text[i])
		}
		if high {
			half = sign << 4
		} else {
			dst = append(dst, half|sign)
		}
		high = !high
	}
	if !high {
		dst = append(dst, half)
	}
	return dst
}

func packingOf(text string) packing {
	isNumber, isHex, isUUID := len(text) > 1, len(text) > 1, len(text) == uuidLength
	for i := range len(text) {
		_, n := numberSign(text[i])
		_, h := hexSign(text[i])
		isNumber, isHex = isNumber && n, isHex && h
		isUUID = isUUID && (isDash(i) && text[i] == '-' || !isDash(i) && h)
		if !isNumber && !isHex && !isUUID {
			return plain
		}
	}
	switch {
	case isNumber:
		return number
	case isHex:
		return hex
	case isUUID:
		return uuid
	}
	return plain
}

// isDash says whether a UUID has a dash at i.
func isDash(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

func hexSign(c byte) (sign byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

func numberSign(c byte) (sign byte, ok bool) {
	if c >= '0' && c <= '9' {
		return c - '0', true
	}
	for sign = 10; sign < 16; sign++ {
		if numberSigns[sign] == c {
			return sign, true
		}
	}
	return 0, false
}

// cutPacked splits off the packed text that `from` begins with.
func cutPacked(from []byte) (text, rest []byte) {
	head, n := binary.Uvarint(from)
	length := int(head >> packingBits)
	switch packing(head & (1<<packingBits - 1)) {
	case hex, number:
		length = (length + 1) / 2
	case uuid:
		length = 16
	}
	return from[:n+length], from[n+length:]
}

// unpack is the inverse of appendPacked.
func unpack(packed []byte) string {
	head, n := binary.Uvarint(packed)
	p, signs := packing(head&(1<<packingBits-1)), hexSigns
	packed = packed[n:]
	switch p {
	case plain:
		return string(packed)
	case number:
		signs = numberSigns
	}
	text := make([]byte, head>>packingBits)
	at := 0
	for i := range text {
		if p == uuid && isDash(i) {
			text[i] = '-'
			continue
		}
		text[i] = signs[packed[at/2]>>(4-at%2*4)&0xf]
		at++
	}
	return string(text)
}
