package sessions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

// Fault is a request that is refused, as its client is told. Its message holds
// nothing of a session, and of the request no more than names.
type Fault struct {
	Status     int    // of the answer
	Type       string // of the error body: BadRequest, Unauthorized, Forbidden, TooLarge …
	Message    string
	RetryAfter time.Duration // 0: not said; rounded up to whole seconds
}

// Error implements error.
func (f *Fault) Error() string { return f.Type + ": " + f.Message }

// typeTooLarge marks what a smaller request might not meet.
const typeTooLarge = "TooLarge"

func badRequest(format string, args ...any) *Fault {
	return &Fault{Status: http.StatusBadRequest, Type: "BadRequest", Message: fmt.Sprintf(format, args...)}
}

func tooLarge(format string, args ...any) *Fault {
	return &Fault{Status: http.StatusRequestEntityTooLarge, Type: typeTooLarge, Message: fmt.Sprintf(format, args...)}
}

// shown is a client's text in a message: cut, and quoted, so that no control character gets into a terminal.
func shown(name string) string {
	if len(name) > 40 {
		name = name[:40] + "…"
	}
	return fmt.Sprintf("%q", name)
}

// faultOf says what a client is told of an error. What is not the client's doing is told without detail: it
// may name files and servers.
func faultOf(err error) *Fault {
	var fault *Fault
	var refusal *transform.Refusal
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized:
		return &Fault{Status: refusal.Status, Type: "Unauthorized", Message: refusal.Reason}
	case errors.As(err, &refusal) && refusal.Status == http.StatusRequestEntityTooLarge:
		return tooLarge("%s", refusal.Reason)
	case errors.As(err, &refusal):
		return &Fault{Status: http.StatusForbidden, Type: "Forbidden", Message: refusal.Reason}
	case errors.Is(err, ErrSegmentTooLarge):
		return &Fault{Status: http.StatusRequestEntityTooLarge, Type: "SegmentTooLarge", Message: err.Error()}
	case errors.Is(err, ErrNotFound):
		return &Fault{Status: http.StatusNotFound, Type: "NotFound", Message: ErrNotFound.Error()}
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Fault{Status: http.StatusServiceUnavailable, Type: "Unavailable", Message: "the sessions system cannot answer now", RetryAfter: time.Second}
	}
	return &Fault{Status: http.StatusInternalServerError, Type: "InternalError", Message: "internal error"}
}
