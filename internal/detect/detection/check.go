package detection

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Problem is something of a package that is missing, stale or does not hold.
type Problem struct {
	ID      string // a word, stable
	File    string
	Warning bool
	Note    bool // neither an error nor a warning: what was measured is of an older query
	Text    string
}

func (p Problem) String() string {
	kind := "error"
	switch {
	case p.Note:
		kind = "note"
	case p.Warning:
		kind = "warning"
	}
	return fmt.Sprintf("%s: %s: %s [%s]", p.File, kind, p.Text, p.ID)
}

var uuid = match.Lazy(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Check looks at everything of the package but its tests, as of a moment.
func (p *Package) Check(now time.Time) []Problem {
	c := &checking{p: p}
	c.manifest()
	c.ledger(now)
	c.queries()
	c.guides()
	c.cases()
	c.data()
	c.atomic()
	c.built()
	c.measured()
	return c.out
}

type checking struct {
	p   *Package
	out []Problem
}

func (c *checking) add(warning bool, id, file, format string, args ...any) {
	if !strings.HasPrefix(file, c.p.Dir) {
		file = path.Join(c.p.Dir, file)
	}
	c.out = append(c.out, Problem{ID: id, File: file, Warning: warning, Text: fmt.Sprintf(format, args...)})
}

func (c *checking) manifest() {
	p := c.p
	want := func(id, what, value string) {
		if value == "" {
			c.add(true, id, ManifestName, "%s is not given", what)
		}
	}
	if !uuid().MatchString(p.ID) {
		c.add(false, "id-not-uuid", ManifestName, "id is %q; a package keeps one UUID for life", p.ID)
	}
	want("no-version", "version", p.Version)
	want("no-description", "description", p.Description)
	want("no-technique", "attack.techniques", p.Technique())
	if len(p.Data) == 0 {
		c.add(true, "no-data", ManifestName, "data does not say which events the package needs")
	}
	if len(p.BlindSpots) == 0 {
		c.add(true, "no-blind-spots", ManifestName, "blind_spots is empty: nothing sees everything")
	}
	data := map[string]bool{}
	for _, d := range p.Data {
		data[d.Source] = true
	}
	for _, d := range p.Detections {
		if d.Next == "" {
			c.add(true, "no-next-step", ManifestName, "detection %s does not say what an analyst does next", d.ID)
		}
		for _, s := range d.Sources {
			if !data[s] {
				c.add(false, "unknown-data", ManifestName, "detection %s needs the data %s, which the package does not describe", d.ID, s)
			}
		}
	}
	for _, d := range p.Baselines {
		if d.Equal != "" && p.Detection(d.Equal) == nil {
			c.add(false, "unknown-detection", ManifestName, "%s is equal to %s, which is not there", d.ID, d.Equal)
		}
	}
	named := append(append([]string{p.Tests, p.Atomic, p.Guide, p.Playbook}, p.Hunts...), p.Platforms.Sigma...)
	for _, also := range p.Platforms.Also {
		if p.Detection(also.Detection) == nil {
			c.add(false, "unknown-detection", ManifestName, "%s is said to be of %s, which is not there", also.Sigma, also.Detection)
		}
		named = append(named, also.Sigma)
	}
	for _, f := range named {
		if f == "" {
			continue
		}
		if _, err := fs.Stat(p.FS, f); err != nil {
			c.add(false, "missing-file", ManifestName, "%s is named and not there", f)
		}
	}
}

func (c *checking) ledger(now time.Time) {
	ledger, err := c.p.Ledger()
	if err != nil {
		c.add(false, "bad-ledger", TuningDir, "%v", err)
	}
	used := map[string]bool{}
	for _, d := range c.p.Detections {
		for _, id := range d.Tuning {
			used[id] = true
		}
	}
	known := map[string]bool{}
	for _, e := range ledger {
		known[e.ID] = true
		if !used[e.ID] {
			c.add(true, "unused-entry", e.File, "no detection lists this entry under tuning")
		}
		if strings.HasPrefix(e.Attacker, "yes") {
			c.add(true, "attacker-controlled", e.File, "an attacker controls what this entry matches")
		}
		if len(e.Evidence) == 0 {
			c.add(true, "no-evidence", e.File, "nothing shows that what this entry matches is benign")
		}
		for _, d := range e.AppliesTo {
			if c.p.Detection(d) == nil {
				c.add(false, "unknown-detection", e.File, "applies to %s, which the package does not have", d)
			}
		}
	}
	c.escapes(ledger)
	for _, e := range Expired(ledger, now) {
		c.add(false, "expired-entry", e.File, "expired on %s; look at it again, then renew or remove it", e.Expires)
	}
	for _, f := range c.p.FalsePositives {
		if f.Tuning != "" && !known[f.Tuning] {
			c.add(false, "unknown-entry", ManifestName, "false positive %s names the entry %s, which is not there", f.ID, f.Tuning)
		}
	}
}

// escapes puts what each entry excludes through Escapes: an entry that says an attacker
// controls nothing must let none of them pass.
func (c *checking) escapes(ledger []*Entry) {
	suite, err := c.p.Suite()
	if err != nil || suite == nil {
		return // reported by cases
	}
	for _, e := range ledger {
		if !strings.HasPrefix(e.Attacker, "no") {
			continue
		}
		passed, tried, err := suite.escapesOf(e)
		switch {
		case err != nil:
			c.add(false, "bad-ledger", e.File, "%v", err)
		case tried == 0:
			c.add(false, "unproven-entry", e.File, "it says that an attacker controls nothing, and no event of a case under evidence matches it, so nothing shows that")
		case len(passed) > 0:
			c.add(false, "escaped-entry", e.File, "it says that an attacker controls nothing, and it matches %s", strings.Join(passed, "; "))
		}
	}
}

// queries compiles every query of the package.
func (c *checking) queries() {
	for _, d := range append(append([]*Detection{}, c.p.Detections...), c.p.Baselines...) {
		if q := c.compile(d.Query); q != nil {
			c.named(d, q)
			c.next(d)
		}
	}
	for _, file := range c.p.Hunts {
		h, err := c.p.ReadHunt(file)
		if err != nil {
			continue // reported by manifest
		}
		c.compile(h.Query)
		for i, said := range []string{h.Hypothesis, h.LookBack, h.LooksGood, h.Next} {
			if said == "" {
				c.add(true, "hunt-without-"+strings.ReplaceAll(huntKeys[i], " ", "-"), file, "the query's head has no line %q", "// "+huntKeys[i]+": ...")
			}
		}
	}
}

// next checks that what to do next is written for the reader of that finding, who does not
// know how the package's other detections are called. An id of one word may be that word.
func (c *checking) next(d *Detection) {
	words := strings.FieldsFunc(d.Next, func(r rune) bool { return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, other := range c.p.Detections {
		if other != d && strings.ContainsAny(other.ID, "-_") && slices.Contains(words, other.ID) {
			c.add(true, "next-names-detection", ManifestName, "what is next after %s names %s, which its reader does not know: say what to look for", d.ID, other.ID)
		}
	}
}

// named checks that a detection's name takes values of columns that its query has.
func (c *checking) named(d *Detection, q *query.Query) {
	if q.Columns == nil || lang.HasLate(q.Columns) {
		return
	}
	for _, m := range placeholder().FindAllStringSubmatch(d.Name, -1) {
		if !slices.ContainsFunc(q.Columns, func(k lang.Column) bool { return strings.EqualFold(k.Name, m[1]) }) {
			c.add(false, "name-without-column", ManifestName, "the name of %s wants {{%s}}, and its query has no column of that name: it prints null", d.ID, m[1])
		}
	}
}

// compile reports what is wrong with a query, which is nil where it does not compile.
func (c *checking) compile(f *diag.File) *query.Query {
	q, ds := query.Compile(f, query.Standard())
	for _, d := range ds {
		if d.Severity == diag.Error {
			c.add(false, "query-wrong", f.Name, "line %d: %s", f.Place(d.Span.Start).Line, d.Message)
		}
	}
	if ds.HasErrors() {
		return nil
	}
	return q
}

// guides compiles every query of the guide and the playbook.
func (c *checking) guides() {
	for _, file := range []string{c.p.Guide, c.p.Playbook} {
		if file == "" {
			continue
		}
		g, err := c.p.ReadGuide(file)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				c.add(false, "bad-guide", file, "%v", err)
			}
			continue
		}
		for _, s := range g.Steps {
			text, _ := s.Fill(func(string) (string, bool) { return "x", true })
			c.compile(diag.Text(fmt.Sprintf("%s:%d", g.File, s.Line), text))
			if s.Some.Text == "" || s.None.Text == "" {
				c.add(true, "step-without-answers", file, "line %d: step %s does not say what some rows and none mean", s.Line, s.ID)
			}
		}
	}
}

func (c *checking) cases() {
	suite, err := c.p.Suite()
	if err != nil {
		c.add(false, "bad-tests", c.p.Tests, "%v", err)
		return
	}
	if suite == nil {
		c.add(true, "no-tests", ManifestName, "the package has no tests")
		return
	}
	byID := map[string]*Case{}
	fires := map[string]bool{}
	for _, x := range suite.Cases {
		byID[x.ID] = x
		for d, e := range x.Detections {
			fires[d] = fires[d] || e.Count > 0
		}
		switch {
		case x.Origin != "recorded" && x.Origin != "written":
			c.add(true, "no-origin", c.p.Tests, "line %d: case %s does not say whether its events were recorded or written; what is claimed counts recordings", x.Line, x.ID)
		case x.Origin == "recorded" && x.Source == "":
			c.add(false, "no-source", c.p.Tests, "line %d: case %s is recorded, and does not say where and under which licence", x.Line, x.ID)
		}
		if x.Benign && x.Tuning == "" && x.Reason == "" {
			c.add(false, "benign-without-reason", c.p.Tests, "line %d: case %s names neither the entry that handles it nor why none is needed", x.Line, x.ID)
		}
	}
	for _, d := range c.p.Detections {
		if !fires[d.ID] {
			c.add(false, "never-fires", c.p.Tests, "no case has detection %s fire", d.ID)
		}
	}
	for _, f := range c.p.FalsePositives {
		if f.Test != "" && byID[f.Test] == nil {
			c.add(false, "unknown-case", ManifestName, "false positive %s names the case %s, which is not there", f.ID, f.Test)
		}
	}
}

// data checks what the package says it needs: each required field is one that events of
// these numbers have, as Sysmon's manifest or the recordings show, under a name that no
// other differs from by letter case alone.
func (c *checking) data() {
	recorded := map[string]string{} // by small letters
	suite, err := c.p.Suite()
	if err == nil && suite != nil {
		for _, x := range suite.Cases {
			events, err := x.Recorded()
			if err != nil {
				continue // reported by cases
			}
			for _, e := range events {
				for _, name := range fieldsOf("", e) {
					recorded[strings.ToLower(name)] = name
				}
			}
		}
	}
	for i, d := range c.p.Data {
		seen := map[string]bool{}
		for _, name := range d.Required {
			switch low := strings.ToLower(name); {
			case strings.TrimSpace(name) == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
				c.add(false, "bad-field", ManifestName, "data %s requires a field of the name %q, which none has", d.Source, name)
			case seen[low]:
				c.add(true, "field-twice", ManifestName, "data %s requires %s twice", d.Source, name)
			default:
				seen[low] = true
				c.required(&c.p.Data[i], name, recorded)
			}
		}
		for _, id := range append(slices.Clone(d.Events), d.Extra...) {
			if id < 0 || id > 65535 {
				c.add(false, "bad-event-id", ManifestName, "data %s asks for event %d; the numbers of Windows events are 0 to 65535", d.Source, id)
			}
		}
	}
}

// required checks one required field of a data source.
func (c *checking) required(d *Data, name string, recorded map[string]string) {
	if got, ok := recorded[strings.ToLower(name)]; ok {
		if got != name {
			c.add(true, "field-spelling", ManifestName, "data %s requires %s, which the recordings spell %s", d.Source, name, got)
		}
		return
	}
	known := slices.Clone(ofWindows)
	sysmon := strings.Contains(strings.ToLower(d.Source+d.Category), "sysmon")
	if sysmon {
		for _, id := range d.Events {
			known = append(known, mapping.SysmonFields(strconv.Itoa(id))...)
		}
	}
	if slices.Contains(known, name) {
		return
	}
	near := append(slices.Collect(maps.Values(recorded)), known...)
	help := ""
	if n := diag.Nearest(name, near); n != "" {
		help = "; did you mean " + n + "?"
	}
	switch {
	case sysmon && len(d.Events) > 0:
		c.add(false, "unknown-field", ManifestName, "data %s requires %s, which no Sysmon event of these numbers has%s", d.Source, name, help)
	case len(recorded) > 0:
		c.add(false, "unknown-field", ManifestName, "data %s requires %s, which no event of the recordings has%s", d.Source, name, help)
	}
}

// ofWindows are the fields that every event of Windows has.
var ofWindows = strings.Fields("Channel Provider EventID EventRecordID Computer SystemTime Level Task Opcode Keywords Version UserID")

// fieldsOf are the names of an event's fields, those of objects with a dot between, and of
// an event that stands as text in another's _raw.
func fieldsOf(within string, e map[string]any) (names []string) {
	for name, v := range e {
		full := within + name
		names = append(names, full)
		switch v := v.(type) {
		case map[string]any:
			names = append(names, fieldsOf(full+".", v)...)
			names = append(names, fieldsOf("", v)...) // of EventData
		case string:
			var in map[string]any
			if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &in) == nil {
				names = append(names, fieldsOf("", in)...)
			}
		}
	}
	return names
}

// atomic checks the lab tests: each must clean up after itself.
func (c *checking) atomic() {
	if c.p.Atomic == "" {
		return
	}
	text, err := fs.ReadFile(c.p.FS, c.p.Atomic)
	if err != nil {
		return // reported by manifest
	}
	var doc struct {
		Technique string `yaml:"attack_technique"`
		Tests     []struct {
			Name     string `yaml:"name"`
			GUID     string `yaml:"auto_generated_guid"`
			Executor struct {
				Name    string `yaml:"name"`
				Command string `yaml:"command"`
				Cleanup string `yaml:"cleanup_command"`
			} `yaml:"executor"`
		} `yaml:"atomic_tests"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		c.add(false, "bad-atomic", c.p.Atomic, "%v", err)
		return
	}
	if doc.Technique != c.p.Technique() {
		c.add(false, "other-technique", c.p.Atomic, "attack_technique is %s, the package's is %s", doc.Technique, c.p.Technique())
	}
	for _, t := range doc.Tests {
		switch {
		case t.Name == "" || t.Executor.Command == "":
			c.add(false, "bad-atomic", c.p.Atomic, "a test wants a name and a command")
		case t.Executor.Cleanup == "":
			c.add(false, "no-clean-up", c.p.Atomic, "%s does not clean up", t.Name)
		case !uuid().MatchString(t.GUID):
			c.add(false, "no-guid", c.p.Atomic, "%s has no auto_generated_guid", t.Name)
		}
	}
}

func (c *checking) measured() {
	for _, d := range c.p.Detections {
		if _, stale := d.Measured(); stale {
			c.add(true, "measured-before", ManifestName, "what is measured of %s is of its query before it was changed; gyoji measure --write over the recordings brings it up to date", d.ID)
			c.out[len(c.out)-1].Note = true // who changes a query need not have the recordings
		}
	}
	if c.p.Measured == nil {
		return
	}
	for _, m := range c.p.Measured.Detections {
		if c.p.Detection(m.ID) == nil {
			c.add(true, "measured-before", ManifestName, "something is measured of %s, and there is no such detection", m.ID)
		}
	}
	text, err := fs.ReadFile(c.p.FS, ManifestName)
	if err == nil && WithMeasured(string(text), c.p.Measured) != string(text) {
		c.add(true, "measured-before", ManifestName, "the block measured is not as gyoji measure writes it; run gyoji measure --write over the recordings")
	}
}

func (c *checking) built() {
	stale, err := c.p.Stale()
	if err != nil {
		c.add(false, "not-built", ManifestName, "%v", err)
	}
	if files, refused, err := c.p.Build(); err == nil {
		for _, r := range refused {
			c.add(true, "not-built", r.File, "%s", r)
			c.out[len(c.out)-1].Note = r.Also
		}
		for _, s := range TooLong(files) {
			name, why, _ := strings.Cut(s, ": ")
			c.add(true, "too-long", name, "%s", why)
			c.out[len(c.out)-1].Note = true // it says how the product takes it
		}
	}
	for _, s := range stale {
		name, why, _ := strings.Cut(s, ": ")
		c.add(false, "stale", name, "is not what the package makes of its sources: %s; run gyoji pkg build", why)
	}
}
