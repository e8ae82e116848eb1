package proxy

import (
	"reflect"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/aislecache/aisle/cache"
	"github.com/aislecache/aisle/segment"
)

// resetBy says of each field of a pooled exchange what takes the last request
// out of it. A new field has to be entered here.
var resetBy = map[string]string{
	"home": "never set anew", "edge": "begin", "ctx": "begin", "started": "begin", "client": "begin",
	"lines": "empty", "host": "empty", "target": "empty", "overlay": "empty",
	"scheme": "zero", "path": "zero", "query": "zero", "head": "zero", "route": "zero", "claim": "zero", "projected": "zero", "status": "zero", "sent": "zero", "begun": "zero", "upgrade": "zero", "trailer": "zero", "lost": "zero", "recovered": "zero",
	// Scratch, filled anew by the step that reads it.
	"arena": "readFields", "oneLine": "noneMatch", "chains": "collectChains", "split": "querySplit.canonical", "removed": "canonicalQuery", "jar": "readCookies",
	"base": "buildBase", "keyed": "collectKeyed", "request": "end", "out": "startHead", "logged": "report", "etag": "validator", "scratch": "each of its users", "interim": "end",
}

// An exchange that begins knows nothing of the request before.
func TestExchangeBeginsEmpty(t *testing.T) {
	home := &Edge{}
	g := &generation{Edge: home}
	g.users.Store(1)
	home.current.Store(g)
	x := &exchange{
		home: home, edge: &generation{Edge: home},
		scheme: "https", host: []byte("a"), target: []byte("/a"), path: []byte("/a"), query: []byte("q"), overlay: []byte("o"), head: true, begun: true, upgrade: "x", lost: cache.ReasonUnsealed, recovered: []string{"a=b"}, trailer: func() []cache.Field { return nil },
		route: new(route), claim: new(segment.Claim), projected: new(segment.Projected), lines: make([]line, 3),
		status: statusLine{debug: true, key: 7}, sent: sentAnswer{status: 200, broken: true, server: "s"}, client: clientInfo{garbage: true, host: []byte("h"), scheme: "https", trusted: true, port: 4},
	}
	ctx := new(fasthttp.RequestCtx)
	ctx.Init2(&conn{Conn: sink{}}, quiet{}, false)
	before := time.Now()
	x.begin(ctx)
	v := reflect.ValueOf(x).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		how, known := resetBy[name]
		switch {
		case !known:
			t.Errorf("nothing is known of field %s: what takes the last request out of it?", name)
		case how == "zero" && !field.IsZero(), how == "empty" && field.Len() != 0:
			t.Errorf("%s keeps what it was", name)
		}
	}
	peer := addrOf(loopback)
	if want := (clientInfo{peer: peer, addr: peer}); !reflect.DeepEqual(x.client, want) {
		t.Errorf("client %+v", x.client)
	}
	if x.edge != g || g.users.Load() != 2 {
		t.Errorf("the generation is not the current one, or not held: %d users", g.users.Load())
	}
	if x.ctx != ctx || x.started.Before(before) {
		t.Error("the new request is not that of the context")
	}
	if v.NumField() != len(resetBy) {
		t.Errorf("%d fields, %d are known", v.NumField(), len(resetBy))
	}
}

// A request that ends leaves no view of fasthttp's buffers among its lines, and no
// policy, deadline or credentials in what the engine is asked with.
func TestExchangeEndsEmpty(t *testing.T) {
	request := cache.Request{Head: true, Taken: true, Cookieless: true, Authorized: true, Deadline: time.Now(), Policy: new(cache.Policy), Base: []byte("b")}
	request.Reset()
	v := reflect.ValueOf(request)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "key" && !v.Field(i).IsZero() {
			t.Errorf("Request.%s keeps what it was", name)
		}
	}
}
