package nativetest_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// proof is what a shopper proves and says now: the model that sessions are held against. It knows the shop's data, and
// nothing of apps, rounds and marks.
type proof struct {
	trust           bool
	shopper, office *person             // who is logged in, as either
	wished          []string            // whom an operator may be acting as, in lower case
	email           string              // that public says
	said            map[string][]string // by key of public: the values that it had since it was last without one
}

// sees takes in a request, `before` it being run on a session.
func (p *proof) sees(r request, before transform.Values) {
	p.shopper, p.office = byToken(r.shopper, ""), byToken(r.admin, "admin ")
	for name, text := range r.public {
		p.says(name, text)
	}
	public := p.now(wish)
	cookie, _ := url.PathUnescape(r.cookies[wish])
	p.wished = nil
	for _, email := range []string{public, cookie} {
		if email != "" {
			p.wished = append(p.wished, strings.ToLower(email))
		}
	}
	p.email = strings.ToLower(p.now("storeUserEmail"))
}

// holds takes in what public holds once the request was run: apps write there too.
func (p *proof) holds(after transform.Values) {
	for _, name := range slices.Sorted(maps.Keys(said())) {
		p.says(name, after.Text(key("public."+name)))
	}
}

func (p *proof) says(name, text string) {
	switch {
	case text == "":
		delete(p.said, name)
	case p.now(name) != text:
		p.said[name] = append(p.said[name], text)
	}
}

func (p *proof) now(name string) string {
	if list := p.said[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return ""
}

// could are the values of a key that an output may come from: what the key had without a gap, or its absence.
func (p *proof) could(name string) []string { return append([]string{""}, p.said[name]...) }

func byToken(token, prefix string) *person {
	if name, ok := strings.CutPrefix(token, prefix); ok {
		if someone, ok := people()[name]; ok {
			return &someone
		}
	}
	return nil
}

// customers are those of the file: an id, an e-mail, a name, price tables.
func customers() [][4]string {
	return [][4]string{
		{"c1", "ann@vip.example", "Ann", "gold,vip"}, {"c2", "bob@x.example", "Bob", "silver"},
		{"", "dee@x.example", "Dee", "a,b"}, {"c4", "cy@vip.example", "Cy", ""},
	}
}

func customerOf(email string) (c [4]string, ok bool) {
	at := slices.IndexFunc(customers(), func(c [4]string) bool { return c[1] == email })
	if at < 0 {
		return [4]string{"", email, "", ""}, false
	}
	return customers()[at], true
}

// without leaves out what is empty.
func without(m map[string]string) map[string]string {
	maps.DeleteFunc(m, func(_, text string) bool { return text == "" })
	return m
}

func profileOf(id, email string) map[string]string {
	c, _ := customerOf(email)
	if c[0] != "" && c[0] != id {
		c = [4]string{} // the e-mail is another's now
	}
	return without(map[string]string{"id": id, "email": email, "firstName": c[2], "priceTables": c[3], "isAuthenticated": "true"})
}

// acting gives whom an operator may be acting as: e-mail to id.
func (p *proof) acting() map[string]string {
	all := map[string]string{}
	if p.office == nil || !p.office.operator() {
		return all
	}
	for _, email := range p.wished {
		if c, ok := customerOf(email); ok {
			all[email] = c[0]
			if c[0] == "" {
				all[email] = email
			}
		}
	}
	return all
}

// profiles are those that the shopper may have.
func (p *proof) profiles() []map[string]string {
	all := []map[string]string{{}, {"isAuthenticated": "false"}}
	if p.shopper != nil {
		all = append(all, profileOf(p.shopper.user, p.shopper.email))
	}
	for email, id := range p.acting() {
		all = append(all, profileOf(id, email))
	}
	if p.trust && p.email != "" {
		c, _ := customerOf(p.email)
		all = append(all, without(map[string]string{"priceTables": c[3], "isAuthenticated": "false"}))
	}
	return all
}

// excess says which output of a session is more than the proof gives; "" for none.
func (p *proof) excess(v transform.Values) string {
	for what, check := range map[string]func(transform.Values) bool{
		"authentication": p.authentication, "impersonate": p.impersonate, "profile": p.profile, "store": p.store, "rnb": p.rnb,
		"checkout": p.checkout, "search": p.search,
	} {
		if !check(v) {
			return fmt.Sprintf("%s is %v; proof %+v %+v, wished %v, said %v", what, texts(v, what), p.shopper, p.office, p.wished, p.said)
		}
	}
	return ""
}

func (p *proof) authentication(v transform.Values) bool {
	got := texts(v, "authentication")
	admin := map[string]string{"adminUserId": got["adminUserId"], "adminUserEmail": got["adminUserEmail"]}
	delete(got, "adminUserId")
	delete(got, "adminUserEmail")
	return isPerson(p.shopper, "store", got) && isPerson(p.office, "admin", without(admin))
}

func isPerson(who *person, prefix string, got map[string]string) bool {
	return len(got) == 0 || who != nil && maps.Equal(got, map[string]string{prefix + "UserId": who.user, prefix + "UserEmail": who.email})
}

func (p *proof) impersonate(v transform.Values) bool {
	got := texts(v, "impersonate")
	operator := p.office != nil && p.office.operator()
	if can := got["canImpersonate"]; can == "true" && !operator || can != "" && can != "true" && can != "false" {
		return false
	}
	delete(got, "canImpersonate")
	for _, note := range []string{"asked", "told", "stopped"} {
		if got[note] == stolen {
			return false
		}
		delete(got, note)
	}
	if len(got) == 0 {
		return true
	}
	email := strings.ToLower(got["storeUserEmail"])
	id, ok := p.acting()[email]
	return ok && maps.Equal(got, map[string]string{"storeUserId": id, "storeUserEmail": got["storeUserEmail"], "operatorId": p.office.user, "account": "acme"})
}

func (p *proof) profile(v transform.Values) bool {
	got := texts(v, "profile")
	return slices.ContainsFunc(p.profiles(), func(m map[string]string) bool { return maps.Equal(m, got) })
}

// store: the private channel is of those whose e-mail is of a domain, while they say so.
func (p *proof) store(v transform.Values) bool {
	got := texts(v, "store")
	if got["channel"] == "" {
		return len(got) == 0
	}
	private := got["channel"] == "b2b"
	if (got["channelPrivacy"] == "private") != private || private && !slices.Contains(p.said["sc"], "b2b") {
		return false
	}
	member := func(m map[string]string) bool {
		return m["isAuthenticated"] == "true" && strings.HasSuffix(m["email"], "@vip.example")
	}
	return slices.Contains([]string{"1", "2"}, got["channel"]) || private && slices.ContainsFunc(p.profiles(), member)
}

// rnb: the campaigns of a profile that the shopper may have, and of what public said. A failure may leave those of before the price
// tables came, as an input that is added takes nothing away.
func (p *proof) rnb(v transform.Values) bool {
	got := v.Text(key("rnb.campaigns"))
	all := p.profiles()
	for _, who := range p.profiles() {
		who["priceTables"] = ""
		all = append(all, who)
	}
	for _, who := range all {
		for _, utm := range p.could("utm_campaign") {
			for _, code := range p.could("postalCode") {
				if got == campaigns(who, utm, code) {
					return true
				}
			}
		}
	}
	return got == ""
}

func campaigns(who map[string]string, utm, code string) string {
	var ids []string
	for _, one := range []struct {
		id string
		is bool
	}{
		{"bf", utm == "bf"},
		{"vip", strings.HasSuffix(who["email"], "@vip.example")},
		{"gold", slices.Contains(strings.Split(who["priceTables"], ","), "gold")},
		{"stranger", who["isAuthenticated"] != "true"},
		{"sp", strings.HasPrefix(code, "01") && who["isAuthenticated"] == "true"},
	} {
		if one.is {
			ids = append(ids, one.id)
		}
	}
	return strings.Join(ids, ",")
}

// checkout: the region of what public said of a place, on a channel that it said or that the store gave.
func (p *proof) checkout(v transform.Values) bool {
	got := v.Text(key("checkout.regionId"))
	if got == "" || slices.Contains(p.said["regionId"], got) {
		return true
	}
	codes := slices.Clone(p.said["postalCode"])
	if len(p.said["region_id"]) > 0 {
		codes = append(codes, "01310100")
	}
	for _, code := range codes {
		for _, channel := range append(p.could("sc"), v.Text(key("store.channel"))) {
			if got == regions.V1.ID(sellers(code, channel)) || got == regions.V1.ID(nil) && code != "x" {
				return true
			}
		}
	}
	return false
}

func sellers(code, channel string) []string {
	switch {
	case code == "01310100":
		return []string{"sp"}
	case code == "10001":
		return []string{"ny"}
	case code == "22041-001":
		return map[string][]string{"1": {"rio"}, "2": {"outlet", "rio"}, "b2b": {"wholesale"}}[channel]
	}
	return nil
}

func (p *proof) search(v transform.Values) bool {
	facets := map[string]string{"cat=2; cat=1": "cat=1;cat=2;", "brand=x;colour=red;": "brand=x;", "cat=not:3;": "cat=not:3;"}
	return slices.ContainsFunc(p.could("facets"), func(text string) bool { return v.Text(key("search.facets")) == facets[text] })
}
