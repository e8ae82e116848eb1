package filewatch

import (
	"io/fs"
	"os"
	"slices"
)

// Stamp is what a change of files shows by: which file it is, its size and its times. Size and time of writing do not do, for a
// file that is put in place of another one may have both of them from there (`cp -p`, `rsync --times`). The time at which the
// system itself saw the file change is not for others to set. The zero value is the Stamp of no files.
type Stamp struct{ files []state }

// state is of one file.
type state struct {
	info  fs.FileInfo // nil: it cannot be looked at
	fault string      // why it cannot be
}

// Of looks at the files, through links. A name that is "" is that of a file which is not there.
func Of(paths ...string) Stamp {
	s := Stamp{make([]state, len(paths))}
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			s.files[i].fault = err.Error()
			continue
		}
		s.files[i].info = info
	}
	return s
}

// Equal is true where nothing shows that a file is another one than before.
func (s Stamp) Equal(before Stamp) bool { return slices.EqualFunc(s.files, before.files, state.equal) }

// differs is the place of the first file that shows to be another one than before, among as many; -1 for none.
func (s Stamp) differs(before Stamp) int {
	for i := range s.files {
		if !s.files[i].equal(before.files[i]) {
			return i
		}
	}
	return -1
}

func (s state) equal(before state) bool {
	a, b := s.info, before.info
	if a == nil || b == nil {
		return a == nil && b == nil && s.fault == before.fault
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changed(a).Equal(changed(b))
}
