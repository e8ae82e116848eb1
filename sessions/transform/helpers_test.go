package transform_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aislecache/aisle/sessions/transform"
)

// function is an App that is a Go function.
type function struct {
	spec  transform.Spec
	f     func(ctx context.Context, in transform.Values) (transform.Values, error)
	calls atomic.Int32
}

func (a *function) Spec() transform.Spec { return a.spec }

func (a *function) Transform(ctx context.Context, in transform.Values) (transform.Values, error) {
	a.calls.Add(1)
	return a.f(ctx, in)
}

// app makes an App of a pure function; inputs and outputs are "ns.key" words, those after "->" outputs.
func app(name, keys string, f func(in transform.Values) transform.Values) *function {
	return failing(name, keys, func(_ context.Context, in transform.Values) (transform.Values, error) { return f(in), nil })
}

func failing(name, keys string, f func(context.Context, transform.Values) (transform.Values, error)) *function {
	in, out, _ := strings.Cut(keys, "->")
	return &function{spec: transform.Spec{Name: name, Input: declare(in), Output: declare(out)}, f: f}
}

func declare(words string) transform.Declaration {
	d := transform.Declaration{}
	for word := range strings.FieldsSeq(words) {
		k := key(word)
		d[k.Namespace] = append(d[k.Namespace], k.Name)
	}
	return d
}

func key(word string) transform.Key {
	namespace, name, ok := strings.Cut(word, ".")
	if !ok {
		panic("not a key: " + word)
	}
	return transform.Key{Namespace: namespace, Name: name}
}

// vals makes Values of words "ns.key=text"; an empty text clears.
func vals(words ...string) transform.Values {
	v := transform.Values{}
	for _, word := range words {
		name, text, _ := strings.Cut(word, "=")
		v.Put(key(name), transform.TextValue(text))
	}
	return v
}

// plain makes Values comparable, and readable in a diff.
func plain(v transform.Values) map[string]string {
	m := map[string]string{}
	for k, raw := range v.All() {
		m[k.String()] = string(raw)
	}
	return m
}

func wantValues(t *testing.T, what string, got, want transform.Values) {
	t.Helper()
	if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func engine(t *testing.T, o transform.Options, apps ...*function) *transform.Engine {
	t.Helper()
	e, err := transform.New(list(apps...), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func list(apps ...*function) []transform.App {
	all := make([]transform.App, len(apps))
	for i, a := range apps {
		all[i] = a
	}
	return all
}

// shopper is a session under test: each step starts from what the last one left.
type shopper struct {
	t      *testing.T
	engine *transform.Engine
	values transform.Values
	marks  transform.Marks
	cookie []transform.Cookie
}

func newShopper(t *testing.T, e *transform.Engine) *shopper {
	return &shopper{t: t, engine: e, values: transform.Values{}}
}

// does is a request that writes words.
func (s *shopper) does(words ...string) transform.Result {
	s.t.Helper()
	result, err := s.try(words...)
	if err != nil {
		s.t.Fatalf("%q: %v", words, err)
	}
	return result
}

// try is does, for requests that are refused.
func (s *shopper) try(words ...string) (transform.Result, error) {
	result, err := s.engine.Run(s.t.Context(), s.values, transform.Change{Values: vals(words...), Cookies: s.cookie, Marks: s.marks})
	if err == nil {
		s.values, s.marks = result.Values, stored(s.t, result.Marks)
	}
	return result, err
}

// stored is marks after a stay in a store.
func stored(t *testing.T, marks transform.Marks) transform.Marks {
	t.Helper()
	text, err := json.Marshal(marks)
	if err != nil {
		t.Fatal(err)
	}
	var back transform.Marks
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !back.Equal(marks) {
		t.Fatalf("marks do not survive %s", text)
	}
	return back
}

func (s *shopper) has(words ...string) {
	s.t.Helper()
	wantValues(s.t, "session", s.values, vals(words...))
}

// outcomes gives "app:outcome" for each call.
func outcomes(r transform.Result) string {
	var words []string
	for _, c := range r.Calls {
		words = append(words, c.App+":"+c.Outcome.String())
	}
	return strings.Join(words, " ")
}

func wantOutcomes(t *testing.T, r transform.Result, want string) {
	t.Helper()
	if got := outcomes(r); got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// upper writes each input's text, in upper case, under the same name into namespace `to`.
func upper(to string) func(transform.Values) transform.Values {
	return func(in transform.Values) transform.Values {
		out := transform.Values{}
		for k := range in.All() {
			out.Put(transform.Key{Namespace: to, Name: k.Name}, transform.TextValue(strings.ToUpper(in.Text(k))))
		}
		return out
	}
}

// copyOf writes an input, present or not, to another key.
func copyOf(from, to string) func(transform.Values) transform.Values {
	return func(in transform.Values) transform.Values { return vals(to + "=" + in.Text(key(from))) }
}

// moody fails where mood says so.
type moody struct {
	*function
	bad atomic.Bool
}

var errMood = errors.New("not today")

func newMoody(name, keys string, f func(in transform.Values) transform.Values) *moody {
	m := &moody{}
	m.function = failing(name, keys, func(_ context.Context, in transform.Values) (transform.Values, error) {
		if m.bad.Load() {
			return nil, errMood
		}
		return f(in), nil
	})
	return m
}

func sameMaps(a, b transform.Values) bool { return maps.Equal(plain(a), plain(b)) }

func text(format string, args ...any) string { return fmt.Sprintf(format, args...) }
