package cache

import (
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

// Request is what the engine needs to know of one anonymous GET or HEAD. It is
// pooled by its maker; all slices are views that live until Serve returns.
type Request struct {
	Head   bool   // HEAD instead of GET
	Base   []byte // from AppendBase
	Policy *Policy
	Dims   Dimensions
	Asker  Asker

	// Taken: something that tells shoppers apart was removed on the way to the
	// anonymous request, so an answer that is for one is not for this one.
	Taken bool
	// Cookieless: the request carried no cookie at all.
	Cookieless bool
	// Authorized: Authorization is forwarded (public scope only), RFC 9111, 3.5.
	Authorized bool
	// Directives are the request's own Cache-Control; zero unless the site honours
	// those of this client.
	Directives httpcc.Directives
	// Part: a GET that is content with a part of the page (RFC 9110, 14.2), whatever
	// the page's validator turns out to be. On segment scope the whole is fetched and
	// its maker cuts it; on public scope what is not stored is asked for by Ask.Part.
	Part bool
	// Deadline is when this request stops waiting for others; the zero value: never.
	Deadline time.Time

	key     []byte // scratch: the variant key last built
	hash    uint64 // of key
	waited  bool   // for a flight that was still undecided
	relooks int    // lookups that an index change made void
}

// Reset makes r empty and keeps its scratch space, which is what lets a pooled
// Request be served without allocation.
func (r *Request) Reset() { *r = Request{key: r.key[:0]} }

// Ask is an anonymous request with what must outlive its maker's own request.
type Ask struct {
	Request *OriginRequest
	Dims    Dimensions // of the request that leads, reading owned memory only
	Labels  []string   // what a purge by URL may name
	// Part is the request's own Range and If-Range, which go upstream only where the
	// answer is this request's alone; nil where Request.Part is not set, and on segment scope.
	Part   []Field
	Origin Origin // whom to ask; nil: the engine's
	// Release is called once, when Origin is not needed for this ask any more. It may be nil.
	Release func()
}

func (a *Ask) release() {
	if a.Release != nil {
		a.Release()
	}
}

// Result is how the engine answers. Exactly one of Entry, Stream, Handover,
// PassOn and Err says what there is to deliver.
type Result struct {
	Outcome Outcome
	Reason  Reason
	Age     time.Duration // of the page; negative never
	TTL     time.Duration // left; negative once stale
	// FwdStatus is the origin's status for this request, 0 where nothing was forwarded.
	FwdStatus int
	Stored    bool   // the answer that this request fetched goes into the store
	Collapsed bool   // it waited for another request's fetch
	Key       []byte // the variant key; a view, valid until Serve is called again

	// Entry is a whole page.
	Entry *Entry
	// Stream is a page that is still coming; the caller closes it.
	Stream *Stream
	// Handover is an answer for this request alone; the caller closes its Body.
	Handover *OriginResponse
	// PassOn: nothing is to be delivered; the request goes again as a pass.
	PassOn bool
	// Err: no answer could be had.
	Err *OriginError

	// SetCookies are the Set-Cookie values that only the leader of a fetch may get.
	SetCookies []string
}
