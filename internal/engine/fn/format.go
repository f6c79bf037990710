package fn

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "format", Usage: "format(<pattern:expr>[, <values:expr,...>])",
		Summary: "Text made after a pattern of Java's String.format.",
		Text: "Conversions: `%s` text, `%d` whole number, `%f` `%e` `%g` double, `%x` `%o` bits of a whole number, `%c` character, `%b` boolean, " +
			"`%n` line end, `%%` percent sign; `%S`, `%X`, `%E`, `%G`, `%C` and `%B` in upper case. Flags: `-` left, `0` zeros, `+` and space sign, " +
			"`,` thousands, `(` negative in brackets, `#` prefix. `%1$s` names an argument, `%<s` takes the one before again. " +
			"Up to 16 values. An alias is required.\n\n" +
			"Text that is a number is cast for `%d %f %e %g`. A null, or a value that does not fit its conversion, makes the result null and counts as a warning. " +
			"`%x` and `%o` of what is no number, text included, remove the row.",
		Differs: "OP-57: %d takes a double that is whole. Dates (%t) are left to formatDate.",
		Examples: lang.Calls(
			`format("%s : %s", "Five Minute Rate is", "0.5")`, `"Five Minute Rate is : 0.5"`,
			`format("$%,.2f", 1234567.891)`, `"$1,234,567.89"`,
			`format("%S: %d", "bob", 42)`, `"BOB: 42"`,
			`format("%.3f %s", 12.34567, "%")`, `"12.346 %"`,
			`format("%X", 255)`, `"FF"`,
			`format("%05d|%-4s|%+d", 42, "ab", 7)`, `"00042|ab  |+7"`,
			`format("%d", nosuchfield)`, `null`),
	},
	Alias: true,
	Nulls: true,
	Make:  makeFormat,
})

func makeFormat(s *lang.Site) call {
	if !noRegex(s, -1) {
		return nil
	}
	if n := len(s.Args) - 1; n > concatMax {
		s.Error(concatMax+1, "wrong-argument-count", fmt.Sprintf("format takes %d values at most, not %d", concatMax, n), "join the results of two formats with concat")
		return nil
	}
	pattern, known := s.Const(0)
	if !known {
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			if args[0].IsNull() {
				return event.Value{}, nil
			}
			l, err := parseLayout(args[0].Str())
			if err != nil {
				return event.Value{}, err
			}
			return filled(l, args[1:])
		}
	}
	l, err := parseLayout(pattern.Str())
	if err != nil {
		s.Error(0, "bad-format", err.Error(), "the form is that of Java's String.format: %s, %d, %.2f, %x")
		return nil
	}
	switch n := len(s.Args) - 1; {
	case l.args > n:
		s.Error(0, "format-arguments", fmt.Sprintf("the pattern wants %s, and there %s", counted(l.args, "value"), areThere(n)), "give a value for each conversion")
		return nil
	case l.args < n:
		s.Warn(1+l.args, "format-arguments", fmt.Sprintf("the pattern uses %s, and there %s", counted(l.args, "value"), areThere(n)), "leave out what is not used, or add a conversion")
	}
	return func(_ *expr.Env, args []event.Value) (event.Value, error) { return filled(l, args[1:]) }
}

func filled(l *layout, args []event.Value) (event.Value, error) {
	text, drop, err := l.format(args)
	switch {
	case err != nil:
		return event.Value{}, err
	case drop:
		return event.Drop, nil
	}
	return event.Text(text), nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func areThere(n int) string {
	switch n {
	case 0:
		return "is none"
	case 1:
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}
