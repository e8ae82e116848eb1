package proxy

import (
	"bytes"
	"fmt"

	"github.com/aislecache/aisle/cache"
)

// framer follows the requests of one connection on the bytes as they come, before
// fasthttp sees any of them, and refuses what two readers could frame in two ways
// (DESIGN.md, rule 1). fasthttp is lenient where it must not be: it takes
// `Transfer-Encoding: identity` for an empty body whose bytes are the next request,
// makes fields of trailers, and knows no bound of chunk extensions. So trailers and
// extensions, which nobody behind aisle gets, are taken out on the way.
//
// It is the mirror image of upstream's scanner. The zero value is before the first
// request. It allocates only where a line comes in several reads.
type framer struct {
	stage framing
	line  []byte // of a line that has begun, in an earlier read
	size  int    // bytes of this head, trailer section or extension
	blank int    // empty lines before this request
	left  int64  // of a body or chunk; while its size is read, the size
	digit int    // of the size of a chunk
	shown bool   // fasthttp has got a byte of this request
	count uint64 // requests that have begun

	head   bool  // the method is HEAD
	minor  byte  // of HTTP/1.x, as a digit
	coded  bool  // there is Transfer-Encoding: chunked
	length int64 // Content-Length, -1 where there is none
}

// framing is where in a request a framer is.
type framing uint8

const (
	beforeRequest framing = iota // the first byte of a request, or an empty line
	blankEnd                     // LF of an empty line before a request
	requestRow
	headRow      // a field line, or the empty one
	countedBody  // bytes whose number is known
	countedChunk // the same, with CR LF behind them
	chunkDigits
	chunkExtension
	chunkSizeEnd // LF behind the size
	chunkEnd     // CR behind a chunk
	chunkEndEnd  // LF behind it
	trailerStart // the first byte of a trailer line, or the empty line
	trailerRow
	trailerEnd // LF of the empty line
)

// The bounds of what a request may hold beside its body.
const (
	maxBlank     = 4                   // empty lines before a request (RFC 9112, 2.2)
	maxRow       = 32 + maxTarget + 16 // a request line: method, target, version
	maxHead      = readBuffer - 1      // fasthttp's buffer, filled, has an error of its own
	maxTrailer   = 8 << 10             // all trailers
	maxExtension = 256                 // of one chunk
	maxDigits    = 15                  // of the size of a chunk, as in fasthttp
	maxDecimals  = 18                  // of a Content-Length
	keptLine     = 1 << 10             // room that an idle connection keeps for lines
)

// framingFault is the error of a Read whose next bytes are refused.
type framingFault struct {
	reason cache.Reason
	head   bool   // the method was HEAD, so the answer has no body
	number uint64 // of the request on its connection, from 1
}

func (f *framingFault) Error() string { return fmt.Sprintf("refused request: %s", f.reason) }

// feed follows p, which came next, and takes out what fasthttp is not to see: the
// first n bytes of p are for fasthttp. With a reason other than ReasonNone what is
// behind them is refused, and the framer is of no more use. Of a request that is refused
// at least one byte is shown: fasthttp answers only to what has begun.
func (f *framer) feed(p []byte) (n int, reason cache.Reason) {
	for r := 0; r < len(p); {
		k, kept := 1, false // of the bytes at r, and whether fasthttp gets them
		switch {
		case f.startsRow(p[r]):
			k, reason = 0, mustBe(tokenBytes[p[r]])
		case f.stage == countedBody || f.stage == countedChunk:
			k, kept = int(min(f.left, int64(len(p)-r))), true
			f.pass(k)
		case f.stage == requestRow || f.stage == headRow || f.stage == trailerRow:
			kept = f.stage != trailerRow
			k, reason = f.row(p[r:])
		default:
			kept, reason = f.step(p[r])
		}
		if reason != cache.ReasonNone {
			if !f.shown {
				p[n] = '?'
				n++
			}
			return n, reason
		}
		if kept {
			if n < r {
				copy(p[n:], p[r:r+k])
			}
			n += k
			f.shown = f.stage != beforeRequest
		}
		r += k
	}
	return n, cache.ReasonNone
}

// startsRow says whether c begins a line, and takes nothing of it. A first byte that
// begins no method is refused at once: a TLS client on a plain port would wait for
// an answer in vain.
func (f *framer) startsRow(c byte) bool {
	switch {
	case c == '\r':
		return false
	case f.stage == beforeRequest:
		f.stage, f.size, f.blank = requestRow, 0, 0
		f.head, f.coded, f.length = false, false, -1
		f.count++
		return true
	case f.stage == trailerStart:
		f.stage = trailerRow
		return true
	}
	return false
}

// pass lets k bytes of a body or a chunk pass.
func (f *framer) pass(k int) {
	f.left -= int64(k)
	switch {
	case f.left > 0:
	case f.stage == countedChunk:
		f.stage = chunkEnd
	default:
		f.stage = beforeRequest
	}
}

// step takes one byte where single bytes matter; kept says that fasthttp gets it.
func (f *framer) step(c byte) (kept bool, reason cache.Reason) {
	switch f.stage {
	case beforeRequest: // CR, or else it began a row
		f.stage = blankEnd
		return false, cache.ReasonNone
	case blankEnd:
		f.stage, f.blank = beforeRequest, f.blank+1
		if c != '\n' || f.blank > maxBlank {
			f.count, f.head = f.count+1, false // of the request to come: that before is whole
			return false, cache.ReasonBadFraming
		}
		return false, cache.ReasonNone
	case chunkDigits:
		return f.chunkSize(c)
	case chunkExtension:
		f.size++
		if c == '\r' {
			f.stage = chunkSizeEnd
			return true, cache.ReasonNone
		}
		return false, mustBe((c >= ' ' || c == '\t') && c != 0x7f && f.size <= maxExtension)
	case chunkSizeEnd:
		f.stage = countedChunk
		if f.left == 0 {
			f.stage, f.size = trailerStart, 0
		}
	case chunkEnd:
		f.stage = chunkEndEnd
		return true, mustBe(c == '\r')
	case chunkEndEnd:
		f.stage, f.left, f.digit = chunkDigits, 0, 0
	case trailerStart: // the same
		f.stage = trailerEnd
		return true, cache.ReasonNone
	case trailerEnd:
		f.stage = beforeRequest
	}
	return true, mustBe(c == '\n')
}

func mustBe(ok bool) cache.Reason {
	if ok {
		return cache.ReasonNone
	}
	return cache.ReasonBadFraming
}

// chunkSize takes a byte of the line before a chunk. White space around the size, and
// a plus or 0x, are read in more than one way.
func (f *framer) chunkSize(c byte) (kept bool, reason cache.Reason) {
	if v, ok := unhex(c); ok {
		f.left, f.digit = f.left<<4|int64(v), f.digit+1
		return true, mustBe(f.digit <= maxDigits)
	}
	switch {
	case f.digit == 0:
	case c == ';':
		f.stage, f.size = chunkExtension, 0
		return false, cache.ReasonNone
	case c == '\r':
		f.stage = chunkSizeEnd
		return true, cache.ReasonNone
	}
	return false, cache.ReasonBadFraming
}

// row takes a line, or what there is of one at the end of p: n bytes.
func (f *framer) row(p []byte) (n int, reason cache.Reason) {
	if f.stage == headRow && len(f.line) == 0 && (p[0] == ' ' || p[0] == '\t') {
		return 0, cache.ReasonBadField // folded; fasthttp would say so in other words before the line is whole
	}
	n = bytes.IndexByte(p, '\n') + 1
	line := p[:n]
	if n == 0 || len(f.line) > 0 {
		if n == 0 {
			n = len(p)
		}
		f.line = append(f.line, p[:n]...)
		line = f.line
	}
	f.size += n
	if reason := f.bounded(len(line)); reason != cache.ReasonNone || p[n-1] != '\n' {
		return n, reason
	}
	reason = f.wholeRow(line[:len(line)-1])
	if f.line = f.line[:0]; cap(f.line) > keptLine {
		f.line = nil
	}
	return n, reason
}

// wholeRow takes a line without its LF.
func (f *framer) wholeRow(line []byte) cache.Reason {
	text, whole := bytes.CutSuffix(line, crlf[:1])
	if !whole || bytes.IndexByte(text, '\r') >= 0 || bytes.IndexByte(text, 0) >= 0 {
		return cache.ReasonBadFraming // a proxy in front may take what is here one line for two, or the reverse
	}
	switch f.stage {
	case requestRow:
		return f.requestLine(text)
	case headRow:
		if len(text) == 0 {
			return f.endHead()
		}
		return f.fieldLine(text)
	default:
		f.stage = trailerStart
		name, _, colon := bytes.Cut(text, []byte{':'})
		return mustBe(colon && isToken(name))
	}
}

// bounded refuses lines, heads and trailers that are too large, before they are whole.
func (f *framer) bounded(line int) cache.Reason {
	switch {
	case f.stage == requestRow && line > maxRow:
		return cache.ReasonTargetTooLong
	case f.stage == trailerRow && f.size > maxTrailer, f.size > maxHead:
		return cache.ReasonHeadTooLarge
	}
	return cache.ReasonNone
}

// requestLine: RFC 9112, 3. One space between the parts, and of the versions those that
// are spoken here: what a higher minor one would mean behind aisle nobody knows.
func (f *framer) requestLine(line []byte) cache.Reason {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	const form = "HTTP/1."
	if !ok || !ok2 || !isToken(method) || len(target) == 0 || len(version) != len(form)+1 || string(version[:len(form)]) != form || version[len(form)] > '1' || version[len(form)] < '0' {
		return cache.ReasonBadFraming
	}
	if len(target) > maxTarget {
		return cache.ReasonTargetTooLong
	}
	f.stage, f.minor, f.head = headRow, version[len(form)], string(method) == "HEAD"
	return cache.ReasonNone
}

// fieldLine refuses names that are no token, which folded lines and white space
// before the colon make too (RFC 9112, 5.1 and 5.2), and reads what frames.
func (f *framer) fieldLine(line []byte) cache.Reason {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 || !isToken(line[:colon]) {
		return cache.ReasonBadField
	}
	switch {
	case colon == len("content-length") && equalFold(line[:colon], "content-length"):
		return f.contentLength(trimOWS(line[colon+1:]))
	case colon == len("transfer-encoding") && equalFold(line[:colon], "transfer-encoding"):
		return f.transferEncoding(trimOWS(line[colon+1:]))
	}
	return cache.ReasonNone
}

func (f *framer) contentLength(digits []byte) cache.Reason {
	if f.length >= 0 || f.coded || len(digits) == 0 || len(digits) > maxDecimals {
		return cache.ReasonBadFraming
	}
	f.length = 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return cache.ReasonBadFraming
		}
		f.length = f.length*10 + int64(c-'0')
	}
	return cache.ReasonNone
}

// transferEncoding: RFC 9112, 6.1. Of the codings there is chunked alone.
func (f *framer) transferEncoding(value []byte) cache.Reason {
	if f.coded || f.length >= 0 || f.minor == '0' || len(value) == 0 {
		return cache.ReasonBadFraming
	}
	if f.coded = equalFold(value, "chunked"); f.coded {
		return cache.ReasonNone
	}
	for _, c := range value {
		if !tokenBytes[c] && c != ',' && c != ' ' && c != '\t' && c != ';' && c != '=' && c != '"' {
			return cache.ReasonBadFraming
		}
	}
	return cache.ReasonBadCoding
}

// endHead goes on to the body (RFC 9112, 6.3).
func (f *framer) endHead() cache.Reason {
	switch {
	case f.coded:
		f.stage, f.left, f.digit = chunkDigits, 0, 0
	case f.length > 0:
		f.stage, f.left = countedBody, f.length
	default:
		f.stage = beforeRequest
	}
	return cache.ReasonNone
}

// inHead says that the head of a request has begun and not ended, inBody that its body has not.
func (f *framer) inHead() bool { return f.stage == requestRow || f.stage == headRow }

func (f *framer) inBody() bool { return f.stage > headRow }
