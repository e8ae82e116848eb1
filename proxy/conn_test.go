package proxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/proxy"
)

// What fasthttp writes goes nowhere, whatever it looks like.
func TestConnSwallowsWrites(t *testing.T) {
	ours, theirs := net.Pipe()
	c, send := proxy.NewConn(ours)
	for _, text := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "x"} {
		if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	go func() {
		_, _ = send([]byte("head "), []byte("body"))
		c.Close()
	}()
	if got, err := io.ReadAll(theirs); string(got) != "head body" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// An upload may take as long as it likes, if each read of it brings something in
// readIdle; a head has the deadline that fasthttp gives it.
func TestConnReadDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c, _ := proxy.NewConn(ours)
		defer c.Close()
		defer theirs.Close()
		began := time.Now()
		read := func(want error, after time.Duration) {
			t.Helper()
			_, err := c.Read(make([]byte, 1))
			if !errors.Is(err, want) || time.Since(began) != after {
				t.Errorf("%v after %s, want %v after %s", err, time.Since(began), want, after)
			}
		}
		deadline := func(d time.Duration) {
			t.Helper()
			if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
				t.Fatal(err)
			}
		}
		deadline(30 * time.Second)
		read(os.ErrDeadlineExceeded, 30*time.Second)

		began = time.Now()
		deadline(proxy.BodyTimeout)
		const bytesSent = 100
		go func() {
			for range bytesSent {
				time.Sleep(proxy.ReadIdle - time.Second)
				_, _ = theirs.Write([]byte("x"))
			}
		}()
		for i := range bytesSent {
			read(nil, time.Duration(i+1)*(proxy.ReadIdle-time.Second))
		}
		read(os.ErrDeadlineExceeded, bytesSent*(proxy.ReadIdle-time.Second)+proxy.ReadIdle)

		began = time.Now()
		deadline(time.Hour) // not an upload's: absolute
		read(os.ErrDeadlineExceeded, time.Hour)
	})
}

// A read that waits for an upload is interrupted by a deadline that is over.
func TestConnReadIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c, _ := proxy.NewConn(ours)
		defer c.Close()
		defer theirs.Close()
		began := time.Now()
		if err := c.SetReadDeadline(began.Add(proxy.BodyTimeout)); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = c.SetReadDeadline(time.Now())
		}()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// The end of a connection within an upload is not the end of the upload.
func TestConnEndsWithinAnUpload(t *testing.T) {
	f := func(deadline time.Duration, want error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			c, _ := proxy.NewConn(ours)
			defer c.Close()
			if err := c.SetReadDeadline(time.Now().Add(deadline)); err != nil {
				t.Fatal(err)
			}
			go func() {
				time.Sleep(time.Second) // until it reads
				theirs.Close()
			}()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err != want {
				t.Errorf("%s: %d, %v, want %v", deadline, n, err, want)
			}
		})
	}
	f(proxy.BodyTimeout, io.ErrUnexpectedEOF)
	f(time.Minute, io.EOF)
}

// A large answer may take as long as it likes, piece by piece; a reader that takes
// nothing ends it.
func TestConnWriteDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c, send := proxy.NewConn(ours)
		defer c.Close()
		defer theirs.Close()
		head, body := []byte("head"), bytes.Repeat([]byte("0123456789abcdef"), 4*proxy.PieceSize/16)
		var got bytes.Buffer
		go func() {
			_, _ = io.CopyN(&got, theirs, int64(len(head)))
			for range 4 {
				time.Sleep(proxy.WriteIdle - time.Second)
				_, _ = io.CopyN(&got, theirs, proxy.PieceSize)
			}
		}()
		began := time.Now()
		n, err := send(head, body)
		if n != int64(len(body)) || err != nil || time.Since(began) != 4*(proxy.WriteIdle-time.Second) {
			t.Errorf("%d, %v after %s", n, err, time.Since(began))
		}
		synctest.Wait()
		if !bytes.Equal(got.Bytes(), append(head, body...)) {
			t.Error("other bytes came")
		}
		began = time.Now()
		if n, err := send(head, body); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != proxy.WriteIdle {
			t.Errorf("nobody reads: %d, %v after %s", n, err, time.Since(began))
		}
	})
}
