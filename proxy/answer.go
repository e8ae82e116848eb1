package proxy

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/cache/httpcc"
)

// answerHead is the head of an answer being written: the exact bytes, and what
// the filter has seen of the origin's fields.
type answerHead struct {
	out         []byte
	scope       cache.Scope
	noStore     bool         // the origin said no-store
	date        bool         // there is a Date
	ranges      bool         // aisle itself says what of parts is to be said
	part        bool         // the answer is a part of the page
	rules       *headerRules // the route's; may be nil
	cacheStatus []byte       // the members of caches nearer to the origin (RFC 9211, 2)
	via         []byte       // the members of proxies nearer to the origin
	lower       []byte       // scratch
}

// startHead begins an answer with its status line.
func (x *exchange) startHead(status int) *answerHead {
	h := &x.out
	h.out, h.noStore, h.date, h.cacheStatus, h.via = h.out[:0], false, false, h.cacheStatus[:0], h.via[:0]
	h.ranges, h.part, h.rules = false, false, nil
	h.scope = cache.ScopePrivate
	if x.route != nil {
		h.scope, h.rules = x.route.Scope, x.route.rewritten
	}
	x.sent.status = status
	h.out = append(h.out, "HTTP/1.1 "...)
	h.out = strconv.AppendInt(h.out, int64(status), 10)
	h.out = append(h.out, ' ')
	h.out = append(h.out, fasthttp.StatusMessage(status)...)
	h.out = append(h.out, '\r', '\n')
	return h
}

// line appends a field line.
func (h *answerHead) line(name, value string) {
	h.out = append(append(append(append(h.out, name...), ':', ' '), value...), '\r', '\n')
}

// copyField hands one of the origin's field lines on, as the scope demands
// (DESIGN.md, rule 7). Fields for one hop were taken off by the origin port.
func (h *answerHead) copyField(name, value []byte) {
	h.lower = appendLower(h.lower[:0], name)
	switch string(h.lower) {
	case "cache-status":
		if len(h.cacheStatus) > 0 {
			h.cacheStatus = append(h.cacheStatus, ',', ' ')
		}
		h.cacheStatus = append(h.cacheStatus, value...)
		return
	case "via":
		h.via = append(append(h.via, value...), ',', ' ')
		return
	case "content-length":
		return // written anew
	case "date":
		h.date = true
	case "cache-control":
		if h.scope == cache.ScopeSegment && !h.noStore {
			h.oneLine(value)
		}
	case "aisle-cdn-cache-control", "segment-vary":
		return // for us alone
	case "accept-ranges", "content-range":
		if h.ranges {
			return
		}
	case "content-digest", "content-md5":
		if h.part {
			return // they name the bytes of the whole
		}
	}
	if h.scope == cache.ScopeSegment && removedDownstream(h.lower) || h.rules.names(h.lower) {
		return
	}
	h.out = append(append(append(append(h.out, name...), ':', ' '), value...), '\r', '\n')
}

// copyFields copies an origin's fields, and gives its Set-Cookie values instead of copying them.
func (h *answerHead) copyFields(fields []cache.Field, status int) (cookies []string) {
	for _, f := range fields {
		if strings.EqualFold(f.Name, "set-cookie") {
			cookies = append(cookies, f.Value)
		} else if status != 304 || in304([]byte(f.Name)) {
			h.copyField([]byte(f.Name), []byte(f.Value))
		}
	}
	return cookies
}

func (h *answerHead) oneLine(value []byte) {
	var d httpcc.Directives
	d.Add(value)
	h.noStore = d.NoStore
}

// finish appends what aisle writes into every answer and ends the head.
func (x *exchange) finishHead(h *answerHead, d Downstream) {
	if !h.date {
		h.out = append(h.out, "Date: "...)
		h.out = append(httpcc.AppendDate(h.out, time.Now().Add(-x.sent.age)), '\r', '\n')
	}
	x.recoveredCookies(h, d)
	if h.scope == cache.ScopeSegment {
		h.out = append(h.out, "Cache-Control: "...)
		h.out = append(appendDownstreamControl(h.out, h.noStore, d), '\r', '\n')
	}
	h.out = h.rules.appendTo(h.out)
	h.out = append(append(h.out, "Via: "...), h.via...)
	h.out = append(h.out, via+"\r\nCache-Status: "...)
	h.cacheStatus = appendCacheStatus(h.cacheStatus, &x.status)
	h.out = append(append(h.out, h.cacheStatus...), '\r', '\n')
	switch {
	case x.sent.status == 101:
		h.line("Connection", "Upgrade")
	case x.closing():
		h.line("Connection", "close")
	case string(x.ctx.Request.Header.Protocol()) == "HTTP/1.0":
		h.line("Connection", "keep-alive")
	}
	h.out = append(h.out, '\r', '\n')
}

// closing says whether this answer is the connection's last, and sees to it.
func (x *exchange) closing() bool {
	if x.ctx.Request.Header.ConnectionClose() || x.ctx.Response.ConnectionClose() {
		return true
	}
	if x.edge.draining.Load() {
		x.abandonRest() // the next request may be on its way
		return true
	}
	return false
}

// abandonRest makes this answer the connection's last because what follows of the
// client's bytes cannot be read, or not be trusted.
func (x *exchange) abandonRest() {
	x.ctx.SetConnectionClose()
	if c, ok := x.ctx.Conn().(*conn); ok {
		c.lingers.Store(true)
	}
}

func (h *answerHead) contentLength(n int64) {
	h.out = append(h.out, "Content-Length: "...)
	h.out = append(strconv.AppendInt(h.out, n, 10), '\r', '\n')
}

// bodyless says that answers of this status have no content (RFC 9110, 6.4.1).
func bodyless(status int) bool { return status < 200 || status == 204 || status == 304 }

// send writes head and a whole body.
func (x *exchange) send(h *answerHead, body []byte) {
	c, ok := x.ctx.Conn().(*conn)
	if !ok {
		panic(errNotWrapped)
	}
	x.begun = true
	n, err := c.send(h.out, body)
	x.sent.bytes = n
	if err != nil {
		x.ctx.SetConnectionClose()
	}
}

// framing chooses how a body of unknown length is told from what follows it.
func (x *exchange) framing(h *answerHead, status int, length int64) (chunked bool) {
	switch {
	case bodyless(status):
		if status == 304 || status < 200 {
			return false
		}
	case length >= 0:
		h.contentLength(length)
	case x.head:
	case string(x.ctx.Request.Header.Protocol()) == "HTTP/1.0":
		x.ctx.SetConnectionClose() // the end of the connection is the end of the body
	default:
		h.line("Transfer-Encoding", "chunked")
		return true
	}
	return false
}

// source is a body that comes piece by piece; io.EOF ends a whole one.
type source interface{ Next() ([]byte, error) }

// stream writes head and a body as it comes, each piece at once. A body that
// breaks off ends the connection without the last chunk or short of its
// length, so that nobody takes a part for the whole.
func (x *exchange) stream(h *answerHead, src source, length int64, chunked bool) {
	c, ok := x.ctx.Conn().(*conn)
	if !ok {
		panic(errNotWrapped)
	}
	x.begun = true
	err := c.write(h.out, nil)
	var piece []byte
	for err == nil {
		if piece, err = src.Next(); err != nil {
			break
		}
		if len(piece) == 0 {
			continue
		}
		if err = x.writePiece(c, piece, chunked); err == nil {
			x.sent.bytes += int64(len(piece))
		}
	}
	if err == io.EOF && (length < 0 || x.sent.bytes == length) {
		if !chunked || c.write(x.lastChunk(), nil) == nil {
			return
		}
	}
	x.sent.broken = true
	x.ctx.SetConnectionClose()
}

var lastChunk = []byte("0\r\n\r\n") // read only

// lastChunk ends a chunked body, with the trailer fields that the client wants.
func (x *exchange) lastChunk() []byte {
	if x.trailer == nil {
		return lastChunk
	}
	h := answerHead{out: append([]byte(nil), lastChunk[:3]...), scope: x.out.scope}
	for _, f := range x.trailer() {
		h.copyField([]byte(f.Name), []byte(f.Value))
	}
	return append(h.out, crlf...)
}

func (x *exchange) writePiece(c *conn, piece []byte, chunked bool) error {
	if !chunked {
		_, err := c.send(nil, piece)
		return err
	}
	for len(piece) > 0 {
		part := piece[:min(len(piece), pieceSize)]
		piece = piece[len(part):]
		x.scratch = strconv.AppendInt(x.scratch[:0], int64(len(part)), 16)
		x.scratch = append(x.scratch, '\r', '\n')
		if err := c.write(x.scratch, part); err != nil {
			return err
		}
		if err := c.write(crlf, nil); err != nil {
			return err
		}
	}
	return nil
}

var crlf = []byte("\r\n") // read only

// readerSource reads an origin's body piece by piece.
type readerSource struct {
	r   io.Reader
	buf []byte
}

// Next implements source. A piece is valid until the next call.
func (s *readerSource) Next() ([]byte, error) {
	n, err := s.r.Read(s.buf)
	if n > 0 {
		return s.buf[:n], nil
	}
	return nil, err
}
