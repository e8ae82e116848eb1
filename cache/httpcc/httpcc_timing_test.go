package httpcc_test

import (
	"testing"
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

func BenchmarkParseCacheControl(b *testing.B) {
	for name, in := range map[string]string{
		"reload":    "no-cache",
		"page":      "public, max-age=60, s-maxage=300, stale-while-revalidate=30",
		"malformed": "private; max-age=60",
		"quotes":    `"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"`,
	} {
		b.Run(name, func(b *testing.B) {
			line := []byte(in)
			b.ReportAllocs()
			for b.Loop() {
				httpcc.ParseCacheControl(line)
			}
		})
	}
}

func BenchmarkParseTargeted(b *testing.B) {
	line := []byte("max-age=600, stale-while-revalidate=30")
	b.ReportAllocs()
	for b.Loop() {
		httpcc.ParseTargeted(line)
	}
}

func BenchmarkDate(b *testing.B) {
	text := []byte("Sun, 06 Nov 1994 08:49:37 GMT")
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			httpcc.ParseDate(text)
		}
	})
	b.Run("append", func(b *testing.B) {
		buf, t := make([]byte, 0, 32), time.Unix(784111777, 0)
		b.ReportAllocs()
		for b.Loop() {
			httpcc.AppendDate(buf, t)
		}
	})
}

func BenchmarkMatchNone(b *testing.B) {
	field, etag := [][]byte{[]byte(`"x", W/"y,z", "abc"`)}, []byte(`W/"abc"`)
	b.ReportAllocs()
	for b.Loop() {
		httpcc.MatchNone(field, etag)
	}
}
