package demo

import "strings"

// Class is what kind of thing a path names. State counts requests by it.
type Class uint8

// The classes of paths.
const (
	ClassHome       Class = iota // /
	ClassCategory                // /c/<category>
	ClassSearch                  // /s
	ClassProduct                 // /<slug>/p
	ClassAbout                   // /about
	ClassAccount                 // /account
	ClassCart                    // /checkout/cart, and /cart, which leads there
	ClassLogin                   // /login and /logout
	ClassAsset                   // /assets/**
	ClassSegmentAPI              // /_v/segment/**
	ClassPrivateAPI              // /_v/private/**
	ClassPublicAPI               // /_v/public/**
	ClassSessions                // /api/sessions/** and /api/segments/**
	ClassTransform               // /_v/demo/session/transform
	ClassHealth                  // /healthz
	ClassControl                 // /_demo/**
	ClassOther                   // nothing the shop has
	classEnd
)

// String is the name of the class in State; "unknown" for what is none.
func (c Class) String() string {
	names := [classEnd]string{
		"home", "category", "search", "product", "about", "account", "cart", "login", "asset",
		"segment-api", "private-api", "public-api", "sessions", "transform", "health", "control", "other",
	}
	if c >= classEnd {
		return "unknown"
	}
	return names[c]
}

// Classify tells what a path, percent-decoded, names. It does not tell whether there is such a thing.
func Classify(path string) Class {
	switch path {
	case "/":
		return ClassHome
	case "/s":
		return ClassSearch
	case "/about":
		return ClassAbout
	case "/account":
		return ClassAccount
	case "/cart":
		return ClassCart
	case "/login", "/logout":
		return ClassLogin
	case "/healthz":
		return ClassHealth
	case transformPath:
		return ClassTransform
	}
	return classifyTree(path)
}

func classifyTree(path string) Class {
	trees := []struct {
		prefix string
		class  Class
	}{
		{"/c/", ClassCategory}, {"/checkout/", ClassCart}, {"/assets/", ClassAsset}, {"/_v/segment/", ClassSegmentAPI},
		{"/_v/private/", ClassPrivateAPI}, {"/_v/public/", ClassPublicAPI}, {"/_demo/", ClassControl},
		{"/api/sessions", ClassSessions}, {"/api/segments", ClassSessions},
	}
	for _, t := range trees {
		if strings.HasPrefix(path, t.prefix) {
			return t.class
		}
	}
	if _, ok := productSlug(path); ok {
		return ClassProduct
	}
	return ClassOther
}

// productSlug takes the slug out of /<slug>/p.
func productSlug(path string) (slug string, ok bool) {
	slug, ok = strings.CutSuffix(path, "/p")
	slug = strings.TrimPrefix(slug, "/")
	return slug, ok && slug != "" && !strings.Contains(slug, "/")
}
