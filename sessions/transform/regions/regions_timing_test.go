package regions_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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
