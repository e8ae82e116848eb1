package sessions

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// allowed is the Allow field of what was asked for, "" where there is nothing.
func (e *exchange) allowed() string {
	switch {
	case e.endpoint == sessionsEndpoint && e.token != "":
		return "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
	case e.endpoint == sessionsEndpoint:
		return "GET, HEAD, POST, PATCH, OPTIONS"
	case e.endpoint == segmentsEndpoint, e.endpoint == jwksEndpoint:
		return "GET, HEAD, OPTIONS"
	case e.endpoint == internalEndpoint:
		return "GET, HEAD, POST"
	case e.endpoint == checkoutEndpoint:
		return "GET, HEAD, OPTIONS"
	}
	return ""
}

func listed(allow, method string) bool { return slices.Contains(strings.Split(allow, ", "), method) }

// answer writes JSON. To HEAD it writes the head alone: net/http sees to that.
func (e *exchange) answer(status int, text []byte) {
	header := e.w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	e.status = status
	e.w.WriteHeader(status)
	_, _ = e.w.Write(text) // who fails to read it has gone
}

// answerJSON writes a value that cannot fail to be JSON.
func (e *exchange) answerJSON(status int, value any) { e.answer(status, marshal(value)) }

// marshal is encodeJSON for a value that cannot fail to be JSON.
func marshal(value any) []byte {
	text, err := encodeJSON(value)
	if err != nil {
		panic("BUG: an answer that is no JSON: " + err.Error())
	}
	return text
}

// failure is the body of an error (facts, part 3: session-client).
type failure struct {
	Type        string `json:"type"`
	Message     string `json:"message"`
	OperationID string `json:"operationId,omitempty"`
}

// fail answers an error, and logs one that is ours. Errors hold no values of sessions, so what is logged does not.
func (e *exchange) fail(err error) {
	fault := faultOf(err)
	if fault.Status >= http.StatusInternalServerError {
		e.h.o.Logger.Error("sessions request failed", "operation", e.operation, "endpoint", e.endpoint.String(), "error", err)
	}
	if fault.Status == http.StatusTooManyRequests {
		e.h.metrics.limited.Inc()
	}
	e.write(fault)
}

func (e *exchange) write(fault *Fault) {
	header := e.w.Header()
	header.Set("Cache-Control", "private, no-store")
	if fault.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(fault.RetryAfter.Seconds()))))
	}
	e.answerJSON(fault.Status, failure{fault.Type, fault.Message, e.operation})
}
