package foreign

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// sql is SQL.
var sql = &Language{
	Name:  "SQL",
	Signs: match.Lazy(`(?is)^\s*(?:\(\s*)*(?:select\s.+\sfrom\s|with\s+\w+(?:\s*\([^)]*\))?\s+as\s*\(|insert\s+into\s+\S+\s|update\s+\S+\s+set\s+\S+\s*=|delete\s+from\s+\S+\s+where\s|explain\s+(?:analyze\s+)?select\s)`),
	Sumo:  ofSQL,
	Help:  "in Sumo FROM is the search expression, WHERE a stage, GROUP BY x is count by x: * | where EventID = 1 | count by Image",
}

var (
	sqlForm  = match.Lazy(`(?is)^\s*select\s+(?:distinct\s+)?(.+?)\s+from\s+[\w."\x60\[\]*-]+(?:\s+where\s+(.+?))?(?:\s+group\s+by\s+(.+?))?(?:\s+order\s+by\s+([\w.]+|count\(\*\))(?:\s+(asc|desc))?)?(?:\s+limit\s+(\d+))?\s*;?\s*$`)
	sqlCount = match.Lazy(`(?i)\bcount\s*\(\s*\*?\s*\)(?:\s+as\s+(\w+))?`)
)

func ofSQL(q string) string {
	m := sqlForm().FindStringSubmatch(q)
	if m == nil || strings.Contains(strings.ToLower(q), " join ") {
		return ""
	}
	var parts []string
	if m[2] != "" {
		where, _ := dialect{wild: ""}.condition(m[2])
		if where == "" {
			return ""
		}
		parts = append(parts, "where "+where)
	}
	count := sqlCount().FindStringSubmatch(m[1])
	switch {
	case count != nil:
		part := "count"
		if count[1] != "" {
			part += " as " + count[1]
		}
		if m[3] != "" {
			by := names(m[3])
			if by == "" {
				return ""
			}
			part += " by " + by
		}
		parts = append(parts, part)
	case m[3] != "":
		return ""
	case strings.TrimSpace(m[1]) != "*":
		fields := names(m[1])
		if fields == "" {
			return ""
		}
		parts = append(parts, "fields "+fields)
	}
	if m[4] != "" {
		by := m[4]
		if strings.HasPrefix(strings.ToLower(by), "count(") {
			by = "_count"
		}
		if m[5] == "" {
			m[5] = "asc"
		}
		parts = append(parts, sorted(by, m[5]))
	}
	if m[6] != "" {
		parts = append(parts, "limit "+m[6])
	}
	return built(nil, parts...)
}
