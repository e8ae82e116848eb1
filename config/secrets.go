package config

import (
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aislecache/aisle/sessions/transform"
)

// secret stands for a password or a token in what is printed: the effective configuration gets into tickets and logs.
const secret = "xxxxx"

// secretDSN is written without its passwords.
func secretDSN() shape[string] {
	s := text("text", nil)
	s.write = func(dsn string) *yaml.Node { return textNode(redactedDSN(dsn)) }
	return s
}

func redactedDSN(dsn string) string {
	if !strings.Contains(dsn, "://") {
		return regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)`).ReplaceAllString(dsn, "${1}"+secret)
	}
	return redactedURL(dsn, func(name string) bool { return strings.HasSuffix(strings.ToLower(name), "password") })
}

func anySecret(string) bool { return true }

// secretURL is the URL of a server that transforms ask. It may have a password, and any part of its query may be a token; it is
// shown without them.
func secretURL() shape[string] {
	s := discreet(text("URL", nonEmpty), func(raw string) string {
		if u, err := url.Parse(raw); err != nil || transform.CheckURL(u) != nil {
			return "is no http or https URL"
		}
		return ""
	})
	s.write = func(raw string) *yaml.Node { return textNode(redactedURL(raw, anySecret)) }
	return s
}

// serverAddress is the host and port of a Redis server, which no password can stand in.
func serverAddress() shape[string] {
	return discreet(text("address", nonEmpty), func(raw string) string {
		if strings.Contains(raw, "@") {
			return "is more than a host and a port: a password has its file, password_file"
		}
		return ""
	})
}

// discreet has a check whose message shows the value without what may be a secret in it.
func discreet(s shape[string], check func(string) string) shape[string] {
	read := s.read
	s.read = func(d *decoder, at string, n *yaml.Node, into *string) {
		var raw string
		if read(d, at, n, &raw); raw == "" {
			return // a fault already
		}
		if fault := check(raw); fault != "" {
			d.fail(at, n, "%q %s", shorten(redactedURL(raw, anySecret)), fault)
			return
		}
		*into = raw
	}
	return s
}

// redactedURL is a URL without its password and the values of those parameters. One that cannot be read may hold them anywhere
// before "@" and behind "?".
func redactedURL(raw string, isSecret func(parameter string) bool) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && strings.Contains(raw, "@") {
		raw, _, _ = strings.Cut(raw, "?")
		scheme, rest, found := strings.Cut(raw, "://")
		if !found {
			scheme, rest = "", raw
		}
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			rest = secret + rest[i:]
		}
		return scheme + strings.Repeat("://", min(len(scheme), 1)) + rest
	}
	if _, has := u.User.Password(); u.User != nil && !has && u.Scheme != "postgres" && u.Scheme != "postgresql" {
		u.User = url.User(secret) // such as https://TOKEN@host
	}
	u.RawQuery = redactedQuery(u.RawQuery, isSecret)
	return u.Redacted()
}

func redactedQuery(query string, isSecret func(parameter string) bool) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		switch {
		case err == nil && !isSecret(plain):
		case found:
			parts[i] = name + "=" + secret
		case part != "":
			parts[i] = secret
		}
	}
	return strings.Join(parts, "&")
}
