package foreign

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// spl is Splunk's search language. Source: Splunk, Search Reference.
var spl = &Language{
	Name: "SPL (Splunk)",
	Signs: match.Lazy("(?is)^[^|]*?(?:^|[\\s(])(?:index|sourcetype|eventtype|splunk_server)\\s*=\\s*[\"*\\w]" +
		"|\\|\\s*(?:table|rex|timechart|eventstats|streamstats|tstats|spath|mvexpand|makemv|inputlookup|outputlookup|chart|rare|convert|fillnull|makeresults|regex|head|tail)\\b[^|(]" +
		"|\\|\\s*stats\\s+[^|]*\\bby\\b|^\\s*\\|?\\s*tstats\\b|^\\s*\\|\\s*(?:metadata|mstats|datamodel|pivot|dbinspect|savedsearch|loadjob|gentimes|multisearch|rest|inputcsv|eventcount|walklex|dbxquery|union\\s*\\[|from\\s+\\w+:)|^\\s*search\\s+\\w+\\s*=|^\\s*`[\\w-]+`"),
	Sumo: splunk,
	Help: "in Sumo the place of index and sourcetype is _sourceCategory, and fields are compared in a where: _sourceCategory=*windows* | where EventID = 1 | count by Image",
}

var (
	splunkPlace = match.Lazy("(?i)(^|[\\s(])(?:index|sourcetype|source|eventtype|splunk_server|earliest|latest|host)\\s*=\\s*(?:\"[^\"]*\"|[^\\s()]+)|`[\\w-]+`|^\\s*search\\s")
	statsForm   = match.Lazy(`(?is)^stats\s+(count|dc|distinct_count|sum|avg|min|max|values|first|last)(?:\s*\(\s*([\w.]*)\s*\))?(?:\s+as\s+"?(\w+)"?)?(?:\s+by\s+(.+))?$`)
	limitForm   = match.Lazy(`(?i)^(?:head|limit|take)(?:\s+(\d+))?$`)
	sortForm    = match.Lazy(`(?i)^sort\s+(?:\d+\s+)?([+-])?\s*([\w.]+)(?:\s+(desc|asc))?$`)
)

func splunk(q string) string {
	d := dialect{fold: true, wild: "*", escapes: true, keywords: true}
	var words, parts []string
	for i, s := range stages(q) {
		if i == 0 {
			s = strings.TrimSpace(splunkPlace().ReplaceAllString(s, "$1"))
			if s == "" {
				continue
			}
			where, w := d.condition(s)
			if where == "" && len(w) == 0 {
				return ""
			}
			words = w
			if where != "" {
				parts = append(parts, "where "+where)
			}
			continue
		}
		part := splunkStage(d, s)
		if part == "" {
			return ""
		}
		parts = append(parts, part)
	}
	return built(words, parts...)
}

func splunkStage(d dialect, s string) string {
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(word) {
	case "search", "where":
		d.keywords = strings.EqualFold(word, "search")
		if where, words := d.condition(rest); where != "" && len(words) == 0 {
			return "where " + where
		}
	case "stats":
		return grouped(statsForm().FindStringSubmatch(s))
	case "count":
		return s
	case "top":
		if fields := names(rest); fields != "" && !strings.Contains(rest, "=") {
			return "count by " + fields + " | sort by _count | limit 10"
		}
	case "rare":
		if fields := names(rest); fields != "" {
			return "count by " + fields + " | sort by _count asc | limit 10"
		}
	case "table", "fields":
		if fields := names(strings.TrimPrefix(rest, "+ ")); fields != "" {
			return "fields " + fields
		}
	case "dedup":
		if fields := names(rest); fields != "" {
			return "dedup by " + fields
		}
	case "head", "limit", "take":
		if m := limitForm().FindStringSubmatch(s); m != nil {
			if m[1] == "" {
				m[1] = "10"
			}
			return "limit " + m[1]
		}
	case "sort":
		if m := sortForm().FindStringSubmatch(s); m != nil {
			order := " asc"
			if m[1] == "-" || strings.EqualFold(m[3], "desc") {
				order = " desc"
			}
			return "sort by " + name(m[2]) + order
		}
	}
	return ""
}

// grouped writes a match of statsForm, or of a form with the same groups:
// function, argument, alias, groups.
func grouped(m []string) string {
	if m == nil {
		return ""
	}
	fn := strings.ToLower(m[1])
	out := fn
	switch fn {
	case "dc", "distinct_count", "dcount":
		fn, out = "count_distinct", "count_distinct"
	}
	switch {
	case m[2] != "":
		out = fn + "(" + name(m[2]) + ")"
	case fn != "count":
		return ""
	}
	if m[3] != "" && !strings.EqualFold(m[3], "count") {
		out += " as " + m[3]
	}
	if m[4] != "" {
		by := names(m[4])
		if by == "" {
			return ""
		}
		out += " by " + by
	}
	return out
}
