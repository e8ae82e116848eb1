package sessions

import (
	"net/http"
	"strings"
)

// operationField names one call in the answer, in the log and in the body of an error.
const operationField = "X-Vtex-Operation-Id"

const maxOperationID = 64

// operationID echoes what a caller gave, if that may stand in a log line, and else makes one.
func operationID(header http.Header) string {
	id := header.Get(operationField)
	if id == "" || len(id) > maxOperationID || strings.ContainsFunc(id, oddInOperation) {
		return newUUID()
	}
	return id
}

func oddInOperation(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
}
