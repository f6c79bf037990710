package fn

import (
	"strings"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/lang"
)

func lower(v event.Value) event.Value { return event.Text(strings.ToLower(v.Str())) }
func upper(v event.Value) event.Value { return event.Text(strings.ToUpper(v.Str())) }

// lettercase makes a function that changes the case of letters. What it
// returns stands in its argument, case aside, so it can be looked for there.
func lettercase(doc lang.Doc, fn func(event.Value) event.Value) struct{} {
	doc.Text = "Letters of every script, each on its own: a letter does not become two."
	if doc.Dialect == "" {
		doc.Differs = "A number is taken as its text, where Sumo Logic wants a string."
	}
	return register(lang.Function{Doc: doc, Map: fn, Within: true})
}

var (
	_ = lettercase(lang.Doc{
		Name: "toLowerCase", Usage: "toLowerCase(<s:expr>)", Summary: "s in lower case.",
		Examples: lang.Calls(`toLowerCase("Mr JOE Smith")`, `"mr joe smith"`, `toLowerCase("ÄÖÜ")`, `"äöü"`),
	}, lower)
	_ = lettercase(lang.Doc{
		Name: "toUpperCase", Usage: "toUpperCase(<s:expr>)", Summary: "s in upper case.",
		Examples: lang.Calls(`toUpperCase("nite-1")`, `"NITE-1"`),
	}, upper)

	_ = lettercase(lang.Doc{
		Name: "toLower", Usage: "toLower(<s:expr>)", Summary: "s in lower case.", Dialect: "toLowerCase(s)",
		Examples: lang.Calls(`toLower("ABC")`, `"abc"`),
	}, lower)
	_ = lettercase(lang.Doc{
		Name: "lower", Usage: "lower(<s:expr>)", Summary: "s in lower case.", Dialect: "toLowerCase(s)",
		Examples: lang.Calls(`lower("ABC")`, `"abc"`),
	}, lower)
	_ = lettercase(lang.Doc{
		Name: "toUpper", Usage: "toUpper(<s:expr>)", Summary: "s in upper case.", Dialect: "toUpperCase(s)",
		Examples: lang.Calls(`toUpper("abc")`, `"ABC"`),
	}, upper)
	_ = lettercase(lang.Doc{
		Name: "upper", Usage: "upper(<s:expr>)", Summary: "s in upper case.", Dialect: "toUpperCase(s)",
		Examples: lang.Calls(`upper("abc")`, `"ABC"`),
	}, upper)
)
