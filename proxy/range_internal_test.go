package proxy

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseRange(t *testing.T) {
	good := func(value string, want ...byteRange) {
		t.Helper()
		set, ok := parseRange([]byte(value))
		if got := set.list[:set.n]; !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, %v", value, got, ok)
		}
	}
	good("bytes=0-0", byteRange{0, 0})
	good("bytes=0-499", byteRange{0, 499})
	good("Bytes=500-", byteRange{500, -1})
	good("bytes=-500", byteRange{-1, 500})
	good("bytes=0-0,-1", byteRange{0, 0}, byteRange{-1, 1})
	good("bytes= 1-2 ,\t4-5 , ,", byteRange{1, 2}, byteRange{4, 5})
	good("bytes=00-0007", byteRange{0, 7})
	good("bytes=-0", byteRange{-1, 0})
	if set, ok := parseRange([]byte("bytes=5-99999999999999999999999999")); !ok || set.list[0].last < math.MaxInt64/100 {
		t.Errorf("a huge end: %v %v", set.list[0], ok)
	}
	bad := func(value string) {
		t.Helper()
		if set, ok := parseRange([]byte(value)); ok {
			t.Errorf("%q: %v", value, set.list[:set.n])
		}
	}
	for _, value := range []string{"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1", "bytes=1-2-3", "bytes=--1", "bytes=+1-2", "bytes=0x1-2", "bytes=1 -2",
		"bytes =0-1", "lines=0-1", "0-1", "bytes=0-1;x", "bytes=0-1, x", "bytes=" + strings.Repeat("0-0,", maxRanges) + "0-0"} {
		bad(value)
	}
}

func TestRangeOf(t *testing.T) {
	f := func(value string, total int64, want cut) {
		t.Helper()
		set, ok := parseRange([]byte(value))
		if got := set.of(total); !ok || got != want {
			t.Errorf("%q of %d: %+v, want %+v", value, total, got, want)
		}
	}
	part := func(first, n, total int64) cut { return cut{206, first, n, total} }
	none := func(total int64) cut { return cut{status: 416, total: total} }
	f("bytes=0-0", 10, part(0, 1, 10))
	f("bytes=2-5", 10, part(2, 4, 10))
	f("bytes=2-", 10, part(2, 8, 10))
	f("bytes=2-99999999999999999999", 10, part(2, 8, 10))
	f("bytes=-3", 10, part(7, 3, 10))
	f("bytes=-30", 10, part(0, 10, 10))
	f("bytes=0-", 10, part(0, 10, 10))
	f("bytes=9-", 10, part(9, 1, 10))
	f("bytes=10-", 10, none(10))
	f("bytes=10-20", 10, none(10))
	f("bytes=-0", 10, none(10))
	f("bytes=0-", 0, none(0))
	f("bytes=-5", 0, cut{})
	f("bytes=20-,0-1", 10, part(0, 2, 10)) // what cannot be had is left out
	f("bytes=4-5,0-1,2-3", 10, part(0, 6, 10))
	f("bytes=0-5,3-8", 10, part(0, 9, 10))
	f("bytes=0-1,8-9", 10, cut{}) // would be multipart
}

// scattered gives a body in pieces that depend on nothing but their sizes.
type scattered struct {
	body  []byte
	sizes []int
}

func (s *scattered) Next() ([]byte, error) {
	if len(s.body) == 0 {
		return nil, io.EOF
	}
	n := len(s.body)
	if len(s.sizes) > 0 {
		n, s.sizes = min(n, s.sizes[0]), s.sizes[1:]
	}
	piece := s.body[:n]
	s.body = s.body[n:]
	return piece, nil
}

// Any part that is cut out of a body as it comes is that slice of it, and no byte of a part is given where the body
// breaks off before.
func TestPartOfAnyBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "body")
		a, b := rapid.IntRange(0, 400).Draw(t, "a"), rapid.IntRange(0, 400).Draw(t, "b")
		value := rapid.SampledFrom([]string{fmt.Sprintf("bytes=%d-%d", min(a, b), max(a, b)), fmt.Sprintf("bytes=%d-", a), fmt.Sprintf("bytes=-%d", b)}).Draw(t, "range")
		sizes := rapid.SliceOf(rapid.IntRange(0, 50)).Draw(t, "sizes")
		set, ok := parseRange([]byte(value))
		if !ok {
			t.Fatalf("%q is no range", value)
		}
		c := set.of(int64(len(body)))
		if c.status == 416 {
			if first := a; !strings.HasPrefix(value, "bytes=-") && min(first, b) < len(body) && value != fmt.Sprintf("bytes=%d-", a) {
				t.Fatalf("%q of %d bytes is none", value, len(body))
			}
			return
		}
		read := func(of []byte) (string, error) {
			var got []byte
			s := &partSource{src: &scattered{of, append([]int(nil), sizes...)}, skip: c.first, left: c.n}
			for {
				piece, err := s.Next()
				if err != nil {
					return string(got), err
				}
				got = append(got, piece...)
			}
		}
		if got, err := read(body); err != io.EOF || got != string(body[c.first:c.first+c.n]) {
			t.Fatalf("%q: %q, %v", value, got, err)
		}
		if got, err := read(body[:c.first+c.n-1]); err != io.ErrUnexpectedEOF {
			t.Fatalf("%q of a body that broke off: %q, %v", value, got, err)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5,1-", "bytes=", "bytes=9-1"} {
		f.Add([]byte(s), int64(7))
	}
	f.Fuzz(func(t *testing.T, value []byte, total int64) {
		set, ok := parseRange(value)
		if !ok || total < 0 {
			return
		}
		c := set.of(total)
		switch {
		case c.status == 0 || c.status == 416:
		case c.status != 206 || c.first < 0 || c.n < 1 || c.first+c.n > total || c.total != total:
			t.Errorf("%q of %d: %+v", value, total, c)
		}
	})
}
