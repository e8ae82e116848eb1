package demo_test

import (
	"testing"

	"github.com/aislecache/aisle/demo"
)

func BenchmarkRender(b *testing.B) {
	c := demo.NewCatalogue()
	s := demo.DefaultSegment()
	s.PriceTables, s.Campaigns = "silver,gold", "vip"
	for name, path := range map[string]string{"home": "/", "category": "/c/lamps", "narrowed": c.ByID(2).Path(), "product": c.ByID(3).Path()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.SetBytes(int64(len(demo.Render(c, 0, s, path, "").HTML)))
			}
		})
	}
}

func BenchmarkDecodeSegment(b *testing.B) {
	token := demo.DefaultSegment().Token()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := demo.DecodeSegment(token); err != nil {
			b.Fatal(err)
		}
	}
}
