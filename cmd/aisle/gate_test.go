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
		g.hold()
		answers := make(chan *httptest.ResponseRecorder, 1)
		go func() { answers <- ask() }()
		select {
		case <-entered:
			t.Error("it does not hold what comes")
		case <-time.After(50 * time.Millisecond):
		}
		if succeeds {
			g.shut(true)
		} else {
			g.reopen(true)
		}
		w := <-answers
		if refused := strings.Contains(w.Body.String(), typeReplaced); w.Code != want || refused != succeeds || len(entered) == 1 == succeeds {
			t.Errorf("%d %s, done %d times, want %d", w.Code, w.Body, len(entered), want)
		}
	}
	f(false, http.StatusOK)
	f(true, http.StatusServiceUnavailable)
}

// TestAwait: a successor that is prepared has this process hold what operators ask until it is ready, or has failed.
func TestAwait(t *testing.T) {
	f := func(lines []string, left bool, fault string) {
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
				if p.gate.mu.TryRLock() {
					t.Error("operators are served while the successor begins")
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
		if !p.gate.mu.TryRLock() {
			t.Fatalf("%q: operators wait forever", lines)
		}
		if p.gate.left != left {
			t.Errorf("%q: left is %t, want %t", lines, p.gate.left, left)
		}
	}
	f([]string{linePrepared, lineReady}, true, "")
	f([]string{lineReady}, true, "") // a binary of before, which somebody goes back to
	f([]string{linePrepared}, false, "ended before it was ready")
	f(nil, false, "ended before it was ready")
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
