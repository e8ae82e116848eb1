package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar is a shape of single values. parse gets the text and the YAML type of it
// (`!!str`, `!!int`, ...), and returns what is wrong, such as `is not a duration`, or "".
func scalar[T any](kind string, parse func(text, tag string) (T, string), write func(T) *yaml.Node) shape[T] {
	return shape[T]{
		kind: kind, write: write,
		read: func(d *decoder, at string, n *yaml.Node, into *T) {
			if n.Kind != yaml.ScalarNode || isNull(n) {
				d.fail(at, n, "%s, not %s", describe(n), article(kind))
				return
			}
			v, fault := parse(n.Value, n.ShortTag())
			if fault != "" {
				d.fail(at, n, "%s %s", quoted(n), fault)
				return
			}
			*into = v
		},
	}
}

func article(kind string) string {
	switch {
	case strings.Contains(kind, ","):
		return kind // one of these, ...
	case strings.HasPrefix(kind, "address"), strings.HasPrefix(kind, "integer"):
		return "an " + kind
	}
	return "a " + kind
}

func textNode(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

func plainNode(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// flowIfScalars writes short lists of single values on one line.
func flowIfScalars(list *yaml.Node) {
	for _, n := range list.Content {
		if n.Kind != yaml.ScalarNode {
			return
		}
	}
	list.Style = yaml.FlowStyle
}

// text is any text that check, which may be nil, finds no fault in. Numbers and dates
// stand as they are written, since `1` is the usual name of a channel; an unquoted
// true or false is refused, being more likely a slip.
func text(kind string, check func(string) string) shape[string] {
	parse := func(s, tag string) (string, string) {
		switch tag {
		case "!!str", "!!int", "!!float", "!!timestamp":
		default:
			return "", "is not a text, put it in quotes"
		}
		if check == nil {
			return s, ""
		}
		return s, check(s)
	}
	return scalar(kind, parse, textNode)
}

func nonEmpty(s string) string {
	if s == "" {
		return "is empty"
	}
	return ""
}

func anyText() shape[string] { return text("text", nonEmpty) }

func duration() shape[Duration] {
	parse := func(s, tag string) (Duration, string) {
		d, ok := parseDuration(s)
		if !ok && (tag == "!!int" || tag == "!!float") {
			return 0, "is not a duration: it has no unit, as in 30s, 5m, 12h or 30d"
		}
		if !ok {
			return 0, "is not a duration"
		}
		return d, ""
	}
	return scalar("duration", parse, func(d Duration) *yaml.Node { return textNode(d.String()) })
}

func size() shape[Size] {
	parse := func(s, tag string) (Size, string) {
		var v Size
		if (tag != "!!str" && tag != "!!int") || v.UnmarshalText([]byte(s)) != nil {
			return 0, "is not a size in bytes, KiB, MiB or GiB"
		}
		return v, ""
	}
	write := func(s Size) *yaml.Node {
		if t := s.String(); strings.HasSuffix(t, "iB") {
			return textNode(t)
		}
		return plainNode("!!int", strconv.FormatInt(int64(s), 10))
	}
	return scalar("size", parse, write)
}

func integer(low, high int) shape[int] {
	parse := func(s, tag string) (int, string) {
		n, err := strconv.Atoi(s)
		if tag != "!!int" || err != nil {
			return 0, "is not an integer"
		}
		if n < low || n > high {
			return 0, fmt.Sprintf("is not between %d and %d", low, high)
		}
		return n, ""
	}
	return scalar("integer", parse, func(n int) *yaml.Node { return plainNode("!!int", strconv.Itoa(n)) })
}

func fraction() shape[float64] {
	parse := func(s, tag string) (float64, string) {
		f, err := strconv.ParseFloat(s, 64)
		if (tag != "!!int" && tag != "!!float") || err != nil {
			return 0, "is not a number"
		}
		if !(f >= 0 && f <= 1) {
			return 0, "is not between 0 and 1"
		}
		return f, ""
	}
	write := func(f float64) *yaml.Node {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			return plainNode("!!int", text)
		}
		return plainNode("!!float", text)
	}
	return scalar("number", parse, write)
}

// truth is true or false. yes, no, on and off count as well, unquoted or not: YAML 1.1
// read them so, and files are written from habit.
func truth() shape[bool] {
	parse := func(s, tag string) (bool, string) {
		v, ok := truthOf(s, tag)
		if !ok {
			return false, "is neither true nor false"
		}
		return v, ""
	}
	return scalar("boolean", parse, func(v bool) *yaml.Node { return plainNode("!!bool", strconv.FormatBool(v)) })
}

// truthOf reads a truth value in any of the spellings of YAML 1.1.
func truthOf(s, tag string) (value, ok bool) {
	if tag != "!!bool" && tag != "!!str" {
		return false, false
	}
	switch strings.ToLower(s) {
	case "yes", "on":
		return true, true
	case "no", "off":
		return false, true
	case "true", "false":
		return s[0] == 't' || s[0] == 'T', tag == "!!bool"
	}
	return false, false
}

// oneOf is one of a closed list of words. A word `off` may come as YAML's false.
func oneOf(words ...string) shape[string] {
	parse := func(s, tag string) (string, string) {
		if v, ok := truthOf(s, tag); ok && !v {
			s = "off"
		}
		for _, w := range words {
			if s == w {
				return w, ""
			}
		}
		return "", "is not one of " + strings.Join(words, ", ")
	}
	return scalar("one of "+strings.Join(words, ", "), parse, textNode)
}

// network is a CIDR range; an address alone is the range of that address.
func network() shape[netip.Prefix] {
	parse := func(s, _ string) (netip.Prefix, string) {
		if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			return netip.PrefixFrom(addr, addr.BitLen()), ""
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() {
			return netip.Prefix{}, "is not an address or a range such as 10.0.0.0/8"
		}
		return p.Masked(), ""
	}
	return scalar("address range", parse, func(p netip.Prefix) *yaml.Node { return textNode(p.String()) })
}
