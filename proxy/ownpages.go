package proxy

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aislecache/aisle/cache"
)

// maxPage bounds the file of a maintenance or error page, in bytes.
const maxPage = 1 << 20

// page is an answer of aisle's own, as its file was when the configuration was read.
type page struct {
	contentType string
	operation   string // X-Vtex-Operation-Id; "" for none
	body        []byte
}

// maintenance is the answer to all requests of a route.
type maintenance struct {
	status     int
	retryAfter time.Duration
	page       *page // nil: one line that says so
}

// pageFiles reads each file once, whatever number of routes names it.
type pageFiles struct {
	read map[string]*page
	errs []error
}

// loadPages reads the files of all routes; those that a route does not name are the
// site's. Its error joins all there is to say, each with its key path.
func (t *routeTable) loadPages(o Options) error {
	f := &pageFiles{read: map[string]*page{}}
	site := f.maintenance("", o.Maintenance)
	pages := f.errorPages("", o.ErrorPages)
	f.errs = append(f.errs, checkOwnAnswers("", o.Maintenance, o.ErrorPages)...)
	for i, r := range t.routes {
		at := fmt.Sprintf("routes[%d].", i)
		if r.maintained = f.maintenance(at, r.Maintenance); r.maintained == nil {
			r.maintained = site
		}
		r.errorPages = maps.Clone(pages)
		maps.Copy(r.errorPages, f.errorPages(at, r.ErrorPages))
	}
	return errors.Join(f.errs...)
}

// CheckFiles reads the files that the options name, as New and Reload do, and gives
// what is wrong with them, each with its key path.
func CheckFiles(o Options) error {
	t, err := compileRoutes(o)
	if err != nil {
		return err
	}
	return t.loadPages(o)
}

func (f *pageFiles) maintenance(at string, m *Maintenance) *maintenance {
	if m == nil {
		return nil
	}
	answer := &maintenance{status: m.Status, retryAfter: m.RetryAfter}
	if m.BodyFile != "" {
		answer.page = f.load(at+"maintenance.body_file", m.BodyFile)
	}
	return answer
}

func (f *pageFiles) errorPages(at string, files map[int]string) map[int]*page {
	pages := map[int]*page{}
	for _, status := range slices.Sorted(maps.Keys(files)) {
		pages[status] = f.load(fmt.Sprintf("%serror_pages.%d", at, status), files[status])
	}
	return pages
}

func (f *pageFiles) load(at, path string) *page {
	if p, ok := f.read[path]; ok {
		return p
	}
	p, err := readPage(path)
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("%s: %w", at, err))
	}
	f.read[path] = p
	return p
}

func readPage(path string) (*page, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxPage+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxPage:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxPage)
	}
	return &page{contentType: typeOf(path), body: body}, nil
}

// typeOf goes by the name's extension; the usual ones do not depend on the machine's tables.
func typeOf(path string) string {
	switch ext := filepath.Ext(path); ext {
	case ".html", ".htm":
		return "text/html; charset=utf-8"
	case ".json":
		return "application/json"
	case ".txt", "":
		return "text/plain; charset=utf-8"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// checkOwnAnswers gives what is wrong with maintenance and error pages, their files aside.
func checkOwnAnswers(at string, m *Maintenance, pages map[int]string) (errs []error) {
	if m != nil && (m.Status < 400 || m.Status > 599) {
		errs = append(errs, fmt.Errorf("%smaintenance.status: %d is not between 400 and 599", at, m.Status))
	}
	if m != nil && m.RetryAfter < 0 {
		errs = append(errs, fmt.Errorf("%smaintenance.retry_after: %s is negative", at, m.RetryAfter))
	}
	for _, status := range slices.Sorted(maps.Keys(pages)) {
		if status < 500 || status > 504 || status == 501 {
			errs = append(errs, fmt.Errorf("%serror_pages.%d: aisle gives no answer of this status on a route", at, status))
		}
	}
	return errs
}

// maintain answers without the origin, whatever the request and its scope are.
func (x *exchange) maintain(m *maintenance) {
	if gate := x.requestBody(); gate.unfinished() {
		defer gate.close()
		x.abandonRest() // an upload that nobody reads
	}
	x.ownAnswer(m.status, cache.Refused, cache.ReasonMaintenance, m.retryAfter, m.page)
}
