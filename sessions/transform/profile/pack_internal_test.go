package profile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPack(t *testing.T) {
	f := func(text string, bytes int) {
		t.Helper()
		packed := appendPacked(nil, text)
		if got := unpack(packed); got != text || len(packed) != bytes {
			t.Errorf("%q: %q, %d bytes, want %d", text, got, len(packed), bytes)
		}
	}
	f("", 1)
	f("7", 2)
	f("0", 2)
	f("00", 2)
	f("000", 3)
	f("+55 (11) 91234-5678", 11)
	f("111.222.333-44", 8)
	f("5feceb66ffc86f38d952786c6d696c79", 18)
	f("5feceb66-ffc8-6f38-d952-786c6d696c79", 18)
	f("5FECEB66-FFC8-6F38-D952-786C6D696C79", 38)
	f("00000000-0000-0000-0000-000000000000", 20) // signs of phone numbers, all of them
	f("5feceb66-ffc8-6f38-d952-786c6d696c7", 37)
	f("5feceb66-ffc8-6f38-d952-786c6d696c7g", 38)
	f("5feceb66effc8e6f38ed952e786c6d696c79", 20)
	f("ann@x.example", 14)
	f(strings.Repeat("é", maxField/2), maxField+2)
	f(strings.Repeat("f", maxField), maxField/2+2)
}

// TestPackAny: any texts come back, one after another, and different ones are packed differently.
func TestPackAny(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-f]{0,40}`), rapid.StringMatching(`[0-9+.() -]{0,20}`),
		rapid.StringMatching(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), rapid.StringMatching(`[0-9a-g-]{36}`))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		packed := appendPacked(appendPacked(nil, a), b)
		one, rest := cutPacked(packed)
		two, rest := cutPacked(rest)
		if unpack(one) != a || unpack(two) != b || len(rest) > 0 || (a == b) != slices.Equal(one, two) {
			t.Fatalf("%q and %q: %x", a, b, packed)
		}
	})
}

// TestManyLists: price tables beyond those that are kept once for all are kept too.
func TestManyLists(t *testing.T) {
	table := newTable()
	const n = maxLists + 100
	for i := range n {
		if err := table.add(&row{fmt.Sprint("c", i), "", "", "", "", "", fmt.Sprint("t", i)}, i+2); err != nil {
			t.Fatal(err)
		}
	}
	for i := n; i < n+100; i++ { // those of before again
		if err := table.add(&row{fmt.Sprint("c", i), "", "", "", "", "", fmt.Sprint("t", i-n)}, i+2); err != nil {
			t.Fatal(err)
		}
	}
	table.full()
	for i, want := range map[int]int{0: 0, maxLists - 1: maxLists - 1, maxLists: maxLists, n - 1: n - 1, n: 0, n + 99: 99} {
		if c, found := table.find(fmt.Sprint("c", i), ""); !found || !slices.Equal(c.PriceTables, []string{fmt.Sprint("t", want)}) {
			t.Errorf("%d: %v, %v", i, found, c)
		}
	}
	if len(table.lists) != maxLists {
		t.Errorf("%d lists", len(table.lists))
	}
}
