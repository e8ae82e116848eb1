// Package operation has the id by which one call to the sessions API or the regions API is told of: in the answer, the log and the
// body of an error, by the sidecar or by the edge in its place.
package operation

import (
	"strings"

	"github.com/google/uuid"
)

// Field is the field that states the id, in the request and in the answer (facts, part 3).
const Field = "X-Vtex-Operation-Id"

const maxID = 64

// ID is the id that a caller stated, if that may stand in a log line, and else a new one (a UUID, RFC 9562, 5.4).
func ID(stated string) string {
	if stated == "" || len(stated) > maxID || strings.ContainsFunc(stated, odd) {
		return uuid.NewString()
	}
	return stated
}

func odd(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
}
