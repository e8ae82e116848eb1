package regions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

func TestByPostalCode(t *testing.T) {
	r := table(t,
		"BRA,01000000,19999999,,seller1;seller2",
		"BRA,20000000,28999999,1,seller1",
		"BRA,20000000,28999999,2,seller3",
		" bra , 29000000,29000000 ,, seller2 ; seller1; seller1",
		"USA,00501,00501,,ny",
		"USA,10000,19999,,ny;nj",
		"USA,00501,00501,,ny", // the same again
		"IND,100000,999999,,in",
	)
	f := func(country, channel, code, want string) {
		t.Helper()
		if got := served(r.ByPostalCode(country, channel, code)); got != want {
			t.Errorf("%s %q %q: %s, want %s", country, channel, code, got, want)
		}
	}
	// Inclusive, and by channel.
	f("BRA", "1", "01000000", "seller1 seller2")
	f("BRA", "1", "19999999", "seller1 seller2")
	f("BRA", "9", "04561000", "seller1 seller2")
	f("BRA", "", "04561000", "seller1 seller2")
	f("BRA", "1", "20000000", "seller1")
	f("BRA", "2", "20000000", "seller3")
	f("BRA", "3", "20000000", "nobody")
	f("BRA", "", "20000000", "nobody")
	f("BRA", "2", "29000000", "seller1 seller2")
	f("BRA", "2", "29000001", "nobody")
	f("BRA", "2", "00999999", "nobody")
	f("BRA", "2", "99999999", "nobody")

	// As people write them.
	f("BRA", "1", "04561-000", "seller1 seller2")
	f("BRA", "1", "04.561-000", "seller1 seller2")
	f("BRA", "1", " 04561 000 ", "seller1 seller2")
	f("USA", "1", "12345-6789", "nj ny")

	// Leading zeros are digits.
	f("USA", "", "00501", "ny")
	f("USA", "", "501", "invalid")
	f("USA", "", "000501", "invalid")
	f("BRA", "", "4561000", "invalid")
	f("BRA", "", "004561000", "invalid")

	f("BRA", "", "", "invalid")
	f("BRA", "", "--", "invalid")
	f("BRA", "", "0456100a", "invalid")
	f("BRA", "", "٠٤٥٦١٠٠٠", "invalid")
	f("BRA", "", strings.Repeat("1", 100), "invalid")

	// Of a country without ranges no code says anything.
	f("GBR", "", "SW1A 1AA", "invalid")
	f("GBR", "", "12345", "invalid")
}

func TestRegionsOfATable(t *testing.T) {
	r := table(t, "BRA,01000000,01999999,,b;a", "BRA,02000000,02999999,,a;b", "BRA,03000000,03999999,,a")
	var ids []string
	for _, region := range r.Regions() {
		ids = append(ids, region.ID)
	}
	// Different postal codes, the same sellers: one region (facts, part 5).
	if want := []string{"U1cjYTti", "U1cjYQ=="}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
	var zero regions.Table
	if region, ok := zero.ByPostalCode("BRA", "", "01000000"); ok || region.ID != "" || len(zero.Regions()) != 0 {
		t.Errorf("the zero Table: %v, %v", region, ok)
	}
}

// TestRangeFaults: every fault at once, each with its line.
func TestRangeFaults(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := parse(text, "")
		if err == nil {
			t.Errorf("%q was read", text)
			return
		}
		if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
	f("", "ranges: empty: want the columns country,from,to,channel,sellers")
	f("country,from,to\n", "ranges: line 1: 3 columns: want country,from,to,channel,sellers")
	f("country,from,from,channel,sellers\n", `ranges: line 1: column "from": want each of country,from,to,channel,sellers once`)
	f("BRA,1,2,,a\n", `ranges: line 1: column "BRA": want each of country,from,to,channel,sellers once`)
	f(header+"BR,01,02,,a\nBRA,1x,02,,a\nBRA,01,,,a\nBRA,01,002,,a\nBRA,02,01,,a\nBRA,01,02,a b,a\nBRA,01,02,,\nBRA,01,02,,a b\nXXX,01,02,,a\n",
		`ranges: line 2: country "BR": want three letters of ISO 3166-1`,
		`ranges: line 3: from "1x": want up to 18 digits`,
		`ranges: line 4: to "": want up to 18 digits`,
		"ranges: line 5: from 01 and to 002 are not equally long",
		"ranges: line 6: from 02 is after to 01",
		`ranges: line 7: channel "a b": want the id of a sales channel`,
		"ranges: line 8: no sellers: leave it out where nobody delivers",
		`ranges: line 9: seller "a b": want up to 64 letters, digits, "-", "_", "."`,
		`ranges: line 10: country "XXX": want three letters of ISO 3166-1`)
	f(header+"USA,100010000,100019999,,a\nUSA,10001,10002,,a\n", "ranges: line 2: from 100010000: want ZIP codes of 5 digits, which is all of a ZIP+4 that is looked up")
	f(header+"BRA,01-0,02-0,,a\n", `ranges: line 2: from "01-0": want up to 18 digits`)
	f(header+"BRA,1,2,a\nBRA,1,2,,a,b\n", "ranges: line 2: 4 fields, want 5", "ranges: line 3: 6 fields, want 5")
	f(header+"\n\nBRA,1,2,,\"a\"b\n", `ranges: parse error on line 4, column 12: extraneous or missing " in quoted-field`)
	f(header+strings.Repeat("BR,1,2,,a\n", 23), append(nineteenMore(), "ranges: and 3 more")...)
}

func nineteenMore() []string {
	lines := []string{`ranges: line 2: country "BR": want three letters of ISO 3166-1`}
	for i := 3; i < 22; i++ {
		lines = append(lines, fmt.Sprintf(`ranges: line %d: country "BR": want three letters of ISO 3166-1`, i))
	}
	return lines
}

// TestRangeFileForms: what spreadsheets make of the file.
func TestRangeFileForms(t *testing.T) {
	f := func(text string) {
		t.Helper()
		if got := served(parsed(t, text, "").ByPostalCode("BRA", "1", "15")); got != "a b" {
			t.Errorf("%q: %s", text, got)
		}
	}
	f(header + "BRA,10,19,1,a;b")
	f("\ufeff" + header + "BRA,10,19,1,a;b\n")
	f("sellers,channel,to,from,country\r\na;b,1,19,10,BRA\r\n")
	f("country, from, to, channel, sellers\nBRA, 10, 19, , a; b\n")
	f("\"country\",\"from\",\"to\",\"channel\",\"sellers\"\n\"BRA\",\"10\",\"19\",\"1\",\"a;b\"\n")
}

func TestOverlaps(t *testing.T) {
	f := func(want string, lines ...string) {
		t.Helper()
		_, err := parse(header+strings.Join(lines, "\n"), "")
		if got := fmt.Sprint(err); got != want {
			t.Errorf("%q:\n got %s\nwant %s", lines, got, want)
		}
	}
	f("ranges: lines 2 and 3: the postal codes BRA 0150 to 0199 are in both", "BRA,0100,0199,,a", "BRA,0150,0250,,b")
	f("ranges: lines 2 and 3: the postal codes BRA 0150 to 0199 are in both", "BRA,0150,0250,,b", "BRA,0100,0199,,a")
	f("ranges: lines 2 and 3: the postal codes BRA 02 to 02 are in both", "BRA,01,02,,a", "BRA,02,03,,a")
	f("ranges: lines 2 and 4: the postal codes BRA 04 to 05 are in both", "BRA,01,09,1,a", "BRA,02,03,2,b", "BRA,04,05,1,c")
	f("ranges: lines 2 and 3: the postal codes BRA 04 to 05 are in both", "BRA,01,09,,a", "BRA,04,05,1,b")
	f("ranges: lines 2 and 3: the postal codes BRA 04 to 05 are in both", "BRA,01,05,1,a", "BRA,04,09,,b")
	f("ranges: lines 2 and 3: the postal codes BRA 01 to 01 are in both\nranges: lines 2 and 4: the postal codes BRA 01 to 01 are in both", "BRA,01,01,,a", "BRA,01,01,,b", "BRA,01,01,3,a")
	f("ranges: lines 2 and 4: the postal codes BRA 01 to 01 are in both", "BRA,01,01,,a", "BRA,01,01,,a", "BRA,01,01,3,a")
	f("<nil>", "BRA,01,02,,a", "BRA,03,04,,a", "BRA,001,009,,a", "USA,01,09,,a")
	f("<nil>", "BRA,01,09,1,a", "BRA,01,09,2,a", "BRA,10,19,,a")
	f("<nil>", "BRA,01,09,1,a;b", "BRA,01,09,2,c", "BRA,01,09,1,b;a") // the same again
	// Both files' faults, and overlaps beside other ones.
	f("ranges: line 4: from 2 is after to 1\nranges: lines 2 and 3: the postal codes BRA 1 to 1 are in both", "BRA,1,1,,a", "BRA,1,1,,b", "BRA,2,1,,a")
}

// drawn is a line of a file of ranges, as a test draws it.
type drawn struct {
	country, channel string
	from, to         int
	seller           string
}

func (d drawn) covers(country, channel string, code int) bool {
	return d.country == country && (d.channel == "" || d.channel == channel) && d.from <= code && code <= d.to
}

func drawRanges(t *rapid.T) []drawn {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) drawn {
		from := rapid.IntRange(0, 99).Draw(t, "from")
		return drawn{
			rapid.SampledFrom([]string{"BRA", "USA"}).Draw(t, "country"), rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "channel"),
			from, min(99, from+rapid.IntRange(0, 20).Draw(t, "length")), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "seller"),
		}
	}), 0, 12).Draw(t, "ranges")
}

// TestRangesProperty: what is read is found as a scan of all lines finds it, and refused exactly where a scan finds two.
func TestRangesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawRanges(t)
		var text strings.Builder
		text.WriteString(header)
		overlapping := false
		for i, d := range lines {
			fmt.Fprintf(&text, "%s,%02d,%02d,%s,%s\n", d.country, d.from, d.to, d.channel, d.seller)
			for _, e := range lines[:i] {
				overlapping = overlapping || d != e && d.country == e.country && d.from <= e.to && e.from <= d.to &&
					(d.channel == e.channel || d.channel == "" || e.channel == "")
			}
		}
		r, err := regions.Parse(strings.NewReader(text.String()), nil, regions.V2)
		if (err != nil) != overlapping {
			t.Fatalf("overlapping: %v, %v\n%s", overlapping, err, &text)
		}
		if err == nil {
			scan(t, r, lines)
		}
	})
}

func scan(t *rapid.T, r *regions.Table, lines []drawn) {
	for _, country := range []string{"BRA", "USA"} {
		for _, channel := range []string{"1", "2", "3"} {
			for code := range 100 {
				want := "invalid"
				for _, d := range lines {
					if d.country == country && want == "invalid" {
						want = "nobody"
					}
					if d.covers(country, channel, code) {
						want = d.seller
					}
				}
				if got := served(r.ByPostalCode(country, channel, fmt.Sprintf("%02d", code))); got != want {
					t.Fatalf("%s %s %02d: %s, want %s", country, channel, code, got, want)
				}
			}
		}
	}
}

// TestManyRanges: clustered ranges of the longest codes, looked up at their ends, just beyond these and anywhere.
func TestManyRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type bounds struct{ from, to uint64 }
		var list []bounds
		var text strings.Builder
		text.WriteString(header)
		next := rapid.Uint64Range(0, 1e17).Draw(t, "first")
		for i := range rapid.IntRange(1, 300).Draw(t, "ranges") {
			b := bounds{next, next + rapid.Uint64Range(0, 50).Draw(t, "length")}
			list = append(list, b)
			fmt.Fprintf(&text, "IRN,%018d,%018d,%d,s%d\n", b.from, b.to, i%2, i)
			next = b.to + 1 + rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 1e15)).Draw(t, "gap")
		}
		r, err := regions.Parse(strings.NewReader(text.String()), nil, regions.V2)
		if err != nil {
			t.Fatal(err)
		}
		f := func(i int, code uint64) {
			want := "nobody"
			if b := list[i]; b.from <= code && code <= b.to {
				want = fmt.Sprintf("s%d", i)
			}
			if got := served(r.ByPostalCode("IRN", fmt.Sprint(i%2), fmt.Sprintf("%018d", code))); got != want {
				t.Fatalf("%d: %s, want %s", code, got, want)
			}
		}
		for i, b := range list {
			f(i, b.from)
			f(i, b.to)
			f(i, (b.from+b.to)/2)
			f(i, b.to+1)
			if b.from > 0 {
				f(i, b.from-1)
			}
		}
	})
}

// FuzzRanges: no file makes it panic, and what is read has sound regions.
func FuzzRanges(f *testing.F) {
	f.Add(header+"BRA,01000000,19999999,,seller1;seller2\nUSA,00501,00501,2,ny\n", "04561-000")
	f.Add("sellers,channel,to,from,country\n\"a;b\",1,19,10,BRA", "15")
	f.Add(header+"BRA,1,1,,\"", "1")
	f.Fuzz(func(t *testing.T, text, code string) {
		r, err := parse(text, "")
		if err != nil {
			return
		}
		for _, region := range r.Regions() {
			back, ok := r.ByID(region.ID)
			if !ok || len(region.Sellers) == 0 || !slices.Equal(back.Sellers, region.Sellers) || !slices.IsSorted(region.Sellers) {
				t.Errorf("%+v is %+v by its id", region, back)
			}
		}
		for _, country := range []string{"BRA", "USA", "x"} {
			r.ByPostalCode(country, "1", code)
		}
	})
}
