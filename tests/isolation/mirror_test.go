package isolation_test

import (
	"bytes"
	"hash/maphash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/aislecache/aisle/demo"
)

// mirror knows what the demo storefront answers at each price list: it asks storefronts of its own, one for each,
// that nobody fails and nobody stands in front of.
type mirror struct {
	seed maphash.Seed

	mu    sync.Mutex // guards all below
	shops map[uint64]*demo.Storefront
	pages map[pageKey]*page
}

type pageKey struct {
	revision      uint64
	target, token string
}

// page is an answer of the storefront, its body by hash and length: there are tens of thousands.
type page struct {
	status int
	length int
	hash   uint64
	etag   string // without quotes
	tags   []string
}

func newMirror() *mirror {
	return &mirror{seed: maphash.MakeSeed(), shops: map[uint64]*demo.Storefront{}, pages: map[pageKey]*page{}}
}

// maxPages bounds the memory of what was asked.
const maxPages = 100_000

// page gives the answer for a target and the token that the origin must have been asked with.
func (m *mirror) page(revision uint64, target, token string) *page {
	key := pageKey{revision, target, token}
	m.mu.Lock()
	known := m.pages[key]
	m.mu.Unlock()
	if known != nil {
		return known
	}
	got := m.ask(revision, target, token)
	p := &page{
		status: got.Code, length: got.Body.Len(), hash: m.hash(got.Body.Bytes()), etag: strings.Trim(got.Header().Get("ETag"), `"`),
		tags: strings.Fields(got.Header().Get("Surrogate-Key")),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.pages) >= maxPages {
		clear(m.pages)
	}
	m.pages[key] = p
	return p
}

func (m *mirror) hash(body []byte) uint64 { return maphash.Bytes(m.seed, body) }

// ask asks for the whole answer.
func (m *mirror) ask(revision uint64, target, token string) *httptest.ResponseRecorder {
	path, query, _ := strings.Cut(target, "?")
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: path, RawQuery: query}, Host: "shop.test", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"X-Vtex-Segment": {token}},
	}
	w := httptest.NewRecorder()
	m.shop(revision).Handler().ServeHTTP(w, r)
	return w
}

func (m *mirror) shop(revision uint64) *demo.Storefront {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shops[revision]
	if s == nil {
		s = demo.New(demo.Options{})
		for range revision {
			s.Reprice()
		}
		m.shops[revision] = s
	}
	return s
}

// revisionOf reads the price list that a page was made from; none where the page does not depend on it.
func revisionOf(body []byte) (revision uint64, ok bool) {
	mark := []byte(`"revision":`)
	at := bytes.LastIndex(body, mark)
	if at < 0 {
		return 0, false
	}
	rest := body[at+len(mark):]
	end := 0
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	revision, err := strconv.ParseUint(string(rest[:end]), 10, 64)
	return revision, err == nil
}

// machineBlock is the part of a page that is for machines: its token, prices, stock and promotions.
func machineBlock(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte(`<script id="aisle-demo" type="application/json">`))
	if !ok {
		return string(body[:min(len(body), 2000)])
	}
	text, _, _ := bytes.Cut(rest, []byte(`</script>`))
	return string(text[:min(len(text), 2000)])
}
