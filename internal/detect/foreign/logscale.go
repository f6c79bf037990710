package foreign

import "github.com/gyoji-dev/gyoji/internal/text/match"

// logscale is the language of CrowdStrike Falcon LogScale. Source: CrowdStrike,
// LogScale query language reference.
var logscale = &Language{
	Name: "LogScale (CrowdStrike)",
	Signs: match.Lazy(`(?s)(?:^|[\s|(])#[\w.]+\s*!?=|\|\s*(?:groupBy|select|table|formatTime|sort|head|tail|top|regex|in|cidr|ioc:lookup|match|selfJoin\w*|timechart|worldMap|ipLocation|selectLast|sankey|parseJson|kvParse|collect|rdns)\s*\(` +
		`|\w+\s*!?=\s*/[^/\n]+/[dgims]+(?:\s|\||$)|\w+\s*:=\s*\S`),
	Sumo: func(q string) string {
		d := dialect{wild: "*", escapes: true, keywords: true, orTighter: true}
		var parts, words []string
		for i, s := range stages(q) {
			s = logscaleTag().ReplaceAllString(s, "$1")
			switch m := logscaleGroup().FindStringSubmatch(s); {
			case m != nil:
				if m[1] == "" {
					m[1] = m[2]
				}
				by := names(m[1])
				if by == "" {
					return ""
				}
				parts = append(parts, "count by "+by)
			case s == "":
			default:
				where, w := d.condition(s)
				if where == "" || i > 0 && len(w) > 0 {
					return ""
				}
				words = append(words, w...)
				parts = append(parts, "where "+where)
			}
		}
		return built(words, parts...)
	},
	Help: "in Sumo tags are metadata (_sourceCategory=...), field=/x/i is where field matches /(?i)x/, groupBy([a]) is count by a, x := e is e as x",
}

var (
	logscaleTag   = match.Lazy(`(^|\s)#[\w.]+\s*=\s*(?:"[^"]*"|\S+)`)
	logscaleGroup = match.Lazy(`(?i)^groupBy\(\s*(?:\[([\w.,\s]+)\]|([\w.]+))\s*(?:,\s*function\s*=\s*(?:\[?\s*count\(\)\s*\]?))?\s*\)$`)
)
