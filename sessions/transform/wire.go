package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The bounds of a reply of an app over HTTP.
const (
	maxReply      = 256 << 10 // bytes, decompressed
	maxReplyDepth = 32        // objects and arrays within each other, the three of the form included
)

// item is a value on the wire, in requests.
type item struct {
	Value json.RawMessage `json:"value"`
}

// appendRequest appends inputs in the public wire format: {"ns":{"field":{"value":any}}}.
func appendRequest(dst []byte, in Values) ([]byte, error) {
	form := make(map[string]map[string]item, len(in))
	for k, v := range in.All() {
		if form[k.Namespace] == nil {
			form[k.Namespace] = map[string]item{}
		}
		form[k.Namespace][k.Name] = item{v}
	}
	out := bytes.NewBuffer(dst)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // the value's bytes as they are stored
	if err := enc.Encode(form); err != nil {
		return nil, errors.New("a value that is not JSON") // err may quote it
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// ParseReply reads what an app over HTTP answered: {"ns":{"field":{"value":any}}}. A field that is null, or whose value
// is, clears; a namespace that is null, and a field without value, are left out. Whatever else is not of this form is
// an error, which holds nothing of the text but its place. The result keeps no reference to text.
func ParseReply(text []byte) (Values, error) {
	if len(text) > maxReply {
		return nil, fmt.Errorf("reply of more than %d bytes", maxReply)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("reply is not UTF-8")
	}
	if TooDeep(text, maxReplyDepth) >= 0 {
		return nil, fmt.Errorf("reply is nested more than %d deep", maxReplyDepth)
	}
	namespaces, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	out := Values{}
	for namespace, raw := range namespaces {
		if isNull(raw) {
			continue
		}
		fields, err := parseObject(raw)
		if err != nil {
			return nil, errors.New("reply has a namespace that is not an object")
		}
		for name, raw := range fields {
			value, there, err := parseItem(raw)
			if err != nil {
				return nil, err
			}
			if there {
				out.put(Key{namespace, name}, value)
			}
		}
	}
	return out, nil
}

// parseItem reads {"value":any}.
func parseItem(raw json.RawMessage) (value json.RawMessage, there bool, err error) {
	if isNull(raw) {
		return json.RawMessage("null"), true, nil
	}
	// A map, since encoding/json would take "Value" for "value" in a struct (facts 1.2).
	fields, err := parseObject(raw)
	if err != nil {
		return nil, false, errors.New("reply has a field that is not an object")
	}
	value, there = fields["value"]
	if !there {
		return nil, false, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		panic("BUG: parsed JSON is not JSON: " + err.Error())
	}
	return compact.Bytes(), true, nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// parseObject gives an error that quotes nothing.
func parseObject(text []byte) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("reply is not JSON, at byte %d", syntax.Offset)
	case err != nil || object == nil:
		return nil, errors.New("reply is not a JSON object")
	}
	return object, nil
}

// TooDeep gives the offset at which objects and arrays nest more than limit deep in text, and -1 where they do not: it is
// asked before anything recursive sees the text. It knows strings, and nothing else of JSON; what else is wrong is found later.
func TooDeep(text []byte, limit int) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}
