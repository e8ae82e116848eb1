package purge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of one call.
const (
	maxBody  = 1 << 20
	maxItems = 1000
	maxTag   = 1024 // bytes
)

// request is one call, as it was sent.
type request struct {
	URLs []string `json:"urls"`
	Tags []string `json:"tags"`
	All  bool     `json:"all"`
	Soft bool     `json:"soft"`
}

// parseRequest reads a call. It is strict: a member that is misspelt would otherwise
// purge less than its sender believes. The error names the member at fault.
func parseRequest(body []byte) (request, error) {
	var r request
	if err := checkMembers(body); err != nil {
		return r, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("%w", explain(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("there is more than one JSON value")
	}
	return r, r.check()
}

// members are the names that a call may have, each once and spelt exactly so: the
// decoder alone takes `TAGS` for `tags` and the last of two.
func checkMembers(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	open, err := d.Token()
	if err != nil {
		return explain(err)
	}
	if open != json.Delim('{') {
		return errors.New(`a JSON object is needed, such as {"tags": ["product-1"]}`)
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return explain(err)
		}
		name := token.(string)
		switch name {
		case "urls", "tags", "all", "soft":
		default:
			return fmt.Errorf("%.100q: unknown member, known are urls, tags, all and soft", name)
		}
		if seen[name] {
			return fmt.Errorf("%s: is there twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return explain(err)
		}
		if err := checkValue(name, value); err != nil {
			return err
		}
	}
	return nil
}

// checkValue refuses null, which the decoder takes for absent, in a list as well.
func checkValue(name string, value json.RawMessage) error {
	if string(value) == "null" {
		return fmt.Errorf("%s: is null", name)
	}
	if name != "urls" && name != "tags" {
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil {
		return fmt.Errorf("%s: is not a list of texts", name)
	}
	for i, item := range items {
		if item[0] != '"' {
			return fmt.Errorf("%s[%d]: %.100s is not a text", name, i, item)
		}
	}
	return nil
}

func (r *request) check() error {
	if n := len(r.URLs) + len(r.Tags); n > maxItems {
		return fmt.Errorf("%d urls and tags, more than the %d of one call", n, maxItems)
	} else if n == 0 && !r.All {
		return errors.New("nothing to purge: give urls, tags or all")
	}
	for i, tag := range r.Tags {
		switch {
		case tag == "":
			return fmt.Errorf("tags[%d]: is empty", i)
		case len(tag) > maxTag:
			return fmt.Errorf("tags[%d]: has %d bytes, more than %d", i, len(tag), maxTag)
		case strings.ContainsFunc(tag, func(c rune) bool { return c <= ' ' || c == 0x7f }):
			// Origins separate tags by spaces, so no page ever has this one.
			return fmt.Errorf("tags[%d]: %q has a space or a control character, which no tag has", i, tag)
		}
	}
	return nil
}

// explain says in the caller's words what the decoder objects to.
func explain(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the body is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("%s: is a %s, not a boolean", wrong.Field, wrong.Value)
	default:
		return fmt.Errorf("not JSON: %w", err)
	}
}
