package sessions_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aislecache/aisle/sessions"
)

// BenchmarkHandler is a call without network and disk: what the sidecar itself takes.
func BenchmarkHandler(b *testing.B) {
	r := newRig(b, nil)
	s := r.shopper()
	s.do("POST", "/api/sessions?"+strings.Split(fastStoreQuery, "&items")[0], "{}").want(201)
	cookie := "vtex_session=" + s.jar["vtex_session"] + "; vtex_segment=" + s.jar["vtex_segment"] + "; aisle_seal=" + s.jar["aisle_seal"]
	for _, c := range []struct{ name, method, target, body string }{
		{"get", "GET", "/api/sessions?items=store.channel,public.postalCode", ""},
		{"post-unchanged", "POST", "/api/sessions?" + fastStoreQuery, "{}"},
		{"segment", "GET", "/api/segments", ""},
		{"decode", "GET", "/api/segments/" + s.jar["vtex_segment"], ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
				request.Header.Set("Cookie", cookie)
				recorder := httptest.NewRecorder()
				r.handler.ServeHTTP(recorder, request)
				if recorder.Code/100 != 2 {
					b.Fatal(recorder.Body)
				}
			}
		})
	}
}

func BenchmarkToken(b *testing.B) {
	tokens := newTokens(b, testAccount, newKey(b))
	now := time.Now()
	session := &sessions.Session{ID: "26d2cb6c-213e-4936-9e2a-1d1e299ec33b", Version: 7, Expires: now.Add(time.Hour)}
	token := issue(b, tokens, now, session)
	b.Run("issue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			issue(b, tokens, now, session)
		}
	})
	b.Run("verify-known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, state := tokens.Verify(now, token); state != sessions.TokenValid {
				b.Fatal(state)
			}
		}
	})
}
