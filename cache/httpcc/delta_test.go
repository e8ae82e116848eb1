package httpcc_test

import (
	"testing"
	"time"

	"github.com/aislecache/aisle/cache/httpcc"
)

func TestDeltaDuration(t *testing.T) {
	f := func(in httpcc.Delta, want time.Duration) {
		t.Helper()
		if got := in.Duration(); got != want {
			t.Errorf("%+v.Duration() = %v, want %v", in, got, want)
		}
	}
	f(httpcc.Delta{}, 0)
	f(httpcc.Delta{Seconds: 5}, 0)
	f(seconds(0), 0)
	f(seconds(90), 90*time.Second)
	f(seconds(httpcc.MaxDeltaSeconds), 596523*time.Hour+14*time.Minute+8*time.Second)
}
