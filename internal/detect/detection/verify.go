package detection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Verdict is how one case of a package ended.
type Verdict struct {
	Package  *Package
	Case     *Case
	Failures []string // empty when it passed
	Fired    map[string]int
	Took     time.Duration
}

// Verification is a run of a package's tests.
type Verification struct {
	Package  *Package
	Suite    *Suite
	Verdicts []*Verdict
	Kills    []*Kills // by detection, in the order of the suite
	Stale    []string // golden files that differ, with the first difference
}

// Passed reports whether every case passed, every kill score is reached and
// every golden file is as recorded.
func (v *Verification) Passed() bool {
	for _, d := range v.Verdicts {
		if len(d.Failures) > 0 {
			return false
		}
	}
	for _, k := range v.Kills {
		if k.Score() < k.Min {
			return false
		}
	}
	return len(v.Stale) == 0
}

// Verify says what Verification checks.
type Verify struct {
	Only   *regexp.Regexp // cases to run; nil runs all
	Plain  bool           // no mutations of them
	Golden func(name string, got []byte) error
}

// GoldenDir holds, for each detection, the rows of every case, as recorded.
const GoldenDir = "golden"

// Verify runs the package's tests: telemetry, detections, mutations and golden
// rows. It returns nil without a suite.
func (p *Package) Verify(ctx context.Context, o Verify) (*Verification, error) {
	suite, err := p.Suite()
	if suite == nil || err != nil {
		return nil, err
	}
	run, err := newRunner(p)
	if err != nil {
		return nil, err
	}
	v := &Verification{Package: p, Suite: suite}
	golden := map[string]*bytes.Buffer{}
	for _, c := range suite.Cases {
		if o.Only != nil && !o.Only.MatchString(c.ID) {
			continue
		}
		start := time.Now()
		d := &Verdict{Package: p, Case: c, Fired: map[string]int{}}
		if err := run.telemetry(ctx, c, d); err != nil {
			return nil, err
		}
		if err := run.siem(ctx, c, d); err != nil {
			return nil, fmt.Errorf("case %s: %w", c.ID, err)
		}
		var top []seen // what is found, for a case that wants a severity
		see := func(what string, s Severity) { top = append(top, seen{what, s}) }
		if err := run.signals(ctx, c, see); err != nil {
			return nil, fmt.Errorf("case %s: %w", c.ID, err)
		}
		text := map[string][]byte{} // rows by detection
		for _, det := range run.detections {
			rows, err := run.rows(ctx, det, c.data)
			if err != nil {
				return nil, fmt.Errorf("case %s: %s: %w", c.ID, det.ID, err)
			}
			if n := len(rows.Values); n > 0 {
				d.Fired[det.ID] = n
			}
			if c.graded() {
				if slices.Contains(p.Detections, det) {
					for i := range rows.Values {
						see(det.ID, det.severity(rows, i))
					}
				}
				continue
			}
			text[det.ID] = record(c.ID, rows)
			if det.Equal == "" {
				d.compare(det, rows)
				if n := len(rows.Values); n < d.Case.Detections[det.ID].Count {
					why, err := run.why(ctx, det, c.data)
					if err != nil {
						return nil, fmt.Errorf("case %s: %s: %w", c.ID, det.ID, err)
					}
					d.Failures = append(d.Failures, det.ID+": "+why+"gyoji explain --why-not -q "+det.Query.Name+" on the case's events says more")
				}
			} else if other := text[det.Equal]; !bytes.Equal(other, text[det.ID]) {
				d.Failures = append(d.Failures, fmt.Sprintf("%s is not equal to %s: %s", det.ID, det.Equal, firstDifference(other, text[det.ID])))
			}
			if golden[det.ID] == nil {
				golden[det.ID] = new(bytes.Buffer)
			}
			golden[det.ID].Write(text[det.ID])
		}
		d.grade(top)
		d.Took = time.Since(start)
		v.Verdicts = append(v.Verdicts, d)
	}
	if !o.Plain {
		if err := run.mutations(ctx, v, o.Only); err != nil {
			return nil, err
		}
	}
	if o.Only == nil {
		return v, v.golden(golden, o)
	}
	return v, nil
}

// graded reports whether the case wants a severity, and not findings of named detections.
func (c *Case) graded() bool { return c.Alert != nil || c.Below != nil }

// severity is that of one row of a detection.
func (d *Detection) severity(rows *query.Rows, i int) Severity {
	if n, ok := rows.Get(i, d.Score.Field).Int(); ok && d.Score.Field != "" {
		return d.SeverityOf(int(n))
	}
	return d.Base()
}

// seen is what found something, and how bad.
type seen struct {
	what     string
	severity Severity
}

// grade adds what is wrong with the highest severity that a case came to.
func (d *Verdict) grade(all []seen) {
	if !d.Case.graded() {
		return
	}
	wrong, top := "", seen{}
	for i, s := range all {
		if i == 0 || s.severity > top.severity {
			top = s
		}
	}
	switch c := d.Case; {
	case c.Alert != nil && len(all) == 0:
		wrong = fmt.Sprintf("nothing is found, want %s or more", c.Alert)
	case c.Alert != nil && top.severity < *c.Alert:
		wrong = fmt.Sprintf("%s finds it as %s, want %s or more", top.what, top.severity, c.Alert)
	case c.Below != nil && len(all) > 0 && top.severity >= *c.Below:
		wrong = fmt.Sprintf("%s finds it as %s, want less than %s", top.what, top.severity, c.Below)
	}
	if d.Case.Missed != "" && wrong == "" {
		wrong = fmt.Sprintf("it does as it should, although the case says that it is missed (%s)", d.Case.Missed)
	} else if d.Case.Missed != "" {
		wrong = ""
	}
	if wrong != "" {
		d.Failures = append(d.Failures, wrong)
	}
}

// golden compares the rows of all cases with those on record, or records them.
func (v *Verification) golden(got map[string]*bytes.Buffer, o Verify) error {
	var ids []string
	for id := range got {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		name := path.Join(path.Dir(v.Package.Tests), GoldenDir, id+".jsonl")
		if o.Golden != nil {
			if err := o.Golden(name, got[id].Bytes()); err != nil {
				return err
			}
			continue
		}
		want, err := fs.ReadFile(v.Package.FS, name)
		if err != nil {
			continue // nothing is on record for this detection
		}
		if !bytes.Equal(want, got[id].Bytes()) {
			v.Stale = append(v.Stale, fmt.Sprintf("%s: %s", name, firstDifference(want, got[id].Bytes())))
		}
	}
	return nil
}

func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := 0; i < len(w) || i < len(g); i++ {
		line := func(l []string) string {
			if i < len(l) {
				return l[i]
			}
			return "nothing"
		}
		if line(w) != line(g) {
			return fmt.Sprintf("line %d is %s, recorded is %s", i+1, line(g), line(w))
		}
	}
	return "the same"
}

// record writes the rows of a case as JSON Lines.
func record(id string, rows *query.Rows) []byte {
	b := new(bytes.Buffer)
	for i := range rows.Values {
		fmt.Fprintf(b, `{"case":%s`, quoted(id))
		for j, c := range rows.Columns {
			v := rows.Values[i][j]
			fmt.Fprintf(b, ",%s:", quoted(c))
			switch {
			case v.IsNull():
				b.WriteString("null")
			case v.Kind() == event.String:
				b.WriteString(quoted(v.Str()))
			default:
				b.WriteString(v.String())
			}
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSpace(b.String())
}

// compare adds what is wrong with a detection's rows.
func (d *Verdict) compare(det *Detection, rows *query.Rows) {
	want := d.Case.Detections[det.ID]
	fail := func(format string, args ...any) {
		d.Failures = append(d.Failures, det.ID+": "+fmt.Sprintf(format, args...))
	}
	if n := len(rows.Values); n != want.Count {
		fail("fired %s, want %s", times(n), times(want.Count))
	}
	for i := range rows.Values {
		if want.Score != nil {
			if got, ok := rows.Get(i, det.Score.Field).Int(); !ok || got != int64(*want.Score) {
				fail("%s is %s, want %d", det.Score.Field, show(rows.Get(i, det.Score.Field)), *want.Score)
			}
		}
		for _, m := range []map[string]string{want.Entity, want.Fields} {
			for _, c := range sortedKeys(m) {
				if got := rows.Get(i, c); got.IsNull() || got.String() != m[c] {
					fail("%s is %s, want %q", c, show(got), m[c])
				}
			}
		}
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func show(v event.Value) string {
	if v.IsNull() {
		return "null"
	}
	return fmt.Sprintf("%q", v.String())
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// runner has a package's queries compiled.
type runner struct {
	pkg        *Package
	detections []*Detection // with the baselines
	queries    map[string]*query.Query
	checks     map[string]*query.Query // telemetry conditions
	tenant     *tenant.Tenant          // of the Cloud SIEM rules; nil for none, or while not read
	tenantRead bool
}

func newRunner(p *Package) (*runner, error) {
	r := &runner{pkg: p, queries: map[string]*query.Query{}, checks: map[string]*query.Query{}}
	r.detections = append(append(r.detections, p.Detections...), p.Baselines...)
	var all diag.List
	for _, d := range r.detections {
		q, ds := query.Compile(d.Query, query.Standard())
		if ds.HasErrors() {
			all = append(all, ds...)
		}
		r.queries[d.ID] = q
	}
	return r, all.Err()
}

// rows runs a detection over events in JSON Lines.
func (r *runner) rows(ctx context.Context, d *Detection, data []byte) (*query.Rows, error) {
	return collect(ctx, r.queries[d.ID], data)
}

// why says which predicate dropped the events that a detection was to find; "" when
// none is the cause.
func (r *runner) why(ctx context.Context, d *Detection, data []byte) (string, error) {
	run := testRun(data)
	run.Layout = r.queries[d.ID].Layout.Clone()
	w, err := r.queries[d.ID].Why(ctx, run)
	if err != nil {
		return "", err
	}
	for _, s := range w.Stages {
		if s.Out >= s.In {
			continue
		}
		for _, p := range s.Predicates {
			if p.Holds == 0 && s.In > 0 {
				help := ""
				for _, f := range p.Fields {
					if f.Help != "" {
						help = " (" + f.Help + ")"
					}
				}
				return fmt.Sprintf("the predicate %s holds for none of %d events%s; ", p.Text, s.In, help), nil
			}
		}
		if s.NothingLeft {
			return fmt.Sprintf("%s leaves none of %d events; ", s.Stage, s.In), nil
		}
	}
	return "", nil
}

// collect runs a query over events, in one worker.
func collect(ctx context.Context, q *query.Query, data []byte) (*query.Rows, error) {
	return q.Collect(ctx, testRun(data))
}

// testRun reads events in one worker: JSON Lines, and other text by what it looks like.
func testRun(data []byte) query.Run {
	formats, force := []*input.Format{format.Named("jsonl")}, format.Named("jsonl")
	if !isJSON(data) {
		formats, force = format.All(), nil
	}
	open := func() (input.Feeder, error) {
		return input.NewReader(input.Memory("events", data), formats, input.Options{Force: force, BlockBytes: len(data) + 1}), nil
	}
	reader, _ := open() // opening memory does not fail
	return query.Run{
		Input: reader, Workers: 1, Now: testNow, Zone: time.UTC,
		Warnings: &exec.Warnings{}, Reopen: open,
	}
}

// testNow is the time at which tests run.
var testNow = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)

// telemetry checks what the recording itself must show.
func (r *runner) telemetry(ctx context.Context, c *Case, d *Verdict) error {
	for _, t := range c.Telemetry {
		text := fmt.Sprintf("_sourceCategory=*%s* | where EventID = \"%d\"", t.Source, t.Event)
		if t.Where != "" {
			text += " | where " + t.Where
		}
		text += " | count as n"
		q := r.checks[text]
		if q == nil {
			var ds diag.List
			q, ds = query.Compile(diag.Text(fmt.Sprintf("telemetry of case %s", c.ID), text), query.Standard())
			if err := ds.Err(); err != nil {
				return err
			}
			r.checks[text] = q
		}
		rows, err := collect(ctx, q, c.data)
		if err != nil {
			return fmt.Errorf("case %s: telemetry: %w", c.ID, err)
		}
		n := int64(0)
		if len(rows.Values) > 0 {
			n, _ = rows.Get(0, "n").Int()
		}
		what := fmt.Sprintf("%s event %d", t.Source, t.Event)
		if t.Where != "" {
			what += " where " + t.Where
		}
		switch {
		case t.Exactly != nil && n != int64(*t.Exactly):
			d.Failures = append(d.Failures, fmt.Sprintf("telemetry: %s: seen %s, want %s", what, times(int(n)), times(*t.Exactly)))
		case n < int64(t.AtLeast):
			d.Failures = append(d.Failures, fmt.Sprintf("telemetry: %s: seen %s, want at least %s", what, times(int(n)), times(t.AtLeast)))
		}
	}
	return nil
}

// lowestScore is the lowest score among a detection's rows; 0 without any.
func lowestScore(d *Detection, rows *query.Rows) int64 {
	low := int64(0)
	for i := range rows.Values {
		if n, ok := rows.Get(i, d.Score.Field).Int(); ok && (i == 0 || n < low) {
			low = n
		}
	}
	return low
}
