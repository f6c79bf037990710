package ruledoc

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Kind is what a Value is.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Object
)

func (k Kind) String() string {
	return [...]string{"null", "true or false", "a number", "text", "a list", "an object"}[k]
}

// Value is a value of a document, in whatever format that is written. A number
// keeps its spelling.
type Value struct {
	Kind    Kind
	Text    string // of Text and Number; "true" or "false" of Bool
	Items   []Value
	Members []Member
	At      diag.Span
}

// Member is a key of an object with its value, in the order of the text.
type Member struct {
	Key   string
	Value Value
	At    diag.Span // of the key
}

// Get is the value of a key; nil where the object does not have it.
func (v *Value) Get(key string) *Value {
	for i := range v.Members {
		if v.Members[i].Key == key {
			return &v.Members[i].Value
		}
	}
	return nil
}

// Set gives a key a value, at its place or at the end.
func (v *Value) Set(key string, to Value) {
	if old := v.Get(key); old != nil {
		*old = to
		return
	}
	v.Members = append(v.Members, Member{Key: key, Value: to})
}

// places are where the keys of an object that is being read stand among its members.
type places map[string]int

// set is Set for objects of any number of keys: the last of a key counts.
func (p places) set(v *Value, key string, to Value) *Member {
	at, twice := p[key]
	if !twice {
		at = len(v.Members)
		p[key] = at
		v.Members = append(v.Members, Member{Key: key})
	}
	v.Members[at].Value = to
	return &v.Members[at]
}

// Drop takes a key out.
func (v *Value) Drop(key string) {
	for i := range v.Members {
		if v.Members[i].Key == key {
			v.Members = append(v.Members[:i:i], v.Members[i+1:]...)
			return
		}
	}
}

// Of makes a value of a Go value: nil, bool, string, int, int64, float64, or a
// slice of strings or Values.
func Of(x any) Value {
	switch x := x.(type) {
	case nil:
		return Value{}
	case Value:
		return x
	case bool:
		return Value{Kind: Bool, Text: strconv.FormatBool(x)}
	case string:
		return Value{Kind: Text, Text: x}
	case int:
		return Value{Kind: Number, Text: strconv.Itoa(x)}
	case int64:
		return Value{Kind: Number, Text: strconv.FormatInt(x, 10)}
	case float64:
		return Value{Kind: Number, Text: strconv.FormatFloat(x, 'g', -1, 64)}
	case []string:
		v := Value{Kind: List}
		for _, s := range x {
			v.Items = append(v.Items, Of(s))
		}
		return v
	case []Value:
		return Value{Kind: List, Items: x}
	}
	panic(fmt.Sprintf("bug: ruledoc: a value of %T", x))
}

// Same says whether two values are the same but for where they stand. A number and
// the text of one are different; the order of an object's keys does not matter.
func Same(a, b *Value) bool {
	if a.Kind != b.Kind || len(a.Items) != len(b.Items) || len(a.Members) != len(b.Members) {
		return false
	}
	if a.Kind == Number {
		x, _ := a.float()
		y, _ := b.float()
		return x == y
	}
	if a.Text != b.Text {
		return false
	}
	for i := range a.Items {
		if !Same(&a.Items[i], &b.Items[i]) {
			return false
		}
	}
	for i := range a.Members {
		y := b.Get(a.Members[i].Key)
		if y == nil || !Same(&a.Members[i].Value, y) {
			return false
		}
	}
	return true
}

// float is the value as a number: a number, or the text of one.
func (v *Value) float() (float64, bool) {
	if v.Kind != Number && v.Kind != Text {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(v.Text), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// bool is the value as true or false, or the text of one.
func (v *Value) bool() (yes, ok bool) {
	if v.Kind != Bool && v.Kind != Text {
		return false, false
	}
	b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(v.Text)))
	return b, err == nil
}

// depthMax bounds how deep a document may be nested.
const depthMax = 200
