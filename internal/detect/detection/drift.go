package detection

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Drift is something that one language of a package says and another does not.
type Drift struct {
	File  string `json:"file"`            // in the package, which does not say it
	Of    string `json:"of"`              // the file that does
	Kind  string `json:"kind"`            // literal, field or window
	Field string `json:"field,omitempty"` // of a literal
	Text  string `json:"text"`
	// Reason is why it is meant to be so, as the manifest gives it; "" for drift.
	Reason string `json:"reason,omitempty"`
}

func (d Drift) String() string {
	what := fmt.Sprintf("%q", d.Text)
	switch d.Kind {
	case "field":
		what = "the field " + d.Text
	case "window":
		what = "the time window " + d.Text
	default:
		if d.Field != "" {
			what = d.Field + " " + what
		}
	}
	s := fmt.Sprintf("%s lacks %s, which %s has", d.File, what, d.Of)
	if d.Reason != "" {
		s += ": " + d.Reason
	}
	return s
}

// Intended is a difference between a package's languages that is meant to be.
type Intended struct {
	File   string `yaml:"file"`  // that lacks it
	Field  string `yaml:"field"` // of a literal; "" for any
	Lacks  string `yaml:"lacks"` // a literal, field or window; * with a field is each of its literals
	Reason string `yaml:"reason"`
}

// covers reports whether a difference is meant.
func (x *Intended) covers(d *Drift) bool {
	if x.File != d.File || x.Field != "" && !strings.EqualFold(x.Field, d.Field) {
		return false
	}
	return strings.EqualFold(x.Lacks, d.Text) || x.Lacks == "*" && x.Field != ""
}

// Drift compares the literals, fields and time windows of the package's
// languages: the query that the portable rule is of with that rule and its
// filters, and what is made of the rule with the files that are there. Of the
// query the conditions count, not its score. unused are declared differences that
// are none. compared lists the files that were looked at.
func (p *Package) Drift() (found []Drift, unused []Intended, compared []string, err error) {
	built, _, err := p.Build()
	if err != nil {
		return nil, nil, nil, err
	}
	if d := p.portable(); d != nil && len(p.Platforms.Sigma) > 0 {
		compared = append(compared, d.File)
		compared = append(compared, p.Platforms.Sigma...)
		if found, err = p.driftOfRule(d, built); err != nil {
			return nil, nil, nil, err
		}
	}
	for _, name := range sortedKeys(built) {
		if slices.ContainsFunc(p.Detections, func(d *Detection) bool { return d.File == name }) {
			continue // compared with the rule; its ledger is with the filters
		}
		text, err := fs.ReadFile(p.FS, name)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("read %s: %w", path.Join(p.Dir, name), err)
		}
		compared = append(compared, name)
		from := p.Platforms.From
		for _, also := range p.Platforms.Also {
			if strings.HasPrefix(path.Base(name), strings.TrimSuffix(path.Base(also.Sigma), path.Ext(also.Sigma))+".") {
				from = also.Sigma
			}
		}
		if strings.Contains(name, "filters/") || strings.Contains(name, "tuning/") {
			base, _, _ := strings.Cut(path.Base(name), ".")
			from = path.Join(TuningDir, base+".yaml")
		}
		want, got := words(built[name]), words(string(text))
		found = append(found, missing(name, from, want, got)...)
		found = append(found, missing(from, name, got, want)...)
	}
	used := make([]bool, len(p.Platforms.Differences))
	for i := range found {
		for j, x := range p.Platforms.Differences {
			if x.covers(&found[i]) {
				found[i].Reason, used[j] = cmp.Or(x.Reason, "declared without a reason"), true
			}
		}
	}
	for j, x := range p.Platforms.Differences {
		if !used[j] {
			unused = append(unused, x)
		}
	}
	return found, unused, compared, nil
}

// portable is the detection that the portable rule says; nil when the manifest
// names one that is not there.
func (p *Package) portable() *Detection {
	if p.Platforms.Detection == "" {
		return p.Detections[0]
	}
	return p.Detection(p.Platforms.Detection)
}

// driftOfRule compares a query with the portable rules, their filters and
// correlations.
func (p *Package) driftOfRule(d *Detection, built map[string]string) ([]Drift, error) {
	said, ds := convert.FromSumo(d.Query)
	if said == nil {
		return nil, ds.Err()
	}
	ours := convert.Literals(said.Cond)
	for i, l := range ours {
		for sigmaName, name := range d.Fields {
			if l.Field == name {
				ours[i].Field = sigmaName
			}
		}
	}
	var theirs []convert.Literal
	var windows []string
	files := slices.Clone(p.Platforms.Sigma)
	for _, id := range d.Tuning {
		files = append(files, path.Join("sigma", "filters", id+".yml"))
	}
	for _, name := range files {
		text, err := fs.ReadFile(p.FS, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path.Join(p.Dir, name), err)
		}
		docs, ds := sigma.Parse(diag.Text(path.Join(p.Dir, name), string(text)))
		if err := ds.Err(); err != nil {
			return nil, err
		}
		for _, doc := range docs {
			switch doc := doc.(type) {
			case *sigma.Rule:
				theirs = append(theirs, convert.Literals(convert.Tree(doc))...)
			case *sigma.Filter:
				theirs = append(theirs, convert.Literals(convert.Tree(&sigma.Rule{Searches: doc.Searches, Conditions: []*sigma.Condition{doc.Condition}}))...)
			case *sigma.Correlation:
				windows = append(windows, span(doc.Timespan))
			}
		}
	}
	rule := p.Platforms.Sigma[0]
	found := append(literalDrift(rule, d.File, ours, theirs), literalDrift(d.File, rule, theirs, ours)...)
	inQuery := queryWindows(d.Query)
	for _, w := range inQuery {
		if !slices.Contains(windows, w) {
			found = append(found, Drift{File: rule, Of: d.File, Kind: "window", Text: w})
		}
	}
	for _, w := range windows {
		if !slices.Contains(inQuery, w) {
			found = append(found, Drift{File: d.File, Of: rule, Kind: "window", Text: w})
		}
	}
	return found, nil
}

// literalDrift is what has says and lacks does not. A field that lacks does not
// have at all is named once.
func literalDrift(lacks, has string, all, known []convert.Literal) (out []Drift) {
	field := func(name string) bool {
		return slices.ContainsFunc(known, func(l convert.Literal) bool { return strings.EqualFold(l.Field, name) })
	}
	named := map[string]bool{}
	for _, l := range all {
		switch {
		case slices.ContainsFunc(known, func(k convert.Literal) bool { return strings.EqualFold(k.Field, l.Field) && k.Text == l.Text }):
		case !field(l.Field):
			if name := strings.ToLower(l.Field); !named[name] {
				named[name] = true
				out = append(out, Drift{File: lacks, Of: has, Kind: "field", Text: l.Field})
			}
		default:
			out = append(out, Drift{File: lacks, Of: has, Kind: "literal", Field: l.Field, Text: l.Text})
		}
	}
	return out
}

// span writes a duration without its zeros: 10m, 1h.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var windowStage = match.Lazy(`(?i)\b(?:timeslice|within|maxspan|window)\s*=?\s*(\d+[smhdw])\b`)

// queryWindows are the time windows of a query's stages.
func queryWindows(f *diag.File) (out []string) {
	q, ds := query.Compile(f, query.Standard())
	if ds.HasErrors() {
		return nil
	}
	for _, s := range q.Tree.Stages {
		for _, m := range windowStage().FindAllStringSubmatch(f.Slice(s.Pos), -1) {
			if d, err := datefmt.ParseDuration(m[1]); err == nil {
				out = append(out, span(time.Duration(d)*time.Millisecond))
			}
		}
	}
	return out
}

// word is made when it is first asked for: its classes of all scripts took a tenth
// of the start of any command.
var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\pL\pN_][\pL\pN_.-]*[\pL\pN_]`) })

// words are the words of a text in any language: names of programs, fields,
// numbers.
func words(text string) (out []string) {
	seen := map[string]bool{}
	for _, w := range word().FindAllString(text, -1) {
		if w = strings.ToLower(w); !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

func missing(lacks, has string, all, known []string) (out []Drift) {
	for _, w := range all {
		if !slices.Contains(known, w) {
			out = append(out, Drift{File: lacks, Of: has, Kind: "literal", Text: w})
		}
	}
	return out
}
