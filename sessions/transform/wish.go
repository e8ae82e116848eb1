package transform

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// wish is what a session says of impersonation.
type wish struct {
	email      string // of the customer who is wished for; "": none
	cookie     string // of the customer whom the cookie names, "" for none
	byCookie   bool   // the wish is the cookie's
	blank      bool   // public has something that is no e-mail
	known, may bool   // there is an operator, or a shopper, and they may
	operator   string

	asked   string // what the last look left: "", or asking
	told    string // noteOf who was told of last, while the cookie names the customer of then
	stopped string // markOf the cookie that was stopped

	// What it was before: "" where nobody was impersonated.
	was, wasEmail, wasOperator string
}

func (i *Impersonate) read(in Values) wish {
	who := Values{"authentication": in["authentication"]}
	w := wish{
		cookie: namedByCookie(in), known: len(who["authentication"]) > 0, operator: operatorOf(in), asked: in.Text(impersonateKey("asked")),
		was: in.Text(impersonateKey("storeUserId")), wasEmail: in.Text(impersonateKey("storeUserEmail")), wasOperator: in.Text(impersonateKey("operatorId")),
	}
	w.may = w.known && i.o.Operator(who)
	w.recall(in)
	w.choose(in.Text(wishKey()), in.Get(wishKey()))
	return w
}

func wishKey() Key { return Key{PublicNamespace, impersonated} }

// recall reads the notes, but for those of another cookie. That one was stopped outlasts calls without it: servers call with
// some of the browser's cookies.
func (w *wish) recall(in Values) {
	if told := in.Text(impersonateKey("told")); w.cookie != "" && strings.HasSuffix(told, noteOf("", w.cookie)) {
		w.told = told
	}
	if stopped := in.Text(impersonateKey("stopped")); w.cookie == "" || stopped == markOf(w.cookie) {
		w.stopped = stopped
	}
}

// choose finds whose wish counts, public's or the cookie's. Public has "" while the request says so, and nil where it says nothing:
// only that tells a stop from an impersonation by the cookie alone.
func (w *wish) choose(public string, value json.RawMessage) {
	w.email = strings.TrimSpace(public)
	if w.email != "" {
		return
	}
	w.blank = !Empty(value)
	if value != nil {
		w.spend()
	}
	if w.cookie != "" && w.stopped != markOf(w.cookie) {
		w.email, w.byCookie = w.cookie, true
	}
}

// spend has the cookie count no more. Servers set it without that the session has seen it: then it names who is impersonated.
func (w *wish) spend() {
	switch {
	case w.cookie != "":
		w.stopped = markOf(w.cookie)
	case w.was != "":
		w.stopped = markOf(w.wasEmail)
	}
}

// asking marks a wish that is to be looked at once more.
func (w wish) asking() string { return "?" + w.email }

// looked says whether the wish is none that is new.
func (w wish) looked() bool { return w.asked == w.asking() || w.byCookie && w.told != "" }

// answered says whether nobody need be told again of a wish that comes to nothing: the cookie repeats it, also when who was
// told of has logged out.
func (w wish) answered() bool {
	return w.byCookie && w.told != "" && (!w.known || w.told == noteOf(w.operator, w.email))
}

// refuse tells once of a wish that comes to nothing, though a cookie may say it with each request.
func (w wish) refuse(out Values, r recorder, kind StepKind) {
	w.forget(out)
	if w.answered() {
		return
	}
	if w.known || w.told == "" { // who logs in again is not told of once more
		w.note(out)
	}
	r.tell(kind, w.operator, "")
}

// end tells that it has ended. The cookie that named the customer counts no more: who logs in at this browser next has not wished it.
func (w wish) end(out Values, r recorder) {
	w.forget(out)
	if w.cookie == "" || sameEmail(w.cookie, w.wasEmail) {
		out.put(impersonateKey("stopped"), TextValue(markOf(w.wasEmail)))
	}
	r.over(StepEnded, w)
}

// renew drops the notes of a cookie whose wish has come true, by itself or by public.
func (w wish) renew(out Values) {
	if sameEmail(w.email, w.cookie) {
		out.put(impersonateKey("told"), TextValue(""))
	}
	if w.stopped == markOf(w.email) {
		out.put(impersonateKey("stopped"), TextValue(""))
	}
}

// note has the cookie's wish told of, if it is the wish.
func (w wish) note(out Values) {
	if sameEmail(w.email, w.cookie) {
		out.put(impersonateKey("told"), TextValue(noteOf(w.operator, w.cookie)))
	}
}

// clear gives the outputs while nobody is impersonated.
func (w wish) clear(out Values) {
	for _, name := range []string{"storeUserId", "storeUserEmail", "account", "operatorId", "asked"} {
		out.put(impersonateKey(name), TextValue(""))
	}
	can := ""
	if w.known {
		can = strconv.FormatBool(w.may)
	}
	out.put(impersonateKey("canImpersonate"), TextValue(can))
	out.put(impersonateKey("told"), TextValue(w.told))
	out.put(impersonateKey("stopped"), TextValue(w.stopped))
}

// forget takes the wish out of the session.
func (w wish) forget(out Values) { out.put(wishKey(), TextValue("")) }

// namedByCookie is the e-mail in the cookie, "" for none. Clients write it as it is or percent-encoded.
func namedByCookie(in Values) string {
	text := in.Text(Key{CookieNamespace, impersonated})
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	return strings.TrimSpace(text)
}

func operatorOf(in Values) string {
	if id := in.Text(Key{"authentication", "adminUserId"}); id != "" {
		return id
	}
	return in.Text(Key{"authentication", "storeUserId"})
}

func sameEmail(a, b string) bool { return FoldEmail(a) == FoldEmail(b) }

// markOf stands for an e-mail in what outlives an impersonation: whoever uses the browser next can read the session.
func markOf(email string) string {
	sum := sha256.Sum256([]byte(FoldEmail(email)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// noteOf names an operator, "" for nobody, and the customer whom they wished for.
func noteOf(operator, email string) string { return operator + " " + markOf(email) }
