package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "splunk", Summary: "Splunk search (SPL)", Extension: "spl", Target: "splunk",
	Rule: func(in *Input) (string, error) {
		if in.Model != nil {
			return in.cim()
		}
		names := renamed(in.native, splunkField)
		c, err := in.condition(names, func(p mapping.LogSource, ids bool) Cond {
			is := []Cond{&Match{Field: "source", Value: sigma.String{Parts: []sigma.Part{{Kind: sigma.AnyRun}, {Kind: sigma.Literal, Text: "WinEventLog:" + p.Channel}}}}}
			if ids {
				var any []Cond
				for _, n := range p.EventIDs {
					any = append(any, &Match{Field: "EventCode", Value: sigma.Number{Text: n}})
				}
				is = append(is, or(any))
			}
			return and(is)
		})
		if err != nil {
			return "", err
		}
		table := "\n"
		if shown := in.shows(names); len(shown) > 0 {
			table = "\n| table " + strings.Join(append([]string{"_time", "host", "source", "EventCode"}, shown...), " ") + "\n"
		}
		search, err := in.say(splunkSearch(), positive(c), inAnd)
		if err == nil {
			return splunkSource(in) + " " + search + table, nil
		}
		// What the search command cannot say, where can: regular expressions,
		// networks, single-character wildcards.
		l := splunkWhere()
		if in.Options.Model {
			l.top = "\n    AND "
			l.patterns = splunkPatterns
		}
		where, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		return splunkSource(in) + "\n| where " + where + table, nil
	},
})

func splunkSource(in *Input) string {
	var any []string
	for _, p := range in.Places {
		s := "source=" + splunkText("*WinEventLog:"+p.Channel)
		switch len(p.EventIDs) {
		case 0:
		case 1:
			s += " EventCode=" + p.EventIDs[0]
		default:
			s += " EventCode IN (" + strings.Join(p.EventIDs, ", ") + ")"
		}
		any = append(any, s)
	}
	index := in.Options.Index
	if index == "" {
		index = "*"
	}
	out := "index=" + index
	switch len(any) {
	case 0:
		return out
	case 1:
		return out + " " + any[0]
	}
	return out + " ((" + strings.Join(any, ") OR (") + "))"
}

// splunkText quotes text for the search command.
func splunkText(s string) string { return quoted(`"`, s, `\`, `\\`, `"`, `\"`) }

// splunkField writes a field's name; EventID is EventCode there.
func splunkField(f string) string {
	if strings.EqualFold(f, "EventID") {
		f = "EventCode"
	}
	if strings.ContainsAny(f, " -.") {
		return `"` + f + `"`
	}
	return f
}

// splunkSearch writes terms of the search command, which ignores letter case.
func splunkSearch() *language {
	l := &language{and: " ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }}
	l.list = func(f string, texts []string) (string, error) {
		for i, t := range texts {
			if strings.Contains(t, "*") {
				return "", fmt.Errorf("a plain * cannot be written")
			}
			texts[i] = splunkText(t)
		}
		return fmt.Sprintf("%s IN (%s)", f, strings.Join(texts, ", ")), nil
	}
	l.match = func(m *Match) (string, error) {
		f := ""
		if m.Field != "" {
			f = m.Field + "="
		}
		switch v := m.Value.(type) {
		case sigma.String:
			if v.Cased || hasOne(v) || has(v, "*") {
				return "", refuse(m, "%s", unsaid(v))
			}
			text := wildcards(v, "*", "", same)
			if m.Field == "" { // anywhere: a term alone is a whole word
				text = "*" + strings.Trim(text, "*") + "*"
			}
			return f + splunkText(text), nil
		case sigma.Number:
			if m.Field == "" {
				return splunkText("*" + v.Text + "*"), nil
			}
			return f + v.Text, nil
		case sigma.Bool:
			return fmt.Sprintf(`%s"%v"`, f, bool(v)), nil
		case sigma.Exists:
			return f + "*", nil
		case sigma.Compare:
			return m.Field + v.Op.String() + v.Number.Text, nil
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}

// splunkEval is a field's name in an expression of eval, where one with signs in it stands
// between other quotes.
func splunkEval(f string) string {
	if strings.HasPrefix(f, `"`) {
		return "'" + strings.Trim(f, `"`) + "'"
	}
	return f
}

// splunkPatterns writes patterns of one field as one.
func splunkPatterns(field string, of []sigma.String) (string, error) {
	return "match(" + splunkEval(field) + ", " + splunkText("(?is)"+patternOf(of)) + ")", nil
}

// splunkWhere writes an expression of eval.
func splunkWhere() *language {
	name := splunkEval
	match := func(f, re string) string { return fmt.Sprintf("match(%s, %s)", f, splunkText(re)) }
	l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT coalesce(" + s + ", false())" }}
	l.match = func(m *Match) (string, error) {
		f := "_raw"
		if m.Field != "" {
			f = name(m.Field)
		}
		switch v := m.Value.(type) {
		case sigma.String:
			if k, _ := shapeOf(v); k == present && m.Field != "" {
				return "isnotnull(" + f + ")", nil
			}
			p := pattern(v)
			if m.Field == "" {
				p = anywhere(v)
			}
			if v.Cased {
				return match(f, "(?s)"+p), nil
			}
			return match(f, "(?is)"+p), nil
		case sigma.Number:
			return f + "=" + v.Text, nil
		case sigma.Bool:
			return fmt.Sprintf(`lower(%s)="%v"`, f, bool(v)), nil
		case sigma.Null:
			return "isnull(" + f + ")", nil
		case sigma.Exists:
			if v {
				return "isnotnull(" + f + ")", nil
			}
			return "isnull(" + f + ")", nil
		case sigma.Regexp: // PCRE
			return match(f, v.Syntax()), nil
		case sigma.Compare:
			return f + v.Op.String() + v.Number.Text, nil
		case sigma.CIDR:
			return fmt.Sprintf("cidrmatch(%q, %s)", v.Prefix.String(), f), nil
		case sigma.FieldRef:
			g := name(v.Field)
			switch {
			case !v.Start && !v.End:
				return fmt.Sprintf("lower(%s)=lower(%s)", f, g), nil
			case v.Start && v.End:
				return fmt.Sprintf("like(lower(%s), \"%%\".lower(%s).\"%%\")", f, g), nil
			case v.Start:
				return fmt.Sprintf("substr(lower(%s), 1, len(%s))=lower(%s)", f, g, g), nil
			}
			return fmt.Sprintf("substr(lower(%s), -len(%s))=lower(%s)", f, g, g), nil
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}
