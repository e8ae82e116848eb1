package demo

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Page is one rendered page, with what its HTTP answer says about it.
type Page struct {
	Status   int    // 200 or 404
	HTML     []byte // the caller's
	Tags     []string
	Narrowed bool    // Segment-Vary is sent
	Depends  []Field // the value of Segment-Vary; may be empty on a narrowed page, which then is equal for all
	Strong   bool    // has a strong ETag
}

// Render makes the page of a path: equal arguments give equal bytes. The path is percent-decoded; of the raw query
// the search reads q, and search and categories read sort (price, -price); all else in it has no effect. A path
// that names no page, private ones included, gives the page of status 404.
//
// The page embeds the token it was made for, in the element segment-token, and its numbers for machines in the
// element aisle-demo. On a narrowed page both show the narrowed segment.
func Render(c *Catalogue, revision uint64, seg Segment, path, rawQuery string) Page {
	// A bad pair is left out of the values, and the error says no more than that.
	query, _ := url.ParseQuery(rawQuery)
	v := newView(c, revision, seg, path)
	switch Classify(path) {
	case ClassHome:
		return v.home()
	case ClassCategory:
		if cat := c.Category(strings.TrimPrefix(path, "/c/")); cat != nil {
			return v.category(cat, query.Get("sort"))
		}
	case ClassSearch:
		return v.search(query.Get("q"), query.Get("sort"))
	case ClassProduct:
		if slug, _ := productSlug(path); c.Product(slug) != nil {
			return v.product(c.Product(slug))
		}
	case ClassAbout:
		return v.about()
	}
	return v.notFound()
}

// LastModified is the modification date of all pages at a revision, the same for every segment: a real storefront
// knows when its catalogue changed and does not know that a price table did.
func LastModified(revision uint64) time.Time {
	return time.Date(2025, time.June, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(revision%100_000) * time.Minute)
}

// view is one page in the making.
type view struct {
	markup
	c        *Catalogue
	terms    terms
	revision uint64
	path     string
	page     Page
	shown    []Offer // what machines read, in the order of the page
	private  bool    // knows the shopper; asks not to be indexed
}

func newView(c *Catalogue, revision uint64, seg Segment, path string) *view {
	v := &view{c: c, terms: termsOf(seg), revision: revision, path: path, page: Page{Status: http.StatusOK}}
	v.b = make([]byte, 0, 72<<10)
	return v
}

// narrow makes the page depend on the given fields alone, from here on. It is called before anything is written.
func (v *view) narrow(fields []Field) {
	v.terms = termsOf(v.terms.seg.Narrow(fields))
	v.page.Narrowed, v.page.Depends = true, fields
}

// done finishes the document.
func (v *view) done() Page {
	v.footer()
	v.machine()
	v.raw(`<script src="`, v.c.files.url("app.js"), `" defer></script></body></html>`, "\n")
	v.page.HTML = v.b
	return v.page
}

func (v *view) money(cents int64) string {
	return money(cents, v.terms.seg.CurrencySymbol, v.terms.seg.CultureInfo)
}

// quote prices p and remembers the offer for the machine block, once.
func (v *view) quote(p *Product) Offer {
	for _, o := range v.shown {
		if o.ID == p.ID {
			return o
		}
	}
	o := v.terms.quote(p, v.revision)
	v.shown = append(v.shown, o)
	return o
}
