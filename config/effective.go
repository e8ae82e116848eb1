package config

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Effective returns the configuration as YAML with every default filled in; it parses to
// an equal Config, but for secrets, which are not in it: the file names the files of nearly all of them, and "xxxxx" stands for
// those of URLs and of a DSN.
func (c *Config) Effective() []byte {
	f := c.f
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(writeFields(fileKeys(&f))); err != nil {
		panic(fmt.Sprintf("BUG: a configuration that cannot be written: %v", err)) // nodes of our own, into memory
	}
	return out.Bytes()
}
