package sessions

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// sessions answers /api/sessions and /api/sessions/{token}.
func (e *exchange) sessions() error {
	backend, err := backendOf(e.r.Header, e.h.o.Backends)
	if err != nil {
		return err
	}
	if e.r.Method == http.MethodDelete {
		return e.erase(backend)
	}
	asked := parseQuery(e.r.URL.RawQuery, e.h.service.denied, e.h.service.o.Limits)
	items, err := parseItems(asked.items, e.h.service.o.Limits.Items)
	if err != nil {
		return err
	}
	in := e.cookies()
	if e.r.Method == http.MethodPost || e.r.Method == http.MethodPatch {
		return e.edit(in, asked, items, backend)
	}
	out, err := e.h.service.Read(e.r.Context(), e.call(in, backend))
	if err != nil {
		return err
	}
	if _, err := e.setCookies(out, in, out.Moved); err != nil {
		return err
	}
	e.answerJSON(http.StatusOK, viewOf(out.Session, items))
	return nil
}

// edit answers POST and PATCH, which differ in the status alone: both create a session where there is none, and edit the one
// that there is (facts 1.1, 1.3).
func (e *exchange) edit(in incoming, asked query, items Items, backend bool) error {
	change, err := e.change(asked, backend)
	if err != nil {
		return err
	}
	out, err := e.h.service.Edit(e.r.Context(), e.call(in, backend), change)
	if err != nil {
		return e.refused(out, in, err)
	}
	token, err := e.setCookies(out, in, true)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if e.r.Method == http.MethodPost {
		status = http.StatusCreated
	}
	if asked.hasItems { // facts 1.4
		e.answerJSON(status, viewOf(out.Session, items))
		return nil
	}
	e.answerJSON(status, tokens{token, out.Segment.Token})
	return nil
}

// refused has the refusal of a change carry what the session is all the same: its shopper may have logged in or out.
func (e *exchange) refused(out Outcome, in incoming, err error) error {
	if out.Session == nil {
		return err
	}
	if _, fault := e.setCookies(out, in, out.Moved); fault != nil {
		return fault
	}
	return err
}

// tokens is the answer to a write without items.
type tokens struct {
	Session string `json:"sessionToken"`
	Segment string `json:"segmentToken"`
}

// view is the answer to a read, and to a write with items.
type view struct {
	ID         string                     `json:"id"`
	Namespaces map[string]map[string]item `json:"namespaces"`
	Version    uint64                     `json:"version"`
	Active     bool                       `json:"active"`
	Debug      bool                       `json:"debug"`
}

func viewOf(s *Session, items Items) view {
	return view{s.ID, items.view(s), s.Version, s.Active, s.Debug}
}

// erase deletes a session that is named by a token of it or by its id.
func (e *exchange) erase(backend bool) error {
	if !backend {
		return &Fault{Status: http.StatusUnauthorized, Type: "Unauthorized", Message: "a backend credential is needed in " + BackendHeader}
	}
	id := e.h.service.ID(e.token)
	if id == "" {
		return ErrNotFound
	}
	if err := e.h.service.Erase(e.r.Context(), id); err != nil {
		return err
	}
	e.status = http.StatusNoContent
	e.w.WriteHeader(e.status)
	return nil
}

// cookies reads the request's cookies and counts what is broken in them.
func (e *exchange) cookies() incoming {
	in := readCookies(e.r.Header.Values("Cookie"))
	e.h.metrics.dropped(brokenCookie, in.broken)
	return in
}

// call says who calls. A token in the path is what the client means, whatever cookies it has: so the public client gets
// rid of a session, by a token that is none (facts 1.8).
//
// Who visits a session that is not that of their own cookie is no shopper of it: a link with a token of somebody else's would
// bring that session the log-in of whoever follows it, and give them a session that somebody else reads. A server that knows no
// cookies at all gets those of the session.
func (e *exchange) call(in incoming, backend bool) Call {
	// Browsers send vtex_segment wherever they send vtex_session, servers of apps do not (facts, part 3): for
	// them an absent cookie means nothing, and a log-out by it would throw a shopper out.
	call := Call{Tokens: in.sessions, Cookies: in.others, Browser: in.segment != "", Operation: e.operation}
	if e.endpoint == sessionsEndpoint && e.token != "" {
		call.Tokens, call.Browser = []string{e.token}, false
		if e.h.service.another(e.token, in.sessions) {
			call.Cookies = nil
			e.visits = !backend && browsed(e.r.Header)
		}
	}
	if !backend {
		call.Admit = e.admit
	}
	return call
}

// browsed says whether a request may be a browser's. Browsers that tell nothing of a link's origin (Sec-Fetch-Site) do tell that
// they want a page.
func browsed(header http.Header) bool {
	for _, name := range []string{"Cookie", "Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode"} {
		if header.Get(name) != "" {
			return true
		}
	}
	return strings.Contains(strings.ToLower(header.Get("Accept")), "text/html")
}

func (e *exchange) admit() error {
	return e.h.newcomers.admit(e.h.peers.client(e.r.RemoteAddr, e.r.Header.Values("X-Forwarded-For")))
}

// change is what the body and the query want written. The body has the first claim on the number of keys: it is
// the client's own, the query is a landing page's.
func (e *exchange) change(asked query, backend bool) (Change, error) {
	e.countQuery(asked)
	limits := e.h.service.o.Limits
	text, err := e.body(limits.Body)
	if err != nil {
		return Change{}, err
	}
	b, err := parseBody(text, backend, limits)
	if err != nil {
		return Change{}, err
	}
	e.h.metrics.dropped(foreignNamespace, b.ignored)
	if !backend && e.h.cors.foreign(e.r) {
		e.h.metrics.dropped(deniedBody, b.deny(e.h.service.denied))
	}
	written := count(b.values)
	if written > limits.Keys {
		return Change{}, badRequest("body: more than %d keys", limits.Keys)
	}
	e.h.metrics.dropped(excessQuery, asked.keep(limits.Keys-written))
	return Change{Values: b.values, Query: asked.public, KeepAlive: b.keepAlive}, nil
}

func count(values transform.Values) (n int) {
	for _, keys := range values {
		n += len(keys)
	}
	return n
}

// body reads the request's body, whatever its Content-Type: the public clients do not always give one.
func (e *exchange) body(limit int) ([]byte, error) {
	if coding := e.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, &Fault{Status: http.StatusUnsupportedMediaType, Type: "UnsupportedMediaType", Message: "body: no content coding is understood"}
	}
	text, err := io.ReadAll(http.MaxBytesReader(e.w, e.r.Body, int64(limit)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge("body: more than %d bytes", limit)
	case err != nil:
		return nil, badRequest("body: it broke off")
	}
	return text, nil
}

func (e *exchange) countQuery(q query) {
	e.h.metrics.dropped(deniedQuery, q.denied)
	e.h.metrics.dropped(brokenQuery, q.broken)
}

// setCookies sets the cookies of an outcome, and gives the session token. A read that changes nothing sets none, unless the
// client's are other ones than they would be now: to sign a token costs more than to read. A browser that visits a session gets none.
func (e *exchange) setCookies(out Outcome, in incoming, withToken bool) (token string, err error) {
	lives, gives := time.Until(out.Session.Expires), !e.visits || out.Created
	if withToken {
		if token, err = e.h.service.Token(out); err != nil {
			return "", err
		}
		if gives {
			e.setCookie(SessionCookie, token, lives)
		}
	}
	if gives {
		e.setSegment(out.Segment.Token, in, lives, withToken)
	}
	return token, nil
}

func (e *exchange) setSegment(segmentToken string, in incoming, lives time.Duration, always bool) {
	seal := e.h.service.Seal(segmentToken)
	if always || in.segment != segmentToken || in.seal != seal {
		e.setCookie(SegmentCookie, segmentToken, lives)
		e.setCookie(SealCookie, seal, lives)
	}
}

func (e *exchange) setCookie(name, value string, lives time.Duration) {
	e.w.Header().Add("Set-Cookie", e.h.o.Cookies.line(name, value, lives))
}
