package transform_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

func TestOutcomeNames(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	var got []string
	for _, o := range transform.Outcomes() {
		if !word.MatchString(o.String()) {
			t.Errorf("%q is not a word", o)
		}
		got = append(got, o.String())
	}
	want := []string{"ok", "dropped", "withheld", "refused", "failed", "timeout", "panicked", "loop"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestOutcomesAreReached makes every one happen, and sees that the observer hears of what the Result says.
func TestOutcomesAreReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := map[transform.Outcome]bool{}
		var heard []transform.Call
		f := func(want transform.Outcome, behave func(ctx context.Context, in transform.Values) (transform.Values, error)) {
			t.Helper()
			heard = nil
			e := engine(t, transform.Options{Rounds: 2, Observe: func(c transform.Call) { heard = append(heard, c) }},
				failing("app", "public.in app.own -> app.own", behave))
			result, err := e.Run(t.Context(), nil, transform.Change{Values: vals("public.in=1")})
			if len(heard) == 0 || heard[len(heard)-1].Outcome != want || heard[0].App != "app" {
				t.Errorf("heard %+v, want %v", heard, want)
				return
			}
			if err == nil && len(result.Calls) != len(heard) {
				t.Errorf("%d calls, heard of %d", len(result.Calls), len(heard))
			}
			if refused := want == transform.OutcomeRefused; (err != nil) != refused {
				t.Errorf("%v: error %v", want, err)
			}
			reached[want] = true
		}
		f(transform.OutcomeOK, func(context.Context, transform.Values) (transform.Values, error) { return nil, nil })
		f(transform.OutcomeDropped, func(context.Context, transform.Values) (transform.Values, error) { return vals("app.other=1"), nil })
		f(transform.OutcomeWithheld, func(context.Context, transform.Values) (transform.Values, error) {
			return nil, &transform.Refusal{Status: 403, Of: key("public.elsewhere")}
		})
		f(transform.OutcomeRefused, func(context.Context, transform.Values) (transform.Values, error) {
			return nil, &transform.Refusal{Status: 403}
		})
		f(transform.OutcomeFailed, func(context.Context, transform.Values) (transform.Values, error) { return nil, errMood })
		f(transform.OutcomeTimeout, func(ctx context.Context, _ transform.Values) (transform.Values, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		f(transform.OutcomePanicked, func(context.Context, transform.Values) (transform.Values, error) { panic("secret") })
		f(transform.OutcomeLoop, func(_ context.Context, in transform.Values) (transform.Values, error) {
			return vals("app.own=" + in.Text(key("app.own")) + "x"), nil
		})
		if len(reached) != len(transform.Outcomes()) {
			t.Errorf("reached %v", reached)
		}
	})
}

// TestPanicsHoldNoValues: what an app panics with may be a shopper's.
func TestPanicsHoldNoValues(t *testing.T) {
	f := func(behave func(in transform.Values), want string) {
		t.Helper()
		s := newShopper(t, engine(t, transform.Options{}, app("app", "public.in -> app.out", func(in transform.Values) transform.Values {
			behave(in)
			return nil
		})))
		result := s.does("public.in=a@example.org")
		var p *transform.PanicError
		if len(result.Calls) != 1 || !errors.As(result.Calls[0].Err, &p) {
			t.Fatalf("calls %+v", result.Calls)
		}
		if p.Error() != want || !strings.Contains(string(p.Stack), "outcome_test.go") || strings.Contains(string(p.Stack), "example.org") {
			t.Errorf("%q, want %q; stack %s", p, want, p.Stack)
		}
	}
	f(func(in transform.Values) { panic(in.Text(key("public.in"))) }, "panic: a value of type string")
	f(func(in transform.Values) { panic(errors.New(in.Text(key("public.in")))) }, "panic: a value of type *errors.errorString")
	f(func(transform.Values) { var none *time.Time; _ = none.Unix() }, "panic: runtime error: invalid memory address or nil pointer dereference")
	f(func(in transform.Values) { _ = in.Text(key("public.in"))[len(in)+99] }, "panic: runtime error: index out of range [100] with length 13")
}
