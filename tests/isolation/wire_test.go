package isolation_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is how long an answer may take: longer than any timeout of the edge.
const patience = 30 * time.Second

// answer is what came back. Body and Header are valid until the wire is used again.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// wire is one connection to one server, opened when it is needed. net/http's own client would merge and rewrite the
// very lines that the test is about, and costs more than the edge does.
type wire struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// send writes a request and reads the whole answer. A connection that the server closed while it was idle is opened
// anew, once.
func (w *wire) send(method string, raw []byte) (*answer, error) {
	reused := w.conn != nil
	a, err := w.try(method, raw)
	if err != nil && reused && errors.Is(err, errNothing) {
		a, err = w.try(method, raw)
	}
	return a, err
}

var errNothing = errors.New("no answer at all")

func (w *wire) try(method string, raw []byte) (*answer, error) {
	if w.conn == nil {
		conn, err := net.DialTimeout("tcp", w.addr, patience)
		if err != nil {
			return nil, err
		}
		w.conn, w.in = conn, bufio.NewReaderSize(conn, 64<<10)
	}
	a, err := w.exchange(method, raw)
	if err != nil {
		w.close()
	}
	return a, err
}

func (w *wire) exchange(method string, raw []byte) (*answer, error) {
	_ = w.conn.SetDeadline(time.Now().Add(patience))
	if _, err := w.conn.Write(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", errNothing, err)
	}
	if _, err := w.in.Peek(1); err != nil {
		return nil, fmt.Errorf("%w: %w", errNothing, err)
	}
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	w.body.Reset()
	if _, err := io.Copy(&w.body, resp.Body); err != nil {
		return nil, fmt.Errorf("body of a %d: %w", resp.StatusCode, err)
	}
	if n := w.in.Buffered(); n > 0 { // a body after a HEAD or a 304 would be taken for the next answer
		return nil, fmt.Errorf("%d bytes behind the answer", n)
	}
	if resp.Close {
		w.close()
	}
	return &answer{resp.StatusCode, resp.Header, w.body.Bytes()}, nil
}

// clone keeps an answer beyond the next use of its wire.
func (a *answer) clone() *answer {
	return &answer{a.status, a.header, bytes.Clone(a.body)}
}

// header is one field line of a request.
type header struct{ name, value string }

// message is a request as it is sent.
func message(method, target, host string, fields []header, body string) []byte {
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	for _, f := range fields {
		b = fmt.Appendf(b, "%s: %s\r\n", f.name, f.value)
	}
	if body != "" || method == http.MethodPost {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(body))
	}
	return append(append(b, "\r\n"...), body...)
}
