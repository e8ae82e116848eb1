package proxy

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/operation"
)

// Sessions is the port to a sessions system of ours, in this process or another one. It remembers answers for a moment, and its
// errors hold no token.
type Sessions interface {
	// Recover issues the segment of the session that a token names anew, with the Set-Cookie values that give it to
	// the shopper. An error: there is no such session, or nobody says.
	Recover(ctx context.Context, sessionToken string) (segmentToken, seal string, setCookies []string, err error)
	// Facets gives the text that a reference in a segment stands for.
	Facets(ctx context.Context, reference string) (string, error)
}

// Upstreams of aisle's own: an operator's cannot be called so.
const (
	SidecarUpstream   = "sessions"           // the sidecar's endpoints go to it
	SuccessorUpstream = "sessions-successor" // leads to the process that has replaced this one, and the sessions with it
)

// sidecarRoutes are the routes of the sidecar's endpoints, under any prefix (DESIGN.md, rule 2). They stand before
// the operator's, which might otherwise cache a session.
func sidecarRoutes(regions bool) []Route {
	endpoints := []string{"sessions", "segments"}
	if regions {
		endpoints = append(endpoints, "checkout/pub/regions", "checkout/pub/postal-code")
	}
	var list []Route
	for _, name := range endpoints {
		list = append(list, Route{Name: "sidecar:" + path.Base(name), Match: Match{Path: "/**/api/" + name + "/**"}, Scope: cache.ScopePrivate, Upstream: SidecarUpstream})
	}
	return list
}

// behindSidecar puts the operator's routes behind the sidecar's.
func behindSidecar(o Options) Options {
	o.Routes = append(sidecarRoutes(o.SidecarRegions), o.Routes...)
	return o
}

// sidecars says that the request is for our sidecar: without one an operator's upstream may have its name.
func (x *exchange) sidecars() bool {
	return x.edge.parts.Sessions != nil && x.route.Upstream == SidecarUpstream
}

// operationField names one call to the sidecar, in lower case.
const operationField = "x-vtex-operation-id"

// sidecarFault is an answer of the edge's own in the form of the sidecar's errors: its clients read JSON whatever the status
// (facts, part 3), so no page of the operator's takes its place.
func (x *exchange) sidecarFault(status int, reason cache.Reason) *page {
	kind := strings.ReplaceAll(fasthttp.StatusMessage(status), " ", "")
	switch {
	case status == fasthttp.StatusInternalServerError:
		kind = "InternalError"
	case status > fasthttp.StatusInternalServerError:
		kind = "Unavailable"
	}
	p := &page{contentType: "application/json; charset=utf-8", operation: x.operation()}
	p.body, _ = json.Marshal(struct { // texts cannot fail
		Type      string `json:"type"`
		Message   string `json:"message"`
		Operation string `json:"operationId"`
	}{kind, "aisle: " + reason.String(), p.operation})
	return p
}

// operation echoes the id that the client gave the call, as the sidecar does.
func (x *exchange) operation() string {
	for i := range x.lines {
		if l := &x.lines[i]; string(l.lower) == operationField {
			return operation.ID(string(l.value))
		}
	}
	return operation.ID("")
}

// sidecarPatience is how long a page waits for the sidecar.
const sidecarPatience = 250 * time.Millisecond

// claimOf makes what the request says of its shopper out of its cookies and the overlay: with our sidecar, a segment that
// was lost, or whose seal no longer proves it, is asked for anew, and facets that stand as a reference are put in
// their place. lost is why a page cannot be made of it by us.
func (x *exchange) claimOf(overlay []byte) (claim *segment.Claim, lost cache.Reason) {
	token, duplicates := x.jar.segment()
	seal := x.jar.seal()
	resolve := func() *segment.Claim {
		return x.edge.parts.Segments.Resolve(x.started, token, seal, duplicates, overlay)
	}
	claim = resolve()
	if x.edge.parts.Sessions == nil {
		return claim, cache.ReasonNone
	}
	session := x.jar.found[sessionSlot].single()
	recovers := len(session) > 0 && needsRecovery(claim, x.edge.all)
	if _, refers := facetsReference(claim); !recovers && !refers {
		return claim, cache.ReasonNone // without a timer, as nearly all are
	}
	ctx, cancel := context.WithTimeout(context.Background(), sidecarPatience)
	defer cancel()
	if recovers {
		issued, proof, setCookies, err := x.edge.parts.Sessions.Recover(ctx, string(session))
		x.edge.metrics.recoveries(err == nil).Inc()
		if err == nil {
			token, seal, duplicates = []byte(issued), []byte(proof), false
			x.recovered = setCookies
			claim = resolve()
		}
	}
	ref, refers := facetsReference(claim)
	if !refers {
		return claim, cache.ReasonNone
	}
	text, err := x.edge.parts.Sessions.Facets(ctx, ref)
	if err != nil || text == "" {
		return claim, cache.ReasonUnresolved
	}
	whole, err := claim.Verified().With("facets", text)
	if err != nil {
		return claim, cache.ReasonUnresolved
	}
	token = whole.AppendToken(nil)
	seal, duplicates = []byte(x.edge.parts.Sealer.Seal(x.started, token)), false
	resolved := resolve()
	if resolved.Reason() != segment.OK {
		return claim, cache.ReasonUnresolved // too long, say: never a default
	}
	return resolved, cache.ReasonNone
}

// facetsReference is what the facets of a proven segment are kept under, where they were too long for a cookie.
func facetsReference(claim *segment.Claim) (ref string, refers bool) {
	facets, _ := claim.Verified().Get("facets")
	return strings.CutPrefix(facets, "ref=")
}

// needsRecovery: there is no segment, or it states something that nothing proves any more.
func needsRecovery(claim *segment.Claim, all *segment.Projection) bool {
	return claim.Reason() == segment.Absent || claim.In(all).Unproven
}

// recoveredCookies gives a recovered segment to its shopper, on answers that are for this browser alone.
func (x *exchange) recoveredCookies(h *answerHead, d Downstream) {
	if h.scope != cache.ScopeSegment || d.Set {
		return
	}
	for _, line := range x.recovered {
		h.line("Set-Cookie", line)
	}
}

// ownedCookie says whether a Set-Cookie of an origin's is one that our sessions system owns: the origin has another idea of it,
// which the shopper must not get.
func ownedCookie(value, segmentCookie string) bool {
	name, _, _ := strings.Cut(value, "=")
	name = strings.TrimSpace(name)
	return name == segmentCookie || name == sessionCookie || name == sealCookie
}

// withoutOwned is an origin whose answers set no cookie that our sessions system owns, the sidecar's own aside.
type withoutOwned struct {
	cache.Origin
	segmentCookie string
}

// Fetch implements cache.Origin.
func (o withoutOwned) Fetch(ctx context.Context, r *cache.OriginRequest) (*cache.OriginResponse, error) {
	resp, err := o.Origin.Fetch(ctx, r)
	if err != nil || r.Upstream == SidecarUpstream {
		return resp, err
	}
	kept := resp.Fields[:0:0]
	for _, f := range resp.Fields {
		if !strings.EqualFold(f.Name, "set-cookie") || !ownedCookie(f.Value, o.segmentCookie) {
			kept = append(kept, f)
		}
	}
	resp.Fields = kept
	return resp, nil
}
