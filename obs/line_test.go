package obs_test

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aislecache/aisle/obs"
)

func TestLine(t *testing.T) {
	f := func(got obs.Line, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is not JSON", got)
		}
	}
	var l obs.Line
	f(l.End(), `{}`)
	f(l.Str("route", "/**/p").Int("status", 200).Bool("hit", true).Bool("stored", false).End(),
		`{"route":"/**/p","status":200,"hit":true,"stored":false}`)
	f(l.Str("", "").End(), `{"":""}`)
	f(l.Str("a", "\"\\/\b\f\n\r\t\x00\x1f\x7f<>&").End(), `{"a":"\"\\/\u0008\u000c\n\r\t\u0000\u001f`+"\x7f"+`<>&"}`)
	f(l.Str("a", "R$ 1.999 – São Paulo 😀").End(), `{"a":"R$ 1.999 – São Paulo 😀"}`)
	f(l.Str("a", "x\u2028y\u2029z\u2027").End(), `{"a":"x\u2028y\u2029z`+"\u2027"+`"}`)
	f(l.Bytes("a", []byte("\xff\xc3(\xed\xa0\x80\xf0\x9f")).End(), `{"a":"\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd\ufffd"}`)
	f(l.Str("a", "\ufffd").End(), "{\"a\":\"\ufffd\"}")
	f(l.Bytes("a", nil).End(), `{"a":""}`)
	f(l.Str("a\"\n", "b").End(), `{"a\"\n":"b"}`)
	f(l.Int("a", math.MinInt64).Int("b", math.MaxInt64).Int("c", 0).End(),
		`{"a":-9223372036854775808,"b":9223372036854775807,"c":0}`)
	f(l.Dur("a", 1500*time.Microsecond).Dur("b", 0).Dur("c", -time.Nanosecond).End(),
		`{"a":0.001500000,"b":0.000000000,"c":-0.000000001}`)
	f(l.Dur("a", math.MinInt64).Dur("b", math.MaxInt64).End(),
		`{"a":-9223372036.854775808,"b":9223372036.854775807}`)
	f(l.Time("t", time.Date(2026, 11, 25, 20, 1, 2, 3_999_999, time.FixedZone("", -3*3600))).End(),
		`{"t":"2026-11-25T23:01:02.003Z"}`)
}

func TestLineReusesItsMemory(t *testing.T) {
	buf := make(obs.Line, 0, 1024)
	value, now := []byte("caf\xff \u2028 \"quoted\""), time.Now()
	allocs := testing.AllocsPerRun(1000, func() {
		buf = buf[:0].Time("time", now).Str("route", "/**/p").Bytes("target", value).
			Int("status", 200).Dur("took", 1234*time.Microsecond).Bool("stored", true).End()
	})
	if allocs != 0 {
		t.Errorf("a line allocates %v times", allocs)
	}
	if !json.Valid(buf) {
		t.Errorf("%s is not JSON", buf)
	}
}

// FuzzLine compares with encoding/json: what a reader decodes must be what one would
// decode from json.Marshal, and the line must stay one line of valid UTF-8.
func FuzzLine(f *testing.F) {
	f.Add("key", []byte("value"), int64(1))
	f.Add("", []byte("\xff\xfe\u2028\"\\\n"), int64(math.MinInt64))
	f.Add("\u2029", []byte("\xe2\x80"), int64(math.MaxInt64))
	f.Add("\x00", []byte("\xf0\x9f\x98\x80\xf0\x9f\x98"), int64(-1))
	f.Fuzz(func(t *testing.T, key string, value []byte, n int64) {
		line := obs.Line(nil).Str("0"+key, key).Bytes("1"+key, value).Int("2"+key, n).Dur("3"+key, time.Duration(n)).End()
		for _, c := range line {
			if c < ' ' {
				t.Fatalf("%q holds a control character", line)
			}
		}
		if !utf8.Valid(line) {
			t.Fatalf("%q is not UTF-8", line)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if len(got) != 4 {
			t.Fatalf("%s has %d members, want 4", line, len(got))
		}
		k := viaJSON(t, key)
		if got := decode[string](t, got["0"+k]); got != k {
			t.Errorf("string %q came out as %q", k, got)
		}
		if got, want := decode[string](t, got["1"+k]), viaJSON(t, string(value)); got != want {
			t.Errorf("bytes %q came out as %q", want, got)
		}
		if got := decode[int64](t, got["2"+k]); got != n {
			t.Errorf("integer %d came out as %d", n, got)
		}
		if got := nanoseconds(t, string(got["3"+k])); got != n {
			t.Errorf("duration %d came out as %d", n, got)
		}
	})
}

func viaJSON(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return decode[string](t, b)
}

func decode[T any](t *testing.T, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

// nanoseconds reads decimal seconds without the loss of a float.
func nanoseconds(t *testing.T, s string) int64 {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is not a number", s)
	}
	r.Mul(r, big.NewRat(1e9, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		t.Fatalf("%q is not a whole number of nanoseconds", s)
	}
	return r.Num().Int64()
}
