package convert

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "sumo", Summary: "Sumo Logic search query", Extension: "sumo", Target: "sumo", Comment: "//",
	Limit: Limit{15_000, "a query of Sumo Logic", "move lists of values to a lookup table"}, // language specification A.1
	Rule: func(in *Input) (string, error) {
		c, err := in.condition(in.native, byChannel("Channel", "EventID", mapping.Keyword, true))
		if err != nil {
			return "", err
		}
		cond, err := in.say(sumoLanguage(same), c, alone)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		b.WriteString(in.about("//"))
		b.WriteString(sumoScope(in) + "\n")
		if in.Store == nil || !in.Store.Texts {
			b.WriteString("| json auto\n")
		}
		if src := sumoSource(in); src != "" {
			b.WriteString("| where " + src + "\n")
		}
		b.WriteString("| where " + cond + "\n")
		return b.String(), nil
	},
})

// SumoCondition writes a condition for where, with some fields renamed.
func SumoCondition(c Cond, fields map[string]string) (string, error) {
	in := &Input{Options: Options{Fields: fields}}
	return sumoLanguage(in.field).write(c)
}

// sumoScope is the search expression: where the log source's events are kept.
func sumoScope(in *Input) string {
	if in.Options.Category != "" {
		return "_sourceCategory=" + in.Options.Category
	}
	if in.Store != nil {
		return in.Store.Table
	}
	var terms []string
	for _, p := range in.Places {
		t := "_sourceCategory=" + mapping.Category(p.Channel, p.Provider)
		if len(terms) == 0 || terms[len(terms)-1] != t {
			terms = append(terms, t)
		}
	}
	if len(terms) == 0 {
		return "*"
	}
	return strings.Join(terms, " OR ")
}

// sumoSource is the condition that an event is of the log source.
func sumoSource(in *Input) string {
	var any []string
	for _, p := range in.Places {
		s := fmt.Sprintf("Channel = %s", sumoText(p.Channel))
		switch len(p.EventIDs) {
		case 0:
		case 1:
			s += fmt.Sprintf(" AND EventID = %q", p.EventIDs[0])
		default:
			s += fmt.Sprintf(` AND EventID in ("%s")`, strings.Join(p.EventIDs, `", "`))
		}
		if len(in.Places) > 1 && len(p.EventIDs) > 0 {
			s = "(" + s + ")"
		}
		any = append(any, s)
	}
	return strings.Join(any, " OR ")
}

var sumoName = match.Lazy(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// sumoField writes a field name.
func sumoField(name string) string {
	if sumoName().MatchString(name) {
		return name
	}
	return `%"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
}

// sumoText writes text in quotes.
func sumoText(s string) string {
	return quoted(`"`, s, `\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
}

// sumoRegex writes a regular expression between slashes.
func sumoRegex(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i++
		case p[i] == '/':
			b.WriteString(`\/`)
		default:
			b.WriteByte(p[i])
		}
	}
	return "/" + b.String() + "/"
}

// sumoLanguage writes conditions of where. Text compares by its lower case:
// Sigma ignores letter case, and Sumo does not.
func sumoLanguage(field func(string) string) *language {
	name := func(f string) string { return sumoField(field(f)) }
	l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "!(" + s + ")" }}
	l.apart = func(_ *Match, t string) bool { return sumoApart(t) }
	l.list = func(f string, texts []string) (string, error) {
		for i, t := range texts {
			texts[i] = sumoText(strings.ToLower(t))
		}
		return fmt.Sprintf("toLowerCase(%s) in (%s)", name(f), strings.Join(texts, ", ")), nil
	}
	l.match = func(m *Match) (string, error) {
		if m.Field == "" {
			return sumoKeyword(m)
		}
		f := name(m.Field)
		switch v := m.Value.(type) {
		case sigma.String:
			return sumoString(f, v), nil
		case sigma.Number: // as text, which is equal to nothing but itself: "9 " and 09 are no 9
			return f + " = " + sumoText(v.Text), nil
		case sigma.Bool:
			return fmt.Sprintf(`toLowerCase(%s) = "%v"`, f, bool(v)), nil
		case sigma.Null:
			return "isNull(" + f + ")", nil
		case sigma.Exists:
			if v {
				return "!isNull(" + f + ")", nil
			}
			return "isNull(" + f + ")", nil
		case sigma.Regexp:
			return f + " matches " + sumoRegex(v.Syntax()), nil
		case sigma.Compare:
			return fmt.Sprintf("%s %s %s", f, v.Op, v.Number.Text), nil
		case sigma.CIDR:
			if !v.Prefix.Addr().Is4() { // compareCIDRPrefix knows IPv4 alone
				p, ok := ipv6Pattern(v.Prefix, "(?:%.+)?")
				if !ok {
					return "", refuse(m, ipv6Refused)
				}
				return fmt.Sprintf(`(isValidIPv6(replace(%s, /(?s)%%.+$/, "")) AND %s matches %s)`, f, f, sumoRegex(p)), nil
			}
			return fmt.Sprintf(`(isValidIPv4(%s) AND compareCIDRPrefix("%s", %s, toInt(%d)))`, f, v.Prefix.Addr(), f, v.Prefix.Bits()), nil
		case sigma.FieldRef:
			g := name(v.Field)
			switch {
			case !v.Start && !v.End:
				return fmt.Sprintf("toLowerCase(%s) = toLowerCase(%s)", f, g), nil
			case v.Start && v.End:
				return fmt.Sprintf("contains(toLowerCase(%s), toLowerCase(%s))", f, g), nil
			}
			return "", refuse(m, "a field that starts or ends with another: a * in the other would be a wildcard")
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	return l
}

func sumoString(f string, s sigma.String) string {
	lower := func(t string) string { return t }
	of := f
	if !s.Cased {
		lower, of = strings.ToLower, "toLowerCase("+f+")"
	}
	k, text := shapeOf(s)
	switch {
	case sumoApart(wildcards(s, "*", "?", func(t string) string { return t })):
		return f + " matches " + sumoRegex(flagsOf(s)+pattern(s))
	case k == exact:
		return of + " = " + sumoText(lower(text))
	case k == present:
		return "!isNull(" + f + ")"
	case hasOne(s) || has(s, "*"): // ? is plain in Sumo's patterns, and a plain * cannot be written
		return f + " matches " + sumoRegex(flagsOf(s)+pattern(s))
	}
	return of + " matches " + sumoText(lower(wildcards(s, "*", "", func(t string) string { return t })))
}

// sumoApart reports whether a text is found by a regular expression only: two
// braces would be a parameter of a dashboard.
func sumoApart(text string) bool { return strings.Contains(text, "{{") || oddCase(text) }

// flagsOf are those of the regular expression that stands for a text.
func flagsOf(s sigma.String) string {
	if s.Cased {
		return "(?s)"
	}
	return "(?is)"
}

// sumoKeyword looks for text in the whole message. A JSON message has an escape
// for some characters, which is looked for there: as a whole, so that no
// backslash that belongs to another stands for it.
func sumoKeyword(m *Match) (string, error) {
	s, ok := m.Value.(sigma.String)
	if !ok || hasOne(s) || has(s, "*") {
		return "", refuse(m, "a keyword that is no plain text")
	}
	plain := strings.Trim(wildcards(s, "*", "", func(t string) string { return t }), "*")
	find := "toLowerCase(_raw) matches " + sumoText("*"+strings.ToLower(plain)+"*")
	if !strings.ContainsAny(plain, "\\\"") {
		return find, nil
	}
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var pieces []string
	for _, p := range s.Parts {
		if p.Kind == sigma.Literal {
			pieces = append(pieces, regexp.QuoteMeta(escaped.Replace(p.Text)))
		}
	}
	inJSON := "_raw matches " + sumoRegex(`(?is)(?:^|[^\\])(?:\\\\)*`+strings.Join(pieces, ".*"))
	isJSON := "_raw matches " + sumoRegex(`^\s*\{`)
	return "((" + isJSON + " AND " + inJSON + ") OR (!(" + isJSON + ") AND " + find + "))", nil
}

// unsaid names a value's kind for refusals.
func unsaid(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.TimePart:
		return "the " + v.Unit.String() + " of a time"
	case sigma.Regexp:
		return "a regular expression"
	case sigma.CIDR:
		return "a network"
	case sigma.FieldRef:
		return "a comparison of two fields"
	case sigma.Compare:
		return "a comparison of numbers"
	case sigma.Null:
		return "null"
	case sigma.Exists:
		return "whether a field exists"
	case sigma.Bool:
		return "true and false"
	case sigma.String:
		return "this text"
	}
	return fmt.Sprintf("%T", v)
}
