package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// Config is a configuration that was found free of faults. It is immutable: every method
// returns values of the caller's own. Only Parse and Load make one; the zero value
// is of no use.
type Config struct {
	f   file
	dir string   // of the file; "": unknown
	off []string // sections of transforms that are there, and null
}

// Load reads and parses a file. An error in reading it wraps the one of the operating
// system; every other error is of type Problems.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return ParseFile(path, text)
}

// ParseFile is Parse for the text of a file: what it names by a relative path may be beside it (Sessions.Transforms). Where it
// has faults, those in the files that its transforms name are among them.
func ParseFile(path string, text []byte) (*Config, error) {
	return parse(text, filepath.Dir(path))
}

// Parse reads a configuration. Its error is of type Problems and holds every fault of
// the text at once, in the order of the text. It keeps no reference to text.
func Parse(text []byte) (*Config, error) { return parse(text, "") }

func parse(text []byte, dir string) (*Config, error) {
	d := newDecoder()
	f := defaults()
	root := d.document(text)
	if root == nil {
		return nil, d.problems
	}
	readFields(d, "", root, fileKeys(&f))
	completeCache(d, &f.cache)
	completeSegment(&f.segment, f.sessions.mode)
	completeSessions(d, &f.sessions)
	completeRoutes(&f)
	validate(d, &f)
	c := &Config{f: f, dir: dir, off: nullTransforms(d.nulls)}
	checkOptions(d, c)
	if len(d.problems) > 0 {
		if dir != "" {
			checkSources(d, &f, dir)
		}
		return nil, d.problems.inFileOrder()
	}
	return c, nil
}
