package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions"
	"github.com/aislecache/aisle/sessions/store"
)

func TestRow(t *testing.T) {
	f := func(r row, header string) {
		t.Helper()
		value := r.encode()
		got, err := decode([]byte(value))
		if diff := cmp.Diff(r, got, cmp.AllowUnexported(row{})); diff != "" || err != nil {
			t.Errorf("(-want +got) %v:\n%s", err, diff)
		}
		if value[:headerSize] != header {
			t.Errorf("the header is %q, want %q", value[:headerSize], header)
		}
	}
	// The scripts cut the header at these places.
	f(row{store.Native, 10, 1700000000000, "0123456789abcdef", []byte("data")}, "1"+"000000000000000a"+"n"+"0000018bcfe56800"+"0123456789abcdef")
	f(row{store.Copy, math.MaxUint64, math.MaxInt64, noMark, []byte{}}, "1"+"ffffffffffffffff"+"c"+"7fffffffffffffff"+noMark)
	f(row{store.Buried, 0, 1, noMark, []byte("\x00")}, "1"+"0000000000000000"+"b"+"0000000000000001"+noMark)
}

func TestMarks(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		m := newMark()
		if len(m) != markSize || seen[m] || m == noMark {
			t.Fatalf("mark %q", m)
		}
		seen[m] = true
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("1short"))
	f.Add([]byte(row{store.Native, 3, 4, newMark(), []byte("data")}.encode()))
	f.Add([]byte(row{store.Copy, math.MaxUint64, 1, noMark, nil}.encode()))
	f.Add(bytes.Repeat([]byte("1"), 60))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decode(value)
		if err != nil {
			return
		}
		// Numbers in another spelling, as 0X or capitals, are read and not written: nobody but us writes rows.
		again, err := decode([]byte(r.encode()))
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(row{})); diff != "" || err != nil {
			t.Errorf("%q (-first +again) %v:\n%s", value, err, diff)
		}
	})
}

func TestMillis(t *testing.T) {
	f := func(in time.Time, want int64) {
		t.Helper()
		if got := millis(in); got != want {
			t.Errorf("millis(%v) = %d, want %d", in, got, want)
		}
	}
	f(time.UnixMilli(1700000000000), 1700000000000)
	f(time.UnixMilli(1700000000000).Add(time.Nanosecond), 1700000000001)
	f(time.Unix(0, 0), 1)
	f(time.Time{}, 1)
}

func TestVerdicts(t *testing.T) {
	words := map[verdict]string{}
	for v := range verdicts + 2 {
		words[v] = v.String()
	}
	want := map[verdict]string{0: "settled", 1: "failed", 2: "short", 3: "refused", 4: "unknown", 5: "none", 6: "none"}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Error(diff)
	}
	f := func(err error, want verdict) {
		t.Helper()
		if got := judge(err); got != want {
			t.Errorf("%v is %v, want %v", err, got, want)
		}
	}
	f(nil, settled)
	f(sessions.ErrNotFound, settled)
	f(sessions.ErrConflict, settled)
	f(errReplicas, short)
	f(fmt.Errorf("%w: of a kind", errRow), failed)
	f(context.DeadlineExceeded, unknown)
	f(&net.OpError{Op: "read", Err: errors.New("reset")}, unknown)
}

func TestInfoField(t *testing.T) {
	const info = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n\r\n# Replication\r\nrole:master\r\nmaster_failover_state:no-failover\r\n"
	f := func(name, want string) {
		t.Helper()
		if got := infoField(info, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	f("role", "master")
	f("run_id", "abc")
	f("redis_version", "7.0.15")
	f("version", "")
	f("absent", "")
}

func TestLiteral(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := literal(in); got != want {
			t.Errorf("literal(%q) = %q, want %q", in, got, want)
		}
	}
	f("aisle:acme:s:{", "aisle:acme:s:{")
	f(`a*b?c[d]e\f`, `a\*b\?c\[d\]e\\f`)
}
