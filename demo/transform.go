package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// customerCookie says who has logged in. A real shop would sign it.
const customerCookie = "demo_customer"

// transformPath is where an edge's sessions system calls the storefront's session app (facts/sessions.md, part 4).
const transformPath = "/_v/demo/session/transform"

// transform is the session app: of an email or a log-in it makes price tables and campaigns, of a postal code a region. Whatever
// an input no longer gives is cleared.
func (s *Storefront) transform(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSessionBody))
	var in map[string]map[string]namespaceValue
	if err != nil || json.Unmarshal(body, &in) != nil {
		apiError(w, r, http.StatusBadRequest, "BadRequest", "want {namespace: {key: {value: …}}}")
		return
	}
	text := func(ns, key string) string { return looseText(in[ns][key].Value) }
	email := strings.ToLower(withDefault(text("cookie", customerCookie), text("public", "email")))
	sh := shopper{public: map[string]json.RawMessage{}}
	sh.set("email", jsonText(email))
	sh.set("postalCode", jsonText(text("public", "postalCode")))
	sh.set("country", jsonText(withDefault(text("public", "country"), text("store", "countryCode"))))
	seg := s.catalogue.derive(&sh)
	known := "false"
	if email != "" {
		known = "true"
	}
	out := map[string]map[string]string{
		"authentication": {"storeUserEmail": email},
		"profile":        {"email": email, "isAuthenticated": known, "priceTables": seg.PriceTables},
		"checkout":       {"regionId": seg.RegionID},
		"rnb":            {"campaigns": seg.Campaigns},
	}
	answer := map[string]map[string]namespaceValue{}
	for ns, values := range out {
		answer[ns] = map[string]namespaceValue{}
		for key, v := range values {
			answer[ns][key] = namespaceValue{jsonText(v)}
		}
	}
	reply(w, r, http.StatusOK, answer)
}
