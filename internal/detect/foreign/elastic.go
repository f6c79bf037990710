package foreign

import (
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// eql is Elastic's event query language. Source: Elastic, EQL syntax reference.
var eql = &Language{
	Name:  "EQL (Elastic)",
	Signs: match.Lazy(`(?is)^\s*(?:(?:any|process|file|network|registry|dns|library|driver|event|authentication|configuration|iam|malware|session|web|database|host|package|info|"[^"|]+")\s+where\s|[a-z_]+\s+where\s+(?:not\s+)?[\s(]*\??[a-z_@]\w*(?:\.\w+)+\s*(?:==|!=|:|in~?\s*\(|like~?\s|regex~?\s)|(?:sequence|sample)\s+(?:by\s|with\s|\[))`),
	Sumo: func(q string) string {
		_, cond, _ := cutWord(q, "where")
		if len(stages(cond)) > 1 {
			return ""
		}
		// == counts letter case, : does not and knows wildcards.
		where, _ := dialect{escapes: true}.condition(cond)
		if where == "" {
			return ""
		}
		return built(nil, "where "+where)
	},
	Help: "in Sumo an event class is a condition on EventID: process where process.name == \"cmd.exe\" is * | where EventID = 1 and Image matches \"*\\\\cmd.exe\"; a sequence is a transaction or join",
}

// esql is ES|QL. Source: Elastic, ES|QL commands.
var esql = &Language{
	Name:  "ES|QL (Elastic)",
	Signs: match.Lazy(`(?is)^\s*(?:(?:from|ts)\s+[\w.*:,\s"-]+(?:metadata[\w\s,]*)?\||(?-i:ROW)\s+\w+\s*=|(?-i:SHOW)\s+INFO\s*$)`),
	Sumo: func(q string) string {
		var parts []string
		for i, s := range stages(stripLines(q)) {
			if i == 0 {
				continue
			}
			part := ""
			switch word, rest, _ := strings.Cut(s, " "); strings.ToLower(word) {
			case "stats":
				m := esqlStats().FindStringSubmatch(s)
				if m == nil {
					return ""
				}
				m[2] = strings.Trim(m[2], "*")
				part = grouped(m)
			case "where":
				if where, _ := (dialect{wild: "*", escapes: true}).condition(strings.ReplaceAll(rest, "LIKE", "like")); where != "" && !strings.Contains(strings.ToLower(rest), "like") {
					part = "where " + where
				}
			default:
				part = kustoStage(dialect{escapes: true}, s)
			}
			if part == "" {
				return ""
			}
			parts = append(parts, part)
		}
		return built(nil, parts...)
	},
	Help: "in Sumo an index is a _sourceCategory, stats x = count(*) by y is count as x by y, eval x = e is e as x, keep is fields",
}

var esqlStats = match.Lazy(`(?is)^stats\s+(?:\w+\s*=\s*)?(count|sum|avg|min|max)\s*\(\s*([\w.*]*)\s*\)()(?:\s+by\s+(.+))?$`)

// lucene is the query of Kibana and Elasticsearch, in Lucene's syntax or Kibana's
// own. Source: Elastic, query string syntax; Kibana Query Language.
var lucene = &Language{
	Name: "Lucene or Kibana",
	Signs: match.Lazy(`(?s)^[^|=]*(?:"~\d|"\^\d|\b[A-Za-z]+~(?:[\s)]|$)|\b[A-Za-z]\w*\^\d+(?:\.\d+)?(?:[\s)]|$))` +
		`|^[^|=:]*(?:^|\s)(?:\+[A-Za-z]\w+[^|=:]*\s-[A-Za-z]|-[A-Za-z]\w+[^|=:]*\s\+[A-Za-z])` +
		`|^[^|=]*(?:^|[\s(])[A-Za-z_@][\w@-]*(?:\.[\w@-]+)+\s*[<>]=?\s*\d` +
		`|^(?:[^|=]|[<>]=)*(?:^|[\s(!+-])(?:[A-Za-z_@][\w@-]*(?:\\?\.(?:[\w@-]+|\\?\*))+\s*:\s*|[A-Za-z_@]\w+:|(?i:EventID|EventCode|Image|ParentImage|CommandLine|ParentCommandLine|Channel|Provider_Name|TargetFilename|TargetObject)\s*:\s*)(?:"|\*|\(|\[|\{|[<>]=?\s*\d|/\^?[\w.*\\]+.*/(?:\s|$)|[\w*?\\-][\w.*?\\-]*(?:\s+(?:AND|OR|NOT|and|or|not)\s|\s*\)|\s*$))`),
	Sumo: func(q string) string {
		where, words := dialect{fold: true, wild: "*", escapes: true, keywords: true}.condition(q)
		if where == "" {
			return ""
		}
		return built(words, "where "+where)
	},
	Help: "in Sumo a field is compared with =: in the search expression _sourceCategory=x, and in a where: * | where Image matches \"*\\\\cmd.exe\"",
}

// cutWord cuts a text at a word.
func cutWord(s, word string) (before, after string, ok bool) {
	at := regexp.MustCompile(`(?i)\b` + word + `\b`).FindStringIndex(s)
	if at == nil {
		return s, "", false
	}
	return s[:at[0]], s[at[1]:], true
}
