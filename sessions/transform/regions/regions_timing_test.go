package regions_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// million is a file of a million ranges: of eight digits, ninety codes each with gaps of ten between, half of them of one channel.
func million() []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for i := range 1_000_000 {
		channel := ""
		if i%2 == 1 {
			channel = "1"
		}
		fmt.Fprintf(&b, "BRA,%08d,%08d,%s,seller%d;seller%d\n", i*100, i*100+89, channel, i%500, i%311)
	}
	return b.Bytes()
}

// BenchmarkByPostalCode: random codes among a million ranges, in a list of the channel and in that of all.
func BenchmarkByPostalCode(b *testing.B) {
	r, err := regions.Parse(bytes.NewReader(million()), nil, regions.V2)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	codes := make([]string, 1<<16)
	for i := range codes {
		codes[i] = fmt.Sprintf("%05d-%03d", random.IntN(100_000), random.IntN(1000))
	}
	b.ReportAllocs()
	found := 0
	for i := 0; b.Loop(); i++ {
		if region, _ := r.ByPostalCode("BRA", "1", codes[i&(len(codes)-1)]); len(region.Sellers) > 0 {
			found++
		}
	}
	if found == 0 {
		b.Fatal("nothing was found")
	}
}

// BenchmarkParse: how long a million ranges take to load.
func BenchmarkParse(b *testing.B) {
	file := million()
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := regions.Parse(bytes.NewReader(file), nil, regions.V2); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkByPoint: random points among ten thousand polygons of a hundred edges each, which cover some of them.
func BenchmarkByPoint(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var features []string
	for i := range 10_000 {
		x, y := float64(i%100), float64(i/100)/2
		var ring []string
		for j := range 101 {
			angle := float64(j%100) / 100 * 2 * math.Pi
			ring = append(ring, fmt.Sprintf("[%v,%v]", x+math.Cos(angle)/6, y+math.Sin(angle)/6))
		}
		features = append(features, feature(`{"country":"BRA","sellers":"a"}`, "Polygon", "[["+strings.Join(ring, ",")+"]]"))
	}
	r, err := regions.Parse(nil, strings.NewReader(collection(features...)), regions.V2)
	if err != nil {
		b.Fatal(err)
	}
	points := make([]regions.Point, 1<<12)
	for i := range points {
		points[i] = regions.Point{Longitude: random.Float64() * 100, Latitude: random.Float64() * 50}
	}
	b.ReportAllocs()
	found := 0
	for i := 0; b.Loop(); i++ {
		if region, _ := r.ByPoint("BRA", "1", points[i&(len(points)-1)]); len(region.Sellers) > 0 {
			found++
		}
	}
	if found == 0 {
		b.Fatal("nothing was found")
	}
}
