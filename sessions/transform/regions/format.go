package regions

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Format is how the id of a region is written (facts, part 5). The zero value is V2.
type Format uint8

// The formats.
const (
	V2 Format = iota // "v2." and 32 upper-case hex digits, a hash of the set of sellers
	V1               // base64 of "SW#" and the sellers with ";" between; grows with them
	numFormats
)

var formatNames = [numFormats]string{"v2", "v1"}

// String returns the word used in the configuration.
func (f Format) String() string { return formatNames[f] }

// UnmarshalText implements encoding.TextUnmarshaler. An empty text is V2.
func (f *Format) UnmarshalText(text []byte) error {
	switch string(text) {
	case "", "v2":
		*f = V2
	case "v1":
		*f = V1
	default:
		return fmt.Errorf("%q is no format of region ids: want v1 or v2", text)
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

const plainPrefix = "SW#"

// ID is the id of a set of sellers, which must be sorted: equal sets have equal ids, so that their shoppers share pages.
// Without sellers it is that of the empty region, where nobody delivers: U1cj in V1.
func (f Format) ID(sellers []string) string {
	plain := plainPrefix + strings.Join(sellers, ";")
	if f == V1 {
		return base64.StdEncoding.EncodeToString([]byte(plain))
	}
	// 128 bits of it, as the public form has room for.
	sum := sha256.Sum256([]byte(plain))
	return fmt.Sprintf("v2.%X", sum[:16])
}

// sellersOf reads the sellers of an id in V1, with or without padding; ok is false for anything else.
func sellersOf(id string) (sellers []string, ok bool) {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(id, "="))
	if err != nil {
		return nil, false
	}
	list, ok := strings.CutPrefix(string(plain), plainPrefix)
	if !ok {
		return nil, false
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ';' }), true
}
