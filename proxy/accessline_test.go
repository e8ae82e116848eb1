package proxy

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/cache"
)

func wholeLine() accessLine {
	return accessLine{
		time: time.Date(2026, 11, 25, 12, 0, 0, 5e6, time.UTC), method: []byte("GET"), host: []byte("shop.example"), path: []byte("/caf%C3%A9/p"),
		status: 200, bytes: 20480, outcome: cache.Hit, reason: cache.ReasonFresh, route: "/**/p", scope: cache.ScopeSegment, digest: someDigest,
		server: "10.0.0.1:9000", client: netip.MustParseAddr("2001:db8::1"), duration: 1234567, wait: 1500 * time.Microsecond, collapsed: true, stored: true, age: 61 * time.Second,
	}
}

func TestAccessLine(t *testing.T) {
	f := func(a accessLine, want string) {
		t.Helper()
		got := string(a.append(nil))
		if diff := cmp.Diff(want+"\n", got); diff != "" {
			t.Error(diff)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("no JSON: %s", got)
		}
	}
	f(wholeLine(), `{"time":"2026-11-25T12:00:00.005Z","method":"GET","host":"shop.example","path":"/caf%C3%A9/p","status":200,"bytes":20480,`+
		`"outcome":"hit","reason":"fresh","route":"/**/p","scope":"segment","segment":"0123456789ab","upstream":"10.0.0.1:9000","client":"2001:db8::1",`+
		`"duration_us":1234,"wait_us":1500,"collapsed":true,"stored":true,"age":61}`)
	// A refused request has neither route nor upstream, and junk for a method.
	f(accessLine{time: time.Unix(0, 0), method: []byte("G\"\x01\xff"), status: 400, outcome: cache.Refused, reason: cache.ReasonBadTarget, client: netip.MustParseAddr("192.0.2.1")},
		`{"time":"1970-01-01T00:00:00.000Z","method":"G\"\u0001\ufffd","host":"","path":"","status":400,"bytes":0,"outcome":"refused","reason":"bad-target",`+
			`"client":"192.0.2.1","duration_us":0,"wait_us":0,"collapsed":false,"stored":false}`)
}

func TestAccessLineOfAShortDigest(t *testing.T) {
	a := wholeLine()
	a.digest = "abc"
	var got struct{ Segment string }
	if err := json.Unmarshal(a.append(nil), &got); err != nil || got.Segment != "abc" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAccessLineAllocatesNothing(t *testing.T) {
	a := wholeLine()
	buf := a.append(nil)
	if n := testing.AllocsPerRun(100, func() { buf = a.append(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
