package regions_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aislecache/aisle/sessions/transform/regions"
)

// block is a fenced example of docs/regions.md.
type block struct{ kind, text string }

func blocks(t *testing.T) (document string, list []block) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/regions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		list = append(list, block{m[1], m[2]})
	}
	return string(text), list
}

// TestDocument runs the examples of docs/regions.md on its own files.
func TestDocument(t *testing.T) {
	document, list := blocks(t)
	var csv []string
	var areas string
	for i, b := range list {
		switch b.kind {
		case "csv":
			csv = append(csv, b.text)
		case "json":
			areas = b.text
		case "text":
			if _, err := parse(list[i-1].text, ""); err == nil || err.Error() != strings.TrimSpace(b.text) {
				t.Errorf("%v, want %s", err, b.text)
			}
		}
	}
	app := checkout(t, regions.Options{Ranges: written(t, "regions.csv", csv[0]), Polygons: written(t, "areas.geojson", areas)})
	checkExchanges(t, app, list)
	checkPlaces(t, app, document)
	for _, format := range []regions.Format{regions.V1, regions.V2} {
		if row := "| `" + format.String() + "` |"; !strings.Contains(document, row) || !strings.Contains(document, "`"+format.ID(nil)+"` |") {
			t.Errorf("%s: the empty region is %s", row, format.ID(nil))
		}
	}
}

func checkExchanges(t *testing.T, app *regions.Checkout, list []block) {
	t.Helper()
	h := regions.NewHandler(regions.HandlerOptions{Table: app.Table})
	operation := regexp.MustCompile(`"operationId":"[^"]*"`)
	checked := 0
	for _, b := range list {
		if b.kind != "http" {
			continue
		}
		checked++
		request, want, _ := strings.Cut(b.text, "\n\n")
		method, target, _ := strings.Cut(request, " ")
		got := operation.ReplaceAllString(ask(t, h, method, target).Body.String(), `"operationId":"…"`)
		if got != strings.TrimSpace(want) {
			t.Errorf("%s:\n got %s\nwant %s", request, got, want)
		}
	}
	if checked != 5 {
		t.Errorf("%d exchanges", checked)
	}
}

// checkPlaces runs the table of inputs.
func checkPlaces(t *testing.T, app *regions.Checkout, document string) {
	t.Helper()
	_, after, _ := strings.Cut(document, "| inputs | sellers |\n|---|---|\n")
	checked := 0
	for line := range strings.Lines(after) {
		cells := strings.Split(line, " | ")
		if len(cells) != 2 {
			break
		}
		checked++
		var words []string
		for word := range strings.FieldsSeq(strings.Trim(cells[0], "| ")) {
			words = append(words, "public."+strings.Trim(word, "`"))
		}
		want := map[string]string{"the empty region": regions.V2.ID(nil), "none": ""}
		sellers := strings.Trim(cells[1], "|` \n")
		id, special := want[sellers]
		if !special {
			id = regions.V2.ID(strings.Fields(sellers))
		}
		if got := given(t, app, vals(words...)); got != id {
			t.Errorf("%q: %s, want %s", words, got, id)
		}
	}
	if checked != 8 {
		t.Errorf("%d places", checked)
	}
}
