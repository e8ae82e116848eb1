package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// measureDisk writes a page and has it brought to the disk, again and again: what a store that commits each edit by
// itself could do at most.
func measureDisk(dir string, span time.Duration) (m measured, err error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	const pages = 256
	page := make([]byte, 4096)
	// bbolt writes to pages that are there, as a rule, so the file does not grow while it is measured.
	for i := range int64(pages) {
		if _, err := f.WriteAt(page, i*int64(len(page))); err != nil {
			return m, err
		}
	}
	if err := f.Sync(); err != nil {
		return m, err
	}
	for begin := time.Now(); m.took < span; m.took = time.Since(begin) {
		from := time.Now()
		page[0]++
		if _, err := f.WriteAt(page, int64(m.requests%pages)*int64(len(page))); err != nil {
			return m, err
		}
		if err := f.Sync(); err != nil {
			return m, err
		}
		m.requests++
		m.waits = append(m.waits, time.Since(from))
	}
	slices.Sort(m.waits)
	return m, nil
}
