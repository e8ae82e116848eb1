package sessions

import (
	"encoding/json"
	"strings"

	"github.com/aislecache/aisle/sessions/transform"
)

// Items is a parsed `items` parameter: which values a client wants to read (facts 1.2). The zero
// value is none.
type Items struct {
	all        bool
	namespaces map[string]bool // wanted whole
	keys       map[transform.Key]bool
}

// parseItems reads a list of namespace.key, namespace.* or namespace, and *. Elements that name nothing,
// empty ones and white space around them are passed over: clients send them (facts, part 3).
func parseItems(lines []string, limit int) (Items, error) {
	items := Items{namespaces: map[string]bool{}, keys: map[transform.Key]bool{}}
	count := 0
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			if element = strings.TrimSpace(element); element == "" {
				continue
			}
			if count++; count > limit {
				return Items{}, badRequest("items: more than %d elements", limit)
			}
			items.add(element)
		}
	}
	return items, nil
}

func (i *Items) add(element string) {
	namespace, key, dotted := strings.Cut(element, ".")
	switch {
	case element == "*" || element == "*.*":
		i.all = true
	case !dotted || key == "*":
		i.namespaces[namespace] = true
	default:
		i.keys[transform.Key{Namespace: namespace, Name: key}] = true
	}
}

func (i *Items) wants(k transform.Key) bool {
	return i.all || i.namespaces[k.Namespace] || i.keys[k]
}

// item is a value as clients see it (facts 1.2).
type item struct {
	Value     json.RawMessage `json:"value"`
	KeepAlive bool            `json:"keepAlive,omitempty"`
}

// view gives what a client gets to see of a session. What it asked for and is not there is absent,
// namespaces without a value too (facts 1.2). The cookies are nobody's to read: they are
// kept from scripts by HttpOnly.
func (i *Items) view(s *Session) map[string]map[string]item {
	seen := map[string]map[string]item{}
	for namespace, keys := range s.Values { // encoding/json sorts: All would sort twice
		if namespace == transform.CookieNamespace {
			continue
		}
		for name, value := range keys {
			k := transform.Key{Namespace: namespace, Name: name}
			if !i.wants(k) {
				continue
			}
			if seen[namespace] == nil {
				seen[namespace] = map[string]item{}
			}
			seen[namespace][name] = item{value, s.KeepAlive[k]}
		}
	}
	return seen
}
