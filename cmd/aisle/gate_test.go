package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestGate: what operators ask waits while a successor begins, and is done or refused by what becomes of that.
func TestGate(t *testing.T) {
	f := func(succeeds bool, want int) {
		t.Helper()
		var g gate
		entered := make(chan bool, 2)
		h := g.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- true }))
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/purge", nil))
			return w
		}
		ask()
		<-entered
		if err := g.hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		answers := make(chan *httptest.ResponseRecorder, 1)
		go func() { answers <- ask() }()
		select {
		case <-entered:
			t.Error("it does not hold what comes")
		case <-time.After(50 * time.Millisecond):
		}
		if succeeds {
			g.shut()
		} else {
			g.reopen()
		}
		w := <-answers
		if refused := strings.Contains(w.Body.String(), typeReplaced) && w.Header().Get("Connection") == "close"; w.Code != want || refused != succeeds || len(entered) == 1 == succeeds {
			t.Errorf("%d %s, done %d times, want %d", w.Code, w.Body, len(entered), want)
		}
	}
	f(false, http.StatusOK)
	f(true, http.StatusServiceUnavailable)
}

// TestHold: what is under way is waited for, as long as ctx.
func TestHold(t *testing.T) {
	f := func(ends bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var g gate
			if !g.enter(t.Context()) {
				t.Fatal("it does not open")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			held := make(chan error, 1)
			go func() { held <- g.hold(ctx) }()
			synctest.Wait()
			if len(held) == 1 {
				t.Fatal("it does not wait for what is under way")
			}
			if ends {
				g.leave()
			}
			if err := <-held; (err == nil) != ends {
				t.Errorf("%v, ended is %t", err, ends)
			}
			g.reopen()
			if !g.enter(t.Context()) {
				t.Error("it does not open again")
			}
		})
	}
	f(true)
	f(false)
}

// TestGateReadsAhead: a client that sends slowly keeps no hand-over waiting; what it sends is not lost.
func TestGateReadsAhead(t *testing.T) {
	var g gate
	long := strings.Repeat("x", maxAhead+100)
	f := func(body io.Reader, want string, fault bool) {
		t.Helper()
		var got string
		var err error
		h := g.guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			text, failed := io.ReadAll(r.Body)
			got, err = string(text), failed
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/purge", body))
		if got != want || (err != nil) != fault {
			t.Errorf("%d bytes %v, want %d, a fault is %t", len(got), err, len(want), fault)
		}
	}
	f(strings.NewReader("{}"), "{}", false)
	f(strings.NewReader(long), long, false)
	f(io.MultiReader(strings.NewReader("{"), failing{io.ErrUnexpectedEOF}), "{", true)
	slow, sent := io.Pipe()
	done := make(chan bool)
	go func() {
		g.guard(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/purge", slow))
		close(done)
	}()
	if _, err := io.WriteString(sent, "{"); err != nil { // it is read
		t.Fatal(err)
	}
	if err := g.hold(t.Context()); err != nil {
		t.Error(err)
	}
	g.reopen()
	_ = sent.Close()
	<-done
}

// TestAwait: a successor that is prepared has this process hold what operators ask, until it is told what becomes of that.
func TestAwait(t *testing.T) {
	f := func(lines []string, held bool, fault string) {
		t.Helper()
		var p process
		told, tell := io.Pipe()
		heard, begin := io.Pipe()
		go func() {
			answers := bufio.NewReader(heard)
			for _, line := range lines {
				_, _ = io.WriteString(tell, line+"\n")
				if line != linePrepared {
					continue
				}
				if answer, err := answers.ReadString('\n'); err != nil || answer != lineBegin+"\n" {
					t.Errorf("it was told %q %v", answer, err)
				}
			}
			_ = tell.Close()
		}()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("late"))
		defer cancel()
		err := p.await(ctx, told, begin)
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %q", lines, err, fault)
		}
		if got := p.gate.held != nil; got != held {
			t.Errorf("%q: operators wait is %t, want %t", lines, got, held)
		}
	}
	f([]string{linePrepared, lineReady}, true, "")
	f([]string{lineReady}, false, "") // a binary of before, which somebody goes back to
	f([]string{linePrepared}, true, "ended before it was ready")
	f(nil, false, "ended before it was ready")
}

// TestNext: a successor that is ready at the last moment is.
func TestNext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	lines := make(chan string, 1)
	lines <- lineReady
	cancel(errors.New("late"))
	for range 100 {
		if line, err := next(ctx, lines); line != lineReady || err != nil {
			t.Fatalf("%q %v", line, err)
		}
		lines <- lineReady
	}
	<-lines
	if line, err := next(ctx, lines); err == nil || !strings.Contains(err.Error(), "late") {
		t.Errorf("%q %v, want the reason", line, err)
	}
}

// TestUnasked: spare connections of a pool keep no server from ending.
func TestUnasked(t *testing.T) {
	l, u := newInProcess(), newUnasked()
	s := &http.Server{ConnState: u.note, Handler: http.NotFoundHandler()}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	spare, err := l.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer spare.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // net/http gives a new connection five
	defer cancel()
	u.close()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("the server waits for a connection that nobody asks on: %v", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
