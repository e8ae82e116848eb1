package sessions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/aislecache/aisle/sessions/transform"
)

// body is what the body of a write says.
type body struct {
	values    transform.Values
	keepAlive map[transform.Key]bool // keys that the body flags, either way
	ignored   int                    // namespaces that the caller may not write
}

// parseBody reads {"namespace":{"key":{"value":any,"keepAlive":bool}}}. Without a proven backend every
// namespace but public is passed over, as the public system does (facts 1.1). No bytes are an empty body.
//
// A key whose item is not an object, or has no `value`, is refused: it is a client's mistake, and to take it for
// a value or for a deletion would lose what was there.
func parseBody(text []byte, backend bool, limits Limits) (body, error) {
	b := body{values: transform.Values{}, keepAlive: map[transform.Key]bool{}}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return b, nil
	}
	if !utf8.Valid(text) {
		return b, badRequest("body: invalid UTF-8")
	}
	limit := limits.Depth + 3
	if at := transform.TooDeep(text, limit); at >= 0 {
		return b, badRequest("body: nested more than %d deep, at byte %d", limit, at+1)
	}
	var namespaces map[string]json.RawMessage
	if err := json.Unmarshal(text, &namespaces); err != nil {
		return b, badRequest("body: no JSON object%s", where(err))
	}
	for namespace, raw := range namespaces {
		if !writable(namespace, backend) {
			b.ignored++
			continue
		}
		if err := b.namespace(namespace, raw, limits); err != nil {
			return b, err
		}
	}
	return b, nil
}

// writable: cookies are the request's own, whoever asks.
func writable(namespace string, backend bool) bool {
	return namespace == transform.PublicNamespace || backend && namespace != transform.CookieNamespace
}

func (b *body) namespace(namespace string, raw json.RawMessage, limits Limits) error {
	if len(namespace) == 0 || len(namespace) > limits.Name {
		return badRequest("body: a namespace's name must have 1 to %d bytes", limits.Name)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return badRequest("body: namespace %s is not an object", shown(namespace))
	}
	for name, raw := range keys {
		if len(name) == 0 || len(name) > limits.Name {
			return badRequest("body: a key's name must have 1 to %d bytes", limits.Name)
		}
		if err := b.item(transform.Key{Namespace: namespace, Name: name}, raw, limits); err != nil {
			return err
		}
	}
	return nil
}

func (b *body) item(k transform.Key, raw json.RawMessage, limits Limits) error {
	// A map, since encoding/json would take "Value" for "value" in a struct (facts 1.2).
	var item map[string]json.RawMessage
	if err := json.Unmarshal(raw, &item); err != nil || item == nil {
		return badRequest("body: %s.%s is not an object with a value", shown(k.Namespace), shown(k.Name))
	}
	value, ok := item["value"]
	if !ok {
		return badRequest("body: %s.%s has no value", shown(k.Namespace), shown(k.Name))
	}
	if len(value) > limits.Value {
		return tooLarge("body: the value of %s.%s has more than %d bytes", shown(k.Namespace), shown(k.Name), limits.Value)
	}
	b.values.Put(k, compactJSON(value))
	if flag, ok := item["keepAlive"]; ok {
		var on bool
		if err := json.Unmarshal(flag, &on); err != nil {
			return badRequest("body: keepAlive of %s.%s is not a boolean", shown(k.Namespace), shown(k.Name))
		}
		b.keepAlive[k] = on
	}
	return nil
}

// deny takes public values out, and says how many.
func (b *body) deny(denied func(name string) bool) (n int) {
	for name := range b.values[transform.PublicNamespace] {
		if denied(name) {
			k := transform.Key{Namespace: transform.PublicNamespace, Name: name}
			delete(b.values[k.Namespace], name)
			delete(b.keepAlive, k)
			n++
		}
	}
	return n
}

// compactJSON is value, which is well formed, in its shortest form and in memory of its own.
func compactJSON(value json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	out.Grow(len(value))
	if err := json.Compact(&out, value); err != nil {
		panic("BUG: parsed JSON is not JSON: " + err.Error())
	}
	return out.Bytes()
}

// where is the place of a fault in JSON, as far as it is known. The error's own text may quote the body.
func where(err error) string {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf(": malformed at byte %d", syntax.Offset)
	}
	return ""
}
