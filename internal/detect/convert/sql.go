package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "duckdb", Summary: "DuckDB SQL over a table of flat events", Extension: "sql", Target: "table", Comment: "--",
	Rule: func(in *Input) (string, error) {
		return sqlRule(in, &sqlDialect{
			text: sqlText,
			name: func(f string) string { return `"` + strings.ReplaceAll(f, `"`, `""`) + `"` },
			like: func(f, p string) string { return fmt.Sprintf("%s ILIKE %s ESCAPE '!'", f, sqlText(p)) },
			escape: func(t string) string {
				return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(t)
			},
			regex: func(f, p string) string { return fmt.Sprintf("regexp_matches(%s, %s)", f, sqlText(p)) },
			float: func(f string) string { return "TRY_CAST(" + f + " AS DOUBLE)" },
			cidr: func(f, net string) string {
				return fmt.Sprintf("TRY_CAST(%s AS INET) <<= %s::INET", f, sqlText(net))
			},
			truth: func(s string) string { return "coalesce(" + s + ", false)" },
		})
	},
})

var _ = register(Backend{
	Name: "clickhouse", Summary: "ClickHouse SQL over a table of flat events", Extension: "sql", Target: "table", Comment: "--",
	Rule: func(in *Input) (string, error) {
		text := func(s string) string { return quoted("'", s, `\`, `\\`, "'", `\'`) }
		return sqlRule(in, &sqlDialect{
			text: text,
			name: func(f string) string { return "`" + strings.ReplaceAll(f, "`", "\\`") + "`" },
			like: func(f, p string) string { return fmt.Sprintf("ilike(%s, %s)", f, text(p)) },
			escape: func(t string) string {
				return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(t)
			},
			regex: func(f, p string) string { return fmt.Sprintf("match(%s, %s)", f, text(p)) },
			float: func(f string) string { return "toFloat64OrNull(toString(" + f + "))" },
			cidr:  func(f, net string) string { return fmt.Sprintf("isIPAddressInRange(toString(%s), %s)", f, text(net)) },
			truth: func(s string) string { return "ifNull(" + s + ", false)" },
		})
	},
})

// sqlDialect is what two databases write differently.
type sqlDialect struct {
	text, name func(string) string
	like       func(field, pattern string) string // letter case aside
	escape     func(string) string                // of plain text in like's pattern
	regex      func(field, pattern string) string // RE2, found anywhere
	float      func(string) string
	cidr       func(field, network string) string
	truth      func(string) string // null as false, so that NOT finds rows without the field
}

func sqlRule(in *Input, d *sqlDialect) (string, error) {
	name := d.name
	l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }}
	l.list = func(f string, texts []string) (string, error) {
		for i, t := range texts {
			texts[i] = d.text(strings.ToLower(t))
		}
		return d.truth(fmt.Sprintf("lower(%s) IN (%s)", name(f), strings.Join(texts, ", "))), nil
	}
	l.match = func(m *Match) (string, error) {
		if m.Field == "" {
			return "", refuse(m, "a keyword: a table has columns, no whole event")
		}
		f := name(m.Field)
		switch v := m.Value.(type) {
		case sigma.String:
			k, text := shapeOf(v)
			switch {
			case k == present:
				return f + " IS NOT NULL", nil
			case k == exact && v.Cased:
				return d.truth(f + " = " + d.text(text)), nil
			case k == exact:
				return d.truth("lower(" + f + ") = " + d.text(strings.ToLower(text))), nil
			case v.Cased:
				return d.truth(d.regex(f, "(?s)"+pattern(v))), nil
			}
			return d.truth(d.like(f, wildcards(v, "%", "_", d.escape))), nil
		case sigma.Number: // as text, which is equal to nothing but itself
			return d.truth(f + " = " + d.text(v.Text)), nil
		case sigma.Bool:
			return d.truth(fmt.Sprintf("lower(%s) = %s", f, d.text(fmt.Sprint(bool(v))))), nil
		case sigma.Null:
			return f + " IS NULL", nil
		case sigma.Exists:
			if v {
				return f + " IS NOT NULL", nil
			}
			return f + " IS NULL", nil
		case sigma.Compare:
			return d.truth(fmt.Sprintf("%s %s %s", d.float(f), v.Op, v.Number.Text)), nil
		case sigma.CIDR:
			return d.truth(d.cidr(f, v.Prefix.String())), nil
		case sigma.Regexp:
			if !re2(v) {
				return "", refuse(m, "a regular expression that looks around or refers back")
			}
			return d.truth(d.regex(f, v.Syntax())), nil
		case sigma.FieldRef:
			g := name(v.Field)
			switch {
			case !v.Start && !v.End:
				return d.truth(fmt.Sprintf("lower(%s) = lower(%s)", f, g)), nil
			case v.Start && v.End:
				return d.truth(fmt.Sprintf("position(lower(%s) IN lower(%s)) > 0", g, f)), nil
			case v.Start:
				return d.truth(fmt.Sprintf("lower(substring(%s, 1, length(%s))) = lower(%s)", f, g, g)), nil
			}
			return d.truth(fmt.Sprintf("lower(right(%s, length(%s))) = lower(%s)", f, g, g)), nil
		}
		return "", refuse(m, "%s", unsaid(m.Value))
	}
	c, err := in.condition(in.native, byChannel("Channel", "EventID", mapping.Keyword, false))
	if err != nil {
		return "", err
	}
	cond, err := in.say(l, c, inAnd)
	if err != nil {
		return "", err
	}
	table := in.Options.Index
	switch {
	case table != "":
	case in.Store != nil:
		table = in.Store.Table
	default:
		table = "events"
	}
	var any []string
	for _, p := range in.Places {
		s := d.truth("lower(" + d.name("Channel") + ") = " + d.text(strings.ToLower(p.Channel)))
		if len(p.EventIDs) > 0 {
			var ids []string
			for _, id := range p.EventIDs {
				ids = append(ids, d.text(id))
			}
			s += " AND " + d.truth(d.name("EventID")+" IN ("+strings.Join(ids, ", ")+")")
		}
		any = append(any, "("+s+")")
	}
	out := in.about("--") + "SELECT *\nFROM " + table + "\nWHERE "
	if len(any) > 0 {
		out += "(" + strings.Join(any, " OR ") + ")\n  AND "
	}
	return out + cond + ";\n", nil
}
