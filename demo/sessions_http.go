package demo

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxSessionBody bounds the body of a request to the sessions API, in bytes.
const maxSessionBody = 64 << 10

// sessionsAPI answers /api/sessions, /api/sessions/{token}, /api/segments and /api/segments/{token}
// (facts/sessions.md, part 1).
func (s *Storefront) sessionsAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, no-store")
	switch path := r.URL.Path; {
	case path == "/api/sessions", strings.HasPrefix(path, "/api/sessions/"):
		token := strings.TrimPrefix(strings.TrimPrefix(path, "/api/sessions"), "/")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			s.readSession(w, r, token)
		case http.MethodPost, http.MethodPatch:
			s.editSession(w, r, token)
		default:
			apiError(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method+": want GET, POST or PATCH")
		}
	case path == "/api/segments", path == "/api/segments/":
		s.currentSegment(w, r)
	case strings.HasPrefix(path, "/api/segments/"):
		s.decodeSegment(w, r, strings.TrimPrefix(path, "/api/segments/"))
	default:
		apiError(w, r, http.StatusNotFound, "NotFound", "no such endpoint")
	}
}

// apiError has the shape of the errors that clients know: type and message.
func apiError(w http.ResponseWriter, r *http.Request, status int, kind, message string) {
	reply(w, r, status, map[string]string{"type": kind, "message": message})
}

// sessionToken is the token a request carries: an edge's header first, then the cookie. Of an edge with a sessions system of its
// own the header has a JWT, which is another one after each edit: the session's id in it names the shopper.
func (s *Storefront) sessionToken(r *http.Request) string {
	token := sentToken(r)
	if id := idOfJWT(token); id != "" {
		s.sessions.adopt(id)
		return id
	}
	return token
}

func sentToken(r *http.Request) string {
	return withDefault(r.Header.Get(sessionHeader), lastCookie(r, sessionCookie))
}

// ownsSession is false where the request is of a session of an edge's own sessions system.
func (s *Storefront) ownsSession(r *http.Request) bool { return idOfJWT(sentToken(r)) == "" }

// idOfJWT reads the id of a session out of a JWT, without verifying it: the edge has.
func idOfJWT(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct{ ID string }
	if json.Unmarshal(payload, &claims) != nil || len(claims.ID) > 64 {
		return ""
	}
	return claims.ID
}

// readSession answers with a session. A token in the path that names none also ends the one in the cookie: clients
// send an invalid token to be rid of their session.
func (s *Storefront) readSession(w http.ResponseWriter, r *http.Request, pathToken string) {
	sh, ok := s.sessions.get(withDefault(pathToken, s.sessionToken(r)))
	if !ok {
		if pathToken != "" {
			s.sessions.drop(lastCookie(r, sessionCookie))
			clearCookies(w)
		}
		apiError(w, r, http.StatusNotFound, "NotFound", "no such session")
		return
	}
	reply(w, r, http.StatusOK, s.sessionView(&sh, r.URL.Query().Get("items")))
}

// editSession creates or changes a session. With items in the query the answer is the session, else the tokens.
func (s *Storefront) editSession(w http.ResponseWriter, r *http.Request, pathToken string) {
	changes, err := publicChanges(r)
	if err != nil {
		apiError(w, r, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	sh := s.sessions.edit(withDefault(pathToken, s.sessionToken(r)), func(sh *shopper) {
		for _, c := range changes {
			sh.set(c.key, c.value)
		}
	})
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusCreated
	}
	token := s.setCookies(w, &sh)
	if q := r.URL.Query(); q.Has("items") {
		reply(w, r, status, s.sessionView(&sh, q.Get("items")))
		return
	}
	reply(w, r, status, map[string]string{"sessionToken": sh.id, "segmentToken": token})
}

type change struct {
	key   string
	value json.RawMessage
}

// publicChanges are the values of the query, then those of the body, which so win.
func publicChanges(r *http.Request) ([]change, error) {
	// A bad pair of the query is a stranger's link, no reason to refuse the session.
	query, _ := url.ParseQuery(r.URL.RawQuery)
	control := []string{"items", "an", "workspace", "session_path", "__bindingId", "supportedLocales", "facets"}
	var list []change
	for key, values := range query {
		if !slices.Contains(control, key) {
			list = append(list, change{key, jsonText(values[len(values)-1])})
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSessionBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if len(body) > maxSessionBody {
		return nil, fmt.Errorf("body over %d bytes", maxSessionBody)
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return list, nil
	}
	var in struct {
		Public map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"public"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, errors.New(`the body: want {"public":{"key":{"value":…}}}`)
	}
	for key, v := range in.Public {
		if len(v.Value) > 0 {
			list = append(list, change{key, v.Value})
		}
	}
	return list, nil
}

func jsonText(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string cannot fail
	return b
}

// namespaceValue is how the API wraps every value.
type namespaceValue struct {
	Value json.RawMessage `json:"value"`
}

// sessionView is a session as the API shows it: the items that are asked for, all of them for "*".
func (s *Storefront) sessionView(sh *shopper, items string) map[string]any {
	out := map[string]map[string]namespaceValue{}
	for ns, values := range s.namespaces(sh) {
		for key, v := range values {
			if wanted(items, ns, key) {
				if out[ns] == nil {
					out[ns] = map[string]namespaceValue{}
				}
				out[ns][key] = namespaceValue{v}
			}
		}
	}
	return map[string]any{"id": sh.id, "namespaces": out}
}

func wanted(items, ns, key string) bool {
	for item := range strings.SplitSeq(items, ",") {
		switch strings.TrimSpace(item) {
		case "*", ns + ".*", ns + "." + key:
			return true
		}
	}
	return false
}

// namespaces is all that is known of a session; what is not known is absent, and booleans are strings.
func (s *Storefront) namespaces(sh *shopper) map[string]map[string]json.RawMessage {
	seg, email := s.catalogue.derive(sh), sh.text("email")
	fields := map[string]map[string]string{
		"account": {"accountName": "casalume", "id": "5c1b7f0e-0d0e-4a3e-9a53-3f6b0d5fca1e"},
		"store": {
			"channel": seg.Channel, "countryCode": seg.CountryCode, "cultureInfo": seg.CultureInfo,
			"currencyCode": seg.CurrencyCode, "currencySymbol": seg.CurrencySymbol, "channelPrivacy": seg.ChannelPrivacy,
		},
		"profile":        {"isAuthenticated": "false", "email": email, "priceTables": seg.PriceTables},
		"authentication": {"storeUserEmail": email},
		"checkout":       {"regionId": seg.RegionID},
		"rnb":            {"campaigns": seg.Campaigns},
	}
	if email != "" {
		fields["profile"]["isAuthenticated"] = "true"
	}
	out := map[string]map[string]json.RawMessage{"public": sh.public}
	for ns, values := range fields {
		out[ns] = map[string]json.RawMessage{}
		for key, v := range values {
			if v != "" {
				out[ns][key] = jsonText(v)
			}
		}
	}
	return out
}

// setCookies sends both cookies and returns the segment token.
func (s *Storefront) setCookies(w http.ResponseWriter, sh *shopper) string {
	token := s.catalogue.derive(sh).Token()
	setCookie(w, sessionCookie, sh.id, int(sessionLives.Seconds()))
	setCookie(w, segmentCookie, token, int(sessionLives.Seconds()))
	return token
}

func clearCookies(w http.ResponseWriter) {
	setCookie(w, sessionCookie, "", -1)
	setCookie(w, segmentCookie, "", -1)
}

// setCookie leaves out Secure: the demo speaks plain HTTP.
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// currentSegment answers with the request's segment under the values of the query, sends it as a cookie, and leaves
// the session as it is.
func (s *Storefront) currentSegment(w http.ResponseWriter, r *http.Request) {
	seg, q := segmentOf(r), r.URL.Query()
	if sc := q.Get("sc"); sc == "1" || sc == "2" {
		store := ChannelSegment(sc)
		for _, f := range storeFields() {
			*seg.field(f) = *store.field(f)
		}
	}
	for name, place := range map[string]*string{
		"utm_source": &seg.UTMSource, "utm_campaign": &seg.UTMCampaign, "utmi_cp": &seg.UTMICampaign, "cultureInfo": &seg.CultureInfo,
	} {
		*place = withDefault(q.Get(name), *place)
	}
	setCookie(w, segmentCookie, seg.Token(), int(sessionLives.Seconds()))
	reply(w, r, http.StatusOK, seg)
}

// decodeSegment answers with what a token says. A token never changes its meaning.
func (s *Storefront) decodeSegment(w http.ResponseWriter, r *http.Request, token string) {
	seg, err := DecodeSegment(token)
	if err != nil {
		apiError(w, r, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	reply(w, r, http.StatusOK, seg)
}
