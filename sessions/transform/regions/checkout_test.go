package regions_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// shopFile and areasFile are a small shop's data; V1 makes the ids readable.
const (
	shopFile = header + "BRA,01000000,19999999,,sp\nBRA,20000000,28999999,1,rio\nBRA,20000000,28999999,2,rio;outlet\nUSA,10000,19999,,ny\n"
	areaFile = `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"country":"BRA","sellers":"sp"},
		"geometry":{"type":"Polygon","coordinates":[[[-47,-24],[-46,-24],[-46,-23],[-47,-23],[-47,-24]]]}}]}`
)

// written is a file with text.
func written(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkout is the app of o, closed at the test's end.
func checkout(t testing.TB, o regions.Options) *regions.Checkout {
	t.Helper()
	c, err := regions.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func shop(t testing.TB) *regions.Checkout {
	t.Helper()
	return checkout(t, regions.Options{Ranges: written(t, "regions.csv", shopFile), Polygons: written(t, "areas.geojson", areaFile), Format: regions.V1})
}

// vals makes Values of words "ns.key=value"; a value that is no JSON is text.
func vals(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		namespace, name, _ := strings.Cut(name, ".")
		value := json.RawMessage(text)
		if !json.Valid(value) || name == "postalCode" || name == "sc" {
			value = transform.TextValue(text)
		}
		v.Put(transform.Key{Namespace: namespace, Name: name}, value)
	}
	return v
}

// given is what the app writes: the sellers of an id in V1, the id if it is none, "" where it clears.
func given(t testing.TB, app transform.App, in transform.Values) string {
	t.Helper()
	out, err := app.Transform(t.Context(), in)
	if err != nil {
		t.Fatalf("%v: %v", in, err)
	}
	if _, ok := out["checkout"]["regionId"]; !ok || len(out) != 1 || len(out["checkout"]) != 1 {
		t.Fatalf("%v: wrote %v", in, out)
	}
	id := out.Text(transform.Key{Namespace: "checkout", Name: "regionId"})
	for _, sellers := range [][]string{{}, {"sp"}, {"rio"}, {"outlet", "rio"}, {"ny"}} {
		if id == regions.V1.ID(sellers) {
			return "SW#" + strings.Join(sellers, ";")
		}
	}
	return id
}

func TestTransform(t *testing.T) {
	app := shop(t)
	f := func(want string, words ...string) {
		t.Helper()
		if got := given(t, app, vals(words...)); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	f("")
	f("", "public.country=BRA", "public.sc=1")
	f("SW#sp", "public.country=BRA", "public.postalCode=04561000")
	f("SW#sp", "public.country=bra", "public.postalCode=04561-000")
	f("SW#sp", "public.postalCode=04561-000", "store.countryCode=BRA")
	f("SW#ny", "public.country=USA", "public.postalCode=10001", "store.countryCode=BRA")
	f("SW#", "public.country=BRA", "public.postalCode=99999999")
	f("", "public.country=ARG", "public.postalCode=C1425") // no ranges: its codes say nothing
	f("", "public.country=ARG", "public.postalCode=10001")
	f("SW#", "public.country=ARG", "public.postalCode=C1425", "public.geoCoordinates=-58.4,-34.6")
	f("", "public.country=BRA", "public.postalCode=220500")
	f("", "public.country=BR", "public.postalCode=04561000", "store.countryCode=BRA")
	f("", "public.postalCode=04561000")

	// The channel: the store's, else public.sc.
	f("SW#rio", "public.country=BRA", "public.postalCode=20000000", "public.sc=1")
	f("SW#outlet;rio", "public.country=BRA", "public.postalCode=20000000", "public.sc=2")
	f("SW#rio", "public.country=BRA", "public.postalCode=20000000", "public.sc=2", "store.channel=1")
	f("SW#outlet;rio", "public.country=BRA", "public.postalCode=20000000", "store.channel=2")
	f("SW#", "public.country=BRA", "public.postalCode=20000000", "store.channel=3")
	f("SW#", "public.country=BRA", "public.postalCode=20000000")

	// Coordinates, also where the postal code is of no use.
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6")
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=-46.68;-23.6")
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=[-46.68,-23.6]")
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6", "public.postalCode=1")
	f("SW#sp", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6", "public.postalCode=99999999")
	f("SW#rio", "public.country=BRA", "public.geoCoordinates=-46.68,-23.6", "public.postalCode=20000000", "public.sc=1")
	f("SW#", "public.country=BRA", "public.geoCoordinates=-23.6,-46.68")
	f("", "public.country=BRA", "public.geoCoordinates=-46.68")
	f("", "public.country=BRA", "public.geoCoordinates=[-46.68,-23.6,1]")
	f("", "public.country=BRA", "public.geoCoordinates=[-46.68,-98]")

	// Numbers, as clients send them.
	if got := given(t, app, transform.Values{"public": {"postalCode": json.RawMessage("20000000"), "sc": json.RawMessage("1"), "country": json.RawMessage(`"BRA"`)}}); got != "SW#rio" {
		t.Errorf("numbers: %q", got)
	}
	if got := given(t, app, transform.Values{"public": {"postalCode": json.RawMessage(`{"a":1}`), "country": json.RawMessage(`["BRA"]`)}}); got != "" {
		t.Errorf("objects: %q", got)
	}
}

// TestPolygonsAlone: where no ranges say what postal codes mean, they are no place, and coordinates are.
func TestPolygonsAlone(t *testing.T) {
	app := checkout(t, regions.Options{Polygons: written(t, "areas.geojson", areaFile), Format: regions.V1})
	f := func(want string, words ...string) {
		t.Helper()
		if got := given(t, app, vals(append(words, "public.country=BRA")...)); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	f("", "public.postalCode=04561000")
	f("SW#sp", "public.geoCoordinates=-46.68,-23.6")
	f("SW#sp", "public.postalCode=04561000", "public.geoCoordinates=-46.68,-23.6")
	f("SW#", "public.postalCode=04561000", "public.geoCoordinates=0,0")
}

// TestDirectRegion: an id that is given directly wins over any place; what can be none does not count.
func TestDirectRegion(t *testing.T) {
	app := shop(t)
	place := []string{"public.country=BRA", "public.postalCode=04561000"}
	f := func(id, want string) {
		t.Helper()
		if got := given(t, app, vals(append(place, "public.regionId="+id)...)); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
	f("v2.1BB18CE648B5111D0933734ED83EC783", "v2.1BB18CE648B5111D0933734ED83EC783")
	f(regions.V1.ID([]string{"chosen"}), regions.V1.ID([]string{"chosen"}))
	f("U1cj", "SW#")
	f("north", "north")
	f("", "SW#sp")
	f("a b", "SW#sp")
	f("é", "SW#sp")
	f("a\nb", "SW#sp")
	f(strings.Repeat("a", 513), "SW#sp")
	if got := given(t, checkout(t, regions.Options{}), vals("public.regionId=U1cj")); got != "SW#" {
		t.Errorf("without data: %q", got)
	}
}

// TestAdRegion: region_id is where an ad was shown; what the shopper says takes precedence.
func TestAdRegion(t *testing.T) {
	app := shop(t)
	const ad = "public.region_id=dnRleDpCUkE6MDQ1NjEwMDA=" // vtex:BRA:04561000
	f := func(want string, words ...string) {
		t.Helper()
		if got := given(t, app, vals(words...)); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	f("SW#sp", ad)
	f("SW#sp", ad, "store.countryCode=USA")
	f("SW#sp", ad, "public.country=bra")
	f("", ad, "public.country=USA")
	f("", ad, "public.country=BRA", "public.geoCoordinates=x")
	f("SW#sp", "public.region_id=dnRleDpicmE6MDQ1NjEwMDA=") // vtex:bra:04561000
	f("SW#sp", strings.TrimSuffix(ad, "="))
	f("SW#ny", ad, "public.country=USA", "public.postalCode=10001")
	f("SW#", ad, "public.country=BRA", "public.geoCoordinates=0,0")
	f("SW#rio", "public.region_id=dnRleDpCUkE6MjAwMDAwMDA", "store.channel=1")
	f("", "public.region_id=dnRleDpCUkE6")           // vtex:BRA:
	f("", "public.region_id=dnRleDpCUjowNDU2MTAwMA") // vtex:BR:04561000
	f("", "public.region_id=eDpCUkE6MDQ1NjEwMDA")    // x:BRA:04561000
	f("", "public.region_id=vtex:BRA:04561000")
	f("", "public.region_id=%")
}

// FuzzAdRegion: what links say is a region of the data or none.
func FuzzAdRegion(f *testing.F) {
	f.Add("dnRleDpCUkE6MDQ1NjEwMDA=", "04561000", "-46.68,-23.6")
	app, err := regions.New(regions.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(app.Close)
	f.Fuzz(func(t *testing.T, ad, code, point string) {
		got := given(t, app, vals("public.region_id="+ad, "public.postalCode="+code, "public.geoCoordinates="+point, "store.countryCode=BRA"))
		if want := regions.V2.ID(nil); got != "" && got != want {
			t.Errorf("%q", got)
		}
	})
}

// TestSpec is the table of facts, part 4, and region_id.
func TestSpec(t *testing.T) {
	spec := checkout(t, regions.Options{}).Spec()
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	inputs := slices.Sorted(slices.Values(spec.Input["public"]))
	if want := []string{"country", "geoCoordinates", "postalCode", "regionId", "region_id", "sc"}; !slices.Equal(inputs, want) {
		t.Errorf("public: %v", inputs)
	}
	if spec.Name != "checkout" || !spec.Refresh || spec.RunOnCreate || !slices.Equal(slices.Sorted(maps.Keys(spec.Output)), []string{"checkout"}) {
		t.Errorf("%+v", spec)
	}
}

// TestWithTheStore: the region follows the channel that the store app gives, in one request.
func TestWithTheStore(t *testing.T) {
	channels, err := transform.NewStore(transform.StoreOptions{Channels: []segment.Channel{{ID: "1", CountryCode: "BRA"}, {ID: "2", CountryCode: "BRA"}}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := transform.New([]transform.App{shop(t), channels}, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Run(t.Context(), nil, transform.Change{Created: true, Values: vals("public.postalCode=20000000")})
	f := func(want ...string) {
		t.Helper()
		got := r.Values.Text(transform.Key{Namespace: "checkout", Name: "regionId"})
		if err != nil || len(want) == 0 && got != "" || len(want) > 0 && got != regions.V1.ID(want) {
			t.Errorf("%q, %v: want %v", got, err, want)
		}
	}
	step := func(words ...string) {
		t.Helper()
		r, err = e.Run(t.Context(), r.Values, transform.Change{Values: vals(words...), Marks: r.Marks})
	}
	f("rio")
	step("public.sc=2")
	f("outlet", "rio")
	step("public.postalCode=04561000")
	f("sp")
	step("public.postalCode=")
	f()
}

// TestMembershipEnds: who is put back on the first channel has its region, and not that of the channel they once asked for.
func TestMembershipEnds(t *testing.T) {
	channels, err := transform.NewStore(transform.StoreOptions{
		Channels: []segment.Channel{{ID: "1", CountryCode: "BRA"}, {ID: "2", CountryCode: "BRA", Private: true}},
		Member: func(_ string, in transform.Values) bool {
			return in.Text(transform.Key{Namespace: "profile", Name: "email"}) != ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, apps := range [][]transform.App{{shop(t), channels}, {channels, shop(t)}} {
		e, err := transform.New(apps, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Run(t.Context(), nil, transform.Change{Created: true, Values: vals("public.postalCode=20000000", "public.sc=2", "profile.email=a@b.example")})
		if got := r.Values.Text(transform.Key{Namespace: "checkout", Name: "regionId"}); err != nil || got != regions.V1.ID([]string{"outlet", "rio"}) {
			t.Errorf("a channel just asked for: %q, %v", got, err)
		}
		r, err = e.Run(t.Context(), r.Values, transform.Change{Values: vals("profile.email="), Marks: r.Marks})
		if got := r.Values.Text(transform.Key{Namespace: "checkout", Name: "regionId"}); err != nil || r.Loop != nil || got != regions.V1.ID([]string{"rio"}) {
			t.Errorf("no member any more: %q, %v, %v", got, r.Loop, err)
		}
	}
}

func TestNewFaults(t *testing.T) {
	f := func(want string, o regions.Options) {
		t.Helper()
		c, err := regions.New(o)
		if err == nil {
			c.Close()
			t.Errorf("%+v is valid", o)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	good, bad := written(t, "regions.csv", shopFile), written(t, "bad.csv", header+"BRA,2,1,,a\n")
	f("want one of them", regions.Options{Ranges: good, Origin: "http://127.0.0.1"})
	f("every -1ns", regions.Options{Ranges: good, Poll: -1})
	f("no such file", regions.Options{Ranges: good + "x"})
	f("no such file", regions.Options{Ranges: good, Polygons: good + "x"})
	f("no regular file", regions.Options{Ranges: t.TempDir()})
	f("checkout.regions.file: "+bad+": line 2: from 2 is after to 1", regions.Options{Ranges: bad})
	f("checkout.polygons.file: "+bad+": at byte", regions.Options{Ranges: good, Polygons: bad})
	f("checkout.polygons.file: "+bad+": at byte", regions.Options{Polygons: bad})
	f("no http or https URL", regions.Options{Origin: "ftp://user:secret@x"})
	f("no http or https URL", regions.Options{Origin: "/regions"})
	f("invalid port", regions.Options{Origin: "http://x:y"})
}
