package convert

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/sigma/sigmatest"
)

// TestAModelFindsWhatTheRuleFinds runs what is written for a data model over records of
// events as the model's parsers write them, and the rule over the events themselves. The
// query's text is read and run by a reader of this test's, by the language's manual; the
// records are made by hand-written parsers, from Sysmon's event 1 and from 4688.
func TestAModelFindsWhatTheRuleFinds(t *testing.T) {
	var rules []*sigma.Rule
	files, err := filepath.Glob("../../../packages/*/sigma/proc_creation_win_*.yml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d rules of packages, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs, _ := sigma.Parse(diag.Text(f, string(text)))
		for _, d := range docs {
			if r, ok := d.(*sigma.Rule); ok {
				rules = append(rules, r)
			}
		}
	}
	if more, ok := others(t); ok {
		rules = append(rules, more...)
	}
	for _, m := range []struct {
		language string
		record   func(map[string]string, bool) row
	}{{"splunk", cimRecord}, {"sentinel", asimRecord}, {"defender", defenderRecord}, {"eql", ecsRecord}, {"secops", udmRecord}, {"logscale", nativeRecord}} {
		t.Run(m.language, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 3))
			written, met, missed := 0, 0, 0
			for _, r := range rules {
				text, err := Rule(Named(m.language), r, Options{Model: true})
				if err != nil || strings.Contains(text, "winlog.") {
					continue // refused, or asked by channel
				}
				written++
				runs, err := stagesOf(text)
				if err != nil {
					t.Errorf("%s: %v:\n%s", r.Place(), err, text)
					continue
				}
				tree := Tree(r)
				pools := poolsOf(tree, random)
				for range 40 {
					event := made(random, pools)
					security := random.IntN(4) == 0
					if security {
						delete(event, "OriginalFileName")
						delete(event, "Hashes")
						delete(event, "ParentCommandLine")
						for _, f := range []string{"Company", "Description", "Product", "FileVersion", "CurrentDirectory"} {
							delete(event, f)
						}
					}
					want := holdsOf(tree, event)
					rec := m.record(event, security)
					got := true
					for _, run := range runs {
						got = got && run(rec)
					}
					if want {
						met++
					} else {
						missed++
					}
					if got != want {
						t.Fatalf("%s: the rule says %v and %s says %v of\n%v\n%v\n%s", r.Place(), want, m.language, got, event, rec, text)
					}
				}
			}
			if written < 8 || met < 20 || missed < 20 {
				t.Errorf("%d rules, %d events met, %d missed", written, met, missed)
			}
		})
	}
}

// others are some of SigmaHQ's rules for process creation, where they are there.
func others(t *testing.T) (rules []*sigma.Rule, ok bool) {
	if _, err := os.Stat("../../../../shared/data/sigma"); err != nil {
		return nil, false
	}
	for i, r := range sigmatest.Windows(t) {
		if r.LogSource.Category == "process_creation" && i%29 == 0 {
			rules = append(rules, r)
		}
	}
	return rules, true
}

// ---- the rule, over events

func holdsOf(c Cond, event map[string]string) bool {
	switch c := c.(type) {
	case *And:
		return !slices.ContainsFunc(c.Of, func(x Cond) bool { return !holdsOf(x, event) })
	case *Or:
		return slices.ContainsFunc(c.Of, func(x Cond) bool { return holdsOf(x, event) })
	case *Not:
		return !holdsOf(c.X, event)
	}
	m := c.(*Match)
	v, there := event[m.Field]
	switch x := m.Value.(type) {
	case sigma.Null:
		return !there
	case sigma.Exists:
		return there == bool(x)
	case sigma.String:
		if !x.Cased {
			return there && fits(x.Parts, strings.ToLower(v), true)
		}
		return there && fits(x.Parts, v, false)
	case sigma.Number:
		return there && v == x.Text
	case sigma.Regexp:
		return there && regexp.MustCompile(x.Syntax()).MatchString(v)
	}
	panic(fmt.Sprintf("%T", m.Value))
}

func fits(parts []sigma.Part, v string, small bool) bool {
	if len(parts) == 0 {
		return v == ""
	}
	switch p := parts[0]; p.Kind {
	case sigma.AnyRun:
		for i := 0; i <= len(v); i++ {
			if fits(parts[1:], v[i:], small) {
				return true
			}
		}
		return false
	case sigma.AnyOne:
		return v != "" && fits(parts[1:], v[1:], small)
	default:
		text := p.Text
		if small {
			text = strings.ToLower(text)
		}
		rest, ok := strings.CutPrefix(v, text)
		return ok && fits(parts[1:], rest, small)
	}
}

// poolsOf are values that meet the comparisons of a rule, by field.
func poolsOf(c Cond, random *rand.Rand) map[string][]string {
	pools := map[string][]string{}
	each(c, func(m *Match) (Cond, error) {
		v := ""
		switch x := m.Value.(type) {
		case sigma.String:
			for _, p := range x.Parts {
				v += map[bool]string{true: p.Text, false: ""}[p.Kind == sigma.Literal]
			}
		case sigma.Number:
			v = x.Text
		case sigma.Regexp:
			if re, err := syntax.Parse(x.Syntax(), syntax.Perl); err == nil {
				v = sample(re, random)
			}
		}
		pools[m.Field] = append(pools[m.Field], v)
		return m, nil
	})
	return pools
}

// made is an event that meets some comparisons, nearly or not at all others.
func made(random *rand.Rand, pools map[string][]string) map[string]string {
	event := map[string]string{"Image": `C:\Windows\explorer.exe`, "CommandLine": "explorer", "ParentImage": `C:\Windows\System32\svchost.exe`, "ParentCommandLine": "svchost -k"}
	for _, field := range slices.Sorted(func(yield func(string) bool) {
		for f := range pools {
			if !yield(f) {
				return
			}
		}
	}) {
		pick := func() string { return pools[field][random.IntN(len(pools[field]))] }
		v := pick()
		if field == "Hashes" {
			event[field] = strings.Trim(v, ",")
			continue
		}
		path := field == "Image" || field == "ParentImage"
		switch n := random.IntN(10); {
		case n == 0:
			delete(event, field)
			continue
		case n == 1 && v != "":
			v = v[:len(v)-1]
		case n == 2:
			v = strings.ToUpper(v)
		case n < 7 && !path && field != "OriginalFileName" && field != "User":
			v = "x " + v + " " + pick() + pick()
		case n == 7:
			v += "x"
		}
		if path && !strings.HasPrefix(v, `C:\`) && !strings.HasPrefix(v, `c:\`) {
			v = `C:\d` + map[bool]string{true: "", false: `\`}[strings.HasPrefix(v, `\`)] + v // a path has a folder
		}
		if v != "" {
			event[field] = v
		}
	}
	if v, ok := event["User"]; ok && !strings.Contains(v, `\`) {
		event["User"] = `LAB\` + v
	}
	return event
}

// ---- records, as the parsers of the models write them

// row holds a record: a column's value; a missing one is not there.
type row map[string]string

func last(path string) string { return path[strings.LastIndexByte(path, '\\')+1:] }

func move(event map[string]string, to ...string) row {
	rec := row{}
	for i := 0; i < len(to); i += 2 {
		if v, ok := event[to[i]]; ok {
			rec[to[i+1]] = v
		}
	}
	return rec
}

// digests puts each digest of an event into a column of its own.
func (r row) digests(event map[string]string, column map[string]string, as func(string) string) row {
	for d := range strings.SplitSeq(event["Hashes"], ",") {
		if name, v, ok := strings.Cut(d, "="); ok && column[strings.ToUpper(name)] != "" {
			r[column[strings.ToUpper(name)]] = as(v)
		}
	}
	return r
}

func (r row) names(pairs ...string) row {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := r[pairs[i]]; ok {
			r[pairs[i+1]] = last(v)
		}
	}
	return r
}

// The Splunk add-ons for Sysmon and for Windows fill Endpoint.Processes so.
func cimRecord(event map[string]string, _ bool) row {
	rec := move(event, "Image", "process_path", "CommandLine", "process", "ParentImage", "parent_process_path", "ParentCommandLine", "parent_process",
		"OriginalFileName", "original_file_name", "IntegrityLevel", "process_integrity_level", "CurrentDirectory", "process_current_directory").names("process_path", "process_name", "parent_process_path", "parent_process_name")
	out := row{}
	for k, v := range rec {
		out["Processes."+k], out[k] = v, v
	}
	for _, k := range []string{"process_path", "process", "parent_process_path", "parent_process", "original_file_name", "process_name", "parent_process_name", "process_integrity_level", "process_current_directory"} {
		if _, ok := out[k]; !ok {
			out[k] = "unknown" // fillnull_value, after by
		}
	}
	return out
}

// Azure-Sentinel, ASimProcessCreateMicrosoftSysmonWindowsEvent and ...MicrosoftWindowsEvents.
func asimRecord(event map[string]string, security bool) row {
	rec := move(event, "Image", "TargetProcessName", "CommandLine", "TargetProcessCommandLine", "ParentImage", "ActingProcessName", "ParentCommandLine", "ActingProcessCommandLine",
		"CurrentDirectory", "TargetProcessCurrentDirectory", "Company", "TargetProcessFileCompany", "Description", "TargetProcessFileDescription", "Product", "TargetProcessFileProduct", "FileVersion", "TargetProcessFileVersion")
	if security {
		rec["EventProduct"], rec["TargetUsername"] = "Security Events", `-`
		if u, ok := event["User"]; ok {
			rec["ActorUsername"] = u
		}
	} else {
		rec["EventProduct"] = "Sysmon"
		if u, ok := event["User"]; ok {
			rec["TargetUsername"] = u
		}
		if n, ok := event["OriginalFileName"]; ok {
			rec["TargetProcessFilename"] = n
		}
	}
	rec.digests(event, map[string]string{"MD5": "TargetProcessMD5", "SHA1": "TargetProcessSHA1", "SHA256": "TargetProcessSHA256", "IMPHASH": "TargetProcessIMPHASH"}, same)
	// what the query makes, by hand
	rec.names("TargetProcessName", "TargetBaseName", "ActingProcessName", "ActingBaseName")
	rec["TargetOriginalName"] = rec["TargetProcessFileOriginalName"]
	if rec["EventProduct"] == "Sysmon" {
		rec["TargetOriginalName"] = rec["TargetProcessFilename"]
	}
	rec["StartedBy"] = rec["TargetUsername"]
	if u := rec["TargetUsername"]; u == "" || u == "-" {
		rec["StartedBy"] = rec["ActorUsername"]
	}
	return rec
}

// Microsoft, DeviceProcessEvents.
func defenderRecord(event map[string]string, _ bool) row {
	rec := move(event, "Image", "FolderPath", "CommandLine", "ProcessCommandLine", "ParentImage", "InitiatingProcessFolderPath", "ParentCommandLine", "InitiatingProcessCommandLine",
		"OriginalFileName", "ProcessVersionInfoOriginalFileName", "Company", "ProcessVersionInfoCompanyName", "Product", "ProcessVersionInfoProductName", "Description", "ProcessVersionInfoFileDescription",
		"FileVersion", "ProcessVersionInfoProductVersion", "IntegrityLevel", "ProcessIntegrityLevel").names("FolderPath", "FileName", "InitiatingProcessFolderPath", "InitiatingProcessFileName")
	if d, n, ok := strings.Cut(event["User"], `\`); ok {
		rec["AccountDomain"], rec["AccountName"] = d, n
	}
	rec.digests(event, map[string]string{"MD5": "MD5", "SHA1": "SHA1", "SHA256": "SHA256"}, same)
	rec["ActionType"] = "ProcessCreated"
	return rec
}

// elastic/integrations, windows/sysmon_operational and system/security.
func ecsRecord(event map[string]string, _ bool) row {
	rec := move(event, "Image", "process.executable", "CommandLine", "process.command_line", "ParentImage", "process.parent.executable", "ParentCommandLine", "process.parent.command_line",
		"OriginalFileName", "process.pe.original_file_name", "Company", "process.pe.company", "Product", "process.pe.product", "Description", "process.pe.description", "FileVersion", "process.pe.file_version",
		"CurrentDirectory", "process.working_directory").names("process.executable", "process.name", "process.parent.executable", "process.parent.name")
	if d, n, ok := strings.Cut(event["User"], `\`); ok {
		rec["user.domain"], rec["user.name"] = d, n
	}
	rec.digests(event, map[string]string{"MD5": "process.hash.md5", "SHA1": "process.hash.sha1", "SHA256": "process.hash.sha256", "IMPHASH": "process.pe.imphash"}, strings.ToLower)
	rec["host.os.type"], rec["event.type"], rec["event.category"] = "windows", "start", "process"
	return rec
}

// Google's parser for Sysmon and 4688.
func udmRecord(event map[string]string, _ bool) row {
	rec := move(event, "Image", "e.target.process.file.full_path", "CommandLine", "e.target.process.command_line", "ParentImage", "e.principal.process.file.full_path", "ParentCommandLine", "e.principal.process.command_line",
		"OriginalFileName", "e.target.process.file.exif_info.original_file", "Company", "e.target.process.file.exif_info.company", "Product", "e.target.process.file.exif_info.product", "Description", "e.target.process.file.exif_info.file_description")
	if d, n, ok := strings.Cut(event["User"], `\`); ok {
		rec["e.principal.administrative_domain"], rec["e.principal.user.userid"] = d, n
	}
	rec.digests(event, map[string]string{"MD5": "e.target.process.file.md5", "SHA1": "e.target.process.file.sha1", "SHA256": "e.target.process.file.sha256"}, strings.ToLower)
	rec["e.metadata.event_type"] = "PROCESS_LAUNCH"
	return rec
}

// An event under its own names.
func nativeRecord(event map[string]string, security bool) row {
	rec := row{"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": "1"}
	for f, v := range event {
		rec[f] = v
	}
	if !security {
		return rec
	}
	rec = move(event, "Image", "NewProcessName", "CommandLine", "CommandLine", "ParentImage", "ParentProcessName")
	rec["SubjectDomainName"], rec["SubjectUserName"], _ = strings.Cut(event["User"], `\`)
	rec["Channel"], rec["EventID"] = "Security", "4688"
	if label, ok := map[string]string{"low": "S-1-16-4096", "medium": "S-1-16-8192", "high": "S-1-16-12288", "system": "S-1-16-16384", "s-1-16-12288": "S-1-16-12288", "s-1-16-16384": "S-1-16-16384"}[strings.ToLower(event["IntegrityLevel"])]; ok {
		rec["MandatoryLabel"] = label
	}
	return rec
}

// ---- queries, read by the manuals of their languages

// stagesOf are the conditions of a query.
func stagesOf(text string) (out []func(row) bool, err error) {
	add := func(s string) {
		p := &twin{rest: s}
		is := p.any()
		if p.space(); err == nil && (p.err != "" || p.rest != "") {
			err = fmt.Errorf("cannot read on: %s at %.80s", p.err, p.rest)
		}
		out = append(out, is)
	}
	var body []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "//") {
			body = append(body, line)
		}
	}
	text = strings.Join(body, "")
	if _, events, ok := strings.Cut(text, "\n  events:\n"); ok { // YARA-L
		events, _, _ = strings.Cut(events, "\n\n  outcome:")
		add(events)
		return out, err
	}
	if source, rest, ok := strings.Cut(text, "\n| "); ok && strings.Contains(text, "\n| select([") { // LogScale
		cond, _, _ := strings.Cut(rest, "\n| select(")
		add(cond)
		security := strings.Contains(source, `"Security"`)
		return append(out, func(r row) bool { return security || r["Channel"] != "Security" }), err
	}
	if _, clause, ok := strings.Cut(text, "\n    where "); ok && strings.HasPrefix(text, "| tstats ") {
		clause, _, _ := strings.Cut(clause, "\n    by ")
		add(clause)
	} else if rest, ok := strings.CutPrefix(text, "process where\n"); ok {
		add(rest)
		return out, err
	}
	for _, stage := range strings.Split(text, "\n| ") {
		if w, ok := strings.CutPrefix(stage, "where "); ok {
			add(w)
		}
	}
	return out, err
}

// twin reads conditions of KQL, EQL and Splunk: where AND and OR meet there are parentheses.
type twin struct{ rest, err string }

func (p *twin) space() { p.rest = strings.TrimLeft(p.rest, " \n") }

// word takes a word that stands alone.
func (p *twin) word(words ...string) bool {
	p.space()
	for _, w := range words {
		if len(p.rest) > len(w) && strings.EqualFold(p.rest[:len(w)], w) && strings.ContainsRune(" ()\n", rune(p.rest[len(w)])) {
			p.rest = p.rest[len(w):]
			return true
		}
	}
	return false
}

func (p *twin) sign(s string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *twin) any() func(row) bool {
	of := []func(row) bool{p.one()}
	or := false
	for p.err == "" {
		p.space()
		if p.rest == "" || p.rest[0] == ')' || p.rest[0] == ',' {
			break
		}
		if p.word("or") {
			or = true
		} else if p.word("and"); or {
			p.err = "and and or without parentheses"
			break
		}
		of = append(of, p.one())
	}
	if or {
		return func(r row) bool { return slices.ContainsFunc(of, func(f func(row) bool) bool { return f(r) }) }
	}
	return func(r row) bool { return !slices.ContainsFunc(of, func(f func(row) bool) bool { return !f(r) }) }
}

func (p *twin) one() func(row) bool {
	never := func(row) bool { return false }
	p.space()
	before := p.rest
	switch {
	case p.err != "":
		return never
	case p.word("not"):
		is := p.one()
		return func(r row) bool { return !is(r) }
	case p.sign("coalesce("):
		is := p.any()
		if !p.sign(", false())") {
			p.err = "coalesce"
		}
		return is
	case p.sign("("):
		is := p.any()
		if !p.sign(")") {
			p.err = "no )"
		}
		return is
	case p.sign("match("):
		f := p.name()
		p.sign(",")
		re := p.text()
		p.sign(")")
		return p.matches(f, re)
	case p.sign("in(lower("):
		f := p.name()
		p.sign(")")
		p.sign(",")
		texts := p.texts()
		return func(r row) bool { return slices.Contains(texts, strings.ToLower(r[f])) }
	case p.sign("isempty("), p.sign("isnotempty("):
		not := strings.HasPrefix(before, "isnot")
		f := p.name()
		p.sign(")")
		return func(r row) bool { return r[f] == "" != not }
	}
	f := p.name()
	if f == "" {
		p.err = "no name"
		return never
	}
	stars := func(texts []string, any bool) func(row) bool {
		var res []*regexp.Regexp
		for _, t := range texts {
			re := regexp.QuoteMeta(t)
			re = strings.ReplaceAll(re, `\*`, ".*")
			if any {
				re = strings.ReplaceAll(re, `\?`, ".")
			}
			res = append(res, regexp.MustCompile("(?is)^(?:"+re+")$"))
		}
		return func(r row) bool {
			v, ok := r[f]
			return ok && slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(v) })
		}
	}
	compare := func(is func(v, text string) bool) func(row) bool {
		text := p.text()
		return func(r row) bool { return is(r[f], text) }
	}
	small := func(is func(v, text string) bool) func(v, text string) bool {
		return func(v, text string) bool { return is(strings.ToLower(v), strings.ToLower(text)) }
	}
	equal := func(v, text string) bool { return v == text }
	switch {
	case p.sign("in~ ("), p.sign("IN ("): // KQL; Splunk
		return stars(p.texts(), false)
	case p.sign(": ("): // EQL
		return stars(p.texts(), true)
	case p.sign(":"):
		return stars([]string{p.text()}, true)
	case p.sign("=~"):
		return compare(small(equal))
	case p.sign("=="):
		if p.sign("null") {
			return func(r row) bool { _, ok := r[f]; return !ok }
		}
		return compare(equal)
	case p.sign("!= null"):
		return func(r row) bool { _, ok := r[f]; return ok }
	case p.sign("!="): // YARA-L's empty text; LogScale's * for no value
		none := p.sign("*")
		if text := ""; !none {
			text = p.text()
			return func(r row) bool { return r[f] != text }
		}
		return func(r row) bool { _, ok := r[f]; return !ok }
	case p.sign("=*") && !strings.HasPrefix(p.rest, "*"):
		return func(r row) bool { _, ok := r[f]; return ok }
	case p.sign("="): // Splunk, YARA-L, LogScale
		p.space()
		if p.sign("/") {
			return p.matches(f, p.slashed())
		}
		if strings.HasPrefix(f, "e.") { // YARA-L: a missing field is an empty text
			text, fold := p.text(), p.word("nocase")
			return func(r row) bool { return r[f] == text || fold && strings.EqualFold(r[f], text) }
		}
		if p.rest != "" && p.rest[0] != '"' {
			n := p.name()
			return func(r row) bool { return r[f] == n }
		}
		return stars([]string{p.text()}, false)
	case p.sign("contains_cs "):
		return compare(strings.Contains)
	case p.sign("contains "):
		return compare(small(strings.Contains))
	case p.sign("startswith_cs "):
		return compare(strings.HasPrefix)
	case p.sign("startswith "):
		return compare(small(strings.HasPrefix))
	case p.sign("endswith_cs "):
		return compare(strings.HasSuffix)
	case p.sign("endswith "):
		return compare(small(strings.HasSuffix))
	case p.sign("matches regex "):
		return p.matches(f, p.text())
	case p.sign("regex~"): // of Lucene, over the whole value
		return p.matches(f, "(?is)^(?:"+lucene0(p.text())+")$")
	case p.sign("regex "):
		return p.matches(f, "(?s)^(?:"+lucene0(p.text())+")$")
	case p.sign("like "):
		text := strings.ReplaceAll(strings.ReplaceAll(regexp.QuoteMeta(p.text()), `\*`, ".*"), `\?`, ".")
		return p.matches(f, "(?s)^(?:"+text+")$")
	}
	p.err = "no operator"
	return never
}

// lucene0 is Lucene's syntax for Go: the signs that only Lucene escapes, and ().
func lucene0(re string) string {
	return strings.NewReplacer(`\\`, `\\`, `\"`, `"`, `\#`, `#`, `\@`, `@`, `\&`, `&`, `\<`, `<`, `\>`, `>`, `\~`, `~`, "()", "(?:)").Replace(re)
}

func (p *twin) matches(f, re string) func(row) bool {
	x, err := regexp.Compile(re)
	if err != nil {
		p.err = err.Error()
		return func(row) bool { return false }
	}
	return func(r row) bool { v, ok := r[f]; return ok && x.MatchString(v) }
}

// slashed reads the rest of a regular expression between slashes, and what says how.
func (p *twin) slashed() string {
	for i := 0; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case '/':
			re := strings.ReplaceAll(p.rest[:i], `\/`, "/")
			p.rest = p.rest[i+1:]
			flags := ""
			for p.rest != "" && strings.ContainsRune("id", rune(p.rest[0])) { // LogScale
				flags += map[byte]string{'i': "i", 'd': "s"}[p.rest[0]]
				p.rest = p.rest[1:]
			}
			if p.word("nocase") {
				flags += "i"
			}
			if flags != "" {
				re = "(?" + flags + ")" + re
			}
			return re
		}
	}
	p.err = "an expression without its end"
	return ""
}

func (p *twin) name() string {
	p.space()
	p.rest = strings.TrimPrefix(p.rest, "$")
	i := 0
	for i < len(p.rest) && (p.rest[i] == '_' || p.rest[i] == '.' || p.rest[i] >= '0' && p.rest[i] <= '9' || p.rest[i]|0x20 >= 'a' && p.rest[i]|0x20 <= 'z') {
		i++
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return s
}

// text reads a text between quotes: verbatim after @ in KQL, else with backslashes.
func (p *twin) text() string {
	raw := p.sign("@")
	if !p.sign(`"`) {
		p.err = "no text"
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case raw && c == '"' && strings.HasPrefix(p.rest[i+1:], `"`):
			b.WriteByte(c)
			i++
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String()
		case !raw && c == '\\':
			i++
			b.WriteByte(map[byte]byte{'n': '\n', 'r': '\r', 't': '\t'}[p.rest[i]] | map[bool]byte{true: 0, false: p.rest[i]}[strings.IndexByte("nrt", p.rest[i]) >= 0])
		default:
			b.WriteByte(c)
		}
	}
	p.err = "a text without its end"
	return ""
}

// texts reads a list of texts and the parenthesis that ends it.
func (p *twin) texts() (out []string) {
	for p.err == "" {
		out = append(out, p.text())
		if !p.sign(",") {
			break
		}
	}
	if !p.sign(")") && p.err == "" {
		p.err = "a list without its end"
	}
	return out
}
