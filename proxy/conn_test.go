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

// uploading is a connection within an upload, whose head has been read.
func uploading(t *testing.T) (ours net.Conn, theirs net.Conn) {
	t.Helper()
	theirs, c := net.Pipe()
	ours, _ = proxy.NewConn(c)
	head := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
	go func() { _, _ = io.WriteString(theirs, head) }()
	if _, err := io.ReadFull(ours, make([]byte, len(head))); err != nil {
		t.Fatal(err)
	}
	if err := ours.SetReadDeadline(time.Now().Add(proxy.BodyTimeout)); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// An upload may take as long as it likes and pause now and then, above the least rate;
// one that drips, or says nothing, ends when the patience with it is spent.
func TestConnUploadPace(t *testing.T) {
	f := func(name string, size int, every, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			c, theirs := uploading(t)
			began, enough := time.Now(), 200*every
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				defer theirs.Close()
				for size > 0 && time.Since(began) < enough {
					time.Sleep(every)
					if _, err := theirs.Write(make([]byte, size)); err != nil {
						return
					}
				}
				<-stop
			}()
			var err error
			for buf := make([]byte, 1<<20); err == nil; {
				_, err = c.Read(buf)
			}
			if took := time.Since(began).Truncate(time.Second); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
				t.Errorf("%s: %v after %s, want a timeout after %s", name, err, took, want)
			}
			c.Close()
			close(stop)
			<-done
		})
	}
	f("silence", 0, time.Second, proxy.Patience)
	f("a drip", 1, 7*time.Second, proxy.Patience)
	f("half the least rate", 512, time.Second, 2*proxy.Patience-time.Second)
	f("the least rate", 1024, time.Second, 200*time.Second+proxy.Patience)
	f("pauses", 60<<10, 59*time.Second, 200*59*time.Second+proxy.Patience)
}

// A head has the deadline that fasthttp gives it, whatever comes.
func TestConnHeadDeadline(t *testing.T) {
	f := func(d time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			c, _ := proxy.NewConn(ours)
			done := make(chan struct{})
			began := time.Now()
			if err := c.SetReadDeadline(began.Add(d)); err != nil {
				t.Fatal(err)
			}
			go func() {
				defer close(done)
				for {
					time.Sleep(time.Second)
					if _, err := theirs.Write([]byte("G")); err != nil {
						return
					}
				}
			}()
			var err error
			for err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != d {
				t.Errorf("%v after %s, want a timeout after %s", err, time.Since(began), d)
			}
			c.Close()
			<-done
		})
	}
	f(30 * time.Second)
	f(time.Hour) // not an upload's: absolute
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

// What a slow reader takes of a piece counts: it has all of it in the end, where that is
// above the least rate, and below it as long as the patience lasts.
func TestConnAnswerPace(t *testing.T) {
	f := func(rate int, want error) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			c, send := proxy.NewConn(ours)
			body := bytes.Repeat([]byte("0123456789abcdef"), 2*proxy.PieceSize/16)
			var got bytes.Buffer
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					time.Sleep(time.Second)
					if _, err := io.CopyN(&got, theirs, int64(rate)); err != nil {
						return
					}
				}
			}()
			n, err := send([]byte("head"), body)
			c.Close()
			<-done
			if !errors.Is(err, want) || (n == int64(len(body))) != (want == nil) {
				t.Errorf("%d bytes a second: %d, %v, want %v", rate, n, err, want)
			}
			if whole := append([]byte("head"), body...); !bytes.HasPrefix(whole, got.Bytes()) || want == nil && got.Len() != len(whole) {
				t.Errorf("%d bytes a second: other bytes came, %d", rate, got.Len())
			}
		})
	}
	f(proxy.LeastRate+100, nil)
	f(proxy.LeastRate/2, os.ErrDeadlineExceeded)
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
				time.Sleep(proxy.Patience - time.Second)
				_, _ = io.CopyN(&got, theirs, proxy.PieceSize)
			}
		}()
		began := time.Now()
		n, err := send(head, body)
		if n != int64(len(body)) || err != nil || time.Since(began) != 4*(proxy.Patience-time.Second) {
			t.Errorf("%d, %v after %s", n, err, time.Since(began))
		}
		synctest.Wait()
		if !bytes.Equal(got.Bytes(), append(head, body...)) {
			t.Error("other bytes came")
		}
		began = time.Now()
		if n, err := send(head, body); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != proxy.Patience {
			t.Errorf("nobody reads: %d, %v after %s", n, err, time.Since(began))
		}
	})
}
