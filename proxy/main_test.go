package proxy_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when a fetch, a connection or a timer outlives its
// test. fasthttp's are two that it starts once and never ends.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}
