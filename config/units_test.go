package config_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/config"
)

func TestDurationReadsGoSyntaxAndDays(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%q: got %v, %v, want %v", text, time.Duration(d), err, want)
		}
	}
	f("0s", 0)
	f("5m", 5*time.Minute)
	f("1.5h", 90*time.Minute)
	f("1h30m", 90*time.Minute)
	f("250us", 250*time.Microsecond)
	f("1d", 24*time.Hour)
	f("30d", 30*24*time.Hour)
	f("1d12h", 36*time.Hour)
	f("0d", 0)
	f("106751d", 106751*24*time.Hour)
}

func TestDurationRefusesWhatHasNoUnitOrNoSense(t *testing.T) {
	f := func(text string) {
		t.Helper()
		d := config.Duration(7)
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %v, want an error", text, d)
		} else if want := `"` + text + `" is not a duration`; err.Error() != want {
			t.Errorf("%q: got %q, want %q", text, err, want)
		}
		if d != 7 {
			t.Errorf("%q: changed the value to %v", text, d)
		}
	}
	for _, text := range []string{"", "0", "10", "1.5", "5x", "-5s", "-1d", "d", "1.5d", "1d-2h", "1d2", "1d2d", "+1d", "s",
		"106752d", "106751d24h", "99999999999999999999d", "2562048h", "1e3", "Inf", "5 m"} {
		f(text)
	}
}

func TestDurationTextIsTheShortest(t *testing.T) {
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := config.Duration(d).String(); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
	f(0, "0s")
	f(10*time.Second, "10s")
	f(10*time.Minute, "10m")
	f(time.Hour, "1h")
	f(100*time.Minute, "1h40m")
	f(time.Hour+time.Second, "1h0m1s")
	f(24*time.Hour, "24h")
	f(36*time.Hour, "36h")
	f(48*time.Hour, "2d")
	f(30*24*time.Hour, "30d")
	f(1500*time.Millisecond, "1.5s")
}

func TestDurationRoundTripsAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		want := config.Duration(rapid.Int64Range(0, int64(math.MaxInt64/unit)).Draw(t, "n") * int64(unit))
		text, _ := want.MarshalText()
		var got config.Duration
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%q: got %d, %v, want %d", text, got, err, want)
		}
	})
}

func TestSizeReadsBinaryUnitsAndBytes(t *testing.T) {
	f := func(text string, want config.Size, canonical string) {
		t.Helper()
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: got %d, %v, want %d", text, s, err, want)
		}
		if s.String() != canonical {
			t.Errorf("%q: printed as %q, want %q", text, s, canonical)
		}
	}
	f("0", 0, "0")
	f("4096", 4096, "4KiB")
	f("1000", 1000, "1000")
	f("4KiB", 4096, "4KiB")
	f("1024KiB", 1<<20, "1MiB")
	f("256MiB", 256<<20, "256MiB")
	f("1GiB", 1<<30, "1GiB")
	f("1536MiB", 1536<<20, "1536MiB")
}

func TestSizeRefusesOtherUnits(t *testing.T) {
	for _, text := range []string{"", "-1", "+1", "1.5GiB", "1GB", "1kB", "1k", "1 MiB", "MiB", "1KiBMiB", "9223372036854775808", "8589934592GiB", "0x10"} {
		s := config.Size(7)
		if err := s.UnmarshalText([]byte(text)); err == nil || s != 7 {
			t.Errorf("%q: got %d, %v, want an error and no change", text, s, err)
		}
	}
}

func TestSizeRoundTripsAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shift := rapid.SampledFrom([]int{0, 10, 20, 30}).Draw(t, "shift")
		want := config.Size(rapid.Int64Range(0, math.MaxInt64>>shift).Draw(t, "n") << shift)
		text, _ := want.MarshalText()
		var got config.Size
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%q: got %d, %v, want %d", text, got, err, want)
		}
	})
}
