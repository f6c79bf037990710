package fn

import (
	"fmt"
	"math"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// datePattern is the pattern of formatDate without one (OP-40).
const datePattern = "MM/dd/yyyy HH:mm:ss"

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "formatDate", Usage: "formatDate(<ms:expr>[, <pattern:expr>[, <zone:expr>]])",
		Summary: "A time in ms since 1970, or a date, as text.",
		Text: "Patterns are those of Java's SimpleDateFormat: `yyyy-MM-dd HH:mm:ss.SSS Z`. " +
			"Without one it is `" + datePattern + "`. The zone is an id such as `America/New_York`, in any case; without one it is that of the query, which is UTC unless told otherwise. " +
			"Text is cast; text that is no number gives null and a warning.",
		Differs: "OP-40: the default pattern. Sumo Logic refuses text for the time; here it is cast.",
		Examples: lang.Calls(
			`formatDate(1704067200000, "yyyy-MM-dd", "UTC")`, `"2024-01-01"`,
			`formatDate(1704067200000, "MM-dd-yyyy HH:mm", "America/New_York")`, `"12-31-2023 19:00"`,
			`formatDate(1704067200123, "MM/dd/yyyy HH:mm:ss:SSS", "utc")`, `"01/01/2024 00:00:00:123"`,
			`formatDate(fromMillis(1704067200000), "EEE", "UTC")`, `"Mon"`),
	},
	Make: func(s *lang.Site) call {
		d, ok := dateSite(s, datePattern)
		if v, known := s.Const(0); known && v.Kind() == event.String {
			s.Warn(0, "text-as-time", "formatDate wants a time in ms, and this is text", "write the number without quotes, or read text with parseDate")
		}
		if !ok {
			return nil
		}
		return func(env *expr.Env, args []event.Value) (event.Value, error) {
			ms, ok := args[0].Int()
			if !ok {
				return event.Value{}, fmt.Errorf("%q is no time in ms", clip(args[0].Str()))
			}
			p, zone, err := d.of(env, args)
			if err != nil {
				return event.Value{}, err
			}
			return event.Text(p.Format(ms, zone)), nil
		}
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "parseDate", Usage: "parseDate(<s:expr>, <pattern:expr>[, <zone:expr>])",
		Summary: "The time that a text names, in ms since 1970.",
		Text: "Patterns are those of Java's SimpleDateFormat. The start of the text must fit; the rest does not matter. " +
			"The zone is an id in any case, and counts where the text names none; without one it is that of the query. " +
			"Text that does not fit gives null and a warning.",
		Differs: "OP-38: what does not fit gives null; the row stays.",
		Examples: lang.Calls(
			`parseDate("2019-11-18T19:00:00.000-08:00", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")`, `1574132400000`,
			`parseDate("20170720000030", "yyyyMMddHHmmss", "etc/utc")`, `1500508830000`,
			`parseDate("3/4/2005 other", "MM/dd/yyyy", "UTC")`, `1109894400000`,
			`parseDate("never", "MM/dd/yyyy")`, `null`),
	},
	Make: func(s *lang.Site) call {
		d, ok := dateSite(s, "")
		if !ok {
			return nil
		}
		return func(env *expr.Env, args []event.Value) (event.Value, error) {
			p, zone, err := d.of(env, args)
			if err != nil {
				return event.Value{}, err
			}
			ms, ok := p.Parse(args[0].Str(), zone)
			if !ok {
				return event.Value{}, fmt.Errorf("%q does not fit the pattern %s", clip(args[0].Str()), args[1].Str())
			}
			return event.Int(ms), nil
		}
	},
})

// dates is what is known of pattern and zone while the query is compiled; nil
// stands for what is not.
type dates struct {
	pattern *datefmt.Pattern
	zone    *time.Location
}

// dateSite reads the constant arguments. standard is the pattern where none is given.
func dateSite(s *lang.Site, standard string) (d dates, ok bool) {
	ok = noRegex(s, -1)
	text, known := s.Const(1)
	if len(s.Args) < 2 {
		text, known = event.Text(standard), true
	}
	var err error
	if known && !text.IsNull() {
		if d.pattern, err = datefmt.Compile(text.Str()); err != nil {
			s.Error(1, "bad-date-pattern", err.Error(), "the form is that of Java's SimpleDateFormat: yyyy-MM-dd HH:mm:ss.SSS")
			ok = false
		}
	}
	if text, known := s.Const(2); known && !text.IsNull() {
		if d.zone, err = datefmt.Zone(text.Str()); err != nil {
			s.Error(2, "unknown-zone", err.Error(), "write an id such as UTC or America/New_York")
			ok = false
		}
	}
	return d, ok
}

// of returns the pattern and zone for a row.
func (d *dates) of(env *expr.Env, args []event.Value) (p *datefmt.Pattern, zone *time.Location, err error) {
	if p = d.pattern; p == nil {
		if p, err = datefmt.Compile(args[1].Str()); err != nil {
			return nil, nil, err
		}
	}
	switch zone = d.zone; {
	case zone != nil:
	case len(args) > 2:
		if zone, err = datefmt.Zone(args[2].Str()); err != nil {
			return nil, nil, err
		}
	case env != nil && env.Zone != nil:
		zone = env.Zone
	default:
		zone = time.UTC
	}
	return p, zone, nil
}

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "fromMillis", Usage: "fromMillis(<ms:expr>)",
		Summary:  "The date of a time in ms since 1970, for formatDate.",
		Text:     "Text is cast; text that is no number gives null. As text a date is its ms.",
		Examples: lang.Calls(`formatDate(fromMillis(1704067200000), "MM/dd/yyyy HH:mm:ss", "UTC")`, `"01/01/2024 00:00:00"`),
	},
	Map: func(v event.Value) event.Value {
		ms, ok := v.Int()
		if !ok {
			return event.Value{}
		}
		return event.Millis(ms)
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "fromSeconds", Usage: "fromSeconds(<s:expr>)",
		Summary:  "The date of a time in seconds since 1970, for formatDate.",
		Text:     "Seconds may have decimals, of which ms count. Text is cast; text that is no number gives null.",
		Differs:  "Not documented; published queries use it so.",
		Examples: lang.Calls(`formatDate(fromSeconds(1704067200), "yyyy-MM-dd", "UTC")`, `"2024-01-01"`),
	},
	Map: func(v event.Value) event.Value {
		f, ok := v.Float()
		if !ok || math.IsNaN(f) {
			return event.Value{}
		}
		ms, _ := event.Float(math.Trunc(f * 1000)).Int()
		return event.Millis(ms)
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "toMillis", Usage: "toMillis(<date:expr>)",
		Summary:  "A date in ms since 1970.",
		Text:     "The inverse of fromMillis. A number stays what it is.",
		Examples: lang.Calls(`toMillis(fromMillis(1704067200000))`, `1704067200000`),
	},
	Map: toLong,
})
