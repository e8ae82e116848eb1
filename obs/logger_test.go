package obs_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/aislecache/aisle/obs"
)

func TestLoggerFormats(t *testing.T) {
	f := func(format, want string) {
		t.Helper()
		var out bytes.Buffer
		log, err := obs.NewLogger(&out, format, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("hidden")
		log.Info("listening", slog.String("address", ":8080"))
		if !strings.HasSuffix(out.String(), want+"\n") || strings.Contains(out.String(), "hidden") {
			t.Errorf("%s: %q, want it to end in %q", format, &out, want)
		}
	}
	f("json", `"level":"INFO","msg":"listening","address":":8080"}`)
	f("text", `level=INFO msg=listening address=:8080`)
}

func TestLoggerLevelCanChange(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	log, err := obs.NewLogger(&out, "text", level)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("before")
	level.Set(slog.LevelDebug)
	log.Debug("after")
	if got := out.String(); strings.Contains(got, "before") || !strings.Contains(got, "after") {
		t.Errorf("logged %q", got)
	}
}

func TestLoggerUnknownFormat(t *testing.T) {
	log, err := obs.NewLogger(&bytes.Buffer{}, "xml", slog.LevelInfo)
	if log != nil || err == nil || err.Error() != `log format "xml": must be json or text` {
		t.Errorf("NewLogger = %v, %v", log, err)
	}
}

func TestLoggerHandler(t *testing.T) {
	var out bytes.Buffer
	log, err := obs.NewLogger(&out, "json", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	results := func() (all []map[string]any) {
		for line := range bytes.Lines(out.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, m)
		}
		return all
	}
	if err := slogtest.TestHandler(log.Handler(), results); err != nil {
		t.Error(err)
	}
}
