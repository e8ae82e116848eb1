package sessions

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// The cookies of the sessions system (facts 2, DESIGN.md).
const (
	SessionCookie = "vtex_session"
	SegmentCookie = "vtex_segment"
	SealCookie    = "aisle_seal"
)

// CookieOptions say how cookies are set. The zero value is what the public system does: Path=/, Secure, HttpOnly
// and SameSite=None (facts 2.3).
type CookieOptions struct {
	Path     string // "": /
	Insecure bool   // no Secure: for development on plain http
	SameSite http.SameSite
}

// Validate says why the options cannot be.
func (o CookieOptions) Validate() error {
	if o.Path != "" && (o.Path[0] != '/' || strings.ContainsAny(o.Path, "; \t\r\n")) {
		return errors.New("cookies: the path must begin with / and hold no blank and no semicolon")
	}
	switch o.SameSite {
	case 0, http.SameSiteDefaultMode, http.SameSiteNoneMode, http.SameSiteLaxMode, http.SameSiteStrictMode:
		return nil
	}
	return errors.New("cookies: same_site is none, lax or strict")
}

// line is the value of a Set-Cookie field. Tokens go out as they are: base64 and JWTs hold nothing that a cookie's
// value must not, and readers do not undo percent-encoding (facts 2.1).
func (o CookieOptions) line(name, value string, lives time.Duration) string {
	path := o.Path
	if path == "" {
		path = "/"
	}
	seconds := max(0, (lives+time.Second-1)/time.Second) // up: a new cookie's are the ttl, whatever the fraction
	text := name + "=" + value + "; Path=" + path + "; Max-Age=" + strconv.FormatInt(int64(seconds), 10)
	if !o.Insecure {
		text += "; Secure"
	}
	return text + "; HttpOnly; SameSite=" + o.sameSite()
}

func (o CookieOptions) sameSite() string {
	switch {
	case o.SameSite == http.SameSiteStrictMode:
		return "Strict"
	case o.SameSite == http.SameSiteLaxMode, o.Insecure:
		// Browsers drop a cookie with SameSite=None that is not Secure.
		return "Lax"
	}
	return "None"
}

// incoming is what the cookies of a request say.
type incoming struct {
	sessions []string           // tokens, the last first
	segment  string             // the last one
	seal     string             // the last one
	others   []transform.Cookie // in the request's order
	broken   int
}

// readCookies parts the cookies. A name that is there twice is a real thing: a cookie of a parent path is sent too
// (facts, part 6, 925071), and the public clients keep the last (facts, part 3). So does this, but for
// vtex_session: there the last that is genuine counts.
func readCookies(lines []string) incoming {
	var in incoming
	var pairs []transform.Cookie
	pairs, in.broken = parseCookies(lines)
	for _, p := range pairs {
		switch p.Name {
		case SessionCookie:
			in.sessions = append(in.sessions, p.Value)
		case SegmentCookie:
			in.segment = p.Value
		case SealCookie:
			in.seal = p.Value
		default:
			in.others = append(in.others, p)
		}
	}
	slices.Reverse(in.sessions)
	if len(in.sessions) > maxTokens {
		in.sessions = in.sessions[:maxTokens]
	}
	return in
}

// maxTokens bounds the signatures that one request has verified.
const maxTokens = 4
