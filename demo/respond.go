package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// respond sends an answer whose header is set but for Content-Length, or a 304 where the request's conditions say
// that the client has it.
func respond(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) && unchanged(r, w.Header()) {
		// RFC 9110 section 15.4.5: the validators and caching fields stay, what describes the content goes.
		w.Header().Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The client is gone where this fails, and nobody is left to tell.
		_, _ = w.Write(body)
	}
}

// unchanged evaluates If-None-Match and, only without it, If-Modified-Since (RFC 9110 section 13.2.2) against the
// validators in h. The date says nothing of segments, and still it counts: real origins are like that.
func unchanged(r *http.Request, h http.Header) bool {
	if match := r.Header.Values("If-None-Match"); len(match) > 0 {
		return matchesETag(strings.Join(match, ","), h.Get("ETag"))
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	return err == nil && !modified.After(since)
}

// matchesETag compares weakly, as RFC 9110 section 13.1.2 wants it for If-None-Match. Our tags hold no comma.
func matchesETag(list, etag string) bool {
	if etag == "" {
		return false
	}
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// strongETag names the bytes.
func strongETag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// plain answers with a line of text that nobody keeps.
func plain(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(line)+1))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(line + "\n"))
}

// reply answers with JSON; the caller has set Cache-Control. v must be something that json can write.
func reply(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		plain(w, http.StatusInternalServerError, "cannot encode the answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	respond(w, r, status, body)
}
