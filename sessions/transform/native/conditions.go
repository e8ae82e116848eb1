package native

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aislecache/aisle/segment"
	"github.com/aislecache/aisle/sessions/transform"
	"github.com/aislecache/aisle/sessions/transform/expression"
)

// members are the conditions of private channels. A condition that cannot be evaluated does not hold.
type members map[string]*expression.Condition

// Member compiles the condition by which a shopper may be on a channel, or says what is wrong with it. It may read
// anything but what the store app itself makes of the channel.
func Member(channel, text string, channels []segment.Channel, known []transform.Declaration) (*expression.Condition, error) {
	at := slices.IndexFunc(channels, func(c segment.Channel) bool { return c.ID == channel })
	switch {
	case at < 0:
		return nil, errors.New("is no channel of segment.channels")
	case !channels[at].Private:
		return nil, errors.New("is a public channel, anybody may be on it")
	}
	condition, err := expression.Compile(text, known...)
	if err != nil {
		return nil, err
	}
	for _, k := range condition.Keys() {
		if k.Namespace == "store" {
			return nil, fmt.Errorf("reads %s, which is what the channel makes", k)
		}
	}
	return condition, nil
}

// Operators compiles the condition by which somebody may impersonate customers. It may read what is proven of them alone.
func Operators(text string) (*expression.Condition, error) {
	condition, err := expression.Compile(text)
	if err != nil {
		return nil, err
	}
	for _, k := range condition.Keys() {
		if k.Namespace != "authentication" {
			return nil, fmt.Errorf("reads %s: it sees the namespace authentication alone", k)
		}
	}
	return condition, nil
}

func (m members) may(channel string, in transform.Values) bool { return holds(m[channel], in) }

func (m members) reads() transform.Declaration {
	var all []*expression.Condition
	for _, channel := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[channel])
	}
	return expression.Inputs(all...)
}

// rules is a text that is another one with other conditions.
func (m members) rules() string {
	var text strings.Builder
	for _, channel := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&text, "%q: %q\n", channel, m[channel].String())
	}
	return text.String()
}

func holds(c *expression.Condition, in transform.Values) bool {
	if c == nil {
		return false
	}
	yes, err := c.Eval(in)
	return err == nil && yes
}

func (o Options) members() (members, error) {
	list := members{}
	var errs []error
	for _, channel := range slices.Sorted(maps.Keys(o.Members)) {
		c, err := Member(channel, o.Members[channel], o.Channels, o.Known())
		if err != nil {
			errs = append(errs, transform.AtKey("store.members."+channel, transform.OneLine(err)))
		}
		list[channel] = c
	}
	return list, errors.Join(errs...)
}
