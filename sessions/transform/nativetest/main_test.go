// Package nativetest_test has the apps that come with aisle all together in one Engine.
package nativetest_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
