package segment_test

import (
	"fmt"
	"testing"

	"github.com/aislecache/aisle/segment"
)

// BenchmarkResolve measures what a request pays; 412 bytes is an ordinary cookie.
func BenchmarkResolve(b *testing.B) {
	r := resolver(b, options(b))
	p := projection(b, r, "channel", "priceTables", "regionId")
	in := token(fmt.Sprintf(`{"campaigns":null,"channel":"1","priceTables":"gold","regionId":"%072d","utm_campaign":null,"utm_source":null,"utmi_campaign":null,`+
		`"currencyCode":"BRL","currencySymbol":"R$","countryCode":"BRA","cultureInfo":"pt-BR","channelPrivacy":"public"}`, 0))
	seal := []byte(sealer(b).Seal(now, in))
	query := overlay("utm_source", "newsletter")
	run := func(name string, seal, overlay []byte) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				r.Resolve(now, in, seal, false, overlay).In(p)
			}
		})
	}
	run("hit", nil, nil)
	run("hit/seal", seal, nil)
	run("hit/seal+overlay", seal, query)
	b.Run("absent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Resolve(now, nil, nil, false, nil).In(p)
		}
	})
	b.Run("hit/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r.Resolve(now, in, seal, false, nil).In(p)
			}
		})
	})
}

// BenchmarkMiss measures what a cookie costs that was never seen.
func BenchmarkMiss(b *testing.B) {
	r := resolver(b, options(b))
	p := projection(b, r, "channel", "priceTables", "regionId")
	in := []byte(goldenFull)
	seal := []byte(sealer(b).Seal(now, in))
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		r.Resolve(now, in, seal, false, overlay("utm_source", fmt.Sprint(i))).In(p)
	}
}

func BenchmarkDecode(b *testing.B) {
	in := []byte(goldenFull)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		segment.Decode(in, 0)
	}
}
