// Package expression compiles conditions over a session: who is in an audience, who may be on a private channel, who
// may act as somebody else. The language is that of expr-lang/expr, cut down to what has a bounded cost and
// depends on the session alone.
//
//	profile.email endsWith "@vip.example" and public["utm_source"] in ["google", "bing"]
//	"gold" in split(profile.priceTables, ",")
//	$env["my-app"].tier == "gold"
//
// Every value is a text: that of a string, a number or a boolean; "" is what is absent, null, an object or an array.
package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/aislecache/aisle/sessions/transform"
)

const (
	maxText   = 4 << 10 // bytes of an expression
	maxNodes  = 500     // of its tree
	maxValue  = 8 << 10 // bytes of a value that it reads
	maxMemory = 10_000  // elements that the virtual machine may make: a split of the longest value
)

// Condition is a compiled expression. It is never changed, and is safe for concurrent use.
type Condition struct {
	text    string
	program *vm.Program
	reads   []transform.Key // sorted, each once
}

// errValue is the same for every value, which no error may tell.
var errValue = errors.New("a value of the session is not of the form that the expression asks for")

// errLong bounds what one evaluation may cost.
var errLong = fmt.Errorf("a value of the session is longer than %d bytes", maxValue)

// Compile compiles an expression that gives true or false, or says what is wrong with it and where.
//
// It may read any key of `public`, and the keys of Native; more names what the operator's own apps write: namespaces
// and keys, a namespace without keys having any; or Backends. Other names are errors: a condition on a key that nobody writes
// would be false for ever, or true where it begins with "not".
func Compile(text string, more ...transform.Declaration) (*Condition, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the expression is empty")
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("the expression has %d bytes, %d are allowed", len(text), maxText)
	}
	reads, err := inspect(text, knownBy(more))
	if err != nil {
		return nil, err
	}
	env := map[string]any{}
	for _, k := range reads {
		env[k.Namespace] = map[string]string{}
	}
	program, err := expr.Compile(text, expr.Env(env), expr.AsBool(), expr.MaxNodes(maxNodes),
		textFunction("lower", unicode.ToLower), textFunction("upper", unicode.ToUpper))
	if err != nil {
		return nil, err
	}
	return &Condition{text: text, program: program, reads: reads}, nil
}

// textFunction takes the place of the language's own of that name, but for letters outside ASCII that become some in it, which
// stay: by lower() the Kelvin sign would be a k, and another's e-mail that of an operator.
func textFunction(name string, letter func(rune) rune) expr.Option {
	within := func(r rune) rune {
		if to := letter(r); r < utf8.RuneSelf || to >= utf8.RuneSelf {
			return to
		}
		return r
	}
	f := func(parameters ...any) (any, error) {
		text, ok := parameters[0].(string) // the compiler has checked that there is one
		if !ok {
			return nil, errValue
		}
		return strings.Map(within, text), nil
	}
	return expr.Function(name, f, strings.ToLower) // of the type of this one
}

// Eval says whether the condition holds. With an error, which tells no value, it is false, whatever the expression
// says: what cannot be judged grants nothing.
func (c *Condition) Eval(in transform.Values) (bool, error) {
	env := map[string]any{}
	for _, k := range c.reads {
		value, err := textOf(in.Get(k))
		if err != nil {
			return false, err
		}
		keys, _ := env[k.Namespace].(map[string]string)
		if keys == nil {
			keys = map[string]string{}
			env[k.Namespace] = keys
		}
		keys[k.Name] = value
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	result, err := machine.Run(c.program, env)
	if err != nil {
		return false, errValue // its own message quotes values
	}
	holds, ok := result.(bool)
	if !ok {
		return false, errValue
	}
	return holds, nil
}

// String is the text that was compiled.
func (c *Condition) String() string { return c.text }

// Keys gives what the condition reads, sorted: an app that evaluates it must declare these as inputs, or they are
// absent. The slice is the caller's.
func (c *Condition) Keys() []transform.Key { return slices.Clone(c.reads) }

// Inputs joins the keys of several conditions to a Declaration, the caller's own. nil conditions count as none.
func Inputs(conditions ...*Condition) transform.Declaration {
	found := map[string]map[string]bool{}
	for _, c := range conditions {
		if c == nil {
			continue
		}
		for _, k := range c.reads {
			if found[k.Namespace] == nil {
				found[k.Namespace] = map[string]bool{}
			}
			found[k.Namespace][k.Name] = true
		}
	}
	d := transform.Declaration{}
	for namespace, names := range found {
		d[namespace] = slices.Sorted(maps.Keys(names))
	}
	return d
}
