package detection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// TuningDir holds the ledger of a package: one file for each exclusion.
const TuningDir = "tuning"

// Entry is one exclusion of the ledger: what is not reported, and who answers
// for that until when.
type Entry struct {
	Schema    string   `yaml:"schema"`
	ID        string   `yaml:"id"`
	AppliesTo []string `yaml:"applies_to"` // ids of detections
	Owner     string   `yaml:"owner"`
	Reason    string   `yaml:"reason"`
	Added     string   `yaml:"added"`    // dates are YYYY-MM-DD
	Expires   string   `yaml:"expires"`  // from then on a lint check asks
	Evidence  []string `yaml:"evidence"` // test cases, or tickets
	// Attacker says whether an attacker controls what Match looks at: the word no,
	// partly or yes, and why that is acceptable.
	Attacker string    `yaml:"attacker_controls"`
	Match    yaml.Node `yaml:"match"` // a Sigma selection

	File string       `yaml:"-"`
	Cond convert.Cond `yaml:"-"`

	rule *sigma.Rule // whose only selection is the entry's
}

// Ledger reads the package's exclusions, by the name of their files.
func (p *Package) Ledger() ([]*Entry, error) {
	files, err := fs.Glob(p.FS, TuningDir+"/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []*Entry
	var wrong []error
	for _, f := range files {
		e, err := p.entry(f)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, e)
	}
	return all, errors.Join(wrong...)
}

func (p *Package) entry(file string) (*Entry, error) {
	at := path.Join(p.Dir, file)
	text, err := fs.ReadFile(p.FS, file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	e := &Entry{File: at}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(e); err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var missing []string
	for _, f := range []struct{ name, value string }{
		{"id", e.ID}, {"owner", e.Owner}, {"reason", e.Reason}, {"expires", e.Expires}, {"attacker_controls", e.Attacker},
	} {
		if f.value == "" {
			missing = append(missing, f.name)
		}
	}
	if e.Match.Kind == 0 {
		missing = append(missing, "match")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: %s missing", at, strings.Join(missing, ", "))
	}
	if _, err := time.Parse(time.DateOnly, e.Expires); err != nil {
		return nil, fmt.Errorf("%s: expires is %q; write a date such as 2027-03-01", at, e.Expires)
	}
	if control, _, _ := strings.Cut(e.Attacker, ":"); control != "no" && control != "partly" && control != "yes" {
		return nil, fmt.Errorf("%s: attacker_controls begins with no, partly or yes, then a colon and why", at)
	}
	e.Cond, err = e.read()
	if err != nil {
		return nil, err
	}
	return e, nil
}

// read parses the entry's selection as that of a Sigma rule.
func (e *Entry) read() (convert.Cond, error) {
	rule, err := e.document("title: "+e.ID+"\n", sigma.LogSource{Category: "process_creation", Product: "windows"}, "detection", "", "entry")
	if err != nil {
		return nil, err
	}
	docs, ds := sigma.Parse(diag.Text(e.File, rule))
	for _, d := range ds {
		if d.Severity == diag.Error {
			return nil, fmt.Errorf("%s: match: %s", e.File, d.Message)
		}
	}
	e.rule = docs[0].(*sigma.Rule)
	return convert.Tree(e.rule), nil
}

// document writes a Sigma document whose only selection is the entry's.
func (e *Entry) document(head string, source sigma.LogSource, section, more, condition string) (string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(expanded(&e.Match)); err != nil {
		return "", fmt.Errorf("%s: match: %w", e.File, err)
	}
	match := "        " + strings.ReplaceAll(strings.TrimRight(b.String(), "\n"), "\n", "\n        ")
	from := ""
	for _, x := range [][2]string{{"category", source.Category}, {"product", source.Product}, {"service", source.Service}} {
		if x[1] != "" {
			from += "    " + x[0] + ": " + x[1] + "\n"
		}
	}
	return fmt.Sprintf("%slogsource:\n%s%s:\n%s    entry:\n%s\n    condition: %s\n", head, from, section, more, match, condition), nil
}

// expanded is a selection with the patterns that its words for paths stand for.
func expanded(n *yaml.Node) *yaml.Node {
	out := *n
	if n.Kind == yaml.ScalarNode {
		out.Value = pathWords.Replace(n.Value)
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = expanded(c)
	}
	return &out
}

// The lines of a query between which the ledger is compiled.
const (
	tuningBegin = "// tuning: begin"
	tuningEnd   = "// tuning: end"
)

var tuningBlock = match.Lazy(`(?s)` + regexp.QuoteMeta(tuningBegin) + `\n.*?` + regexp.QuoteMeta(tuningEnd))

// Tuned is the detection's query with the ledger compiled into it.
func (d *Detection) Tuned(ledger []*Entry) (string, error) {
	block, err := d.tuningStages(ledger)
	if err != nil {
		return "", err
	}
	text := d.Query.Text
	if !tuningBlock().MatchString(text) {
		if block == "" {
			return text, nil
		}
		return "", fmt.Errorf("%s has tuning, and no lines %q and %q to put it between", path.Join(d.Package.Dir, d.File), tuningBegin, tuningEnd)
	}
	return tuningBlock().ReplaceAllStringFunc(text, func(string) string { return tuningBegin + "\n" + block + tuningEnd }), nil
}

func (d *Detection) tuningStages(ledger []*Entry) (string, error) {
	byID := map[string]*Entry{}
	for _, e := range ledger {
		byID[e.ID] = e
	}
	var b strings.Builder
	for _, id := range d.Tuning {
		e := byID[id]
		if e == nil {
			return "", fmt.Errorf("%s: detection %s names the ledger entry %s, which is not in %s", d.Package.File, d.ID, id, TuningDir)
		}
		c, err := convert.SumoCondition(e.Cond, d.Fields)
		if err != nil {
			return "", fmt.Errorf("%s: %w", e.File, err)
		}
		fmt.Fprintf(&b, "// %s: %s\n| where !(%s)\n", e.ID, strings.Join(strings.Fields(e.Reason), " "), c)
	}
	return b.String(), nil
}

// SigmaFilter is the ledger entry as a Sigma filter for a rule.
func (e *Entry) SigmaFilter(rule *sigma.Rule) (string, error) {
	return e.document(fmt.Sprintf("title: %q\n", e.ID+": "+e.Reason), rule.LogSource, "filter", "    rules:\n        - "+rule.ID+"\n", "not entry")
}

// TuningExpression is the ledger entry as a Cloud SIEM tuning expression, in the
// form of the API (specification, section 5.8).
func (e *Entry) TuningExpression(rules ...string) (string, error) {
	x, err := convert.CSECondition(e.Cond)
	if err != nil {
		return "", fmt.Errorf("%s: %w", e.File, err)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(map[string]any{"fields": struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Expression  string   `json:"expression"`
		Enabled     bool     `json:"enabled"`
		Exclude     bool     `json:"exclude"`
		Global      bool     `json:"isGlobal"`
		Rules       []string `json:"ruleIds"`
	}{e.ID, e.Reason, x, true, true, false, rules}})
	return b.String(), err
}

// Expired lists the entries whose time is over.
func Expired(ledger []*Entry, now time.Time) (out []*Entry) {
	for _, e := range ledger {
		if t, err := time.Parse(time.DateOnly, e.Expires); err == nil && !now.Before(t) {
			out = append(out, e)
		}
	}
	return out
}

// Refused is a language that a package's rule cannot be written in.
type Refused struct {
	Language string // as gyoji convert names it
	File     string // that would hold it, in the package
	Reason   *convert.Refusal
	Also     bool // it is of a further detection's rule, which not every product can hold
}

func (r Refused) String() string { return r.Language + ": " + r.Reason.Error() }

// Build returns the files of the package that are made from others, by their
// path in it: queries with the ledger compiled in, Sigma filters, tuning
// expressions, and the portable rule in other languages.
// A language that cannot say a rule is among refused, and what is made for the others stands.
func (p *Package) Build() (files map[string]string, refused []Refused, err error) {
	ledger, err := p.Ledger()
	if err != nil {
		return nil, nil, err
	}
	files = map[string]string{}
	for _, d := range p.Detections {
		text, err := d.Tuned(ledger)
		if err != nil {
			return nil, nil, err
		}
		if files[d.File], err = p.shared(text); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range p.Platforms.Sigma {
		at := path.Join(p.Dir, name)
		data, err := fs.ReadFile(p.FS, name)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", at, err)
		}
		text, err := p.shared(string(data))
		if err != nil {
			return nil, nil, err
		}
		if text != string(data) || listBlock().MatchString(text) {
			files[name] = text
		}
		docs, ds := sigma.Parse(diag.Text(at, text))
		if err := ds.Err(); err != nil {
			return nil, nil, err
		}
		base := strings.TrimSuffix(path.Base(name), path.Ext(name))
		for n, doc := range docs {
			if c, ok := doc.(*sigma.Correlation); ok {
				no, err := p.buildCorrelation(c, docs, ledger, path.Join("platforms", fmt.Sprintf("%s-%d", base, n+1)), files)
				if err != nil {
					return nil, nil, err
				}
				refused = append(refused, no...)
			}
			r, ok := doc.(*sigma.Rule)
			if !ok {
				continue
			}
			for _, b := range convert.Backends() {
				if counted(r, docs) {
					break // the correlation says it
				}
				out, err := platform(b, r, p.portable(), ledger)
				if no := (*convert.Refusal)(nil); errors.As(err, &no) {
					refused = append(refused, Refused{b.Name, path.Join("platforms", base+"."+b.Suffix()), no, false})
					continue
				}
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %w", b.Name, err)
				}
				files[path.Join("platforms", base+"."+b.Suffix())] = out
				if b.Name == cseBackend && p.Platforms.Rule != "" {
					if files[p.Platforms.Rule], err = p.ruleWith(out); err != nil {
						return nil, nil, err
					}
				}
			}
			if d := p.portable(); d != nil {
				if err := filters(d.ID, r, ledger, files); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	if err := p.expressions(ledger, files); err != nil {
		return nil, nil, err
	}
	for _, also := range p.Platforms.Also {
		no, err := p.buildAlso(also, ledger, files)
		if err != nil {
			return nil, nil, err
		}
		refused = append(refused, no...)
	}
	return files, refused, nil
}

// filters writes the ledger entries of a detection as filters of its Sigma rule. An entry that
// has a filter for another rule already gets a file of its own for this one.
func filters(detection string, r *sigma.Rule, ledger []*Entry, files map[string]string) error {
	for _, e := range ledger {
		if !slices.Contains(e.AppliesTo, detection) {
			continue
		}
		filter, err := e.SigmaFilter(r)
		if err != nil {
			return err
		}
		name := path.Join("sigma", "filters", e.ID+".yml")
		if _, taken := files[name]; taken {
			name = path.Join("sigma", "filters", e.ID+"-"+detection+".yml")
		}
		files[name] = filter
	}
	return nil
}

// expressions writes the ledger entries as tuning expressions of the package's Cloud SIEM
// rules. A rule is of the detection that its file is called after, or begins with.
func (p *Package) expressions(ledger []*Entry, files map[string]string) error {
	names, err := fs.Glob(p.FS, "rules/*.cse.json")
	if err != nil {
		return err
	}
	slices.Sort(names)
	type rule struct{ stem, name string }
	var rules []rule
	for _, file := range names {
		data, err := fs.ReadFile(p.FS, file)
		if err != nil {
			return fmt.Errorf("read %s: %w", path.Join(p.Dir, file), err)
		}
		var x struct {
			Fields struct {
				Name string `json:"name"`
			} `json:"fields"`
		}
		if err := json.Unmarshal(data, &x); err != nil {
			return fmt.Errorf("%s: %w", path.Join(p.Dir, file), err)
		}
		stem := strings.TrimSuffix(path.Base(file), ".cse.json")
		if d := p.portable(); d != nil && file == p.Platforms.Rule {
			stem = d.ID
		}
		rules = append(rules, rule{stem, x.Fields.Name})
	}
	for _, e := range ledger {
		var of []string
		for _, r := range rules {
			if slices.ContainsFunc(e.AppliesTo, func(id string) bool { return r.stem == id || strings.HasPrefix(r.stem, id+"-") }) {
				of = append(of, r.name)
			}
		}
		if len(of) == 0 {
			continue
		}
		name := path.Join("rules", "tuning", e.ID+".cse.json")
		if files[name], err = e.TuningExpression(of...); err != nil {
			return err
		}
	}
	return nil
}

// buildAlso writes the portable rule of a further detection in the languages that can say
// it, with the detection's ledger.
func (p *Package) buildAlso(also Portable, ledger []*Entry, files map[string]string) (refused []Refused, err error) {
	at := path.Join(p.Dir, also.Sigma)
	data, err := fs.ReadFile(p.FS, also.Sigma)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	text, err := p.shared(string(data))
	if err != nil {
		return nil, err
	}
	if text != string(data) || listBlock().MatchString(text) {
		files[also.Sigma] = text
	}
	docs, ds := sigma.Parse(diag.Text(at, text))
	if err := ds.Err(); err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(path.Base(also.Sigma), path.Ext(also.Sigma))
	for _, doc := range docs {
		r, ok := doc.(*sigma.Rule)
		if !ok {
			continue
		}
		if err := filters(also.Detection, r, ledger, files); err != nil {
			return nil, err
		}
		for _, b := range convert.Backends() {
			name := path.Join("platforms", base+"."+b.Suffix())
			out, err := platform(b, r, p.Detection(also.Detection), ledger)
			if no := (*convert.Refusal)(nil); errors.As(err, &no) {
				refused = append(refused, Refused{b.Name, name, no, true})
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.Name, err)
			}
			files[name] = out
		}
	}
	return refused, nil
}

// counted reports whether a rule is there for a correlation of its file alone.
func counted(r *sigma.Rule, docs []sigma.Document) bool {
	return slices.ContainsFunc(docs, func(d sigma.Document) bool {
		c, ok := d.(*sigma.Correlation)
		return ok && !c.Generate && slices.ContainsFunc(c.Rules, func(ref sigma.Ref) bool { return r.Known(ref.Name) })
	})
}

// buildCorrelation writes a correlation in the languages that have one, with what the
// ledger excludes. What a language cannot say is left out.
func (p *Package) buildCorrelation(c *sigma.Correlation, docs []sigma.Document, ledger []*Entry, name string, files map[string]string) (refused []Refused, err error) {
	var rules []*sigma.Rule
	for _, ref := range c.Rules {
		i := slices.IndexFunc(docs, func(d sigma.Document) bool { return d.About().Known(ref.Name) })
		if i < 0 {
			return nil, nil
		}
		r, ok := docs[i].(*sigma.Rule)
		if !ok {
			return nil, nil
		}
		if d := p.portable(); d != nil {
			for _, e := range ledger {
				if slices.Contains(d.Tuning, e.ID) {
					r = e.narrow(r)
				}
			}
		}
		rules = append(rules, r)
	}
	for _, b := range convert.Backends() {
		if b.Correlation == nil {
			continue
		}
		out, err := convert.Correlation(b, c, rules, platformOptions)
		if no := (*convert.Refusal)(nil); errors.As(err, &no) {
			refused = append(refused, Refused{b.Name, name + "." + b.Suffix(), no, false})
			continue
		}
		if err != nil {
			return nil, err
		}
		files[name+"."+b.Suffix()] = out
	}
	return refused, nil
}

// cseBackend is the conversion to Cloud SIEM's rules as JSON.
const cseBackend = "cse"

// expressionLine is where the JSON of a Cloud SIEM match rule has its expression.
var expressionLine = match.Lazy(`(?m)^\s*"expression": ("(?:[^"\\]|\\.)*")`)

// ruleWith is the package's Cloud SIEM rule with the expression of a built one.
func (p *Package) ruleWith(built string) (string, error) {
	at := path.Join(p.Dir, p.Platforms.Rule)
	text, err := fs.ReadFile(p.FS, p.Platforms.Rule)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", at, err)
	}
	from, to := expressionLine().FindStringSubmatchIndex(built), expressionLine().FindStringSubmatchIndex(string(text))
	if from == nil || to == nil {
		return "", fmt.Errorf("%s: a rule built from the portable one wants a line \"expression\": \"...\"", at)
	}
	return string(text[:to[2]]) + built[from[2]:from[3]] + string(text[to[3]:]), nil
}

// platformOptions are how a package's rules are written for other products: for their data
// models, with the columns that an analyst needs.
var platformOptions = convert.Options{Model: true}

// TooLong lists the built platform files that are longer than their product takes, with the
// figures. They stand all the same: each says what may be done.
func TooLong(files map[string]string) (out []string) {
	for _, name := range sortedKeys(files) {
		for _, b := range convert.Backends() {
			if path.Dir(name) == "platforms" && strings.HasSuffix(name, "."+b.Suffix()) {
				if over := b.Over(files[name]); over != "" {
					out = append(out, name+": "+over)
				}
			}
		}
	}
	return out
}

// platform writes a portable rule in a language, with the ledger of the detection that
// it is of. An entry that the language cannot say is named in a comment.
func platform(b *convert.Backend, r *sigma.Rule, d *Detection, ledger []*Entry) (string, error) {
	if d == nil {
		return convert.Rule(b, r, platformOptions)
	}
	var unsaid []string
	narrowed := r
	for _, e := range ledger {
		if !slices.Contains(d.Tuning, e.ID) {
			continue
		}
		with := e.narrow(narrowed)
		if _, err := convert.Rule(b, with, platformOptions); err != nil {
			if refusal := (*convert.Refusal)(nil); !errors.As(err, &refusal) {
				return "", err
			}
			unsaid = append(unsaid, e.ID+": "+err.Error())
			continue
		}
		narrowed = with
	}
	out, err := convert.Rule(b, narrowed, platformOptions)
	if err != nil || b.Comment == "" {
		return out, err
	}
	for _, u := range unsaid {
		out = b.Comment + " Not in this language is the ledger entry " + u + "\n" + out
	}
	return out, nil
}

// narrow is a rule without what the entry excludes.
func (e *Entry) narrow(r *sigma.Rule) *sigma.Rule {
	out := *r
	out.Searches = append(slices.Clone(r.Searches), e.rule.Searches...)
	out.Conditions = nil
	for _, c := range r.Conditions {
		with := *c
		with.Expr = &sigma.And{Of: []sigma.Expr{c.Expr, &sigma.Not{X: e.rule.Conditions[0].Expr}}}
		out.Conditions = append(out.Conditions, &with)
	}
	return &out
}

// Stale lists the built files that are not what Build makes, with the reason.
func (p *Package) Stale() ([]string, error) {
	files, refused, err := p.Build()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range refused {
		if _, err := fs.Stat(p.FS, r.File); err == nil {
			out = append(out, r.File+": is of a rule that the language could say, and now refuses: "+r.Reason.Error())
		}
	}
	for _, name := range sortedKeys(files) {
		got, err := fs.ReadFile(p.FS, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, name+": is missing")
		case err != nil:
			return nil, err
		case string(got) != files[name]:
			out = append(out, name+": "+firstDifference(got, []byte(files[name])))
		}
	}
	return out, nil
}
