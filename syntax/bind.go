package syntax

import (
	"fmt"
	"reflect"
	"strings"
)

// Bind fills the fields of the struct that args points to from the arguments of
// a stage. A field tagged `usage:"slot"` takes the values of that slot:
//
//	bool                    true when the keyword or sign was written
//	string                  the text of a Name or String, or the keyword as the usage line has it
//	*Field, Expr, Node...   the value; nil when it was not written
//	[]*Field and the like   all values, in order
//	a struct, or a slice    the clauses of a group, bound by the same rules
//	of structs
//
// A tag may name several slots or keywords, separated by |: `usage:"asc|desc"`.
// Fields without the tag are left alone. It is an error when a value does not
// fit its field: the usage line and the struct disagree.
func Bind(s *Stage, args any) error {
	v := reflect.ValueOf(args)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("bind %s: want a pointer to a struct, have %T", s.name(), args)
	}
	if err := bind(s.Args, v.Elem()); err != nil {
		return fmt.Errorf("bind %s: %w", s.name(), err)
	}
	return nil
}

func (s *Stage) name() string {
	if s.Op == nil {
		return "stage"
	}
	return s.Op.Text
}

func bind(args []Arg, v reflect.Value) error {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("usage")
		if !ok {
			continue
		}
		for _, a := range args {
			if !named(tag, a.Slot) || a.keyword() && !takesKeyword(v.Field(i)) {
				continue
			}
			if err := put(a, v.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", v.Type().Field(i).Name, err)
			}
		}
	}
	return nil
}

// keyword reports whether the argument is a keyword that was written.
func (a Arg) keyword() bool {
	n, ok := a.Value.(*Name)
	return ok && strings.EqualFold(n.Text, a.Slot)
}

// takesKeyword reports whether a field may be told of a keyword. Any other has
// the name of a slot that stands after a keyword of the same name: fringe=<fringe:duration>.
func takesKeyword(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool, reflect.String:
		return true
	case reflect.Slice:
		return v.Type().Elem().Kind() == reflect.String
	}
	return reflect.TypeFor[*Name]().AssignableTo(v.Type())
}

func named(tag, slot string) bool {
	for tag != "" {
		var one string
		one, tag, _ = strings.Cut(tag, "|")
		if strings.EqualFold(one, slot) {
			return true
		}
	}
	return false
}

func put(a Arg, to reflect.Value) error {
	value := reflect.ValueOf(a.Value)
	switch {
	case to.Kind() == reflect.Bool:
		to.SetBool(true)
	case to.Kind() == reflect.String:
		switch n := a.Value.(type) {
		case *String:
			to.SetString(n.Value)
		case *Name:
			to.SetString(n.Text)
			if strings.EqualFold(n.Text, a.Slot) { // a keyword
				to.SetString(a.Slot)
			}
		default:
			return fmt.Errorf("slot %s holds a %T, which is no text", a.Slot, a.Value)
		}
	case value.Type().AssignableTo(to.Type()):
		to.Set(value)
	case to.Kind() == reflect.Slice:
		item := reflect.New(to.Type().Elem()).Elem()
		if err := put(a, item); err != nil {
			return err
		}
		to.Set(reflect.Append(to, item))
	case to.Kind() == reflect.Pointer && to.Type().Elem().Kind() == reflect.Struct:
		c, ok := a.Value.(*Clause)
		if !ok {
			return fmt.Errorf("slot %s holds a %T, which is no %s", a.Slot, a.Value, to.Type())
		}
		to.Set(reflect.New(to.Type().Elem()))
		return bind(c.Args, to.Elem())
	case to.Kind() == reflect.Struct:
		c, ok := a.Value.(*Clause)
		if !ok {
			return fmt.Errorf("slot %s holds a %T, which is no %s", a.Slot, a.Value, to.Type())
		}
		return bind(c.Args, to)
	default:
		return fmt.Errorf("slot %s holds a %T, which is no %s", a.Slot, a.Value, to.Type())
	}
	return nil
}
