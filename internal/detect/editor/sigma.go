package editor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// sigmaKeys are the keys of a rule at each place, with what they hold. Source: the
// Sigma specification 2.1, the fields of rules, correlations and filters.
var sigmaKeys = sync.OnceValue(func() map[string][][2]string {
	return map[string][][2]string{
		"": {
			{"title", "what the rule finds, in at most 256 characters"}, {"id", "a UUID of version 4"}, {"related", "rules that this one comes of"},
			{"name", "a short name that correlations use"}, {"status", "stable, test, experimental, deprecated or unsupported"},
			{"description", "what the rule finds and why that matters"}, {"references", "addresses of what it rests on"}, {"author", "who wrote it"},
			{"date", "when it was written: 2026-11-30"}, {"modified", "when it was changed last"}, {"tags", "attack.t1059, attack.execution, ..."},
			{"logsource", "which logs it is about"}, {"detection", "its searches and condition"}, {"correlation", "a count or order of other rules' matches"},
			{"filter", "narrows other rules"}, {"fields", "fields worth looking at"}, {"falsepositives", "what else may match"}, {"level", "informational, low, medium, high or critical"},
			{"taxonomy", "whose field names it uses"}, {"license", "an SPDX identifier"}, {"scope", "which systems it is for"},
		},
		"logsource":   {{"product", "windows, linux, ..."}, {"category", "process_creation, file_event, ..."}, {"service", "security, powershell, ..."}, {"definition", "what must be set up"}},
		"detection":   {{"condition", "selection and not filter"}, {"selection", "a search: fields with values"}, {"filter", "a search that the condition leaves out"}},
		"correlation": {{"type", "event_count, value_count, temporal, ..."}, {"rules", "names or ids of rules"}, {"group-by", "fields that matches must have alike"}, {"timespan", "5m, 1h, 1d"}, {"condition", "gte: 10"}, {"aliases", "a name for fields that differ"}, {"generate", "whether the rules report their own matches too"}},
	}
})

// sigmaValues are what certain keys may have.
func sigmaValues(key string) []string {
	categories, services := mapping.WindowsLogSources()
	switch key {
	case "status":
		return []string{"stable", "test", "experimental", "deprecated", "unsupported"}
	case "level":
		return []string{"informational", "low", "medium", "high", "critical"}
	case "product":
		return []string{"windows", "linux", "macos", "aws", "azure", "gcp", "okta", "m365"}
	case "category":
		return categories
	case "service":
		return services
	case "type":
		var list []string
		for t := sigma.EventCount; t <= sigma.ValueMedian; t++ {
			list = append(list, t.String())
		}
		return list
	}
	return nil
}

func sigmaLine() *regexp.Regexp { return pattern(`^([ \t]*(?:- +)?)([\w.-]*)$`) }
func sigmaField() *regexp.Regexp {
	return pattern(`^([ \t]*(?:- +)?)(["']?[\w.-]+(?:\|[\w]+)*)\|(\w*)$`)
}
func sigmaPair() *regexp.Regexp {
	return pattern(`^[ \t]*(?:- +)?([\w.-]+)(?:\|[\w|]*)?:[ \t]+(?:["']?)([^"'\n]*)$`)
}

// section is the key at the start of a line that a place stands under, and the key
// of the map around it.
func section(text string) (top, inner string) {
	ls := lines(text)
	indent := indentOf(text[ls[len(ls)-1].start:] + "x")
	for i := len(ls) - 2; i >= 0; i-- {
		ln := text[ls[i].start:ls[i].end]
		n := indentOf(ln)
		if n < 0 || strings.HasPrefix(strings.TrimSpace(ln), "#") {
			continue
		}
		key, _, ok := strings.Cut(strings.TrimLeft(ln, " \t-"), ":")
		if strings.HasPrefix(ln, "---") {
			return "", ""
		}
		if !ok || n >= indent {
			continue
		}
		if indent = n; inner == "" {
			inner = key
		}
		if n == 0 {
			return key, inner
		}
	}
	return "", inner
}

func (c *completer) sigma() {
	text := c.r.File.Text[:c.at]
	ln := text[strings.LastIndexByte(text, '\n')+1:]
	top, inner := section(text)
	if m := sigmaField().FindStringSubmatch(ln); m != nil && top == "detection" {
		c.write(m[3])
		for _, d := range sigma.Modifiers() {
			c.put(Completion{What: KeywordWord, Label: d.Name, Detail: d.Summary, Doc: "`" + d.Example + "`", Rank: 0})
		}
		return
	}
	if m := sigmaPair().FindStringSubmatch(ln); m != nil {
		c.write(m[2])
		if m[1] == "condition" && top == "detection" {
			c.write(pipeWord().FindString(text))
			for _, w := range append(c.searches(), "and", "or", "not", "1 of ", "all of ", "1 of them", "all of them") {
				c.put(Completion{What: KeywordWord, Label: w, Rank: 1})
			}
			return
		}
		for _, v := range sigmaValues(m[1]) {
			c.put(Completion{What: ValueText, Label: v, Detail: m[1], Rank: 0})
		}
		if f := c.r.doc.set.Sample.Field(m[1]); f != nil && top == "detection" {
			for _, v := range f.Values {
				if len(v) <= valueMax && !strings.ContainsAny(v, "\r\n'\"") {
					c.put(Completion{What: ValueText, Label: v, Detail: "in " + c.r.doc.set.Sample.Name, Rank: 1})
				}
			}
		}
		return
	}
	m := sigmaLine().FindStringSubmatch(ln)
	if m == nil {
		return
	}
	c.write(m[2])
	keys := sigmaKeys()[top]
	if m[1] == "" {
		keys = sigmaKeys()[""]
	}
	if top == "detection" && inner != "detection" {
		for _, f := range c.ruleFields() {
			c.put(Completion{What: FieldName, Label: f, Detail: "a field of the log source", Insert: f + ": ", Rank: 0})
		}
		for _, f := range c.r.doc.set.Sample.Names() {
			c.put(Completion{What: FieldName, Label: f, Detail: c.sampleDetail(f), Insert: f + ": ", Rank: 1})
		}
		return
	}
	for _, k := range keys {
		c.put(Completion{What: Key, Label: k[0], Detail: k[1], Insert: k[0] + ": ", Rank: 0})
	}
}

func searchName() *regexp.Regexp { return pattern(`(?m)^[ \t]+(\w+):[ \t]*$`) }

// searches are the names of the rule's searches.
func (c *completer) searches() (names []string) {
	_, after, _ := strings.Cut(c.r.File.Text, "\ndetection:")
	for _, m := range searchName().FindAllStringSubmatch(after, 100) {
		if m[1] != "condition" && !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

func sourceLine() *regexp.Regexp { return pattern(`(?m)^[ \t]+(category|service):[ \t]*(\w+)`) }

// ruleFields are the fields of the log source that the text names.
func (c *completer) ruleFields() []string {
	var category, service string
	for _, m := range sourceLine().FindAllStringSubmatch(c.r.File.Text, 10) {
		if m[1] == "category" {
			category = m[2]
		} else {
			service = m[2]
		}
	}
	if f := mapping.SigmaFields(category, service, nil); f != nil {
		return f
	}
	return nil
}

func (r *Region) hoverSigma(at int) (string, diag.Span) {
	text := r.File.Text
	w := wordAt(text, at)
	word := text[w.Start:w.End]
	if word == "" {
		return "", w
	}
	lineStart := strings.LastIndexByte(text[:w.Start], '\n') + 1
	before := text[lineStart:w.Start]
	top, inner := section(text[:w.End])
	if strings.HasSuffix(before, "|") && top == "detection" {
		for _, d := range sigma.Modifiers() {
			if strings.EqualFold(d.Name, word) || strings.EqualFold(d.Also, word) {
				return fmt.Sprintf("**%s**: %s\n```yaml\n%s\n```\n", d.Name, d.Summary, d.Example), w
			}
		}
		return "", w
	}
	if strings.Trim(before, " \t-\"'") != "" {
		return "", w // a value
	}
	if top == "detection" && inner != "detection" {
		if f := r.doc.set.Sample.Field(word); f != nil {
			return fmt.Sprintf("**%s** is in %d of %d events of %s:\n\n%s", plainMark(word), f.Events, r.doc.set.Sample.Events, plainMark(r.doc.set.Sample.Name), valuesText(f.Values)), w
		}
		return "", w
	}
	keys := sigmaKeys()[top]
	if before == "" {
		keys = sigmaKeys()[""]
	}
	for _, k := range keys {
		if k[0] == word {
			return fmt.Sprintf("**%s**: %s\n", word, k[1]), w
		}
	}
	return "", w
}
