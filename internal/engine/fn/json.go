package fn

import (
	"encoding/json"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "jsonArraySize", Usage: "jsonArraySize(<array:expr>)",
		Summary:  "The number of elements of a JSON array.",
		Text:     "-1 for null and for text that is no array.",
		Differs:  "-1 for text that is no array is our reading; for null it is documented.",
		Examples: lang.Calls(`jsonArraySize("[1, 2, 3]")`, `3`, `jsonArraySize("[]")`, `0`, `jsonArraySize(nosuchfield)`, `-1`, `jsonArraySize("{}")`, `-1`),
	},
	Nulls: true,
	Map: func(v event.Value) event.Value {
		all, ok := array(v)
		if !ok {
			return event.Int(-1)
		}
		return event.Int(int64(len(all)))
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "jsonArrayContains", Usage: "jsonArrayContains(<array:expr>, <s:expr>)",
		Summary:  "True when s is an element of a JSON array.",
		Text:     "Strings are compared without their quotes, other elements by their text; letter case counts. Null and text that is no array have no elements.",
		Examples: lang.Calls(`jsonArrayContains("[\"foo\", \"bar\"]", "foo")`, `true`, `jsonArrayContains("[1, 2]", 2)`, `true`, `jsonArrayContains("foo", "foo")`, `false`),
	},
	Nulls: true,
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		all, ok := array(args[0])
		if !ok || args[1].IsNull() {
			return event.Bool(false), nil
		}
		want := args[1].Str()
		for _, raw := range all {
			if elementText(raw) == want {
				return event.Bool(true), nil
			}
		}
		return event.Bool(false), nil
	},
})

// array splits the text of a JSON array into its elements.
func array(v event.Value) (all []json.RawMessage, ok bool) {
	s := trimSpace(v.Str())
	if s == "" || s[0] != '[' {
		return nil, false
	}
	return all, json.Unmarshal([]byte(s), &all) == nil
}

// elementText is the text of an element: a string's without its quotes.
func elementText(raw json.RawMessage) string {
	text := string(raw)
	if text[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return string(raw)
		}
	}
	return text
}
