package config

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aislecache/aisle/proxy"
)

// maintenanceSection is the answer to all requests of a route, or of the site.
type maintenanceSection struct {
	status     int
	bodyFile   string
	retryAfter Duration
}

func maintenanceDefaults() maintenanceSection { return maintenanceSection{status: 503} }

func maintenanceKeys(m *maintenanceSection) []field {
	return []field{
		key("status", &m.status, integer(400, 599)),
		key("body_file", &m.bodyFile, unset(text("path", nonEmpty))),
		key("retry_after", &m.retryAfter, unset(duration())),
	}
}

// maintenanceShape is that of `maintenance`, which is absent where there is none.
func maintenanceShape() shape[*maintenanceSection] {
	return optional(object(maintenanceDefaults, maintenanceKeys))
}

func (m *maintenanceSection) option() *proxy.Maintenance {
	if m == nil {
		return nil
	}
	return &proxy.Maintenance{Status: m.status, BodyFile: m.bodyFile, RetryAfter: time.Duration(m.retryAfter)}
}

// errorPages is the shape of `error_pages`: files by the statuses that aisle itself answers
// where an origin does not.
func errorPages() shape[[]entry[string]] { return mapOf(ownStatus, text("path", nonEmpty)) }

func ownStatus(s string) string {
	switch s {
	case "500", "502", "503", "504":
		return ""
	}
	return fmt.Sprintf("%q is none of 500, 502, 503 and 504, which aisle itself answers", shorten(s))
}

func pagesOption(entries []entry[string]) map[int]string {
	var pages map[int]string
	for _, e := range entries {
		if pages == nil {
			pages = map[int]string{}
		}
		code, _ := strconv.Atoi(e.name) // checked when it was read
		pages[code] = e.value
	}
	return pages
}
