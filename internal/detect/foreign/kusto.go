package foreign

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// kql is Kusto, of Microsoft Sentinel and Defender. Source: Microsoft, Kusto
// Query Language reference.
var kql = &Language{
	Name: "KQL (Sentinel, Defender)",
	Signs: match.Lazy(`(?is)^\s*(?:let\s+\w+\s*=` +
		`|\.(?:show|create|alter|drop|ingest|set|append)[\s-]|print\s+\w+\s*[=(]|(?:datatable|externaldata)\s*\(|range\s+\w+\s+from\s|search\s+(?:(?:kind\s*=\s*\w+\s+)?in\s*\(|")` +
		`|union\s+(?:\w+\s*=\s*\w+\s+|\(?\w+\)?\s*,\s*\(?\w)|arg\(""\)\.` +
		`|(?-i:Device\w+Events|Device(?:Info|Logon\w*)|SecurityEvent|WindowsEvent|Event|Syslog|CommonSecurityLog|SigninLogs|AuditLogs|SecurityAlert|SecurityIncident|OfficeActivity|AzureActivity|AzureDiagnostics|W3CIISLog|AWSCloudTrail|DnsEvents|Email\w*Events|Identity\w+Events|CloudAppEvents|AADNonInteractiveUserSignInLogs|Sysmon|StormEvents|Heartbeat|Perf|_Im_\w+|im[A-Z]\w+|\w+_CL|[A-Z]\w*[a-z](?:Events|EventsBeta|Logs|Indicators?|Evidence|Info))\s*(?:\(|\||$)` +
		`|[A-Za-z_]\w*\s*\|.*(?:\b(?:has_any|has_all|has_cs|startswith|endswith|contains_cs|in~|dcount|make_set|bin|ago)\b\s*[("']|\bmatches\s+regex\s+@?["'])` +
		`|[A-Za-z_]\w*\s*(?:\|.*)?\|\s*(?:summarize|project(?:-\w+)?|extend|mv-expand|mv-apply|order\s+by|take|distinct|evaluate|union|render|make-series|serialize|parse-where)\b)`),
	Sumo: kusto,
	Help: "in Sumo a table is a _sourceCategory, summarize count() by x is count by x, extend x = e is e as x, project is fields, has and contains are matches \"*text*\"",
}

var (
	kustoTable     = match.Lazy(`^[A-Za-z_]\w*$`)
	kustoSummarize = match.Lazy(`(?is)^summarize\s+(?:\w+\s*=\s*)?(count|dcount|sum|avg|min|max)\s*\(\s*([\w.]*)\s*\)()(?:\s+by\s+(.+))?$`)
	kustoAlias     = match.Lazy(`(?i)^summarize\s+(\w+)\s*=`)
	kustoOrder     = match.Lazy(`(?i)^(?:order|sort)\s+by\s+([\w.]+)(?:\s+(asc|desc))?$`)
	kustoTop       = match.Lazy(`(?i)^top\s+(\d+)\s+by\s+([\w.]+)(?:\s+(asc|desc))?$`)
)

func kusto(q string) string {
	d := dialect{escapes: true}
	var parts []string
	for i, s := range stages(stripLines(q)) {
		if i == 0 {
			if !kustoTable().MatchString(s) {
				return ""
			}
			continue
		}
		if strings.Contains(s, "ago(") && strings.HasPrefix(strings.ToLower(s), "where") {
			continue // the time range is a flag of the search
		}
		part := kustoStage(d, s)
		if part == "" {
			return ""
		}
		parts = append(parts, part)
	}
	return built(nil, parts...)
}

func stripLines(q string) string {
	lines := strings.Split(q, "\n")
	kept := lines[:0]
	for _, l := range lines {
		if !strings.HasPrefix(strings.TrimSpace(l), "//") {
			kept = append(kept, l)
		}
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.Join(kept, "\n")), ";")
}

func kustoStage(d dialect, s string) string {
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(word) {
	case "where", "filter":
		if where, _ := d.condition(rest); where != "" {
			return "where " + where
		}
	case "summarize":
		m := kustoSummarize().FindStringSubmatch(s)
		if a := kustoAlias().FindStringSubmatch(s); a != nil && m != nil {
			m[3] = a[1]
		}
		return grouped(m)
	case "project", "keep":
		if fields := names(rest); fields != "" {
			return "fields " + fields
		}
	case "take", "limit":
		return splunkStage(d, s)
	case "count":
		return "count"
	case "distinct":
		if fields := names(rest); fields != "" {
			return "count by " + fields + " | fields " + fields
		}
	case "order", "sort":
		if m := kustoOrder().FindStringSubmatch(s); m != nil {
			return sorted(m[1], m[2])
		}
	case "top":
		if m := kustoTop().FindStringSubmatch(s); m != nil {
			return sorted(m[2], m[3]) + " | limit " + m[1]
		}
	}
	return ""
}

// sorted is a sort of Kusto, SQL or ES|QL; without an order it is descending.
func sorted(field, order string) string {
	by := name(field)
	if strings.EqualFold(order, "asc") {
		return "sort by " + by + " asc"
	}
	return "sort by " + by
}
