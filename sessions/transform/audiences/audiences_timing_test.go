package audiences_test

import (
	"fmt"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/audiences"
)

// BenchmarkTransform is what a request to the sessions API pays for its audiences.
func BenchmarkTransform(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("audiences=%d", n), func(b *testing.B) {
			var o audiences.Options
			for i := range n {
				o.Audiences = append(o.Audiences, audiences.Audience{
					ID: fmt.Sprint(i), When: fmt.Sprintf(`profile.email endsWith "@x%d.example" and public.utm_campaign == "c"`, i),
				})
			}
			app := newApp(b, o)
			in := vals("profile.email=ann@x7.example", "public.utm_campaign=c")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := app.Transform(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
