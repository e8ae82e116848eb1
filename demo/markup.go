package demo

import "html"

// markup builds HTML. What is a constant of this package goes in by raw, all else by text: a segment is written
// by whoever sends the request.
type markup struct{ b []byte }

func (m *markup) raw(parts ...string) *markup {
	for _, p := range parts {
		m.b = append(m.b, p...)
	}
	return m
}

func (m *markup) text(s string) *markup {
	m.b = append(m.b, html.EscapeString(s)...)
	return m
}

func (m *markup) int(n int) *markup { return m.raw(digits(int64(n))) }
