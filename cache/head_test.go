package cache_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
)

func answerWith(status int, fields ...string) *cache.OriginResponse {
	return &cache.OriginResponse{Status: status, Fields: lines(fields...), Body: io.NopCloser(strings.NewReader("")), Length: -1, Server: "s1"}
}

func TestHeadOf(t *testing.T) {
	resp := answerWith(200, "Content-Type: text/html", `etag: W/"a"`, "Last-Modified: then", "Set-Cookie: a=b", "Age: 7", "Segment-Vary: channel", "set-cookie: c=d", "Link: </x>", "Link: </y>")
	f := func(strip bool, cookies []string, header ...string) {
		t.Helper()
		head, got := cache.HeadOf(resp, strip)
		if diff := cmp.Diff(cookies, got); diff != "" {
			t.Errorf("cookies, strip %v:\n%s", strip, diff)
		}
		if diff := cmp.Diff(lines(header...), head.Header.Fields()); diff != "" {
			t.Errorf("header, strip %v:\n%s", strip, diff)
		}
		if head.Status != 200 || head.ETag != `W/"a"` || head.LastModified != "then" || head.Server != "s1" || head.Length != -1 {
			t.Errorf("%+v", head)
		}
	}
	f(true, []string{"a=b", "c=d"}, "Content-Type: text/html", `etag: W/"a"`, "Last-Modified: then", "Link: </x>", "Link: </y>")
	f(false, nil, "Content-Type: text/html", `etag: W/"a"`, "Last-Modified: then", "Set-Cookie: a=b", "set-cookie: c=d", "Link: </x>", "Link: </y>")
}

func priorWith(fields ...string) *cache.Entry {
	e := &cache.Entry{Body: []byte("body")}
	e.Head, _ = cache.HeadOf(answerWith(200, fields...), true)
	return e
}

// TestMerge covers RFC 9111, 3.2 and 4.3.4.
func TestMerge(t *testing.T) {
	prior := priorWith("Content-Type: text/html", "Content-Encoding: gzip", "Cache-Control: max-age=1", "X-Old: 1", "Link: </a>", "Link: </b>", "Date: old")
	f := func(want []cache.Field, with ...string) {
		t.Helper()
		got := cache.Merge(prior, answerWith(304, with...))
		if diff := cmp.Diff(want, got.Fields); diff != "" {
			t.Errorf("%q (-want +got):\n%s", with, diff)
		}
		if got.Status != 200 || got.Length != 4 || got.Server != "s1" {
			t.Errorf("%+v", got)
		}
	}
	stays := []string{"Content-Type: text/html", "Content-Encoding: gzip"}
	all := func(fields ...string) []cache.Field { return lines(fields...) }
	f(all(append(stays, "Cache-Control: max-age=1", "X-Old: 1", "Link: </a>", "Link: </b>")...))
	f(all(append([]string{"cache-control: max-age=9", "Date: new"}, append(stays, "X-Old: 1", "Link: </a>", "Link: </b>")...)...), "cache-control: max-age=9", "Date: new")
	f(all(append([]string{"link: </c>", "link: </d>"}, append(stays, "Cache-Control: max-age=1", "X-Old: 1")...)...), "link: </c>", "link: </d>")
	// What describes the stored bytes is the stored bytes' own.
	f(all(append(stays, "Cache-Control: max-age=1", "X-Old: 1", "Link: </a>", "Link: </b>")...), "Content-Type: text/plain", "content-encoding: br", "Content-Length: 0", "Content-Range: x")
}

func TestConfirms(t *testing.T) {
	f := func(etag, with string, want bool) {
		t.Helper()
		prior := &cache.Entry{Head: cache.Head{ETag: etag}}
		resp := answerWith(304)
		if with != "" {
			resp = answerWith(304, "ETag: "+with)
		}
		if got := cache.Confirms(resp, prior); got != want {
			t.Errorf("304 with %s about %s: %v", with, etag, got)
		}
	}
	f(`"a"`, "", true)
	f(`"a"`, `"a"`, true)
	f(`"a"`, `W/"a"`, true)
	f(`W/"a"`, `"a"`, true)
	f(`"a"`, `"b"`, false)
	f("", `"b"`, false) // RFC 9111, 4.3.4: a validator that no stored answer has updates none
	f("", "", true)
}

// A digest is stable, so that it is the same on every edge, and of the bytes alone.
func TestDigest(t *testing.T) {
	a, b := cache.DigestOf([]byte("page")), cache.DigestOf([]byte("pagf"))
	if a == b || len(a) != 32 || a != cache.DigestOf([]byte("page")) {
		t.Errorf("%q %q", a, b)
	}
	if want := "e3b0c44298fc1c149afbf4c8996fb924"; cache.DigestOf(nil) != want {
		t.Errorf("of nothing: %q, want %q", cache.DigestOf(nil), want)
	}
}
