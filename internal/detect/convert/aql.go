package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Backend{
	Name: "qradar", Summary: "IBM QRadar Ariel query (AQL)", Extension: "aql", Target: "qradar", Comment: "--",
	Rule: func(in *Input) (string, error) {
		name := aqlName
		l := &language{and: " AND ", or: " OR ", not: func(s string) string { return "NOT (" + s + ")" }}
		l.match = func(m *Match) (string, error) {
			f := "UTF8(payload)"
			if m.Field != "" {
				f = name(m.Field)
			}
			switch v := m.Value.(type) {
			case sigma.String:
				k, text := shapeOf(v)
				if m.Field == "" && k == exact {
					k = contained
				}
				if k == present {
					return f + " IS NOT NULL", nil
				}
				// LIKE has no way to write a plain % or _.
				if k == wild || strings.ContainsAny(text, "%_") || v.Cased && k != exact {
					op := " IMATCHES "
					if v.Cased {
						op = " MATCHES "
					}
					return f + op + sqlText("(?s)"+whole(pattern(v))), nil
				}
				switch {
				case k == exact && v.Cased:
					return f + " = " + sqlText(text), nil
				case k == exact:
					return f + " ILIKE " + sqlText(text), nil
				case k == prefixed:
					return f + " ILIKE " + sqlText(text+"%"), nil
				case k == suffixed:
					return f + " ILIKE " + sqlText("%"+text), nil
				}
				return f + " ILIKE " + sqlText("%"+text+"%"), nil
			case sigma.Number:
				return f + " = " + sqlText(v.Text), nil
			case sigma.Bool:
				return fmt.Sprintf("%s ILIKE '%v'", f, bool(v)), nil
			case sigma.Null:
				return f + " IS NULL", nil
			case sigma.Exists:
				if v {
					return f + " IS NOT NULL", nil
				}
				return f + " IS NULL", nil
			case sigma.Compare:
				return fmt.Sprintf("DOUBLE(%s) %s %s", f, v.Op, v.Number.Text), nil
			case sigma.CIDR:
				return fmt.Sprintf("INCIDR(%s, %s)", sqlText(v.Prefix.String()), f), nil
			case sigma.Regexp: // Java's, over the whole value
				return f + " MATCHES " + sqlText(whole(v.Syntax())), nil
			case sigma.FieldRef:
				if v.Start || v.End {
					return "", refuse(m, "a field that holds, starts or ends with another")
				}
				return fmt.Sprintf("LOWER(%s) = LOWER(%s)", f, name(v.Field)), nil
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
		where := "LOGSOURCETYPENAME(devicetype) = 'Microsoft Windows Security Event Log'"
		var any []string
		for _, p := range in.Places {
			s := `"Channel" ILIKE ` + sqlText(p.Channel)
			if len(p.EventIDs) > 0 {
				s += ` AND "EventID" IN ('` + strings.Join(p.EventIDs, "', '") + "')"
			}
			any = append(any, "("+s+")")
		}
		if len(any) > 0 {
			where += " AND (" + strings.Join(any, " OR ") + ")"
		}
		return in.about("--") + "SELECT DATEFORMAT(starttime, 'yyyy-MM-dd HH:mm:ss'), LOGSOURCENAME(logsourceid), username, UTF8(payload)\nFROM events\nWHERE " + where + "\n  AND " + cond + "\nLAST 24 HOURS\n", nil
	},
})

func aqlName(f string) string { return `"` + strings.ReplaceAll(f, `"`, "") + `"` }

// sqlText writes text between single quotes.
func sqlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// whole lets a pattern that is found anywhere cover the whole value.
func whole(p string) string {
	if !strings.HasPrefix(p, "^") {
		p = ".*" + p
	}
	if !strings.HasSuffix(p, "$") || strings.HasSuffix(p, `\$`) {
		p += ".*"
	}
	return p
}
