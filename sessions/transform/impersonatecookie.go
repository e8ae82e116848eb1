package transform

import (
	"net/url"
	"strings"
)

// source is where a wish to impersonate is said: in public, and in the cookie of that name, which storefronts set besides and send on
// after the wish in public was cleared. A session has no empty values, so a cleared one shows by what there was before.
type source struct {
	public, cookie string // e-mails
	mark           string // what the last look left of the cookie: "", heeded or spent
	acting         bool   // somebody is impersonated
}

func sourceOf(in Values, acting bool) source {
	s := source{
		public: strings.TrimSpace(in.Text(Key{PublicNamespace, impersonated})), cookie: in.Text(Key{CookieNamespace, impersonated}),
		mark: in.Text(impersonateKey("cookie")), acting: acting,
	}
	// Clients write the cookie as it is or percent-encoded.
	if plain, err := url.PathUnescape(s.cookie); err == nil {
		s.cookie = plain
	}
	s.cookie = strings.TrimSpace(s.cookie)
	return s
}

// heeded marks a cookie that public was written from, spent one that does not count until it is another: by "" in public it was
// stopped (facts, part 3), or what it said has ended.
func heeded(cookie string) string { return "=" + cookie }
func spent(cookie string) string  { return "!" + cookie }

// copied says that public has what a cookie said, and nobody has written it since.
func (s source) copied() bool { return s.public != "" && s.mark == heeded(s.public) }

// stopped says that public was in force and was cleared, and the cookie is still the one of before.
func (s source) stopped() bool {
	return s.acting && s.public == "" && s.cookie != "" && (s.mark == "" || s.mark == heeded(s.cookie))
}

// wished is the e-mail of the customer, "" for none.
func (s source) wished() string {
	switch {
	case s.copied():
		return s.cookie // goes where the cookie goes, and with it
	case s.public != "":
		return s.public
	case s.stopped(), s.mark == spent(s.cookie):
		return ""
	}
	return s.cookie
}

// keep writes the mark as it is to be where nothing comes of a cookie.
func (s source) keep(out Values) {
	mark := ""
	switch {
	case s.stopped():
		mark = spent(s.cookie)
	case s.mark == spent(s.cookie) && s.cookie != "", s.copied() && s.public == s.cookie:
		mark = s.mark
	case s.copied():
		out.put(Key{PublicNamespace, impersonated}, TextValue(""))
	}
	out.put(impersonateKey("cookie"), TextValue(mark))
}

// heed writes that the wish has come true: into public where it is the cookie's, so that it can be cleared there.
func (s source) heed(out Values) {
	if s.public != "" && !s.copied() {
		return
	}
	out.put(Key{PublicNamespace, impersonated}, TextValue(s.cookie))
	out.put(impersonateKey("cookie"), TextValue(heeded(s.cookie)))
}

// spend writes that the cookie does not count until it is another.
func (s source) spend(out Values) {
	if s.cookie != "" {
		out.put(impersonateKey("cookie"), TextValue(spent(s.cookie)))
	}
}
