package acceptance

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/cache"
)

// Options is what the suite asks of a transport. A zero member means: long
// enough, or enough, not to matter.
type Options struct {
	Connect, FirstByte, Idle time.Duration
	MaxConnections           int
}

// New makes a transport over servers (`http://host:port`) and frees it at the
// end of t.
type New func(t *testing.T, servers []string, o Options) cache.Origin

// Run runs the suite.
func Run(t *testing.T, transport New) {
	s := suite{transport}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"request target", s.target}, {"request fields", s.requestFields}, {"request refused", s.refused},
		{"upload of known length", s.uploadKnown}, {"upload in chunks", s.uploadChunked}, {"no body", s.noBody},
		{"early answer", s.earlyAnswer}, {"upload fails", s.uploadFails}, {"upload is let go", s.uploadLetGo}, {"upload stalls", s.uploadStalls}, {"expect continue", s.expectContinue},
		{"answer fields", s.answerFields}, {"bodies", s.bodies}, {"interim answers", s.interim}, {"interim answers asked for", s.interimAsked}, {"interim answers without end", s.interimFlood}, {"trailers", s.trailers},
		{"upgrade", s.upgrades}, {"upgrade refused", s.upgradeRefused}, {"odd upgrade", s.upgradeOdd}, {"upgrade cancelled", s.upgradeCancelled},
		{"redirect", s.redirect},
		{"drip", s.drip}, {"malformed", s.malformed}, {"malformed body", s.malformedBody}, {"truncated", s.truncated},
		{"refused connection", s.connectRefused}, {"unknown name", s.unknownName}, {"connect timeout", s.connectTimeout},
		{"head timeout", s.headTimeout}, {"idle body", s.idleBody}, {"slow but steady", s.slowSteady}, {"slow reader", s.slowReader},
		{"reset", s.reset}, {"cancelled", s.cancelled}, {"deadline", s.deadline},
		{"close while reading", s.closeWhileReading}, {"reuse", s.reuse}, {"excess", s.excess}, {"stale connection", s.stale}, {"never twice", s.neverTwice},
		{"failover", s.failover}, {"failover with a body", s.failoverBody}, {"least loaded", s.leastLoaded}, {"all busy", s.allBusy}, {"slots come back", s.slotsComeBack},
	} {
		t.Run(part.name, part.run)
	}
}

type suite struct{ transport New }

// one makes a transport over o alone, with no limit that matters.
func (s suite) one(t *testing.T, o *Origin) cache.Origin {
	return s.transport(t, []string{o.URL()}, Options{})
}

func get(target string) *cache.OriginRequest {
	return &cache.OriginRequest{Method: "GET", Scheme: "https", Host: "shop.example", Target: target}
}

func post(body io.Reader, length int64) *cache.OriginRequest {
	return &cache.OriginRequest{Method: "POST", Scheme: "https", Host: "shop.example", Target: "/", Body: body, Length: length}
}

// bounded is the context of a test: it ends before `go test` would give up.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// fetch fails the test unless there is an answer, and closes its body at the end.
func fetch(t *testing.T, o cache.Origin, r *cache.OriginRequest) *cache.OriginResponse {
	t.Helper()
	resp, err := o.Fetch(bounded(t), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// whole reads and closes a body that must be whole.
func whole(t *testing.T, resp *cache.OriginResponse) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("body %q: %v", b, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("closing the body: %v", err)
	}
	return string(b)
}

// fails checks that a fetch fails for reason, and gives its error.
func fails(t *testing.T, o cache.Origin, r *cache.OriginRequest, reason cache.Reason) *cache.OriginError {
	t.Helper()
	return failsUnder(t, bounded(t), o, r, reason)
}

func failsUnder(t *testing.T, ctx context.Context, o cache.Origin, r *cache.OriginRequest, reason cache.Reason) *cache.OriginError {
	t.Helper()
	resp, err := o.Fetch(ctx, r)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("status %d instead of a failure for %s", resp.Status, reason)
	}
	return because(t, err, reason)
}

// because checks that err is an OriginError of reason.
func because(t *testing.T, err error, reason cache.Reason) *cache.OriginError {
	t.Helper()
	oe, ok := errors.AsType[*cache.OriginError](err)
	if !ok {
		t.Fatalf("error %v (%T) is no *cache.OriginError", err, err)
	}
	if oe.Reason != reason {
		t.Errorf("reason %s instead of %s: %v", oe.Reason, reason, err)
	}
	if oe.Err == nil {
		t.Error("the error has no cause")
	}
	return oe
}

// hasLine says whether a head has exactly this line, names compared as HTTP does.
func hasLine(head, name, value string) bool {
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) && v == value {
			return true
		}
	}
	return false
}
