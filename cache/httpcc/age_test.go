package httpcc_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

const maxDuration = httpcc.MaxDeltaSeconds * time.Second

func TestParseAge(t *testing.T) {
	f := func(in string, want httpcc.Delta) {
		t.Helper()
		if got := httpcc.ParseAge(lines(in)...); got != want {
			t.Errorf("ParseAge(%q) = %+v, want %+v", in, got, want)
		}
	}
	none := httpcc.Delta{}
	f("0", seconds(0))
	f("7200", seconds(7200))
	f(" 7200\t", seconds(7200))
	f("007200", seconds(7200))
	f("7200, 3600", seconds(7200))
	f("3600,7200", seconds(3600))
	f("7200\n3600", seconds(7200))
	f("7200, abc", seconds(7200))
	f(", 7200", seconds(7200))
	f("\n7200", seconds(7200))
	f("2147483649", seconds(1<<31))
	f(strings.Repeat("9", 3000), seconds(1<<31))
	f("", none)
	f(",", none)
	f("-10", none)
	f("+10", none)
	f("abc", none)
	f("abc, 7200", none)
	f("-10\n7200", none)
	f("7200.0", none)
	f("1e3", none)
	f("\"7200\"", none)
	f("72 00", none)
	f("7200;foo=bar", none)
	if got := httpcc.ParseAge(); got != none {
		t.Errorf("ParseAge() = %+v", got)
	}
}

func TestInitialAge(t *testing.T) {
	base := utc(2026, time.June, 15, 12, 0, 0)
	for _, test := range []struct {
		name           string
		delay          time.Duration // from request to response
		date           time.Duration // before the response
		noDate         bool
		ageValue, want time.Duration
	}{
		{name: "all at once"},
		{name: "only the delay", delay: 2 * time.Second, want: 2 * time.Second},
		{name: "age and delay add up", delay: 2 * time.Second, ageValue: time.Minute, want: 62 * time.Second},
		{name: "the date is older", delay: time.Second, date: time.Hour, ageValue: time.Minute, want: time.Hour},
		{name: "the age is older", date: time.Minute, ageValue: time.Hour, want: time.Hour},
		{name: "a date in the future", date: -time.Hour, ageValue: time.Second, want: time.Second},
		{name: "no date", date: time.Hour, noDate: true, ageValue: time.Second, want: time.Second},
		{name: "our clock went back", delay: -time.Hour, ageValue: time.Second, want: time.Second},
		{name: "a negative age", delay: time.Second, ageValue: -time.Hour, want: time.Second},
		{name: "a huge age", delay: time.Hour, ageValue: 1<<63 - 1, want: maxDuration},
		{name: "a huge delay", delay: 1<<63 - 1, ageValue: maxDuration, want: maxDuration},
		{name: "a date before the flood", date: 1<<63 - 1, want: maxDuration},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := httpcc.InitialAge(base.Add(-test.delay), base, base.Add(-test.date), !test.noDate, test.ageValue)
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestInitialAgeBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time { return time.Unix(rapid.Int64().Draw(t, name), 0) }
		age := time.Duration(rapid.Int64().Draw(t, "age"))
		request, response, date := at("request"), at("response"), at("date")
		with := httpcc.InitialAge(request, response, date, true, age)
		without := httpcc.InitialAge(request, response, date, false, age)
		if without < 0 || with < without || with > maxDuration || without < min(age, maxDuration) {
			t.Errorf("with date %v, without %v, age %v", with, without, age)
		}
	})
}

func FuzzParseAge(f *testing.F) {
	for _, seed := range []string{"0", "7200, 3600", "-10", "abc", "99999999999999999999", ",,1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		age := httpcc.ParseAge(in)
		checkRange(t, in, age)
		if later := httpcc.ParseAge(in, []byte("5")); age.Set && later != age {
			t.Errorf("%q: a second line changes %+v to %+v", in, age, later)
		}
	})
}
