package sessions

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestMemoModel: a memo holds what was put, or nothing; never more than its bound; and what was asked for of late.
func TestMemoModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.IntRange(0, 8).Draw(t, "entries")
		m := newMemo[string, int](entries)
		model := map[string]int{}
		last := ""
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "key"))
			if rapid.Bool().Draw(t, "put") {
				m.put(key, i)
				model[key], last = i, key
			}
			got, ok := m.get(key)
			if want, put := model[key]; ok && (!put || got != want) {
				t.Fatalf("%s: got %d, want %d, %v", key, got, want, put)
			}
			if key == last && !ok {
				t.Fatalf("%s was just put and is gone", key)
			}
			if n := len(m.young) + len(m.old); n > max(2, entries) {
				t.Fatalf("%d entries, bound %d", n, entries)
			}
		}
	})
}

func TestMemoKeepsWhatIsAskedFor(t *testing.T) {
	m := newMemo[string, int](100)
	m.put("wanted", 1)
	for i := range 10_000 {
		m.put(fmt.Sprint(i), i)
		if _, ok := m.get("wanted"); !ok {
			t.Fatalf("gone after %d others", i)
		}
	}
	if _, ok := m.get("0"); ok {
		t.Error("what nobody asked for is still there")
	}
}
