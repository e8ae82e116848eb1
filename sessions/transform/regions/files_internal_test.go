package regions

import (
	"errors"
	"io/fs"
	"testing"
)

// TestMovingFileHasItsKey: a file that is written to while both are read is told like any other fault of it.
func TestMovingFileHasItsKey(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		files := files{o: Options{Ranges: "/r.csv", Polygons: "/p.json"}}
		if got := files.keyed(&fs.PathError{Op: "read", Path: path, Err: errors.New("moving")}); got.Error() != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	f("/r.csv", "checkout.regions.file: /r.csv: moving")
	f("/p.json", "checkout.polygons.file: /p.json: moving")
}
