// Package config turns the operator's YAML into an immutable Config and the
// option types of the other packages.
//
// A file is read against one table of keys (the *Keys functions): it decodes, refuses
// and suggests, writes the effective configuration back, and is what
// docs/configuration.md is tested against. The table walks the YAML nodes itself, since
// the library's own strict decoding stops at kinds of errors, loses where they
// are, and lets unknown keys pass in types with a decoder of their own. So every
// error of a file is reported at once, with its key path, in file order.
package config
