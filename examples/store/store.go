// Package store holds the files of one worked store: its customers, its regions, the key that its log-ins are signed with, and
// the whole configuration of aisle for it. They are in the binary for `aisle demo`, which so needs no path.
package store

import (
	"embed"
	"io/fs"
)

//go:embed customers.csv regions.csv areas.geojson shoppers.jwks config.yaml
var embedded embed.FS

// Files gives the store's files by their names, without a folder.
func Files() fs.FS { return embedded }
