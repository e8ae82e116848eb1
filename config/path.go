package config

import (
	"strconv"
	"strings"
)

// under is the path of a key in the mapping at a path, or of one further down. A key
// that is no plain word is quoted, so that a dot in it does not read as another level.
func under(at string, keys ...string) string {
	for _, key := range keys {
		switch {
		case !plainKey(key):
			at += "[" + strconv.Quote(key) + "]"
		case at == "":
			at = key
		default:
			at += "." + key
		}
	}
	return at
}

func item(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

func plainKey(key string) bool {
	for _, c := range []byte(key) {
		if !isWordByte(c) && c != '-' {
			return false
		}
	}
	return key != ""
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// above is the path one level up; empty at the top. A quoted key may hold dots and
// brackets: then it stops at one of these, which is no path of the file, and the next
// step goes on from there.
func above(at string) string { return at[:max(strings.LastIndexAny(at, ".["), 0)] }
