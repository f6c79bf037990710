package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

// ecs are the names that Elastic's Windows integrations give Sysmon's fields;
// what they do not name keeps its own under winlog.event_data.
// Source: the Elastic Common Schema and the winlogbeat modules.
var ecs = map[string]string{
	"eventid": "winlog.event_id", "channel": "winlog.channel", "provider": "winlog.provider_name", "computer": "winlog.computer_name",
	"image": "process.executable", "commandline": "process.command_line", "processid": "process.pid", "currentdirectory": "process.working_directory",
	"parentimage": "process.parent.executable", "parentcommandline": "process.parent.command_line", "parentprocessid": "process.parent.pid",
	"originalfilename": "process.pe.original_file_name", "company": "process.pe.company", "product": "process.pe.product", "description": "process.pe.description", "fileversion": "process.pe.file_version",
	"user": "user.name", "targetfilename": "file.path", "imageloaded": "dll.path", "targetobject": "registry.path", "details": "registry.data.strings",
	"sourceip": "source.ip", "sourceport": "source.port", "destinationip": "destination.ip", "destinationport": "destination.port",
	"destinationhostname": "destination.domain", "queryname": "dns.question.name", "pipename": "file.name",
	"md5": "process.hash.md5", "sha1": "process.hash.sha1", "sha256": "process.hash.sha256", "imphash": "process.pe.imphash",
	"scriptblocktext": "powershell.file.script_block_text",
}

func ecsField(in *Input, f string) string {
	f = in.field(f)
	if n, ok := ecs[strings.ToLower(f)]; ok {
		return n
	}
	return "winlog.event_data." + f
}

var _ = register(Backend{
	Name: "eql", Summary: "Elastic Event Query Language", Extension: "eql", Comment: "//",
	Rule: func(in *Input) (string, error) {
		name := func(f string) string { return eqlName(ecsField(in, f)) }
		l := &language{and: " and ", or: " or ", not: func(s string) string { return "not (" + s + ")" }}
		l.list = func(f string, texts []string) (string, error) {
			for i, t := range texts {
				if strings.ContainsAny(t, "*?") {
					return "", fmt.Errorf("a plain wildcard cannot be written")
				}
				texts[i] = eqlText(t)
			}
			return name(f) + " : (" + strings.Join(texts, ", ") + ")", nil
		}
		l.match = func(m *Match) (string, error) {
			if m.Field == "" {
				return "", refuse(m, "a keyword: EQL compares fields")
			}
			f := name(m.Field)
			switch v := m.Value.(type) {
			case sigma.String:
				k, _ := shapeOf(v)
				switch {
				case k == present:
					return f + " != null", nil
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
				return f + " == " + v.Text, nil
			case sigma.Bool:
				return fmt.Sprintf(`%s : "%v"`, f, bool(v)), nil
			case sigma.Null:
				return f + " == null", nil
			case sigma.Exists:
				if v {
					return f + " != null", nil
				}
				return f + " == null", nil
			case sigma.Compare:
				return fmt.Sprintf("%s %s %s", f, map[sigma.Op]string{sigma.Lt: "<", sigma.Le: "<=", sigma.Gt: ">", sigma.Ge: ">=", sigma.Eq: "==", sigma.Ne: "!="}[v.Op], v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("cidrMatch(%s, %q)", f, v.Prefix.String()), nil
			case sigma.Regexp:
				p, ok := wholeRegex(v)
				if !ok {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				if v.IgnoreCase {
					return f + " regex~ " + eqlText(p), nil
				}
				return f + " regex " + eqlText(p), nil
			case sigma.FieldRef:
				g := name(v.Field)
				switch {
				case !v.Start && !v.End:
					return f + " : " + g, nil
				case v.Start && v.End:
					return fmt.Sprintf("stringContains~(%s, %s)", f, g), nil
				case v.Start:
					return fmt.Sprintf("startsWith~(%s, %s)", f, g), nil
				}
				return fmt.Sprintf("endsWith~(%s, %s)", f, g), nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		cond, err := l.at(in.Cond, inAnd)
		if err != nil {
			return "", err
		}
		if src := eqlSource(in); src != "" {
			cond = src + " and\n  " + cond
		}
		return in.about("//") + "any where\n  " + cond + "\n", nil
	},
})

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

// wholeRegex turns a regular expression that is found anywhere into one of
// Lucene that covers the whole value. ok is false for what Lucene lacks:
// classes such as \d, word bounds, anchors inside, lookaround, lazy quantifiers.
func wholeRegex(r sigma.Regexp) (string, bool) {
	p := r.Pattern
	if r.Multiline || r.DotAll || r.Start != r.End {
		return "", false
	}
	before, behind := ".*", ".*"
	if strings.HasPrefix(p, "^") {
		p, before = p[1:], ""
	}
	if strings.HasSuffix(p, "$") && !strings.HasSuffix(p, `\$`) {
		p, behind = p[:len(p)-1], ""
	}
	class := false
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '\\':
			if i+1 == len(p) {
				return "", false
			}
			i++
			n := p[i]
			sets := map[byte]string{'d': "0-9", 'w': "a-zA-Z0-9_", 's': ` \t\r\n`}
			switch {
			case sets[n] != "" && n != 's':
				if class {
					b.WriteString(sets[n])
				} else {
					b.WriteString("[" + sets[n] + "]")
				}
			case n == 's':
				if class {
					b.WriteByte(' ')
				} else {
					b.WriteString("[ \t]")
				}
			case n >= 'a' && n <= 'z' || n >= 'A' && n <= 'Z' || n >= '0' && n <= '9':
				return "", false
			default:
				b.WriteString(`\` + string(n))
			}
		case '[':
			class = true
			b.WriteByte(c)
		case ']':
			class = false
			b.WriteByte(c)
		case '^', '$':
			if !class || c == '$' && !class {
				return "", false
			}
			b.WriteByte(c)
		case '(':
			if strings.HasPrefix(p[i:], "(?:") {
				b.WriteByte('(')
				i += 2
				continue
			}
			if strings.HasPrefix(p[i:], "(?") {
				return "", false
			}
			b.WriteByte(c)
		case '?':
			if i > 0 && strings.IndexByte("*+?}", p[i-1]) >= 0 && (i < 2 || p[i-2] != '\\') && !class {
				return "", false // lazy
			}
			b.WriteByte(c)
		case '"', '#', '@', '&', '<', '>', '~':
			if !class {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	body := b.String()
	if strings.Contains(body, "|") {
		body = "(" + body + ")"
	}
	return before + body + behind, true
}

var _ = register(Backend{
	Name: "esql", Summary: "Elastic ES|QL", Extension: "esql", Comment: "//",
	Rule: func(in *Input) (string, error) {
		name := func(f string) string { return esqlName(ecsField(in, f)) }
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
				of, lower := "TO_LOWER("+f+")", strings.ToLower
				if v.Cased {
					of, lower = f, same
				}
				k, text := shapeOf(v)
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
				return fmt.Sprintf("TO_STRING(%s) == %q", f, v.Text), nil
			case sigma.Bool:
				return fmt.Sprintf(`TO_LOWER(TO_STRING(%s)) == "%v"`, f, bool(v)), nil
			case sigma.Null:
				return f + " IS NULL", nil
			case sigma.Exists:
				if v {
					return f + " IS NOT NULL", nil
				}
				return f + " IS NULL", nil
			case sigma.Compare:
				return fmt.Sprintf("TO_DOUBLE(%s) %s %s", f, v.Op, v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("CIDR_MATCH(%s, %q)", f, v.Prefix.String()), nil
			case sigma.Regexp:
				p, ok := wholeRegex(v)
				if !ok || v.IgnoreCase && strings.ToLower(p) != p {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				if v.IgnoreCase {
					f = "TO_LOWER(" + f + ")"
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
		cond, err := l.write(in.Cond)
		if err != nil {
			return "", err
		}
		index := in.Options.Index
		if index == "" {
			index = "logs-*,winlogbeat-*"
		}
		out := in.about("//") + "FROM " + index + "\n"
		if src := esqlSource(in); src != "" {
			out += "| WHERE " + src + "\n"
		}
		return out + "| WHERE " + cond + "\n", nil
	},
})

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
	Name: "lucene", Summary: "Elastic and OpenSearch query string (Lucene)", Extension: "lucene",
	Rule: func(in *Input) (string, error) {
		name := func(f string) string { return strings.ReplaceAll(ecsField(in, f), " ", `\ `) }
		l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }, notAlone: true}
		l.match = func(m *Match) (string, error) {
			f := ""
			if m.Field != "" {
				f = name(m.Field) + ":"
			}
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				switch {
				case k == present && m.Field != "":
					return "_exists_:" + strings.TrimSuffix(f, ":"), nil
				case k == exact && text == "":
					return f + `""`, nil
				}
				return f + wildcards(v, "*", "?", luceneEscape), nil
			case sigma.Number:
				return f + luceneEscape(v.Text), nil
			case sigma.Bool:
				return fmt.Sprintf("%s%v", f, bool(v)), nil
			case sigma.Exists:
				return "_exists_:" + strings.TrimSuffix(f, ":"), nil
			case sigma.Compare:
				if v.Op == sigma.Eq || v.Op == sigma.Ne {
					return "", refuse(m, "%s", unsaid(v))
				}
				return f + v.Op.String() + v.Number.Text, nil
			case sigma.CIDR:
				return f + `"` + v.Prefix.String() + `"`, nil
			case sigma.Regexp:
				p, ok := wholeRegex(v)
				if !ok || v.IgnoreCase {
					return "", refuse(m, "a regular expression that Lucene's syntax does not have")
				}
				return f + "/" + strings.ReplaceAll(p, "/", `\/`) + "/", nil
			}
			return "", refuse(m, "%s", unsaid(m.Value))
		}
		cond, err := l.at(positive(in.Cond), inAnd)
		if err != nil {
			return "", err
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
