package segment

import (
	"bytes"
	"encoding/json"
)

// scanner walks JSON text that json.Valid has accepted, so it checks nothing itself. json.Decoder would hand out the
// same tokens at ten times the cost, and strangers choose how many cookies we decode.
type scanner struct{ rest []byte }

// next skips white space and returns the byte that begins a value; of a string or a container it is consumed.
func (s *scanner) next() byte {
	s.skip(" \t\r\n")
	c := s.rest[0]
	if c == '"' || c == '{' || c == '[' {
		s.rest = s.rest[1:]
	}
	return c
}

func (s *scanner) skip(chars string) {
	for len(s.rest) > 0 && bytes.IndexByte([]byte(chars), s.rest[0]) >= 0 {
		s.rest = s.rest[1:]
	}
}

// more goes on to the next member of a container and tells whether there is one; the closing bracket is consumed.
func (s *scanner) more() bool {
	s.skip(" \t\r\n,")
	if c := s.rest[0]; c == '}' || c == ']' {
		s.rest = s.rest[1:]
		return false
	}
	return true
}

// name reads a member name and the colon.
func (s *scanner) name() string {
	s.next()
	name := s.text()
	s.skip(" \t\r\n:")
	return name
}

// text reads a string after its opening quote.
func (s *scanner) text() string {
	end, escaped := 0, false
	for s.rest[end] != '"' {
		if s.rest[end] == '\\' {
			escaped = true
			end++
		}
		end++
	}
	raw := s.rest[:end]
	s.rest = s.rest[end+1:]
	if !escaped {
		return string(raw)
	}
	return unescapeJSON(raw)
}

// unescapeJSON leaves the surrogates to encoding/json; a lone one becomes U+FFFD, as it does in every UTF-8 writer.
func unescapeJSON(raw []byte) string {
	var text string
	quoted := append(append([]byte{'"'}, raw...), '"')
	if err := json.Unmarshal(quoted, &text); err != nil {
		panic("BUG: valid JSON with an invalid string: " + err.Error())
	}
	return text
}

// literal reads a number, true, false or null.
func (s *scanner) literal() []byte {
	end := bytes.IndexAny(s.rest, " \t\r\n,]}")
	if end < 0 {
		end = len(s.rest)
	}
	raw := s.rest[:end]
	s.rest = s.rest[end:]
	return raw
}
