package regions_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aislecache/aisle/config/filewatch/filewatchtest"
	"github.com/aislecache/aisle/sessions/transform/regions"
)

// hearer keeps what an app tells.
type hearer struct {
	mu   sync.Mutex
	told []string
}

func (h *hearer) hear(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.told = append(h.told, "read")
		return
	}
	h.told = append(h.told, err.Error())
}

// heard gives what was told since it was asked last.
func (h *hearer) heard() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.told = nil }()
	return strings.Join(h.told, "; ")
}

// TestFilesAreFollowed: a postal code that moves to another region has moved within a poll; bad content changes nothing and is told.
func TestFilesAreFollowed(t *testing.T) {
	file, areas := written(t, "regions.csv", header+"BRA,10,19,,sp\n"), written(t, "areas.geojson", areaFile)
	synctest.Test(t, func(t *testing.T) {
		var h hearer
		app := checkout(t, regions.Options{Ranges: file, Polygons: areas, Format: regions.V1, Told: h.hear})
		f := func(want, told string) {
			t.Helper()
			time.Sleep(2*time.Second + time.Millisecond)
			synctest.Wait()
			if got := given(t, app, vals("public.country=BRA", "public.postalCode=15")); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if got := h.heard(); !strings.Contains(got, told) || (told == "") != (got == "") {
				t.Errorf("told %q, want %q", got, told)
			}
		}
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f("SW#sp", "")
		write(file, header+"BRA,10,19,,rio\n")
		f("SW#rio", "read")
		f("SW#rio", "")
		write(file, header+"BRA,10,19,,ny\nBRA,15,16,,sp\n")
		f("SW#rio", "lines 2 and 3")
		f("SW#rio", "") // told once
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		f("SW#rio", "no such file")
		write(file, header+"BRA,10,19,,ny\n")
		f("SW#ny", "read")
		write(areas, "{}")
		f("SW#ny", "FeatureCollection")
		// The other file's news wait for this one: both are one table.
		write(file, header+"BRA,10,19,,sp\n")
		f("SW#ny", "FeatureCollection")
		write(areas, areaFile)
		f("SW#sp", "read")
		// Of the same size, at another time.
		write(file, header+"BRA,10,19,,ny\n")
		if err := os.Chtimes(file, time.Time{}, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
		f("SW#ny", "read")
		// Of the same size and time.
		filewatchtest.Alike(t, file, header+"BRA,10,19,,sp\n")
		f("SW#sp", "read")
	})
}

// TestTableOfFiles: the endpoints see the app's own data.
func TestTableOfFiles(t *testing.T) {
	app := shop(t)
	if got := served(app.Table().ByPostalCode("BRA", "1", "04561000")); got != "sp" {
		t.Error(got)
	}
	if n := len(app.Table().Regions()); n != 4 {
		t.Errorf("%d regions", n)
	}
}
