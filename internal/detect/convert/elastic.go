package convert

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// elastic readies a rule for Elastic's languages: its condition in the fields of
// the Elastic Common Schema.
func (in *Input) elastic(tell func(mapping.LogSource, bool) Cond) (Cond, error) {
	c, err := apart(in.Cond)
	if err == nil && in.Store == nil {
		c, err = each(c, ecsDetails)
	}
	if err != nil {
		return nil, err
	}
	in.Cond = c
	return in.condition(in.ecs, tell)
}

// ecs are the columns of Windows events as Winlogbeat has them.
func (in *Input) ecs(at *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
	if n, ok := in.Options.Fields[field]; ok {
		return mapping.Column{Names: []string{n}}, nil
	}
	if in.Store != nil {
		return in.stored(m, field)
	}
	field = mapping.SigmaField(field)
	if strings.EqualFold(field, "IpAddress") { // the one field is kept beside the other, which is of type ip
		if _, ok := m.Value.(sigma.CIDR); ok {
			return mapping.Column{Names: []string{"source.ip"}, Type: mapping.Address}, nil
		}
	}
	c, ok, why := mapping.ECS(in.Rule.LogSource.Category, field)
	switch {
	case why != "":
		return c, refuse(m, "%s", why)
	case ok:
		return c, nil
	}
	return renamed(in.native, func(f string) string { return "winlog.event_data." + f })(at, m, field)
}

var (
	dwordText = match.Lazy(`(?i)^DWORD \(0x([0-9a-f]{8})\)$`)
	qwordText = match.Lazy(`(?i)^QWORD \(0x([0-9a-f]{8})-0x([0-9a-f]{8})\)$`)
)

// ecsDetails writes the numbers of registry values as Winlogbeat's module for
// Sysmon does: DWORD (0x0000000a) is 10.
func ecsDetails(m *Match) (Cond, error) {
	s, ok := m.Value.(sigma.String)
	if !ok || !strings.EqualFold(m.Field, "Details") {
		return m, nil
	}
	k, text := shapeOf(s)
	if n := dwordText().FindStringSubmatch(text); n != nil && k != wild {
		v, err := strconv.ParseUint(n[1], 16, 32)
		if err != nil {
			return nil, refuse(m, "a number that cannot be read")
		}
		return m.at(m.Field, m.Type, literal(strconv.FormatUint(v, 10))), nil
	}
	if qwordText().MatchString(text) || strings.Contains(strings.ToUpper(literalText(s)), "WORD (0X") || strings.HasPrefix(strings.ToUpper(text), "DWORD") || strings.HasPrefix(strings.ToUpper(text), "QWORD") {
		return nil, refuse(m, "a part of a number in the registry, which Winlogbeat keeps in decimal (registry.data.strings)")
	}
	return m, nil
}

var _ = register(Backend{
	Name: "eql", Summary: "Elastic Event Query Language", Extension: "eql", Target: "ecs", Comment: "//",
	Rule: func(in *Input) (string, error) {
		name := eqlName
		l := &language{and: " and ", or: " or ", not: func(s string) string { return "not (" + s + ")" }}
		l.apart = func(_ *Match, t string) bool { return strings.ContainsAny(t, "*?") }
		l.list = func(f string, texts []string) (string, error) {
			for i, t := range texts {
				texts[i] = eqlText(t)
			}
			return name(f) + " : (" + strings.Join(texts, ", ") + ")", nil
		}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				return "", refuse(m, "a keyword: EQL compares fields")
			}
			f := name(m.Field)
			if m.Type == mapping.Words {
				return "", refuse(m, "%s is of type text, which EQL does not compare: write it in ES|QL, or name a keyword field with --field", m.Field)
			}
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				switch {
				case k == present:
					return f + " != null", nil
				case k == exact && m.Type == mapping.Number && decimal().MatchString(text):
					return f + " == " + text, nil
				case k == exact && m.Type == mapping.Boolean && isBool(text):
					return f + " == " + strings.ToLower(text), nil
				case k == exact && m.Type == mapping.Address && isAddress(text):
					return f + " == " + eqlText(text), nil
				}
				if net, ok := octets(v); ok && m.Type == mapping.Address {
					return fmt.Sprintf("cidrMatch(%s, %q)", f, net), nil
				}
				if m.Type >= mapping.Number { // : compares text
					f = "string(" + f + ")"
				}
				switch {
				case has(v, "*?"):
					re := "regex~"
					if v.Cased {
						re = "regex"
					}
					return fmt.Sprintf("%s %s %s", f, re, eqlText(luceneRegex(v))), nil
				case v.Cased && k == exact:
					return f + " == " + eqlText(wildcards(v, "*", "?", same)), nil
				case v.Cased:
					return f + " like " + eqlText(wildcards(v, "*", "?", same)), nil
				}
				return f + " : " + eqlText(wildcards(v, "*", "?", same)), nil
			case sigma.Number:
				if m.Type == mapping.Number {
					return f + " == " + v.Text, nil
				}
				return fmt.Sprintf("%s : %q", f, v.Text), nil
			case sigma.Bool:
				if m.Type == mapping.Boolean {
					return fmt.Sprintf("%s == %v", f, bool(v)), nil
				}
				return fmt.Sprintf(`%s : "%v"`, f, bool(v)), nil
			case sigma.Null:
				return f + " == null", nil
			case sigma.Exists:
				if v {
					return f + " != null", nil
				}
				return f + " == null", nil
			case sigma.Compare:
				if m.Type != mapping.Number {
					f = "number(" + f + ")"
				}
				return fmt.Sprintf("%s %s %s", f, esqlOps[v.Op], v.Number.Text), nil
			case sigma.CIDR:
				if m.Type != mapping.Address {
					if nets, ok := octetTexts(v.Prefix); ok {
						return fmt.Sprintf("%s like (%s)", f, strings.Join(nets, ", ")), nil
					}
					return "", refuse(m, "a network, where %s is text and no address", m.Field)
				}
				return fmt.Sprintf("cidrMatch(%s, %q)", f, v.Prefix.String()), nil
			case sigma.Regexp:
				plain := v
				plain.IgnoreCase = false // regex~ says so
				p, ok := wholeRegex(plain)
				if !ok {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				if m.Type >= mapping.Number {
					f = "string(" + f + ")"
				}
				if v.IgnoreCase {
					return f + " regex~ " + eqlText(p), nil
				}
				return f + " regex " + eqlText(p), nil
			case sigma.FieldRef:
				g := name(v.Field)
				switch {
				case !v.Start && !v.End: // Elastic, EQL syntax reference, limitations
					return "", refuse(m, "a comparison of two fields")
				case v.Start && v.End:
					return fmt.Sprintf("stringContains~(%s, %s)", f, g), nil
				case v.Start:
					return fmt.Sprintf("startsWith~(%s, %s)", f, g), nil
				}
				return fmt.Sprintf("endsWith~(%s, %s)", f, g), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		class := in.class()
		c, err := in.elastic(byChannel("winlog.channel", "winlog.event_id", mapping.Keyword, false))
		if err != nil {
			return "", err
		}
		if l.base = in.base(l.list); in.Options.Model {
			l.top = " and\n  "
			l.patterns = func(f string, of []sigma.String) (string, error) {
				texts := make([]string, len(of))
				for i, v := range of {
					texts[i] = eqlText(wildcards(v, "*", "?", same))
				}
				return name(f) + " : (" + strings.Join(texts, ", ") + ")", nil
			}
		}
		cond, err := in.say(l, c, inAnd)
		if err != nil {
			return "", err
		}
		if src := eqlSource(in); src != "" {
			cond = src + " and\n  " + cond
		}
		if in.Model != nil {
			class = in.Model.Table
			for _, w := range slices.Backward(in.Model.Where) {
				if w[0] != "event.category" {
					cond = w[0] + " == " + eqlText(w[1]) + " and\n  " + cond
				}
			}
		}
		return in.about("//") + class + " where\n  " + cond + "\n", nil
	},
})

// class is the event category that a query of EQL begins with. Of another product's events
// it is then not asked for once more.
func (in *Input) class() string {
	if in.Options.Model && in.Store != nil {
		for i, w := range in.Store.Where {
			if w[0] == "event.category" && !strings.Contains(w[1], "|") {
				in.Store.Where = slices.Delete(slices.Clone(in.Store.Where), i, i+1)
				return w[1]
			}
		}
	}
	return "any"
}

func same(s string) string { return s }

// eqlName quotes a name with what EQL reads otherwise.
func eqlName(f string) string {
	if strings.ContainsAny(f, " -@") {
		return "`" + f + "`"
	}
	return f
}

func eqlText(s string) string {
	return quoted(`"`, s, `\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
}

func eqlSource(in *Input) string {
	var any []string
	for _, p := range in.Places {
		s := "winlog.channel : " + eqlText(p.Channel)
		switch len(p.EventIDs) {
		case 0:
		case 1:
			s += " and winlog.event_id : " + eqlText(p.EventIDs[0])
		default:
			s += ` and winlog.event_id : ("` + strings.Join(p.EventIDs, `", "`) + `")`
		}
		if len(in.Places) > 1 {
			s = "(" + s + ")"
		}
		any = append(any, s)
	}
	if len(any) > 1 {
		return "(" + strings.Join(any, " or ") + ")"
	}
	return strings.Join(any, "")
}

// luceneRegex writes a text with wildcards as a regular expression of Lucene,
// which always covers the whole value.
func luceneRegex(s sigma.String) string {
	return wildcards(s, ".*", ".", func(t string) string {
		var b strings.Builder
		for _, r := range t {
			if strings.ContainsRune(`.?+*|{}[]()"\#@&<>~`, r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		return b.String()
	})
}

var _ = register(Backend{
	Name: "esql", Summary: "Elastic ES|QL", Extension: "esql", Target: "ecs", Comment: "//",
	Rule: func(in *Input) (string, error) {
		name := esqlName
		l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT COALESCE(" + s + ", false)" }}
		l.list = func(f string, texts []string) (string, error) {
			for i, t := range texts {
				texts[i] = eqlText(strings.ToLower(t))
			}
			return fmt.Sprintf("TO_LOWER(%s) IN (%s)", name(f), strings.Join(texts, ", ")), nil
		}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				return "", refuse(m, "a keyword: ES|QL compares columns")
			}
			f := name(m.Field)
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				switch {
				case k == exact && m.Type == mapping.Number && decimal().MatchString(text):
					return f + " == " + text, nil
				case k == exact && m.Type == mapping.Boolean && isBool(text):
					return f + " == " + strings.ToLower(text), nil
				case k == exact && m.Type == mapping.Address && isAddress(text):
					return f + " == " + eqlText(text), nil
				}
				if net, ok := octets(v); ok && m.Type == mapping.Address {
					return fmt.Sprintf("CIDR_MATCH(%s, %q)", f, net), nil
				}
				if m.Type >= mapping.Number && k != present {
					f = "TO_STRING(" + f + ")"
				}
				of, lower := "TO_LOWER("+f+")", strings.ToLower
				if v.Cased {
					of, lower = f, same
				}
				switch k {
				case exact:
					return of + " == " + eqlText(lower(text)), nil
				case prefixed:
					return fmt.Sprintf("STARTS_WITH(%s, %s)", of, eqlText(lower(text))), nil
				case suffixed:
					return fmt.Sprintf("ENDS_WITH(%s, %s)", of, eqlText(lower(text))), nil
				case present:
					return f + " IS NOT NULL", nil
				}
				// In LIKE a backslash escapes, and in the string it does once more.
				p := wildcards(v, "*", "?", func(t string) string {
					return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(lower(t))
				})
				return of + " LIKE " + eqlText(p), nil
			case sigma.Number:
				if m.Type == mapping.Number {
					return f + " == " + v.Text, nil
				}
				return fmt.Sprintf("%s == %q", f, v.Text), nil
			case sigma.Bool:
				if m.Type == mapping.Boolean {
					return fmt.Sprintf("%s == %v", f, bool(v)), nil
				}
				return fmt.Sprintf(`TO_LOWER(%s) == "%v"`, f, bool(v)), nil
			case sigma.Null:
				return f + " IS NULL", nil
			case sigma.Exists:
				if v {
					return f + " IS NOT NULL", nil
				}
				return f + " IS NULL", nil
			case sigma.Compare:
				if m.Type == mapping.Number {
					return fmt.Sprintf("%s %s %s", f, esqlOps[v.Op], v.Number.Text), nil
				}
				return fmt.Sprintf("TO_DOUBLE(%s) %s %s", f, esqlOps[v.Op], v.Number.Text), nil
			case sigma.CIDR:
				if m.Type != mapping.Address {
					f = "TO_IP(" + f + ")"
				}
				return fmt.Sprintf("CIDR_MATCH(%s, %q)", f, v.Prefix.String()), nil
			case sigma.Regexp:
				p, ok := wholeRegex(v)
				if !ok {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				if m.Type >= mapping.Number {
					f = "TO_STRING(" + f + ")"
				}
				return f + " RLIKE " + eqlText(p), nil
			case sigma.FieldRef:
				g := name(v.Field)
				switch {
				case !v.Start && !v.End:
					return fmt.Sprintf("TO_LOWER(%s) == TO_LOWER(%s)", f, g), nil
				case v.Start && v.End:
					return fmt.Sprintf("LOCATE(TO_LOWER(%s), TO_LOWER(%s)) > 0", f, g), nil
				case v.Start:
					return fmt.Sprintf("STARTS_WITH(TO_LOWER(%s), TO_LOWER(%s))", f, g), nil
				}
				return fmt.Sprintf("ENDS_WITH(TO_LOWER(%s), TO_LOWER(%s))", f, g), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		c, err := in.elastic(byChannel("winlog.channel", "winlog.event_id", mapping.Keyword, true))
		if err != nil {
			return "", err
		}
		if l.base = in.base(l.list); in.Options.Model {
			l.top = "\n    AND "
		}
		cond, err := in.say(l, c, alone)
		if err != nil {
			return "", err
		}
		index := in.Options.Index
		switch {
		case index != "":
		case in.Store != nil:
			index = in.Store.Table
		default:
			index = "logs-*,winlogbeat-*"
		}
		shown := in.shows(in.ecs)
		out := in.about("//") + "FROM " + index
		if len(shown) > 0 { // a rule tells alerts apart by them
			out += " METADATA _id, _index, _version"
		}
		out += "\n"
		if in.Model != nil {
			var is []string
			for _, w := range in.Model.Where {
				is = append(is, w[0]+" == "+eqlText(w[1]))
			}
			out += "| WHERE " + strings.Join(is, " AND ") + "\n"
		} else if src := esqlSource(in); src != "" {
			out += "| WHERE " + src + "\n"
		}
		out += "| WHERE " + cond + "\n"
		if len(shown) > 0 {
			if in.Model == nil {
				shown = append(append([]string{"@timestamp", "host.name"}, shown...), "_id", "_index", "_version")
			}
			for i, f := range shown {
				if f != "@timestamp" {
					shown[i] = name(f)
				}
			}
			out += "| KEEP " + strings.Join(shown, ", ") + "\n"
		}
		return out, nil
	},
})

// esqlOps are the comparisons of numbers, in ES|QL and EQL alike.
var esqlOps = map[sigma.Op]string{sigma.Lt: "<", sigma.Le: "<=", sigma.Gt: ">", sigma.Ge: ">=", sigma.Eq: "==", sigma.Ne: "!="}

func esqlName(f string) string {
	if strings.ContainsAny(f, " -@") {
		return "`" + f + "`"
	}
	return f
}

func esqlSource(in *Input) string {
	var any []string
	for _, p := range in.Places {
		s := "winlog.channel == " + eqlText(p.Channel)
		if len(p.EventIDs) > 0 {
			s += ` AND winlog.event_id IN ("` + strings.Join(p.EventIDs, `", "`) + `")`
		}
		if len(in.Places) > 1 {
			s = "(" + s + ")"
		}
		any = append(any, s)
	}
	return strings.Join(any, " OR ")
}

var _ = register(Backend{
	Name: "lucene", Summary: "Elastic and OpenSearch query string (Lucene)", Extension: "lucene", Target: "ecs",
	Rule: func(in *Input) (string, error) {
		name := func(f string) string { return strings.ReplaceAll(f, " ", `\ `) }
		l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }, notAlone: true}
		l.match = func(m *Match) (string, error) {
			f := ""
			if m.Field != "" {
				f = name(m.Field) + ":"
			}
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				if m.Field == "" { // anywhere in a field
					return "*" + strings.Trim(wildcards(v, "*", "?", luceneEscape), "*") + "*", nil
				}
				if k == present {
					return "_exists_:" + strings.TrimSuffix(f, ":"), nil
				}
				if m.Type == mapping.Small && !v.Cased {
					v, text = inSmall(v), strings.ToLower(text)
				}
				switch m.Type {
				case mapping.Words:
					if k != contained || v.Cased || !inWord(m.Field).MatchString(text) {
						near, ok := in.phrase(m, k, v, text)
						if !ok {
							return "", refuse(m, "%s is of type text, of which only parts of words are found", m.Field)
						}
						return f + near, nil
					}
					v = inSmall(v) // as the words are kept
				case mapping.Number, mapping.Address, mapping.Boolean:
					net, ok := octets(v)
					switch {
					case ok && m.Type == mapping.Address:
						return f + `"` + net + `"`, nil
					case k == exact && (m.Type == mapping.Number && decimal().MatchString(text) || m.Type == mapping.Boolean && isBool(text)):
					case k == exact && m.Type == mapping.Address && isAddress(text):
						return f + `"` + text + `"`, nil
					default:
						return "", refuse(m, "a part of a text, where %s is none", m.Field)
					}
				}
				if k == exact && text == "" {
					return f + `""`, nil
				}
				return f + wildcards(v, "*", "?", luceneEscape), nil
			case sigma.Number:
				if m.Field == "" {
					return "*" + luceneEscape(v.Text) + "*", nil
				}
				return f + luceneEscape(v.Text), nil
			case sigma.Bool:
				return fmt.Sprintf("%s%v", f, bool(v)), nil
			case sigma.Exists:
				return "_exists_:" + strings.TrimSuffix(f, ":"), nil
			case sigma.Compare:
				if v.Op == sigma.Eq || v.Op == sigma.Ne {
					return "", refuse(m, "%s", unsaid(v))
				}
				if m.Type != mapping.Number {
					return "", refuse(m, "a comparison of numbers, where %s is text", m.Field)
				}
				return f + v.Op.String() + v.Number.Text, nil
			case sigma.CIDR:
				if m.Type != mapping.Address {
					if nets, ok := octetTexts(v.Prefix); ok {
						for i, n := range nets {
							nets[i] = strings.Trim(n, `"`)
						}
						return f + "(" + strings.Join(nets, " OR ") + ")", nil
					}
					return "", refuse(m, "a network, where %s is text and no address", m.Field)
				}
				return f + `"` + v.Prefix.String() + `"`, nil
			case sigma.Regexp:
				p, ok := wholeRegex(v)
				if !ok {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				return f + "/" + strings.ReplaceAll(p, "/", `\/`) + "/", nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		c, err := in.elastic(byChannel("winlog.channel", "winlog.event_id", mapping.Keyword, false))
		if err != nil {
			return "", err
		}
		l.base = in.base(func(f string, names []string) (string, error) {
			for i, n := range names {
				names[i] = luceneEscape(n)
			}
			return name(f) + ":(" + strings.Join(names, " OR ") + ")", nil
		})
		if in.Options.Model {
			l.patterns = func(f string, of []sigma.String) (string, error) {
				texts := make([]string, len(of))
				for i, v := range of {
					texts[i] = wildcards(v, "*", "?", luceneEscape)
				}
				return name(f) + ":(" + strings.Join(texts, " OR ") + ")", nil
			}
		}
		cond, err := in.say(l, positive(c), inAnd)
		if err != nil {
			return "", err
		}
		if in.Model != nil {
			for _, w := range slices.Backward(in.Model.Where) {
				cond = name(w[0]) + ":" + luceneEscape(w[1]) + " AND " + cond
			}
		}
		var any []string
		for _, p := range in.Places {
			s := "winlog.channel:" + luceneEscape(p.Channel)
			if len(p.EventIDs) > 0 {
				s += " AND winlog.event_id:(" + strings.Join(p.EventIDs, " OR ") + ")"
			}
			any = append(any, "("+s+")")
		}
		if len(any) > 0 {
			cond = "(" + strings.Join(any, " OR ") + ") AND " + cond
		}
		return cond + "\n", nil
	},
})

var (
	decimal = match.Lazy(`^-?[0-9]+$`)
	oneWord = match.Lazy(`^[\pL\pN]+$`)
	ofShell = match.Lazy(`^[A-Za-z0-9_-]+$`)
)

// phrase is a text of several words as a phrase, which finds the words whole, in this
// order and side by side, whatever signs stand between them: nearly the text. ok is
// false where only the text itself will do.
func (in *Input) phrase(m *Match, k shape, v sigma.String, text string) (string, bool) {
	if in.Options.Near == nil || k != contained || v.Cased || !strings.ContainsFunc(text, func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return "", false
	}
	in.Options.Near(refuse(m, "%s is of type text: the words of %q are found side by side and whole, whatever stands between them", m.Field, text).(*Refusal))
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`, true
}

// inWord matches what lies within a word of a field of type text, so that a pattern
// for words finds it wherever the text has it. Scripts of PowerShell are cut by an
// analyzer of their own, which keeps Invoke-Expression and $my_name whole: its words
// end at [\W&&[^-]]+. Source: Winlogbeat's index template, winlogbeat_powershell_script_analyzer.
func inWord(field string) *regexp.Regexp {
	if field == "powershell.file.script_block_text" {
		return ofShell()
	}
	return oneWord()
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// octets reads the beginning of IPv4 addresses, up to a dot, as a network.
func octets(s sigma.String) (network string, ok bool) {
	k, text := shapeOf(s)
	if k != prefixed || !strings.HasSuffix(text, ".") || strings.Count(text, ".") > 3 {
		return "", false
	}
	n := strings.Count(text, ".")
	p, err := netip.ParsePrefix(text[:len(text)-1] + strings.Repeat(".0", 4-n) + "/" + strconv.Itoa(8*n))
	return p.String(), err == nil
}

// octetTexts are the beginnings of an IPv4 network's addresses, quoted and with a
// star, where they are few.
func octetTexts(p netip.Prefix) (texts []string, ok bool) {
	if !p.Addr().Is4() || p.Bits() == 0 {
		return nil, false
	}
	a, whole := p.Masked().Addr().As4(), (p.Bits()+7)/8
	for i := range 1 << (8*whole - p.Bits()) {
		b := a
		b[whole-1] += byte(i)
		var parts []string
		for _, o := range b[:whole] {
			parts = append(parts, strconv.Itoa(int(o)))
		}
		text := strings.Join(parts, ".")
		if whole < 4 {
			text += ".*"
		}
		texts = append(texts, `"`+text+`"`)
	}
	return texts, true
}

// inSmall is a text in small letters.
func inSmall(s sigma.String) sigma.String {
	parts := slices.Clone(s.Parts)
	for i := range parts {
		if parts[i].Kind == sigma.Literal {
			parts[i].Text = strings.ToLower(parts[i].Text)
		}
	}
	return sigma.String{Parts: parts, Cased: s.Cased}
}

// luceneEscape makes text plain for the query string.
func luceneEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`+-=&|><!(){}[]^"~*?:\/ `, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
