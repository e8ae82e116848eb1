package httpcc

// valueForm tells how the argument of a directive was written.
type valueForm uint8

const (
	noValue valueForm = iota
	tokenValue
	quotedValue // value is what stands between the quotes, escapes as they came
)

// member is one directive of a Cache-Control line. Its slices are views.
type member struct {
	name, value []byte
	form        valueForm
	clean       bool // nothing about it, or about what adjoins it, was malformed
}

// scanner takes one Cache-Control line apart (RFC 9111 section 5.2).
//
// It never gives a line up: origins write "private; max-age=60" and "max-age=60
// private", and skipping to the next comma would lose the private. So after a
// malformation it goes on at the very next byte, and marks what it finds as not
// clean until a comma ends the damage.
type scanner struct {
	rest   []byte
	dirty  bool // something malformed since the last comma
	broken bool // a quote without end: nothing up to the end of the line is clean
}

// next gives the next directive; ok is false at the end of the line. The name is
// empty where bytes had to be skipped.
func (s *scanner) next() (m member, ok bool) {
	s.skipSeparators()
	if len(s.rest) == 0 {
		return member{}, false
	}
	before := len(s.rest)
	m.name = s.take(tokenLen(s.rest))
	s.space()
	if len(s.rest) > 0 && s.rest[0] == '=' {
		// White space around "=" is not in the grammar; recipients differ on it.
		s.dirty = s.dirty || len(m.name) == 0 || before != len(s.rest)+len(m.name)
		s.argument(&m)
	}
	s.space()
	s.resync(before)
	m.clean = !s.dirty && !s.broken
	return m, true
}

// skipSeparators passes commas and white space, and forgets damage at a comma.
func (s *scanner) skipSeparators() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ',':
			s.dirty = false
		case ' ', '\t':
		default:
			return
		}
		s.rest = s.rest[1:]
	}
}

// argument reads "=" and what follows it.
func (s *scanner) argument(m *member) {
	s.take(1)
	if s.space() {
		s.dirty = true
	}
	m.form = tokenValue
	if len(s.rest) == 0 || s.rest[0] != '"' {
		m.value = s.take(tokenLen(s.rest))
		return
	}
	n := s.quoted()
	if n == 0 {
		// The quote may have swallowed a no-store: drop it and read on.
		s.take(1)
		return
	}
	quoted := s.take(n)
	m.form, m.value = quotedValue, quoted[1:n-1]
}

// resync marks the damage where no comma follows, and makes sure that the
// scanner gets on, by a whole quoted string where one is in the way: its
// content is not directives.
func (s *scanner) resync(before int) {
	if len(s.rest) == 0 || s.rest[0] == ',' {
		return
	}
	s.dirty = true
	if s.rest[0] == '"' {
		s.take(max(s.quoted(), 1))
	} else if len(s.rest) == before {
		s.take(1)
	}
}

// quoted gives the length of the quoted string ahead, 0 where it has no end. It
// is not looked for twice: a line of quotes would cost its length squared.
func (s *scanner) quoted() (n int) {
	if !s.broken {
		n = quotedLen(s.rest)
		s.broken = n == 0
	}
	return n
}

func (s *scanner) take(n int) []byte {
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// space skips white space and reports whether there was any.
func (s *scanner) space() bool {
	return len(s.take(owsLen(s.rest))) > 0
}
