package proxy

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

func TestDownstreamControl(t *testing.T) {
	f := func(noStore bool, d Downstream, want string) {
		t.Helper()
		got := appendDownstreamControl([]byte("x"), noStore, d)
		if string(got) != "x"+want {
			t.Errorf("%v %+v: got %q, want %q", noStore, d, got, want)
		}
		// What is not loosened, no cache may use unasked.
		c := httpcc.ParseCacheControl(got[1:])
		if (noStore || !d.Set) && (!c.Private || !c.NoCache || c.NoStore != noStore) {
			t.Errorf("%q lets others keep it", got)
		}
	}
	const minute = time.Minute
	f(false, Downstream{}, "private, no-cache")
	f(true, Downstream{}, "private, no-cache, no-store")
	f(true, Downstream{Set: true, Browser: minute, CDN: minute}, "private, no-cache, no-store")
	f(false, Downstream{Browser: minute, CDN: minute}, "private, no-cache") // not set
	f(false, Downstream{Set: true}, "private, no-cache")
	f(false, Downstream{Set: true, Browser: minute}, "private, max-age=60")
	f(false, Downstream{Set: true, Browser: 1500 * time.Millisecond, CDN: minute}, "public, max-age=1, s-maxage=60")
	f(false, Downstream{Set: true, CDN: minute}, "public, max-age=0, s-maxage=60")
}

func TestRemovedDownstream(t *testing.T) {
	f := func(want bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if got := removedDownstream([]byte(name)); got != want {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
	f(true, "cache-control", "etag", "expires", "last-modified", "pragma", "segment-vary", "surrogate-control", "edge-control", "x-accel-expires",
		"cdn-cache-control", "aisle-cdn-cache-control", "cloudflare-cdn-cache-control", "vercel-cdn-cache-control")
	f(false, "age", "date", "vary", "content-type", "set-cookie", "surrogate-key", "cache-tag", "cache-status", "x-cache-control", "cdn-cache-controls", "link")
}

const someDigest = "0123456789abcdef0123456789abcdef"

func TestComposedETag(t *testing.T) {
	f := func(validator, want string) {
		t.Helper()
		if got := appendETag([]byte("x"), someDigest, []byte(validator)); string(got) != "x"+want {
			t.Errorf("%q: got %q, want %q", validator, got, want)
		}
	}
	f(`"abc"`, `"`+someDigest+`-abc"`)
	f(`W/"abc"`, `W/"`+someDigest+`-abc"`)
	f(` "a\b,c" `, `"`+someDigest+`-a\b,c"`) // no escapes in tags: bytes as they are
	f(`""`, `"`+someDigest+`-"`)
	f("\"\xc3\xa9\"", "\""+someDigest+"-\xc3\xa9\"")
	f("", "")
	f("abc", "")
	f(`w/"abc"`, "")
	f(`"a"b"`, "")
	f("\"a\nb\"", "")
}

func TestComposedETagAgainstIfNoneMatch(t *testing.T) {
	composed := appendETag(nil, someDigest, []byte(`W/"abc"`))
	f := func(want bool, lines ...string) {
		t.Helper()
		if got := httpcc.MatchNone(fieldLines(lines...), composed); got != want {
			t.Errorf("%q: %v", lines, got)
		}
	}
	f(true, string(composed))
	f(true, `"x", "`+someDigest+`-abc"`)
	f(false, `W/"abc"`, `"abc"`) // the origin's own
	f(false, `"ffffffffffffffffffffffffffffffff-abc"`)
}

// Two pages have one tag only where segment and validator are the same.
func TestComposedETagsDiffer(t *testing.T) {
	digest := rapid.StringMatching(`[0-9a-f]{32}`)
	opaque := rapid.StringMatching(`[!#-~]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		d1, d2 := digest.Draw(t, "d1"), rapid.OneOf(digest, rapid.Just("")).Draw(t, "d2")
		if d2 == "" {
			d2 = d1
		}
		o1, o2 := opaque.Draw(t, "o1"), opaque.Draw(t, "o2")
		one := appendETag(nil, d1, []byte(`"`+o1+`"`))
		two := appendETag(nil, d2, []byte(`"`+o2+`"`))
		if _, ok := httpcc.ParseETag(one); !ok {
			t.Fatalf("%q is no entity tag", one)
		}
		if (string(one) == string(two)) != (d1 == d2 && o1 == o2) {
			t.Fatalf("%q and %q", one, two)
		}
	})
}

func TestDownstreamAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 256)
	validator, d := []byte(`W/"abc"`), Downstream{Set: true, CDN: time.Hour}
	if n := testing.AllocsPerRun(100, func() {
		appendETag(dst, someDigest, validator)
		appendDownstreamControl(dst, false, d)
		removedDownstream(validator)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
