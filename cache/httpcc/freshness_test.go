package httpcc_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/cache/httpcc"
)

func TestSourceString(t *testing.T) {
	want := map[httpcc.Source]string{
		httpcc.SourceNone: "none", httpcc.SourceSMaxAge: "s-maxage", httpcc.SourceMaxAge: "max-age",
		httpcc.SourceExpires: "expires", httpcc.SourceTargeted: "targeted", httpcc.SourceHeuristic: "heuristic",
	}
	for s := range httpcc.SourceEnd {
		if s.String() != want[s] {
			t.Errorf("Source %d is %q, want %q", s, s, want[s])
		}
	}
	if len(want) != int(httpcc.SourceEnd) || httpcc.SourceEnd.String() != "unknown" {
		t.Errorf("%d sources, the value after them is %q", httpcc.SourceEnd, httpcc.SourceEnd)
	}
}

func TestFreshness(t *testing.T) {
	targets := []string{"CDN-Cache-Control"}
	response := utc(2026, time.June, 15, 12, 0, 0)
	date := response.Add(-10 * time.Second)
	f := func(block string, want time.Duration, wantSource httpcc.Source) {
		t.Helper()
		get := headers(block)
		in := httpcc.FreshnessInput{Control: httpcc.Effective(targets, get), Expires: get("Expires"), ResponseTime: response}
		if lines := get("Date"); lines != nil {
			in.Date, in.HasDate = httpcc.ParseDate(lines[0])
		}
		if got, source := httpcc.Freshness(in); got != want || source != wantSource {
			t.Errorf("Freshness of\n%s\n= %v by %v; want %v by %v", block, got, source, want, wantSource)
		}
	}
	at := func(t time.Time) string { return string(httpcc.AppendDate(nil, t)) }
	dated := "Date: " + at(date) + "\n"

	f("", 0, httpcc.SourceNone)
	f(dated+"Cache-Control: public", 0, httpcc.SourceNone)
	f("Cache-Control: max-age=60", time.Minute, httpcc.SourceMaxAge)
	f("Cache-Control: max-age=60, s-maxage=120", 2*time.Minute, httpcc.SourceSMaxAge)
	f("Cache-Control: s-maxage=0, max-age=120", 0, httpcc.SourceSMaxAge)
	f("Cache-Control: s-maxage=x, max-age=120", 0, httpcc.SourceSMaxAge)
	f("Cache-Control: max-age=x", 0, httpcc.SourceMaxAge)
	f("Cache-Control: max-age=99999999999", maxDuration, httpcc.SourceMaxAge)
	f("Cache-Control: max-age=60\nExpires: 0", time.Minute, httpcc.SourceMaxAge)
	f("Cache-Control: max-age=0\nExpires: "+at(date.Add(time.Hour)), 0, httpcc.SourceMaxAge)

	f(dated+"Expires: "+at(date.Add(time.Hour)), time.Hour, httpcc.SourceExpires)
	f("Expires: "+at(response.Add(time.Hour)), time.Hour, httpcc.SourceExpires)
	f("Date: rubbish\nExpires: "+at(response.Add(time.Hour)), time.Hour, httpcc.SourceExpires)
	f(dated+"Expires: "+at(date), 0, httpcc.SourceExpires)
	f(dated+"Expires: "+at(date.Add(-time.Hour)), 0, httpcc.SourceExpires)
	f(dated+"Expires: Fri, 31 Dec 9999 23:59:59 GMT", maxDuration, httpcc.SourceExpires)
	f(dated+"Expires: Sat, 01 Jan 0000 00:00:00 GMT", 0, httpcc.SourceExpires)
	f(dated+"Expires: Monday, 15-Jun-26 12:59:50 GMT", time.Hour, httpcc.SourceExpires)
	f(dated+"Expires: Mon Jun 15 12:59:50 2026", time.Hour, httpcc.SourceExpires)
	f(dated+"Expires: Mon, 15 Jun 2026 12:59:50 UTC", 0, httpcc.SourceExpires)
	f(dated+"Expires: 0", 0, httpcc.SourceExpires)
	f(dated+"Expires: -1", 0, httpcc.SourceExpires)
	f(dated+"Expires: ", 0, httpcc.SourceExpires)

	hour := "Expires: " + at(date.Add(time.Hour)) + "\n"
	f(dated+hour+hour, time.Hour, httpcc.SourceExpires)
	f(dated+hour+"Expires:  "+at(date.Add(time.Hour))+" ", time.Hour, httpcc.SourceExpires)
	f(dated+hour+"Expires: "+at(date.Add(2*time.Hour)), 0, httpcc.SourceExpires)
	f(dated+hour+"Expires: 0", 0, httpcc.SourceExpires)
	f(dated+"Expires: "+at(date.Add(time.Hour))+", "+at(date.Add(time.Hour)), 0, httpcc.SourceExpires)

	f("CDN-Cache-Control: max-age=60\nCache-Control: s-maxage=5", time.Minute, httpcc.SourceTargeted)
	f("CDN-Cache-Control: max-age=60, s-maxage=30", 30*time.Second, httpcc.SourceTargeted)
	f("CDN-Cache-Control: none\nCache-Control: s-maxage=5\n"+hour, 0, httpcc.SourceNone)
	f("CDN-Cache-Control: max-age=1.5\nCache-Control: s-maxage=5\n"+hour, 0, httpcc.SourceNone)
	f("CDN-Cache-Control: ,\nCache-Control: s-maxage=5\n"+hour, 5*time.Second, httpcc.SourceSMaxAge)
}

func TestFreshnessBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, last := utc(0, 1, 1, 0, 0, 0).Unix(), utc(9999, 12, 31, 23, 59, 59).Unix()
		at := func(name string) time.Time { return time.Unix(rapid.Int64Range(first, last).Draw(t, name), 0) }
		date, expires := at("date"), at("expires")
		in := httpcc.FreshnessInput{Expires: [][]byte{httpcc.AppendDate(nil, expires)}, Date: date, HasDate: true}
		got, source := httpcc.Freshness(in)
		want := min(max(expires.Sub(date), 0), maxDuration)
		if got != want || source != httpcc.SourceExpires {
			t.Errorf("from %v to %v: %v by %v, want %v", date, expires, got, source, want)
		}
	})
}

func TestHeuristic(t *testing.T) {
	date := utc(2026, time.June, 15, 12, 0, 0)
	f := func(modified time.Time, fraction float64, limit, want time.Duration) {
		t.Helper()
		if got := httpcc.Heuristic(modified, date, fraction, limit); got != want {
			t.Errorf("Heuristic(%v, %v, %v) = %v, want %v", modified, fraction, limit, got, want)
		}
	}
	day := 24 * time.Hour
	f(date.Add(-10*time.Hour), 0.5, day, 5*time.Hour)
	f(date.Add(-1000*day), 0.5, day, day)
	f(date.Add(-1000*day), 0.5, 1<<63-1, 500*day)
	f(utc(1, time.January, 1, 0, 0, 1), 1, 1<<63-1, maxDuration)
	f(date.Add(-day), math.Inf(1), day, day)
	f(date.Add(-day), math.MaxFloat64, day, day)
	f(date.Add(-day), math.SmallestNonzeroFloat64, day, 0)
	f(date, 0.5, day, 0)
	f(date.Add(time.Hour), 0.5, day, 0)
	f(time.Time{}, 0.5, day, 0)
	f(date.Add(-day), 0, day, 0)
	f(date.Add(-day), -1, day, 0)
	f(date.Add(-day), math.NaN(), day, 0)
	f(date.Add(-day), 0.5, 0, 0)
	f(date.Add(-day), 0.5, -day, 0)
}

func TestHeuristicBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		modified := time.Unix(rapid.Int64().Draw(t, "modified"), 0)
		date := time.Unix(rapid.Int64().Draw(t, "date"), 0)
		limit := time.Duration(rapid.Int64().Draw(t, "limit"))
		got := httpcc.Heuristic(modified, date, rapid.Float64().Draw(t, "fraction"), limit)
		if got < 0 || got > maxDuration || got > max(limit, 0) || got > 0 && !modified.Before(date) {
			t.Errorf("got %v", got)
		}
	})
}
