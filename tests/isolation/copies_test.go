package isolation_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// copied is a response that somebody downstream keeps.
type copied struct {
	answer *answer
	at     time.Time
	fresh  time.Duration
}

// usable tells whether it may be shown without asking.
func (c *copied) usable() bool { return time.Since(c.at) < c.fresh }

// control reads Cache-Control: the directives by name, in lower case.
func control(h http.Header) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		out[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	return out
}

func has(directives map[string]string, name string) bool {
	_, ok := directives[name]
	return ok
}

func seconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// privateLife is how long a browser shows a response without asking: max-age, Expires, or a tenth of its age
// (RFC 9111, 4.2.1 and 4.2.2).
func privateLife(h http.Header) time.Duration {
	d := control(h)
	age := seconds(h.Get("Age"))
	switch {
	case has(d, "no-cache"):
		return 0
	case has(d, "max-age"):
		return seconds(d["max-age"]) - age
	}
	if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
		return time.Until(expires)
	}
	if modified, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		return time.Since(modified) / 10
	}
	return 0
}

// sharedLife is how long a CDN shows it to everybody, targeted fields first (RFC 9213). Of Vary it heeds Cookie alone,
// as even the cheap ones do: on public scope the edge hands on what the origin says, and nobody else could help that.
func sharedLife(h http.Header) time.Duration {
	d, age := control(h), seconds(h.Get("Age"))
	if has(d, "private") || has(d, "no-store") || h.Get("Set-Cookie") != "" || strings.EqualFold(h.Get("Vary"), "Cookie") {
		return 0
	}
	for _, name := range []string{"CDN-Cache-Control", "Surrogate-Control"} {
		if _, life, ok := strings.Cut(h.Get(name), "max-age="); ok {
			return seconds(life) - age
		}
	}
	switch {
	case has(d, "no-cache"):
		return 0
	case has(d, "s-maxage"):
		return seconds(d["s-maxage"]) - age
	case has(d, "max-age"):
		return seconds(d["max-age"]) - age
	}
	if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
		return time.Until(expires)
	}
	return 0
}

// maxCopies bounds what a browser keeps.
const maxCopies = 40

// browser keeps responses by URL and asks again with what they give it to ask by. Its shopper signs in and out, and
// still expects to see the prices of now.
type browser struct {
	edge    *edge
	shopper *shopper
	lang    string
	// legacy knows dates alone: where an answer has no Last-Modified it asks by its Date (RFC 9110, 13.1.3).
	legacy  bool
	copies  map[string]*copied
	visited []*spot // where it goes again
}

// remember keeps few places: who goes back to them has a copy.
func (b *browser) remember(at *spot) {
	if len(b.visited) >= 6 {
		b.visited = b.visited[1:]
	}
	b.visited = append(b.visited, at)
}

// conditions are the fields by which a kept response is revalidated.
func (b *browser) conditions(c *copied) []header {
	if c == nil {
		return nil
	}
	var fields []header
	h := c.answer.header
	if etag := h.Get("ETag"); etag != "" && !b.legacy {
		fields = append(fields, header{"If-None-Match", etag})
	}
	since := h.Get("Last-Modified")
	if since == "" && b.legacy {
		since = h.Get("Date")
	}
	if since != "" {
		fields = append(fields, header{"If-Modified-Since", since})
	}
	return fields
}

// visit shows a page: the browser's own copy, fresh or confirmed, or what the edge sends.
func (b *browser) visit(c *client, q *request) {
	url := q.host + asked(q.path, q.query)
	kept := b.copies[url]
	if kept != nil && kept.usable() {
		q.fromCache = true
		c.run.tally.own.Add(1)
		c.run.judge(q, kept.answer, nil)
		return
	}
	a, err := c.send(q, b.conditions(kept)...)
	if err == nil && a.status == http.StatusNotModified && kept != nil {
		c.run.tally.confirm.Add(1)
		a = b.confirmed(kept, a)
	} else if err == nil {
		a = a.clone()
	}
	if !c.run.judge(q, a, err) {
		return
	}
	b.keep(url, a)
}

// confirmed is a kept response with the fields of the 304.
func (b *browser) confirmed(kept *copied, a *answer) *answer {
	h := kept.answer.header.Clone()
	for name, values := range a.header {
		h[name] = values
	}
	return &answer{kept.answer.status, h, kept.answer.body}
}

func (b *browser) keep(url string, a *answer) {
	if a.status != http.StatusOK || has(control(a.header), "no-store") {
		delete(b.copies, url)
		return
	}
	if len(b.copies) >= maxCopies {
		clear(b.copies)
	}
	b.copies[url] = &copied{a, time.Now(), privateLife(a.header)}
}

// cdn stands in front of the edges and keys by URL alone, as the cheap ones do. It obeys Cache-Control and knows
// nothing else: what the edges send must be enough.
type cdn struct {
	mu     sync.Mutex // guards copies
	copies map[string]*copied
}

func (d *cdn) visit(c *client, q *request) {
	url := q.edge.name + " " + q.host + asked(q.path, q.query)
	d.mu.Lock()
	kept := d.copies[url]
	d.mu.Unlock()
	if kept != nil && kept.usable() {
		q.fromCache = true
		c.run.tally.own.Add(1)
		c.run.judge(q, kept.answer, nil)
		return
	}
	a, err := c.send(q)
	if !c.run.judge(q, a, err) || a.status != http.StatusOK {
		return
	}
	if life := sharedLife(a.header); life > 0 && len(a.body) < 1<<20 {
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(d.copies) >= 200 {
			clear(d.copies)
		}
		d.copies[url] = &copied{a.clone(), time.Now(), life}
	}
}
