// Package lost ends the sidecar and its Redis by kill -9 while shoppers write through HTTP, starts them again, and looks for
// every edit that was acknowledged; and it has 64 writers edit one session at once. `make test` runs three rounds of
// each, `make soak-sessions` fifty.
package lost
