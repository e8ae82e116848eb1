package demo

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var embedded embed.FS

// files are the static assets, by name.
type files map[string][]byte

func newFiles() files {
	f := files{}
	for _, name := range []string{"style.css", "app.js", "logo.svg", "favicon.svg"} {
		data, err := embedded.ReadFile("assets/" + name)
		if err != nil {
			panic(fmt.Sprintf("BUG: asset %s is not embedded: %v", name, err))
		}
		f[name] = bytes.ReplaceAll(data, []byte("@PRICES_HASH@"), []byte(PricesHash()))
	}
	return f
}

// url is the address of a file, versioned by its content: it may be kept for ever.
func (f files) url(name string) string {
	sum := sha256.Sum256(f[name])
	return "/assets/" + name + "?v=" + hex.EncodeToString(sum[:4])
}

// asset finds a file by name; /assets/product-<id>.svg is a product's picture.
func (c *Catalogue) asset(name string) ([]byte, bool) {
	if id, ok := strings.CutPrefix(name, "product-"); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(id, ".svg"))
		if p := c.ByID(n); err == nil && p != nil && id == digits(int64(n))+".svg" {
			return []byte(p.Picture), true
		}
		return nil, false
	}
	data, ok := c.files[name]
	return data, ok
}

// asset answers with a static file. Assets are the same for everyone and say nothing of segments.
func (s *Storefront) asset(w http.ResponseWriter, r *http.Request) {
	data, ok := s.catalogue.asset(strings.TrimPrefix(r.URL.Path, "/assets/"))
	if !ok {
		plain(w, http.StatusNotFound, "no such asset")
		return
	}
	h := w.Header()
	h.Set("Content-Type", map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(r.URL.Path)])
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Surrogate-Key", "assets")
	h.Set("ETag", strongETag(data))
	// Assets do not change with a price list: their date is that of the first.
	h.Set("Last-Modified", LastModified(0).Format(http.TimeFormat))
	respond(w, r, http.StatusOK, data)
}
