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

// ringOf is the one ring of a polygon's coordinates.
func ringOf(polygon string) string { return polygon[1 : len(polygon)-1] }

func TestByPoint(t *testing.T) {
	outer, hole := box(-50, -30, -40, -20), box(-47, -27, -44, -24)
	r := parsed(t, "", collection(
		feature(`{"country":"BRA","sellers":"centro"}`, "Polygon", box(-46.7, -23.6, -46.6, -23.5)),
		feature(`{"country":"BRA","sellers":["b","a"],"channel":1,"name":"ring"}`, "Polygon", "["+ringOf(outer)+","+ringOf(hole)+"]"),
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
		for i := range want {
			want[i] = "polygons: " + want[i]
		}
		if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
	good, unit := `{"country":"BRA","sellers":"a"}`, box(0, 0, 1, 1)
	f("{", "at byte 1: unexpected end of JSON input")
	f("\ufeff"+collection()+"{}", "at byte 46: invalid character '{' after top-level value")
	f(`{"type": 1}`, "type: a JSON number is out of place")
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
		feature(good, "Polygon", "["+ringOf(unit)+",[[-23.5,-146.6],[1,0],[1,1],[0,0]]]")),
		"feature 1: a polygon without a ring",
		"feature 2: without a polygon",
		"feature 3: ring 1: 3 positions, want at least 4",
		"feature 4: ring 1: not closed: it begins at 0;0 and ends at 0;1",
		"feature 5: ring 1: position 1: [0], want longitude and latitude",
		"feature 6: ring 2: position 1: [-23.5 -146.6], want longitude and latitude in degrees, in this order")
	f(collection(`{"type":"Feature","properties":{"country":1}}`, feature(good, "Polygon", unit), feature(`{"country":"BRA","sellers":[1]}`, "Polygon", unit),
		`null`, feature(`{"country":"BRA","sellers":"a","channel":[]}`, "Polygon", unit), feature(good, "Polygon", `[["a"]]`)),
		"feature 1: properties.country: a JSON number is out of place",
		"feature 3: properties.sellers: a JSON number is out of place",
		`feature 4: type "": want a Feature`,
		"feature 5: properties.channel: a JSON array is out of place",
		"feature 6: geometry.coordinates: a JSON string is out of place")
	f(collection(feature(good, "Polygon", "[[[0,0],[1,null],[1,1],[0,0]]]"), feature(good, "Polygon", "[[[0,0],null,[1,1],[0,0]]]"), feature(good, "Polygon", "null"),
		feature(good, "Polygon", "[[[0,0],[0,0],[0,0],[0,0]]]"), feature(good, "Polygon", "[[[0,0],[1,1],[1,1],[0,0]]]"),
		feature(good, "Polygon", box(177, -18, -178, -16)), feature(good, "MultiPolygon", "["+unit+","+box(-90, 0, 91, 1)+"]")),
		"feature 1: geometry.coordinates: null is no number",
		"feature 2: geometry.coordinates: null is no number",
		"feature 3: geometry.coordinates: null is no number",
		"feature 4: ring 1: 1 different positions, want at least 3",
		"feature 5: ring 1: 2 different positions, want at least 3",
		"feature 6: ring 1: positions 1 and 2 are 355 degrees of longitude apart: cut the polygon at the antimeridian (RFC 7946, 3.1.9)",
		"feature 7: ring 1: positions 1 and 2 are 181 degrees of longitude apart: cut the polygon at the antimeridian (RFC 7946, 3.1.9)")
	if _, err := parse("country\n", "{"); err == nil || !strings.Contains(err.Error(), "ranges: ") || !strings.Contains(err.Error(), "polygons: ") {
		t.Errorf("faults of both files: %v", err)
	}
}

// TestHolesTakeAway: a hole that sticks out of its outer ring, or over another hole, adds nothing.
func TestHolesTakeAway(t *testing.T) {
	r := parsed(t, "", collection(feature(`{"country":"BRA","sellers":"a"}`, "Polygon",
		"[[[20,0],[30,0],[25,10],[20,0]],"+ringOf(box(22, 5, 28, 9))+","+ringOf(box(24, 4, 26, 6))+"]")))
	f := func(lon, lat float64, want string) {
		t.Helper()
		if got := served(r.ByPoint("BRA", "", regions.Point{Longitude: lon, Latitude: lat})); got != want {
			t.Errorf("%v %v: %s, want %s", lon, lat, got, want)
		}
	}
	f(22.5, 8, "nobody") // in the hole, outside of the outer ring
	f(25, 7, "nobody")
	f(25, 5.5, "nobody") // in both holes
	f(25, 3, "a")
	f(25, 9.5, "a")
}

// TestPolygonFileForms: a byte order mark, half of the earth, and a height of any kind.
func TestPolygonFileForms(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got := served(parsed(t, "", text).ByPoint("BRA", "1", regions.Point{Longitude: 0.5, Latitude: 0.5})); got != "a" {
			t.Errorf("%q: %s", text, got)
		}
	}
	good := `{"country":"BRA","sellers":"a"}`
	f("\ufeff" + collection(feature(good, "Polygon", box(0, 0, 1, 1))) + "\n")
	f(collection(feature(good, "Polygon", box(-90, 0, 90, 1))))
	f(`{"type":"FeatureCollection","features":[{"id":"null","type":"Feature","bbox":null,"properties":` + good + `,"geometry":{"type":"Polygon","coordinates":` + box(0, 0, 1, 1) + `}}]}`)
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
