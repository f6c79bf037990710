package convert

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "logscale", Summary: "CrowdStrike Falcon LogScale", Extension: "logscale", Target: "logscale", Comment: "//",
	Rule: func(in *Input) (string, error) {
		name := logscaleName
		l := &language{and: " and ", or: " or ", not: func(s string) string { return "not (" + s + ")" }}
		regex := func(f, p string, fold, dotall bool) string {
			flags := ""
			if fold {
				flags += "i"
			}
			if dotall {
				flags += "d"
			}
			return f + "=" + sumoRegex(p) + flags
		}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				s, ok := m.Value.(sigma.String)
				if !ok || s.Cased {
					return "", refuse(m, "a keyword that is no plain text")
				}
				return sumoRegex(inRaw(s)) + "id", nil
			}
			f := name(m.Field)
			switch v := m.Value.(type) {
			case sigma.String:
				if k, _ := shapeOf(v); k == present {
					return f + "=*", nil
				}
				return regex(f, pattern(v), !v.Cased, true), nil
			case sigma.Number:
				return f + "=" + v.Text, nil
			case sigma.Bool:
				return regex(f, fmt.Sprintf("^%v$", bool(v)), true, false), nil
			case sigma.Null:
				return f + "!=*", nil
			case sigma.Exists:
				if v {
					return f + "=*", nil
				}
				return f + "!=*", nil
			case sigma.Compare:
				return fmt.Sprintf("%s %s %s", f, v.Op, v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("cidr(%s, subnet=%q)", f, v.Prefix.String()), nil
			case sigma.Regexp:
				if !re2(v) {
					return "", refuse(m, "a regular expression that looks around or refers back")
				}
				plain := v
				plain.IgnoreCase, plain.DotAll, plain.Multiline = false, false, false
				s := regex(f, plain.Syntax(), v.IgnoreCase, v.DotAll)
				if v.Multiline {
					s += "m"
				}
				return s, nil
			case sigma.FieldRef:
				if v.Start || v.End {
					return "", refuse(m, "a field that holds, starts or ends with another")
				}
				return fmt.Sprintf("test(lower(%s) == lower(%s))", f, name(v.Field)), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		c, err := in.condition(in.native, byChannel("Channel", "EventID", mapping.Keyword, false))
		if err != nil {
			return "", err
		}
		if in.Options.Model {
			l.top = "\n  and "
			l.patterns = func(f string, of []sigma.String) (string, error) {
				return regex(name(f), patternOf(of), true, true), nil
			}
			l.base = func(field string) func([]string) (string, error) {
				return func(names []string) (string, error) { return regex(name(field), baseNames(names), true, false), nil }
			}
		}
		cond, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		b.WriteString(in.about("//"))
		var any []string
		for _, p := range in.Places {
			s := "Channel=" + logscaleText(p.Channel)
			if len(p.EventIDs) > 0 {
				s += ` and in(EventID, values=["` + strings.Join(p.EventIDs, `", "`) + `"])`
			}
			any = append(any, "("+s+")")
		}
		if len(any) > 0 {
			b.WriteString(strings.Join(any, " or ") + "\n| ")
		}
		b.WriteString(cond + "\n")
		if shown := in.shows(in.native); len(shown) > 0 {
			for i, f := range shown {
				shown[i] = name(f)
			}
			b.WriteString("| select([@timestamp, " + strings.Join(shown, ", ") + "])\n")
		}
		return b.String(), nil
	},
})

func logscaleName(f string) string {
	if sumoName().MatchString(strings.TrimPrefix(f, "#")) {
		return f
	}
	return logscaleText(f)
}

func logscaleText(s string) string { return quoted(`"`, s, `\`, `\\`, `"`, `\"`) }

// baseNames is a regular expression for paths that end in one of some names of files.
func baseNames(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	return `\\(?:` + strings.Join(quoted, "|") + `)$`
}

// inRaw is a text as a regular expression that finds it in an event's own text,
// where JSON has escaped its backslashes and quotes and other forms have not.
func inRaw(s sigma.String) string {
	return strings.NewReplacer(`\\\\`, `\\\\+`, `"`, `\\?"`).Replace(anywhere(s))
}
