// Package foreign recognises queries of other products that are put where a Sumo
// Logic query belongs, and writes simple ones as a Sumo query. Most of them are
// read as a search for words here, and find nothing.
package foreign

import (
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Language is another query language.
type Language struct {
	Name  string                // as people call it: "SPL (Splunk)"
	Signs func() *regexp.Regexp // what only its queries have
	// Sumo writes a query as a Sumo query; "" when it is not simple enough.
	Sumo func(text string) string
	// Help is said instead of a Sumo query: what to do with the text.
	Help string
}

// languages are tried in this order: those with the surest signs first.
var languages = []*Language{sigma, sql, esql, eql, spl, logscale, kql, lucene}

// Recognise tells which language a text is of, nil for a Sumo query, and how it
// is written as one: a query that compiles, or "".
func Recognise(text string) (*Language, string) {
	if len(text) > textMax {
		return nil, ""
	}
	text = uncommented(text)
	ours := metadata().MatchString(text)
	for _, l := range languages {
		if ours && l != sigma || !l.Signs().MatchString(text) {
			continue
		}
		sumo := ""
		if l.Sumo != nil {
			if sumo = l.Sumo(text); sumo != "" {
				if _, found := query.Compile(diag.Text("query", sumo), query.Standard()); found.HasErrors() {
					sumo = ""
				}
			}
		}
		return l, sumo
	}
	return nil, ""
}

// uncommented is a text without the comments that fill a line, and those in /* */
// outside of quotes.
func uncommented(text string) string {
	if !strings.Contains(text, "//") && !strings.Contains(text, "/*") && !strings.Contains(text, "--") {
		return text
	}
	var b strings.Builder
	var quote byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' && i+1 < len(text) {
				b.WriteByte(c)
				i++
			} else if c == quote || c == '\n' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(text[i:], "/*") && (i == 0 || strings.IndexByte(" \t\r\n|", text[i-1]) >= 0):
			n := strings.Index(text[i+2:], "*/")
			if n < 0 {
				break
			}
			i += n + 3
			continue
		case (strings.HasPrefix(text[i:], "//") || strings.HasPrefix(text[i:], "--")) && strings.TrimLeft(text[strings.LastIndexByte(text[:i], '\n')+1:i], " \t\r") == "":
			n := strings.IndexByte(text[i:], '\n')
			if n < 0 {
				n = len(text) - i
			}
			i += n - 1
			continue
		}
		b.WriteByte(text[i])
	}
	return strings.TrimSpace(b.String())
}

// metadata is what only the search expression of a Sumo query has.
var metadata = match.Lazy(`(?i)\b_(?:sourceCategory|sourceHost|sourceName|source|collector|index|view|dataTier)\s*=`)

// textMax is the length of a text up to which it is looked at.
const textMax = 64 << 10

var sigma = &Language{
	Name:  "a Sigma rule",
	Signs: match.Lazy(`(?m)^(?:logsource|detection)[ \t]*:[ \t]*\r?$`),
	Help:  "put it into a .yml file: gyoji hunt -d runs it, gyoji convert -t sumo writes it as a query",
}

// stages are the parts between pipes that stand in no quotes and parentheses.
func stages(text string) (list []string) {
	depth, start := 0, 0
	var quote byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == '|' && depth == 0 && (i+1 == len(text) || text[i+1] != '|') && (i == 0 || text[i-1] != '|'):
			list = append(list, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(list, strings.TrimSpace(text[start:]))
}

// name is a field as a Sumo query writes it.
func name(s string) string {
	s = strings.Trim(s, "`\"[]")
	if to := sameField[strings.ToLower(s)]; to != "" {
		return to
	}
	if plainName().MatchString(s) {
		return s
	}
	return `%"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

var plainName = match.Lazy(`^[A-Za-z_]\w*$`)

// names writes a list of fields, with commas or blanks between; "" when one of it
// is no field.
func names(list string) string {
	var out []string
	for _, f := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		if !fieldName().MatchString(f) {
			return ""
		}
		out = append(out, name(f))
	}
	return strings.Join(out, ", ")
}

var fieldName = match.Lazy("^[`\"]?[@A-Za-z_][\\w.@-]*[`\"]?$")

// sameField are fields of other products under the names that Windows and Sysmon
// give them. Sources: Elastic Common Schema, Microsoft Defender's advanced
// hunting schema, Splunk's add-on for Windows.
var sameField = map[string]string{
	"eventcode": "EventID", "event.code": "EventID", "winlog.event_id": "EventID",
	"process.executable": "Image", "process.command_line": "CommandLine", "process.parent.executable": "ParentImage", "process.parent.command_line": "ParentCommandLine",
	"process.name": "Image", "process.parent.name": "ParentImage", "filename": "Image", "initiatingprocessfilename": "ParentImage",
	"processcommandline": "CommandLine", "initiatingprocesscommandline": "ParentCommandLine",
	"user.name": "User", "host.name": "Computer", "devicename": "Computer", "computername": "Computer",
	"file.path": "TargetFilename", "registry.path": "TargetObject", "dns.question.name": "QueryName",
	"count": "_count", "count_": "_count", // what counting gives in SPL and KQL
	"source.ip": "SourceIp", "destination.ip": "DestinationIp", "destination.port": "DestinationPort",
}

// baseName are fields that hold a file name where the Sysmon field holds a path.
var baseName = map[string]bool{"process.name": true, "process.parent.name": true, "filename": true, "initiatingprocessfilename": true}
