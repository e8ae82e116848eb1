package proxy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBuiltinRoutes(t *testing.T) {
	table := compiled(t)
	f := func(want string, paths ...string) {
		t.Helper()
		for _, p := range paths {
			if got := table.match([]byte("GET"), []byte("h"), []byte(p)); got.Name != "builtin:"+want {
				t.Errorf("%q: %s, want %s", p, got.Name, want)
			}
		}
	}
	f("api", "/api", "/api/", "/api/sessions", "/br/api/x", "/API/x", "/checkout/api", "/x/api;v=1/y")
	f("checkout", "/checkout", "/checkout/", "/br/checkout/cart", "/a/b/Checkout", "//checkout", "/checkout;jsessionid=1", "/checkout;x/cart", "/checkout/app.js",
		"/;x/checkout", "/a%2Fcheckout", "/checkout%3Bx/y", "/checkout%2Fcart", "/_v/public/checkout/x.js", "/checkout//", "/checkout/login")
	f("account", "/account", "/br/account/orders")
	f("login", "/login", "/LOGIN")
	f("admin", "/admin", "/admin/x.png")
	f("_v/private", "/_v/private", "/_v/private/cart", "/br/_v/private/cart", "/_V/Private/x", "/_v//private/x", "/_v;a/private;b", "/_v%2Fprivate")
	f("_secure", "/_secure/x", "/br/_secure")
	f("_v/segment", "/_v/segment", "/_v/segment/", "/_v/segment/graphql", "/_v/segment/x.js")
	f("_v/public", "/_v/public", "/_v/public/x", "/_v/public/x.json")
	f("assets", "/a.css", "/a/b.min.JS", "/a/b.mjs", "/x.map", "/f.woff", "/f.woff2", "/f.ttf", "/f.otf", "/i.png", "/i.jpg", "/i.JPEG", "/i.gif", "/i.webp", "/i.avif", "/i.svg", "/favicon.ico", "/v.mp4", "/v.webm")
	f("rest", "/", "/shirt/p", "/x.html", "/x.json", "/x.xml", "/x.htm", "/x.js.html", "/a.css/", "/a.css/x", "/.css", "/css", "/a.", "/a.woff22", "/a.css;x", "/a;x.css", "/a%2Fb.css", "/a%3B.css",
		"/checkouts", "/xcheckout", "/_v/privates", "/_v/x/private", "/private", "/_v/segments", "/br/_v/segment/x", "/api-docs", "/log/in", "*")
}

// Whatever stands in front of a private path or between its parts, it stays
// private: the property that the table rests on.
func TestPrivateUnderEveryPrefix(t *testing.T) {
	junk := rapid.SliceOfN(rapid.StringMatching(`[a-z.~]{0,3}(;[a-z=.]{0,4})?`), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		class := rapid.IntRange(0, len(privateClasses)-1).Draw(t, "class")
		name := strings.ReplaceAll(privateClasses[class], "/", rapid.SampledFrom([]string{"/", "//", ";x/", "%2F"}).Draw(t, "between"))
		if rapid.Bool().Draw(t, "upper") {
			name = strings.ReplaceAll(strings.ToUpper(name), ";X", ";x")
		}
		prefix, suffix := strings.Join(junk.Draw(t, "prefix"), "/"), strings.Join(junk.Draw(t, "suffix"), "/")
		path := "/" + prefix + "/" + name + rapid.SampledFrom([]string{"", "/", ";a=b", ";a/", "%2F", "//"}).Draw(t, "end")
		if strings.HasSuffix(path, "/") || strings.HasSuffix(path, "F") {
			path += suffix
		}
		got := privateClass([]byte(path))
		if got < 0 || got > class {
			t.Fatalf("%q: class %d, want %d", path, got, class)
		}
		if !privatePath([]byte(path)) {
			t.Fatalf("%q is not private", path)
		}
	})
}

func TestBuiltinTableFitsItsIndex(t *testing.T) {
	list := builtinRoutes()
	if len(list) != builtinRest+1 {
		t.Fatalf("%d routes, the last is %d", len(list), builtinRest)
	}
	for _, e := range strings.Fields(publicExtensions) {
		if !publicExtension([]byte("/a." + e)) {
			t.Errorf("%s is printed as public and is not", e)
		}
	}
	for i, name := range map[int]string{builtinSegment: "builtin:_v/segment", builtinPublic: "builtin:_v/public", builtinAssets: "builtin:assets", builtinRest: "builtin:rest"} {
		if list[i].Name != name {
			t.Errorf("%d is %s, want %s", i, list[i].Name, name)
		}
	}
}

func TestLeadsToLogin(t *testing.T) {
	f := func(location string, want bool) {
		t.Helper()
		if got := leadsToLogin(location); got != want {
			t.Errorf("%q: %v", location, got)
		}
	}
	f("/login", true)
	f("/login?returnUrl=/shirt/p", true)
	f("login", true)
	f("../login#x", true)
	f("./br/Login;x", true)
	f("https://shop.example/_secure/account?x", true)
	f("//shop.example/account", true)
	f(`\login`, true)
	f(`/\shop.example\login`, true)
	f("https://shop.example/%6cogin", true)
	f("/checkout/", true)
	f("/api/vtexid/pub/authenticate", true)
	f("/admin", true)
	f("https://login.example/", false)
	f("https://shop.example?next=/login", false)
	f("/shirt/p?returnUrl=/login", false)
	f("/shirt#/login", false)
	f("/logins", false)
	f("", false)
	f("%", false)
	f("https://account", false)
	f("/", false)
}

// Web cache deception: whatever a link appends to a private path to make it look
// like an asset, it stays private.
func TestDeceptiveSuffixesStayPrivate(t *testing.T) {
	table := compiled(t)
	for _, class := range privateClasses {
		for _, suffix := range []string{"/x.css", "/x/y.js", ";x.css", ";.css", "%2Fx.css", "%3Bx.css", "//x.css", "/.css", "/x.css?y"} {
			raw := "/" + class + suffix
			target, reason := canonicalTarget(nil, []byte(raw), false)
			if reason.String() == "bad-target" {
				continue // refused: nothing is served at all
			}
			r := table.match([]byte("GET"), []byte("h"), target.path)
			if r.Scope.String() != "private" {
				t.Errorf("%s goes to %s", raw, r.Name)
			}
		}
	}
}

// A page that is no asset must not become one by what an origin strips.
func TestDeceptiveSuffixesOfPages(t *testing.T) {
	f := func(path string) {
		t.Helper()
		if publicExtension([]byte(path)) {
			t.Errorf("%s is public", path)
		}
	}
	f("/my-orders;x.css")
	f("/my-orders%2Fx.css")
	f("/my-orders%3Bx.css")
	f("/my-orders/.css")
	f("/my-orders.css/")
	f("/my-orders.css;")
	f("/my-orders.c%73s") // not canonical, never gets here
	f("/my-orders.css%20")
}
