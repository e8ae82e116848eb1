package cache_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/aislecache/aisle/cache"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// smallText draws from few letters and lengths, so that two draws often agree in
// part and their boundaries fall differently.
func smallText() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune{'a', 'b', 0, 1, ','}), 0, 4, -1)
}

func drawParts(t *rapid.T, label string) *cache.KeyParts {
	text := smallText()
	p := &cache.KeyParts{
		Account: text.Draw(t, label+" account"), Scheme: text.Draw(t, label+" scheme"),
		Host: []byte(text.Draw(t, label+" host")), Target: []byte(text.Draw(t, label+" target")),
		Scope: rapid.SampledFrom([]cache.Scope{cache.ScopeSegment, cache.ScopePublic}).Draw(t, label+" scope"),
	}
	for range rapid.IntRange(0, 2).Draw(t, label+" keyed") {
		kv := cache.KeyedValue{Name: text.Draw(t, label+" name")}
		if rapid.Bool().Draw(t, label+" has") {
			kv.Value = []byte(text.Draw(t, label+" value"))
		}
		p.Keyed = append(p.Keyed, kv)
	}
	return p
}

// plain is a form in which equal parts are equal: an empty value differs from none.
func plain(p *cache.KeyParts) []string {
	all := []string{p.Account, p.Scheme, string(p.Host), string(p.Target), p.Scope.String()}
	for _, kv := range p.Keyed {
		value := "none"
		if kv.Value != nil {
			value = "=" + string(kv.Value)
		}
		all = append(all, kv.Name, value)
	}
	return all
}

func TestBaseKeyIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawParts(t, "a"), drawParts(t, "b")
		same := slices.Equal(plain(a), plain(b))
		ka, kb := cache.AppendBase(nil, a), cache.AppendBase(nil, b)
		if bytes.Equal(ka, kb) != same {
			t.Fatalf("parts equal: %v; keys\n%q\n%q", same, ka, kb)
		}
		// A base key that is the beginning of another would let a variant of one
		// equal the base of the other.
		if !same && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatalf("one key begins the other\n%q\n%q", ka, kb)
		}
	})
}

func TestEveryPartCounts(t *testing.T) {
	full := func() *cache.KeyParts {
		return &cache.KeyParts{Account: "acme", Scheme: "https", Host: []byte("shop"), Target: []byte("/p"), Scope: cache.ScopeSegment,
			Keyed: []cache.KeyedValue{{Name: "ab", Value: []byte("a")}}}
	}
	want := cache.AppendBase(nil, full())
	if want[0] != cache.KeyVersion {
		t.Errorf("the first byte is %d, want the version", want[0])
	}
	f := func(name string, change func(p *cache.KeyParts)) {
		t.Helper()
		p := full()
		change(p)
		if bytes.Equal(cache.AppendBase(nil, p), want) {
			t.Errorf("%s does not enter the key", name)
		}
	}
	f("account", func(p *cache.KeyParts) { p.Account = "other" })
	f("scheme", func(p *cache.KeyParts) { p.Scheme = "http" })
	f("host", func(p *cache.KeyParts) { p.Host = []byte("shop2") })
	f("target", func(p *cache.KeyParts) { p.Target = []byte("/q") })
	f("scope", func(p *cache.KeyParts) { p.Scope = cache.ScopePublic })
	f("keyed name", func(p *cache.KeyParts) { p.Keyed[0].Name = "cd" })
	f("keyed value", func(p *cache.KeyParts) { p.Keyed[0].Value = []byte("b") })
	f("keyed empty", func(p *cache.KeyParts) { p.Keyed[0].Value = []byte{} })
	f("keyed absent", func(p *cache.KeyParts) { p.Keyed[0].Value = nil })
	f("no keyed", func(p *cache.KeyParts) { p.Keyed = nil })
	if got := cache.AppendBase([]byte("x"), full()); !bytes.Equal(got[1:], want) || got[0] != 'x' {
		t.Error("AppendBase does not append")
	}
}

// drawn is a specification with the values of one request.
type drawn struct {
	Vary, Segment []string
	Narrowed      bool
	dims          *dims
}

func drawVariant(t *rapid.T, label string) drawn {
	fields := []string{"accept", "accept-language"}
	segment := []string{"channel", "priceTables"}
	d := drawn{dims: &dims{}, Narrowed: rapid.Bool().Draw(t, label+" narrowed")}
	subset := func(of []string, what string) (chosen []string) {
		for _, name := range of {
			if rapid.Bool().Draw(t, label+what+name) {
				chosen = append(chosen, name)
			}
		}
		return chosen
	}
	d.Vary = subset(fields, " vary ")
	if d.Narrowed {
		d.Segment = subset(segment, " segment ")
	}
	for _, name := range subset(fields, " sent ") {
		d.dims.sent = append(d.dims.sent, cache.Field{Name: name, Value: smallText().Draw(t, label+" "+name)})
	}
	for _, name := range segment {
		d.dims.segment = append(d.dims.segment, cache.Field{Name: name, Value: smallText().Draw(t, label+" "+name)})
	}
	return d
}

// dependsOn is what of a request a page under this specification depends on.
func (d *drawn) dependsOn() []string {
	all := []string{"vary"}
	for _, name := range d.Vary {
		all = append(all, name, d.dims.show(d.dims.sent, name))
	}
	if !d.Narrowed {
		all = append(all, "whole")
		for _, f := range d.dims.segment {
			all = append(all, f.Name, f.Value)
		}
		return all
	}
	all = append(all, "narrowed")
	for _, name := range d.Segment {
		all = append(all, name, d.dims.show(d.dims.segment, name))
	}
	return all
}

// TestVariantsNeverCollide: two variant keys of one base are equal exactly where
// specification and values are: one specification never meets another.
func TestVariantsNeverCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := []byte("base")
		a, b := drawVariant(t, "a"), drawVariant(t, "b")
		ka := cache.VariantKey(base, cache.Spec(a.Vary, a.Narrowed, a.Segment...), a.dims)
		kb := cache.VariantKey(base, cache.Spec(b.Vary, b.Narrowed, b.Segment...), b.dims)
		same := slices.Equal(a.dependsOn(), b.dependsOn())
		if bytes.Equal(ka, kb) != same {
			t.Fatalf("depend on the same: %v\n%s\nkeys\n%q\n%q", same, cmp.Diff(a.dependsOn(), b.dependsOn()), ka, kb)
		}
	})
}

// TestVariantKeyShares: who agrees in what a narrowed page depends on shares it,
// whatever else differs.
func TestVariantKeyShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawVariant(t, "a"), drawVariant(t, "b")
		b.Vary, b.Segment, b.Narrowed = a.Vary, a.Segment, true
		a.Narrowed = true
		for _, name := range a.Segment {
			for i := range a.dims.segment {
				if a.dims.segment[i].Name == name {
					b.dims.segment[i].Value = a.dims.segment[i].Value
				}
			}
		}
		b.dims.sent = a.dims.sent
		spec := cache.Spec(a.Vary, true, a.Segment...)
		ka, kb := cache.VariantKey(nil, spec, a.dims), cache.VariantKey(nil, spec, b.dims)
		if !bytes.Equal(ka, kb) {
			t.Fatalf("same values, other keys\n%q\n%q", ka, kb)
		}
	})
}

func TestURLAndTagLabelsDiffer(t *testing.T) {
	seen := map[string]string{}
	f := func(name, label string) {
		t.Helper()
		if other, ok := seen[label]; ok {
			t.Errorf("%s and %s have the label %q", name, other, label)
		}
		seen[label] = name
	}
	f("url of a host", cache.URLLabel("shop", "/p"))
	f("url of every host", cache.URLLabel("", "/p"))
	f("host in the target", cache.URLLabel("", "shop/p"))
	f("tag", cache.TagLabel("shop/p"))
	f("tag like a url", cache.TagLabel("u\x00shop\x00/p"))
}
