package redis_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that are left, as goleak.VerifyTestMain does, with more time for them to end: rueidis closes the
// connections that a refresh of a cluster has put out of use five seconds later, in a goroutine that Close does not stop.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := leaked(20 * time.Second); err != nil {
			fmt.Fprintf(os.Stderr, "goleak: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

func leaked(within time.Duration) error {
	for end := time.Now().Add(within); ; {
		err := goleak.Find()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
