// Package browser looks at the demo storefront through the edge with Debian's Chromium. `make test` installs it.
package browser
