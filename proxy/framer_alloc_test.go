//go:build !race

package proxy_test

import (
	"testing"

	"github.com/aislecache/aisle/proxy"
)

// Under -race nothing could be told: AllocsPerRun counts what the detector allocates.
func TestFramerAllocatesNothing(t *testing.T) {
	for name, raw := range hits {
		if n := proxy.FramerAllocs(raw); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := proxy.FramerAllocs(postHead + "Content-Length: 5\r\n\r\nhello"); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
