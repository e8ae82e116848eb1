package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func page(cacheControl string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", cacheControl)
		w.Header().Set("Etag", `"v1"`)
		fmt.Fprintf(w, "%s for %s", r.RequestURI, r.Header.Get("X-Vtex-Segment"))
	}
}

func TestMissThenHit(t *testing.T) {
	r := newRig(t, page("public, max-age=60"))
	first, second := r.get("/shirt/p"), r.get("/shirt/p")
	for i, a := range []answer{first, second} {
		if a.Status != 200 || !strings.HasPrefix(a.Body, "/shirt/p for eyJ") {
			t.Fatalf("answer %d: %+v", i, a)
		}
		if cc := a.Header.Get("Cache-Control"); cc != "private, no-cache" {
			t.Errorf("answer %d: Cache-Control %q", i, cc)
		}
	}
	if cs := second.Header.Get("Cache-Status"); !strings.HasPrefix(cs, "aisle; hit;") {
		t.Errorf("Cache-Status %q, want a hit", cs)
	}
	if n := len(r.requests()); n != 1 {
		t.Errorf("the origin was asked %d times, want 1", n)
	}
}
