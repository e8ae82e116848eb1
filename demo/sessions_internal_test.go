package demo

// Inside the package: the bounds of the session memory are not to be seen from outside in reasonable time.

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOldestSessionGoesForTheNewest(t *testing.T) {
	s := newSessions(3)
	var ids []string
	for range 5 {
		ids = append(ids, s.edit("", func(*shopper) {}).id)
	}
	for i, id := range ids {
		if _, ok := s.get(id); ok != (i >= 2) {
			t.Errorf("session %d is there: %v", i, ok)
		}
	}
	if s.count() != 3 {
		t.Errorf("%d sessions", s.count())
	}
	s.drop(ids[4])
	s.edit("", func(*shopper) {})
	if s.count() > 3 {
		t.Errorf("%d sessions after one was dropped", s.count())
	}
}

func TestSessionsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(3)
		id := s.edit("", func(sh *shopper) { sh.set("a", jsonText("b")) }).id
		time.Sleep(sessionLives - time.Nanosecond)
		if _, ok := s.get(id); !ok {
			t.Error("it ran out too early")
		}
		time.Sleep(time.Nanosecond)
		if _, ok := s.get(id); ok {
			t.Error("it outlived its cookie")
		}
		if sh := s.edit(id, func(*shopper) {}); sh.id == id || len(sh.public) != 0 {
			t.Errorf("an edit brought it back: %+v", sh)
		}
	})
}

func TestASessionIsBounded(t *testing.T) {
	s := newSessions(1)
	sh := s.edit("", func(sh *shopper) {
		for i := range maxKeys + 10 {
			sh.set(fmt.Sprint("key", i), jsonText("v"))
		}
		sh.set("key0", jsonText("again"))
		sh.set("key1", json.RawMessage(`"`+strings.Repeat("x", maxValue)+`"`))
		for i := range maxLines + 10 {
			sh.put(i + 1)
		}
		for range maxPieces + 10 {
			sh.put(1)
		}
	})
	if len(sh.public) != maxKeys || sh.text("key0") != "again" || sh.text("key1") != "v" {
		t.Errorf("%d keys, key0 %q, key1 of %d bytes", len(sh.public), sh.text("key0"), len(sh.text("key1")))
	}
	if len(sh.cart) != maxLines || sh.cart[1] != maxPieces || sh.cart[2] != 1 {
		t.Errorf("%d lines, %d and %d pieces", len(sh.cart), sh.cart[1], sh.cart[2])
	}
}

func TestCopiesOfASessionStayAsTheyAre(t *testing.T) {
	s := newSessions(1)
	first := s.edit("", func(sh *shopper) { sh.set("a", jsonText("1")); sh.put(7) })
	s.edit(first.id, func(sh *shopper) { sh.set("a", jsonText("2")); sh.put(7) })
	if first.text("a") != "1" || first.cart[7] != 1 {
		t.Errorf("a copy changed: %q, %d", first.text("a"), first.cart[7])
	}
	now, _ := s.get(first.id)
	now.public["a"] = jsonText("3")
	if again, _ := s.get(first.id); again.text("a") != "2" {
		t.Errorf("a copy changed the session: %q", again.text("a"))
	}
}

func TestIDsAreRandomUUIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		id := newID()
		if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
}

func TestLooseText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := looseText([]byte(in)); got != want {
			t.Errorf("looseText(%q) = %q, want %q", in, got, want)
		}
	}
	f(`"a"`, "a")
	f(`"ç\u0041"`, "çA")
	f(`1`, "1")
	f(`-2.5`, "-2.5")
	f(`true`, "true")
	f(`null`, "")
	f(``, "")
	f(`{"a":1}`, "")
	f(`[1]`, "")
}

func TestEmbeddedAssetsAreServedByContent(t *testing.T) {
	f := newFiles()
	for name, data := range f {
		url := f.url(name)
		f[name] = append([]byte("x"), data...)
		if f.url(name) == url || !strings.HasPrefix(url, "/assets/"+name+"?v=") {
			t.Errorf("%s keeps the address %s with another content", name, url)
		}
	}
	if len(f) != 4 {
		t.Errorf("%d files", len(f))
	}
}
