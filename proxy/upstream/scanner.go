package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// errMalformed is in every error of an answer that the scanner refuses.
var errMalformed = errors.New("malformed answer")

// stage is where in an answer the scanner is.
type stage uint8

const (
	outside   stage = iota // no answer is due
	statusRow              // the status line
	fieldRow               // a field line, or the empty one
	counted                // bytes whose number is known
	chunkSize              // the line before a chunk
	chunkEnd               // the empty line after a chunk
	trailer                // a trailer line, or the empty one
	unbounded              // until the connection closes, or nobody knows
)

// scanner follows the bytes of one answer beside net/http, for what that hides:
//
//   - Where an answer ends. net/http puts a connection back before it has looked
//     for bytes beyond the end, and the next request may take them for its answer:
//     one page under the key of another.
//   - What Connection listed. net/http deletes it where it says `close`.
//   - Framing that RFC 9112, 6.1 and 6.3 call faulty and net/http repairs:
//     Transfer-Encoding beside Content-Length or in HTTP/1.0, white space before
//     a colon, folded lines.
//
// The zero value is outside of any answer. It knows no connection and no lock.
type scanner struct {
	stage  stage
	line   []byte // of a line that has begun
	limit  int    // of one line
	left   int64  // in stage counted
	after  stage  // of stage counted
	head   bool   // the request was HEAD
	status int
	minor  byte // of HTTP/1.x, as a digit
	coded  bool // Transfer-Encoding was there
	length int64

	connection *[]string // the values of Connection so far; whoever expects the answer reads them
}

// expect makes the scanner ready for an answer.
func (s *scanner) expect(head bool, limit int, connection *[]string) {
	*s = scanner{stage: statusRow, line: s.line[:0], limit: limit, head: head, length: -1, connection: connection}
}

// feed follows p, which came next. n is how many bytes of p belong to the
// answer; the others come after its end. An error wraps errMalformed, and then
// the line at fault is among the n bytes without its end.
func (s *scanner) feed(p []byte) (n int, err error) {
	for n < len(p) {
		switch s.stage {
		case outside:
			return n, nil
		case unbounded:
			return len(p), nil
		case counted:
			k := min(s.left, int64(len(p)-n))
			n += int(k)
			s.count(s.left-k, s.after)
		default:
			i := bytes.IndexByte(p[n:], '\n')
			if i < 0 {
				s.line = append(s.line, p[n:]...)
				n = len(p)
				if len(s.line) > s.limit {
					return n, fmt.Errorf("%w: a line of more than %d bytes", errMalformed, s.limit)
				}
				continue
			}
			line := bytes.TrimSuffix(append(s.line, p[n:n+i]...), []byte("\r"))
			s.line = line[:0]
			if err := s.row(line); err != nil {
				return n + i, err
			}
			n += i + 1
		}
	}
	return n, nil
}

// count lets n bytes pass, and goes on to then.
func (s *scanner) count(n int64, then stage) {
	s.stage, s.left, s.after = counted, n, then
	if n == 0 {
		s.stage = then
	}
}

// row takes a line without its end.
func (s *scanner) row(line []byte) error {
	switch s.stage {
	case statusRow:
		return s.statusLine(line)
	case fieldRow:
		if len(line) == 0 {
			s.endHead()
			return nil
		}
		return s.fieldLine(line)
	case chunkSize:
		s.chunk(line)
	case chunkEnd:
		s.stage = chunkSize
	case trailer:
		if len(line) == 0 {
			s.stage = outside
		}
	}
	return nil
}

// statusLine follows RFC 9112, 4, of HTTP/1.x alone.
func (s *scanner) statusLine(line []byte) error {
	const form = "HTTP/1.x 200"
	fault := fmt.Errorf("%w: status line %.80q", errMalformed, line)
	if len(line) < len(form) || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' || len(line) > len(form) && line[len(form)] != ' ' {
		return fault
	}
	status, err := strconv.ParseUint(string(line[9:12]), 10, 16)
	if err != nil || status < 100 || status > 599 || line[7] < '0' || line[7] > '9' || slices.ContainsFunc(line[12:], isControl) {
		return fault
	}
	s.stage, s.status, s.minor = fieldRow, int(status), line[7]
	return nil
}

// isControl tells what a reason phrase cannot have in it (RFC 9112, 4): where it does, the
// answer broke off in its first line and something else follows.
func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }

// fieldLine refuses what RFC 9112, 5.1 and 5.2 forbid, and notes what frames.
func (s *scanner) fieldLine(line []byte) error {
	rawName, value, colon := strings.Cut(string(line), ":")
	if !colon || !isToken(rawName) || strings.ContainsAny(value, "\r\x00") {
		return fmt.Errorf("%w: field line %.80q", errMalformed, line)
	}
	value = strings.Trim(value, " \t")
	switch strings.ToLower(rawName) {
	case "connection":
		*s.connection = append(*s.connection, value)
	case "transfer-encoding":
		s.coded = true
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || s.length >= 0 && s.length != int64(n) {
			return fmt.Errorf("%w: length %.80q", errMalformed, value)
		}
		s.length = int64(n)
	}
	if s.coded && (s.length >= 0 || s.minor == '0') {
		return fmt.Errorf("%w: transfer coding beside a length, or in HTTP/1.0", errMalformed)
	}
	return nil
}

// endHead goes on to what follows the head: RFC 9112, 6.3.
func (s *scanner) endHead() {
	switch {
	case s.status == 101:
		s.stage = unbounded
	case s.status < 200:
		s.expect(s.head, s.limit, s.connection)
		*s.connection = nil
	case s.head || s.status == 204 || s.status == 304:
		s.stage = outside
	case s.coded:
		s.stage = chunkSize
	case s.length >= 0:
		s.count(s.length, outside)
	default:
		s.stage = unbounded
	}
}

// chunk reads the line before a chunk. Faults are net/http's to find; after one
// the end is not known, and the connection is not used again.
func (s *scanner) chunk(line []byte) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	size, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 64)
	switch {
	case err != nil || size > math.MaxInt64:
		s.stage = unbounded
	case size == 0:
		s.stage = trailer
	default:
		s.count(int64(size), chunkEnd)
	}
}
