package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// An edge that drains takes no configuration, and says so.
func TestReloadWhileDraining(t *testing.T) {
	var log strings.Builder
	r := &reloader{
		p:    &process{logger: slog.New(slog.NewTextHandler(&log, nil))},
		path: "of/no/file", metrics: newReloadMetrics(prometheus.NewRegistry()),
	}
	ask := func(method string, status int, text string) {
		t.Helper()
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, "/-/reload", nil))
		if w.Code != status || !strings.Contains(w.Body.String(), text) || !strings.Contains(w.Body.String(), `"result":"refused"`) {
			t.Errorf("%d %s, want %d with %q", w.Code, w.Body, status, text)
		}
	}
	ask("POST", 422, "of/no/file")
	ask("DELETE", 405, "reload by POST")
	r.end()
	ask("POST", 503, "draining")
	if n := strings.Count(log.String(), "configuration not reloaded"); n != 2 {
		t.Errorf("%d lines in the log, want one for each refused reload:\n%s", n, &log)
	}
}
