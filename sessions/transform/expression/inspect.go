package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"github.com/aislecache/aisle/sessions/transform"
)

// allowedFunction: those that take time in proportion to their arguments, make nothing longer than these, and give the
// same at any time: no loops, no clock, no repeat, no replace.
func allowedFunction(name string) bool {
	switch name {
	case "len", "lower", "upper", "trim", "trimPrefix", "trimSuffix", "hasPrefix", "hasSuffix", "indexOf", "lastIndexOf",
		"split", "int", "float", "string", "abs", "min", "max":
		return true
	}
	return false
}

// inspector walks a tree before it is compiled: what it does not know it refuses, so that a new release of the
// language brings nothing in unseen.
type inspector struct {
	known known
	found map[transform.Key]bool
	errs  []error
}

// inspect gives the keys that an expression reads, sorted, or every reason to refuse it.
func inspect(text string, names known) ([]transform.Key, error) {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	i := &inspector{known: names, found: map[transform.Key]bool{}}
	i.walk(tree.Node)
	if len(i.errs) > 0 {
		return nil, errors.Join(i.errs...)
	}
	return slices.SortedFunc(maps.Keys(i.found), transform.Key.Compare), nil
}

func (i *inspector) refuse(node ast.Node, format string, args ...any) {
	at := node.Location().From + 1
	i.errs = append(i.errs, fmt.Errorf("at character %d: %s", at, fmt.Sprintf(format, args...)))
}

func (i *inspector) walk(node ast.Node) {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
	case *ast.ArrayNode:
		i.each(n.Nodes...)
	case *ast.UnaryNode:
		i.each(n.Node)
	case *ast.ConditionalNode:
		i.each(n.Cond, n.Exp1, n.Exp2)
	case *ast.BinaryNode:
		i.binary(n)
	case *ast.BuiltinNode:
		i.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		// Functions that are no part of the language's own grammar come as calls of a name.
		name := "a call"
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			name = callee.Value
		}
		i.call(n, name, n.Arguments)
	case *ast.MemberNode:
		i.member(n)
	case *ast.IdentifierNode:
		i.refuse(n, "%s alone: want namespace.key", n.Value)
	default:
		i.refuse(n, "%s is not allowed here", what(n))
	}
}

func (i *inspector) each(nodes ...ast.Node) {
	for _, n := range nodes {
		i.walk(n)
	}
}

func (i *inspector) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "..":
		i.refuse(n, "ranges are not allowed")
	case "matches":
		if _, constant := n.Right.(*ast.StringNode); !constant {
			i.refuse(n, "matches wants a pattern in quotes") // it would be compiled at each request, from a shopper's text
		}
	}
	i.each(n.Left, n.Right)
}

func (i *inspector) call(n ast.Node, name string, arguments []ast.Node) {
	if !allowedFunction(name) {
		i.refuse(n, "%s() is not allowed", name)
	}
	i.each(arguments...)
}

// member is namespace.key, namespace["key"] or $env["namespace"].key: the keys have to be known before a session is.
func (i *inspector) member(n *ast.MemberNode) {
	key, ok := keyOf(n)
	_, element := n.Property.(*ast.IntegerNode)
	switch {
	case element && !n.Optional: // of a list that is made here: split(public.a, "@")[1]
		i.walk(n.Node)
	case !ok:
		i.refuse(n, `want namespace.key, namespace["key"] or $env["namespace"]["key"]`)
	case !i.known.has(key):
		i.refuse(n, "nothing writes %s", key)
	default:
		i.found[key] = true
	}
}

func keyOf(n *ast.MemberNode) (key transform.Key, ok bool) {
	name, ok := n.Property.(*ast.StringNode)
	if !ok || n.Optional || n.Method {
		return transform.Key{}, false
	}
	switch of := n.Node.(type) {
	case *ast.IdentifierNode:
		return transform.Key{Namespace: of.Value, Name: name.Value}, of.Value != "$env"
	case *ast.MemberNode:
		root, isRoot := of.Node.(*ast.IdentifierNode)
		namespace, isText := of.Property.(*ast.StringNode)
		if isRoot && isText && root.Value == "$env" && !of.Optional && !of.Method {
			return transform.Key{Namespace: namespace.Value, Name: name.Value}, true
		}
	}
	return transform.Key{}, false
}

// what names a kind of node for people.
func what(n ast.Node) string {
	switch n.(type) {
	case *ast.NilNode:
		return `nil (what is absent is "")`
	case *ast.VariableDeclaratorNode:
		return "let"
	case *ast.SequenceNode:
		return "a sequence"
	case *ast.PredicateNode, *ast.PointerNode:
		return "a predicate"
	case *ast.ChainNode:
		return `?. (what is absent is "")`
	case *ast.SliceNode:
		return "a slice"
	case *ast.MapNode:
		return "a map"
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast."), "Node")
}
