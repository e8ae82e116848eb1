package cache_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when a fetch or a timer of ours outlives its test.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
