package httpcc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

func utc(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

func TestParseDate(t *testing.T) {
	f := func(in string, want time.Time) {
		t.Helper()
		got, ok := httpcc.ParseDate([]byte(in))
		if !ok || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("ParseDate(%q) = %v, %t; want %v", in, got, ok, want)
		}
	}
	example := utc(1994, time.November, 6, 8, 49, 37)
	f("Sun, 06 Nov 1994 08:49:37 GMT", example)
	f("Sunday, 06-Nov-94 08:49:37 GMT", example)
	f("Sun Nov  6 08:49:37 1994", example)
	f("Sun Nov 06 08:49:37 1994", example)
	f("  Sun, 06 Nov 1994 08:49:37 GMT\t", example)
	f("sun, 06 nov 1994 08:49:37 gmt", example)
	f("SUN, 06 NOV 1994 08:49:37 GMT", example)
	f("SUNDAY, 06-nOV-94 08:49:37 gMT", example)
	f("SUN nov  6 08:49:37 1994", example)
	f("Mon, 06 Nov 1994 08:49:37 GMT", example) // it was a Sunday
	f("Thu, 01 Jan 1970 00:00:00 GMT", time.Unix(0, 0))
	f("Fri, 31 Dec 9999 23:59:59 GMT", utc(9999, time.December, 31, 23, 59, 59))
	f("Sat, 01 Jan 0000 00:00:00 GMT", utc(0, time.January, 1, 0, 0, 0))
	f("Thu, 29 Feb 2024 00:00:00 GMT", utc(2024, time.February, 29, 0, 0, 0))
	f("Sat, 31 Dec 2016 23:59:60 GMT", utc(2016, time.December, 31, 23, 59, 59))
	f("Tuesday, 31-Dec-75 23:59:59 GMT", utc(2075, time.December, 31, 23, 59, 59))
	f("Tuesday, 02-Jan-76 00:00:00 GMT", utc(1976, time.January, 2, 0, 0, 0))
}

func TestParseDateRefuses(t *testing.T) {
	f := func(in string) {
		t.Helper()
		if got, ok := httpcc.ParseDate([]byte(in)); ok || !got.IsZero() {
			t.Errorf("ParseDate(%q) = %v, %t; want nothing", in, got, ok)
		}
	}
	for _, in := range []string{
		"", "0", "-1", "now", ",", "Sun,", "784111777", "1994-11-06T08:49:37Z",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 EST", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
		"Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun,  06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08-49-37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT GMT", "Sun, 06 Nov 1994 08:49:37 GMT, x",
		"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Jan 1994 08:49:37 GMT", "Wed, 29 Feb 2023 00:00:00 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 06    1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT", "Sundae, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 31-Feb-94 08:49:37 GMT",
		"Sunday, 06-Xxx-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 PST",
		"Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Xxx Nov  6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "Sun Nov  0 08:49:37 1994",
		"Sun, 06 Nov 1994 08:49:37 GMT\x00", strings.Repeat("9", 5000), strings.Repeat("a", 5000) + ",",
	} {
		f(in)
	}
}

func TestTwoDigitYear(t *testing.T) {
	f := func(now time.Time, in string, want int) {
		t.Helper()
		got, ok := httpcc.ParseDateAt([]byte(in), now)
		if !ok || got.Year() != want {
			t.Errorf("ParseDateAt(%q, %v) = %v, %t; want the year %d", in, now, got, ok, want)
		}
	}
	now := utc(2026, time.June, 15, 12, 0, 0)
	f(now, "Sunday, 06-Nov-94 08:49:37 GMT", 1994)
	f(now, "Sunday, 06-Nov-26 08:49:37 GMT", 2026)
	f(now, "Monday, 15-Jun-76 12:00:00 GMT", 2076)
	f(now, "Monday, 15-Jun-76 12:00:01 GMT", 1976)
	f(now, "Monday, 15-Jun-77 12:00:00 GMT", 1977)
	f(now, "Saturday, 01-Jan-00 00:00:00 GMT", 2000)
	f(utc(2099, time.December, 31, 0, 0, 0), "Sunday, 01-Jan-00 00:00:00 GMT", 2100)
	f(utc(2099, time.December, 31, 0, 0, 0), "Sunday, 01-Jan-98 00:00:00 GMT", 2098)
	f(utc(1995, time.January, 1, 0, 0, 0), "Sunday, 01-Jan-44 00:00:00 GMT", 2044)
	f(utc(1995, time.January, 1, 0, 0, 0), "Sunday, 01-Jan-46 00:00:00 GMT", 1946)
	f(utc(2026, time.January, 1, 0, 0, 0), "Tuesday, 29-Feb-00 00:00:00 GMT", 2000)
	if got, ok := httpcc.ParseDateAt([]byte("Tuesday, 29-Feb-00 00:00:00 GMT"), utc(2099, time.January, 1, 0, 0, 0)); ok {
		t.Errorf("29 February of 2100 is %v", got)
	}
}

func TestAppendDate(t *testing.T) {
	f := func(in time.Time, want string) {
		t.Helper()
		if got := string(httpcc.AppendDate([]byte("Date: "), in)); got != "Date: "+want {
			t.Errorf("AppendDate(%v) = %q, want %q", in, got, want)
		}
	}
	f(utc(1994, time.November, 6, 8, 49, 37), "Sun, 06 Nov 1994 08:49:37 GMT")
	f(utc(1994, time.November, 6, 8, 49, 37).Add(999*time.Millisecond), "Sun, 06 Nov 1994 08:49:37 GMT")
	f(time.Date(1994, time.November, 6, 5, 49, 37, 0, time.FixedZone("BRT", -3*3600)), "Sun, 06 Nov 1994 08:49:37 GMT")
	f(time.Time{}, "Mon, 01 Jan 0001 00:00:00 GMT")
	f(utc(12345, time.January, 1, 0, 0, 0), "Fri, 31 Dec 9999 23:59:59 GMT")
	f(utc(-5, time.January, 1, 0, 0, 0), "Sat, 01 Jan 0000 00:00:00 GMT")
}

func TestDatesDoNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 64)
	for _, in := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "0"} {
		b := []byte(in)
		var parsed time.Time
		if n := testing.AllocsPerRun(100, func() { parsed, _ = httpcc.ParseDate(b) }); n != 0 {
			t.Errorf("ParseDate(%q) = %v allocates %v times", in, parsed, n)
		}
		if n := testing.AllocsPerRun(100, func() { buf = httpcc.AppendDate(buf[:0], parsed) }); n != 0 {
			t.Errorf("AppendDate(%v) = %q allocates %v times", parsed, buf, n)
		}
	}
}

func TestDateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(utc(1, 1, 1, 0, 0, 0).Unix(), utc(9999, 12, 31, 23, 59, 59).Unix()).Draw(t, "unix"), 0).UTC()
		text := httpcc.AppendDate(nil, want)
		if std := want.Format(http.TimeFormat); std != string(text) {
			t.Errorf("AppendDate(%v) = %q, net/http has %q", want, text, std)
		}
		if got, ok := httpcc.ParseDate(text); !ok || !got.Equal(want) {
			t.Errorf("ParseDate(%q) = %v, %t", text, got, ok)
		}
		if got, ok := httpcc.ParseDate([]byte(want.Format(time.ANSIC))); !ok || !got.Equal(want) {
			t.Errorf("asctime of %v = %v, %t", want, got, ok)
		}
	})
}

func TestTwoDigitYearIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "now"), 0).UTC()
		date := now.AddDate(rapid.IntRange(-49, 49).Draw(t, "years"), 0, rapid.IntRange(-20, 20).Draw(t, "days"))
		text := date.Format("Monday, 02-Jan-06 15:04:05 GMT")
		if got, ok := httpcc.ParseDateAt([]byte(text), now); !ok || !got.Equal(date) {
			t.Errorf("ParseDateAt(%q, %v) = %v, %t; want %v", text, now, got, ok, date)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "0", "Sat, 31 Dec 2016 23:59:60 GMT"} {
		f.Add([]byte(seed), int64(1_790_000_000))
	}
	f.Fuzz(func(t *testing.T, in []byte, unix int64) {
		now := time.Unix(unix%(1<<38), 0)
		got, ok := httpcc.ParseDateAt(in, now)
		if !ok {
			if !got.IsZero() {
				t.Errorf("%q: not ok, yet %v", in, got)
			}
			return
		}
		if got.Year() < 0 || got.Year() > 9999 {
			return // a two-digit year seen from far away
		}
		if again, ok := httpcc.ParseDate(httpcc.AppendDate(nil, got)); !ok || !again.Equal(got) {
			t.Errorf("%q is %v, and printed and read again %v", in, got, again)
		}
		// net/http is laxer on white space and stricter on case and leap seconds, but
		// must never read another time.
		std, err := http.ParseTime(strings.TrimSpace(string(in)))
		if err == nil && !std.Equal(got) && (std.Year()-got.Year())%100 != 0 {
			t.Errorf("%q is %v, net/http reads %v", in, got, std)
		}
	})
}
