package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// glob is a compiled path pattern, one element per path segment. `*` stands for
// any bytes within a segment, none included; `**` for any number of segments,
// none included. It matches canonical paths only. nil is no pattern at all; the
// owner decides what that means.
type glob []globSegment

// globSegment is a segment's literals, with a `*` between each two of them.
type globSegment struct {
	deep  bool // `**`
	parts [][]byte
}

var errGlobForm = errors.New("must begin with `/` and hold neither `?` nor `#`")

// parseGlob compiles a pattern. Its percent-encoding is normalised as that of
// paths, so `/caf%c3%a9`, `/café` and `/caf%C3%A9` are one pattern. The error names
// the pattern; dot segments are refused, since no canonical path has any.
func parseGlob(pattern string) (glob, error) {
	rest, ok := strings.CutPrefix(pattern, "/")
	if !ok || strings.ContainsAny(pattern, "?#") {
		return nil, fmt.Errorf("%q: %w", pattern, errGlobForm)
	}
	var g glob
	for _, s := range strings.Split(rest, "/") {
		if s == "**" {
			g = append(g, globSegment{deep: true})
			continue
		}
		parts, err := globParts(s)
		if err != nil {
			return nil, fmt.Errorf("%q: segment %q: %w", pattern, s, err)
		}
		g = append(g, globSegment{parts: parts})
	}
	return g, nil
}

func globParts(segment string) ([][]byte, error) {
	if strings.Contains(segment, "**") {
		return nil, errors.New("`**` must be a whole segment")
	}
	var parts [][]byte
	for _, literal := range strings.Split(segment, "*") {
		part, ok := appendNormal(nil, []byte(literal))
		if !ok {
			return nil, errors.New("holds bytes that no path has, or a bad percent-encoding")
		}
		parts = append(parts, part)
	}
	if name := bytes.Join(parts, []byte{'*'}); string(name) == "." || string(name) == ".." || hiddenDots(name) {
		return nil, errors.New("no path has dot segments")
	}
	return parts, nil
}

// matches compares with a canonical path, in time that grows with the product of
// both lengths at worst: after a mismatch only the last `**` is tried again,
// one segment further on, which finds a match if there is one.
func (g glob) matches(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	path = path[1:]
	i, at := 0, 0 // the pattern's segment, and where the path's begins
	deep, deepAt := -1, 0
	for at <= len(path) {
		end := segmentEnd(path, at)
		switch {
		case i < len(g) && g[i].deep:
			deep, deepAt = i, at
			i++
		case i < len(g) && g[i].matches(path[at:end]):
			i, at = i+1, end+1
		case deep >= 0:
			deepAt = segmentEnd(path, deepAt) + 1
			i, at = deep+1, deepAt
		default:
			return false
		}
	}
	for i < len(g) && g[i].deep {
		i++
	}
	return i == len(g)
}

func segmentEnd(path []byte, at int) int {
	if n := bytes.IndexByte(path[at:], '/'); n >= 0 {
		return at + n
	}
	return len(path)
}

// matches takes each literal where it first occurs, which leaves the most room
// to those behind it.
func (s *globSegment) matches(segment []byte) bool {
	first, last := s.parts[0], s.parts[len(s.parts)-1]
	if len(s.parts) == 1 {
		return bytes.Equal(segment, first)
	}
	if len(segment) < len(first)+len(last) || !bytes.HasPrefix(segment, first) || !bytes.HasSuffix(segment, last) {
		return false
	}
	segment = segment[len(first) : len(segment)-len(last)]
	for _, part := range s.parts[1 : len(s.parts)-1] {
		i := bytes.Index(segment, part)
		if i < 0 {
			return false
		}
		segment = segment[i+len(part):]
	}
	return true
}
