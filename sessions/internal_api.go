package sessions

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

func (h *Handler) isInternal(r *http.Request) bool {
	_, edge := h.peers.remote(r.RemoteAddr)
	path := r.URL.EscapedPath()
	return edge && strings.HasPrefix(path, internalPrefix) && !strings.Contains(path, "/api/") // which edges hand on
}

func (e *exchange) internal() error {
	path := strings.TrimPrefix(e.r.URL.EscapedPath(), internalPrefix)
	reference, facets := strings.CutPrefix(path, "facets/")
	switch {
	case path == "sessions/recover" && e.r.Method == http.MethodPost:
		return e.recover()
	case path == "sessions/revoke" && e.r.Method == http.MethodPost:
		return e.revoke()
	case facets && e.r.Method != http.MethodPost:
		return e.facets(reference)
	case path == "ready" && e.r.Method != http.MethodPost:
		return e.ready()
	}
	return &Fault{Status: http.StatusNotFound, Type: "NotFound", Message: "no such endpoint"}
}

// recover takes the token as the body: no log of paths may hold it.
func (e *exchange) recover() error {
	token, err := e.body(maxToken)
	if err != nil {
		return err
	}
	out, err := e.h.service.Recover(e.r.Context(), string(token))
	if err != nil {
		return err
	}
	e.h.metrics.recoveries.Inc()
	answer := recovered{Segment: out.Segment.Token, Seal: e.h.service.Seal(out.Segment.Token)}
	lives := time.Until(out.Session.Expires)
	answer.Cookies = []string{
		e.h.o.Cookies.line(SegmentCookie, answer.Segment, lives), e.h.o.Cookies.line(SealCookie, answer.Seal, lives),
	}
	e.answerJSON(http.StatusOK, answer)
	return nil
}

// revoke takes what to revoke as the body, as recover does.
func (e *exchange) revoke() error {
	text, err := e.body(maxToken)
	if err != nil {
		return err
	}
	revocation, err := e.h.service.Revoke(e.r.Context(), string(text))
	if err != nil {
		return err
	}
	e.answerJSON(http.StatusOK, revocation)
	return nil
}

func (e *exchange) facets(reference string) error {
	text, err := e.h.service.Facets(e.r.Context(), reference)
	if err != nil {
		return err
	}
	e.answerJSON(http.StatusOK, resolved{text})
	return nil
}

// ready asks the store for a session that there is not.
func (e *exchange) ready() error {
	err := e.h.service.Ready(e.r.Context())
	if err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	e.answerJSON(http.StatusOK, struct{}{})
	return nil
}
