package isolation_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ticket is a segment with its seal as a shopper holds them, and in which time they were issued.
type ticket struct {
	token, seal string
	from, to    time.Time
}

// worth is what a seal proves at a time.
type worth int

// A seal may be either while a revocation is under way.
const (
	void worth = iota
	valid
	either
)

// voided knows which tokens were revoked, and when. A seal that was issued before is void after, for whoever holds it.
type voided struct {
	mu      sync.Mutex // guards windows
	windows map[string][]*window
}

// window is one revocation of a token: from when its seals may be void, and from when they are. Where the token is not surely
// one that the session had, they may also stay what they were.
type window struct {
	from, until time.Time
	sure        bool
}

// begin notes that tokens are about to be revoked, those surely that are true.
func (v *voided) begin(tokens map[string]bool) (begun []*window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.windows == nil {
		v.windows = map[string][]*window{}
	}
	for token, sure := range tokens {
		w := &window{from: time.Now(), sure: sure}
		v.windows[token] = append(v.windows[token], w)
		begun = append(begun, w)
	}
	return begun
}

// end notes that they are. Nothing issued from now on is void.
func (v *voided) end(begun []*window) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range begun {
		w.until = time.Now()
	}
}

// worth tells what a seal proves to a request that lasts from a to b.
func (v *voided) worth(k ticket, a, b time.Time) worth {
	if !genuine(k.token, k.seal, b) {
		return void
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	best := valid
	for _, w := range v.windows[k.token] {
		switch over := !w.until.IsZero(); {
		case over && k.from.After(w.until), w.from.After(b):
		case over && w.sure && w.until.Before(a) && k.to.Before(w.from):
			return void
		default:
			best = either
		}
	}
	return best
}

func (v *voided) known(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.windows[token]) > 0
}

func (v *voided) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.windows)
}

// genuine tells whether a seal is of one of the edges' keys, for this token, and not over by then.
func genuine(token, seal string, at time.Time) bool {
	parts := strings.Split(seal, ".")
	if len(parts) != 4 {
		return false
	}
	unix, err := strconv.ParseInt(parts[2], 10, 64)
	until := time.Unix(unix, 0)
	if err != nil || !at.Before(until) {
		return false
	}
	return seal == currentKey().seal(account, token, until) || seal == olderKey().seal(account, token, until)
}

// TestWorth: a seal is worth nothing after its revocation, and anything while that is under way.
func TestWorth(t *testing.T) {
	var v voided
	now := time.Now()
	k := ticket{token: "t", seal: currentKey().seal(account, "t", now.Add(time.Hour)), from: now, to: now}
	f := func(want worth, k ticket) {
		t.Helper()
		if got := v.worth(k, time.Now(), time.Now()); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	f(valid, k)
	begun := v.begin(map[string]bool{"t": true})
	f(either, k)
	v.end(begun)
	time.Sleep(time.Millisecond)
	f(void, k)
	k.from, k.to = time.Now(), time.Now()
	f(valid, k)
	k.token = "other"
	f(void, k)
}
