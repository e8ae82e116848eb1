package proxy

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
)

// interimWait is how long a client may take an interim answer. It is a hint; a fetch on which others wait is
// not held up for it.
const interimWait = 50 * time.Millisecond

// interim lets a client have the interim answers to its request, such as 103 (RFC 8297), as they come and until its own
// answer begins. They come from the goroutine of a fetch that may outlive the request, which is why there is a lock.
//
// Of an anonymous fetch only the request that caused it gets them: who comes later has the page itself sooner than
// a replay would help, and nothing of them is stored.
type interim struct {
	scope cache.Scope
	mu    sync.Mutex
	conn  *conn // guarded by mu; nil: no more
}

// hints gives the sink of this request's interim answers; nil where its client knows none.
func (x *exchange) hints() func(int, []cache.Field) {
	c, ok := x.ctx.Conn().(*conn)
	if !ok || !x.ctx.Request.Header.IsHTTP11() {
		return nil
	}
	if x.interim == nil {
		x.interim = &interim{scope: x.route.Scope, conn: c}
	}
	return x.interim.write
}

// noHints ends them: the answer begins.
func (x *exchange) noHints() {
	if x.interim != nil {
		x.interim.mu.Lock()
		x.interim.conn = nil
		x.interim.mu.Unlock()
		x.interim = nil
	}
}

// write implements cache.OriginRequest.Interim. Set-Cookie is for the final answer, where it can be dropped.
func (i *interim) write(status int, fields []cache.Field) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.conn == nil {
		return
	}
	h := answerHead{scope: i.scope}
	h.out = append(strconv.AppendInt([]byte("HTTP/1.1 "), int64(status), 10), ' ')
	h.out = append(append(h.out, fasthttp.StatusMessage(status)...), crlf...)
	for _, f := range fields {
		if !strings.EqualFold(f.Name, "set-cookie") {
			h.copyField([]byte(f.Name), []byte(f.Value))
		}
	}
	if i.conn.hint(append(h.out, crlf...)) != nil {
		i.conn = nil
	}
}

// hint writes an interim answer at once or ends the connection: half of one cannot be taken back.
func (c *conn) hint(head []byte) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(interimWait)); err != nil {
		return err
	}
	_, err := c.Conn.Write(head)
	if err != nil {
		_ = c.Conn.Close()
	}
	return err
}
