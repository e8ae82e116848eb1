package operation_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aislecache/aisle/sessions/operation"
)

func TestID(t *testing.T) {
	f := func(stated string, echoed bool) {
		t.Helper()
		got := operation.ID(stated)
		if (got == stated) != echoed {
			t.Errorf("%q: %q", stated, got)
		}
		if _, err := uuid.Parse(got); !echoed && err != nil {
			t.Errorf("%q: %v", stated, err)
		}
	}
	f("3b241101-e2bb-4255-8caf-4136c566a962", true)
	f("a_B.9:z", true)
	f(strings.Repeat("a", 64), true)
	f(strings.Repeat("a", 65), false)
	for _, stated := range []string{"", "a b", "a\nb", `a"`, "é", "a/b"} {
		f(stated, false)
	}
	if one, other := operation.ID(""), operation.ID(""); one == other {
		t.Errorf("two calls are %s", one)
	}
}
