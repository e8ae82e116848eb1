package regions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// feature is a GeoJSON feature; properties and coordinates are JSON.
func feature(properties, kind, coordinates string) string {
	return fmt.Sprintf(`{"type":"Feature","properties":%s,"geometry":{"type":%q,"coordinates":%s}}`, properties, kind, coordinates)
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

// box is the coordinates of a rectangle; the other way round if its corners are swapped.
func box(x0, y0, x1, y1 float64) string {
	return fmt.Sprintf("[[[%[1]v,%[2]v],[%[3]v,%[2]v],[%[3]v,%[4]v],[%[1]v,%[4]v],[%[1]v,%[2]v]]]", x0, y0, x1, y1)
}

func TestByPoint(t *testing.T) {
	outer, hole := box(-50, -30, -40, -20), box(-47, -27, -44, -24)
	r := parsed(t, "", collection(
		feature(`{"country":"BRA","sellers":"centro"}`, "Polygon", box(-46.7, -23.6, -46.6, -23.5)),
		feature(`{"country":"BRA","sellers":["b","a"],"channel":1,"name":"ring"}`, "Polygon", "["+outer[1:len(outer)-1]+","+hole[1:]),
		feature(`{"country":"BRA","sellers":"islands","channel":"2"}`, "MultiPolygon", "["+box(10, 1, 9, 0)+","+box(12, 0, 13, 1)+"]"),
		feature(`{"country":"usa","sellers":"ny","channel":null}`, "Polygon", "[[[-75,40,12.5],[-73,40,0],[-74,42,7],[-75,40,12.5]]]"),
	))
	f := func(country, channel string, lon, lat float64, want string) {
		t.Helper()
		if got := served(r.ByPoint(country, channel, regions.Point{Longitude: lon, Latitude: lat})); got != want {
			t.Errorf("%s %s %v %v: %s, want %s", country, channel, lon, lat, got, want)
		}
	}
	f("BRA", "1", -46.65, -23.55, "centro") // the first in the file, of two
	f("BRA", "1", -49, -29, "a b")
	f("BRA", "1", -45, -25, "nobody") // in the hole
	f("BRA", "2", -49, -29, "nobody")
	f("BRA", "2", 9.5, 0.5, "islands")
	f("BRA", "2", 11, 0.5, "nobody")
	f("BRA", "2", 12.5, 0.5, "islands")
	f("BRA", "", 12.5, 0.5, "nobody")
	f("USA", "7", -74, 41, "ny")
	f("USA", "7", -74.9, 41.9, "nobody") // in its box
	f("USA", "7", 41, -74, "nobody")     // longitude first
	f("ARG", "1", -46.65, -23.55, "nobody")
	f("BRA", "1", 181, 0, "invalid")
	f("BRA", "1", 0, -91, "invalid")
}

func TestPolygonFaults(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := parse("", text)
		if err == nil {
			t.Errorf("%s was read", text)
			return
		}
		if got := strings.Split(strings.TrimPrefix(err.Error(), "polygons: "), "\n"); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
	good, unit := `{"country":"BRA","sellers":"a"}`, box(0, 0, 1, 1)
	f("{", "at byte 0: unexpected EOF")
	f(collection()+"{}", "at byte 43: more than one JSON value")
	f(feature(good, "Polygon", unit), `type "Feature": want a FeatureCollection`)
	f(collection(`{"type":"Point"}`), `feature 1: type "Point": want a Feature`)
	f(collection(feature(good, "Point", "[0,0]")), `feature 1: geometry "Point": want a Polygon or a MultiPolygon`)
	f(collection(feature(good, "Polygon", unit), feature(`{}`, "Polygon", unit), feature(`{"country":"BRA"}`, "Polygon", unit),
		feature(`{"country":"BRA","sellers":"a","channel":"x y"}`, "Polygon", unit), feature(`{"country":"BRA","sellers":["a;b"]}`, "Polygon", unit)),
		`feature 2: country "": want three letters of ISO 3166-1`,
		"feature 3: no sellers: leave it out where nobody delivers",
		`feature 4: channel "x y": want the id of a sales channel`,
		`feature 5: seller "a;b": want up to 64 letters, digits, "-", "_", "."`)
	f(collection(feature(good, "Polygon", "[]"), feature(good, "MultiPolygon", "[]"), feature(good, "Polygon", "[[[0,0],[1,0],[0,0]]]"),
		feature(good, "Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]"), feature(good, "Polygon", "[[[0],[1,0],[1,1],[0]]]"),
		feature(good, "Polygon", "["+unit[1:len(unit)-1]+",[[-23.5,-146.6],[1,0],[1,1],[0,0]]]")),
		"feature 1: a polygon without a ring",
		"feature 2: without a polygon",
		"feature 3: ring 1: 3 positions, want at least 4",
		"feature 4: ring 1: not closed: it begins at 0;0 and ends at 0;1",
		"feature 5: ring 1: position 1: [0], want longitude and latitude",
		"feature 6: ring 2: position 1: [-23.5 -146.6], want longitude and latitude in degrees, in this order")
	if _, err := parse("country\n", "{"); err == nil || !strings.Contains(err.Error(), "ranges: ") || !strings.Contains(err.Error(), "polygons: ") {
		t.Errorf("faults of both files: %v", err)
	}
}

// TestPolygonsTile: of areas that share borders each point is in exactly one, those on the borders and corners too.
func TestPolygonsTile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-1, 1).Draw(t, "a"), rapid.Float64Range(-1, 1).Draw(t, "b")
		left := fmt.Sprintf("[[[-2,-2],[%[1]v,-2],[0,%[2]v],[%[1]v,2],[-2,2],[-2,-2]]]", a, b)
		right := fmt.Sprintf("[[[2,2],[%[1]v,2],[0,%[2]v],[%[1]v,-2],[2,-2],[2,2]]]", a, b)
		file := collection(feature(`{"country":"BRA","sellers":"l","channel":"1"}`, "Polygon", left),
			feature(`{"country":"BRA","sellers":"r","channel":"2"}`, "Polygon", right))
		r, err := regions.Parse(nil, strings.NewReader(file), regions.V1)
		if err != nil {
			t.Fatal(err)
		}
		f := rapid.Float64Range(0, 1).Draw(t, "along")
		for _, p := range []regions.Point{{Longitude: 0, Latitude: b}, {Longitude: a * f, Latitude: b + (2-b)*(1-f)}, {Longitude: a, Latitude: -2},
			{Longitude: rapid.Float64Range(-1.99, 1.99).Draw(t, "x"), Latitude: rapid.Float64Range(-2, 1.99).Draw(t, "y")}} {
			l, _ := r.ByPoint("BRA", "1", p)
			other, _ := r.ByPoint("BRA", "2", p)
			if n := len(l.Sellers) + len(other.Sellers); n != 1 && p.Latitude < 2 {
				t.Fatalf("%v is in %d areas", p, n)
			}
		}
	})
}

func TestParsePoint(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := regions.ParsePoint(text)
		got := p.String()
		if err != nil {
			got = "none"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	f("-46.68;-23.6", "-46.68;-23.6")
	f("-46.68,-23.6", "-46.68;-23.6")
	f(" -46.68 , -23.6 ", "-46.68;-23.6")
	f("22.123,-14.1", "22.123;-14.1")
	f("-47.924747467041016;-15.832582473754883", "-47.924747467041016;-15.832582473754883")
	f("180;90", "180;90")
	f("1e1;0", "10;0")
	f("180.1;0", "none")
	f("0;-90.5", "none")
	f("46,68;23,6", "none") // decimal commas: another number in each reading
	f("46,68,23,6", "none")
	f("46,1", "46;1")
	f("NaN;0", "none")
	f("Inf,0", "none")
	f("0x1p-2,0", "none")
	f("1", "none")
	f("", "none")
	f("1;2;3", "none")
}

// FuzzPolygons: no file makes it panic.
func FuzzPolygons(f *testing.F) {
	f.Add(collection(feature(`{"country":"BRA","sellers":"a","channel":1}`, "Polygon", box(0, 0, 1, 1))), 0.5, 0.5)
	f.Add(collection(feature(`{"country":"BRA","sellers":["a"]}`, "MultiPolygon", "["+box(0, 0, 1, 1)+"]")), -1.0, 90.0)
	f.Fuzz(func(t *testing.T, text string, x, y float64) {
		r, err := parse("", text)
		if err != nil {
			return
		}
		p := regions.Point{Longitude: x, Latitude: y}
		region, ok := r.ByPoint("BRA", "1", p)
		if _, err := regions.ParsePoint(p.String()); (err == nil) != ok && len(region.Sellers) == 0 {
			t.Errorf("%v: %v, %v", p, region, err)
		}
	})
}

// FuzzParsePoint: what is read is a point, and its text reads as the same.
func FuzzParsePoint(f *testing.F) {
	f.Add("-46.68;-23.6")
	f.Add("1e-3,2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := regions.ParsePoint(text)
		if err != nil {
			return
		}
		if back, err := regions.ParsePoint(p.String()); err != nil || back != p {
			t.Errorf("%q: %v, then %v, %v", text, p, back, err)
		}
	})
}
