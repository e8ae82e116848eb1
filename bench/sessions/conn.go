package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience is how long one answer may take.
const patience = 30 * time.Second

// conn speaks just enough HTTP/1.1 for the sidecar, so that the generator takes little of the processors that it shares with
// it: net/http's client takes more than the sidecar does. It sends one request at a time. It is for one goroutine.
type conn struct {
	net.Conn
	in     *bufio.Reader
	out    []byte
	answer []byte
}

func dial(address string) (*conn, error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends a request, of the session of token unless that is "", and gives the body of the answer, which is valid until the next
// call. Another status than want is an error.
func (c *conn) do(method, target, token string, body []byte, want int) ([]byte, error) {
	c.out = append(c.out[:0], method...)
	c.out = append(c.out, ' ')
	c.out = append(c.out, target...)
	c.out = append(c.out, " HTTP/1.1\r\nHost: shop.example\r\n"...)
	if token != "" {
		c.out = append(c.out, "Cookie: vtex_session="...)
		c.out = append(c.out, token...)
		c.out = append(c.out, "\r\n"...)
	}
	if body != nil {
		c.out = append(c.out, "Content-Type: application/json\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	c.out = append(c.out, body...)
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.Write(c.out); err != nil {
		return nil, err
	}
	status, err := c.read()
	if err == nil && status != want {
		err = fmt.Errorf("%s %s: %d %s", method, target, status, c.answer)
	}
	return c.answer, err
}

// read reads an answer, whose body has to have a Content-Length: all of the sidecar's have.
func (c *conn) read() (status int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("the answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without Content-Length")
	}
	if cap(c.answer) < length {
		c.answer = make([]byte, length)
	}
	c.answer = c.answer[:length]
	_, err = io.ReadFull(c.in, c.answer)
	return status, err
}
