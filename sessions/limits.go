package sessions

import "github.com/aislecache/aisle/sessions/transform"

// Limits bound what a client may have the sidecar keep or work on. A zero field takes its default.
type Limits struct {
	Body       int // bytes of a request's body; 64 KiB
	Keys       int // keys that one request writes, body and query together; 100
	PublicKeys int // keys in a session's public namespace; 200
	Namespaces int // namespaces of a session; 64
	Name       int // bytes of a namespace's or key's name; 128
	Value      int // bytes of a value as JSON; 8 KiB
	Depth      int // of a value: 1 is a plain one; 16
	Session    int // bytes of a whole session at rest; 256 KiB
	Items      int // elements of `items`; 200
}

// withDefaults fills what is zero.
func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Body, 64 << 10}, {&l.Keys, 100}, {&l.PublicKeys, 200}, {&l.Namespaces, 64}, {&l.Name, 128}, {&l.Value, 8 << 10},
		{&l.Depth, 16}, {&l.Session, 256 << 10}, {&l.Items, 200},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// check says what is too much in a session, but for its size at rest.
func (l Limits) check(s *Session) error {
	if n := len(s.Values[transform.PublicNamespace]); n > l.PublicKeys {
		return tooLarge("the session would have more than %d public keys", l.PublicKeys)
	}
	if n := len(s.Values); n > l.Namespaces {
		return tooLarge("the session would have more than %d namespaces", l.Namespaces)
	}
	return nil
}
