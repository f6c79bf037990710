package gyoji

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Detections are what a hunt runs. The zero Detections are those that gyoji ships: packages
// and their Cloud SIEM rules.
type Detections struct {
	Packages []fs.FS  // folders of detection packages: os.DirFS("packages")
	Sigma    []string // Sigma rules, correlations and filters: files, folders, archives
	SIEM     []fs.FS  // folders of Cloud SIEM rules and their settings
	Tables   []Table  // what the packages' queries look things up in
}

// Hunt is detections that are ready to run. It does not change, and may be run by several
// goroutines at once.
type Hunt struct {
	h     *hunt.Hunt
	diags diag.List
}

// NewHunt loads detections. Those that cannot run are named by [Hunt.Diagnostics], and the
// others run; when none is left that is the error.
func NewHunt(d Detections) (*Hunt, error) {
	shipped := len(d.Packages)+len(d.Sigma)+len(d.SIEM) == 0
	if shipped {
		d.Packages = []fs.FS{packages.FS}
	}
	h := &Hunt{}
	run := hunt.Detections{Tables: library(d.Tables)}
	var wrong []error
	for _, p := range d.Packages {
		pkgs, errs := detection.Load(p, ".")
		run.Packages, wrong = append(run.Packages, pkgs...), append(wrong, errs...)
	}
	var places []tenant.Place // of Cloud SIEM rules
	for _, p := range run.Packages {
		if _, err := fs.Stat(p.FS, detection.RulesDir); shipped && err == nil {
			places = append(places, tenant.Place{FS: p.FS, Path: detection.RulesDir, Name: path.Join(p.Dir, detection.RulesDir)})
		}
	}
	for _, f := range d.SIEM {
		places = append(places, tenant.Place{FS: f, Path: ".", Name: "."})
	}
	if len(d.Sigma) > 0 {
		docs, diags, err := sigma.Load(d.Sigma, detection.ManifestName)
		if err != nil {
			return nil, err
		}
		h.diags = append(h.diags, diags...)
		run.Scope = rule.NewScope()
		run.Scope.Twins = true
		run.Scope.Layout.Slot("OperationType") // before rules are lowered at once
		var unusable []rule.Unusable
		run.Rules, unusable = run.Scope.Lower(docs, nil)
		for _, u := range unusable {
			h.diags = append(h.diags, u.Diagnostic)
		}
	}
	if len(places) > 0 {
		docs, diags, err := tenant.Read(places)
		if err != nil {
			return nil, err
		}
		run.Tenant = tenant.New(docs, diags)
		h.diags = append(h.diags, run.Tenant.Warnings...)
		for _, u := range run.Tenant.Unusable {
			h.diags = append(h.diags, u.Diagnostic)
		}
	}
	ready, diags := hunt.Compile(run)
	h.h, h.diags = ready, append(h.diags, diags...)
	for _, err := range wrong {
		h.diags.Add(&diag.Diagnostic{Severity: diag.Error, Code: "package", Message: err.Error()})
	}
	if ready.Len() == 0 {
		return nil, errors.Join(errors.New("no detection can run"), h.diags.Err())
	}
	return h, nil
}

// Len is how many detections run: queries, Sigma rules and correlations, Cloud SIEM rules.
func (h *Hunt) Len() int { return h.h.Len() }

// Diagnostics name the detections that cannot run, each with its place and reason, and
// what there is to say of the others.
func (h *Hunt) Diagnostics() diag.List { return h.diags }

// Severity is how bad a finding is.
type Severity int

// The severities, from the least.
const (
	Informational Severity = iota
	Low
	Medium
	High
	Critical
)

func (s Severity) String() string { return detection.Severity(s).String() }

// Finding is one thing that a detection found.
type Finding struct {
	ID       string    // the same finding of the same record has the same in every run
	Time     time.Time // of the event; zero where it says none
	Severity Severity
	Score    float64 // as the detection computes it; 0 where it does not

	DetectionID string // the rule's id, or PACKAGE/DETECTION
	Detection   string // its title
	Kind        string // package, sigma, correlation or cloud-siem
	Package     string
	Techniques  []string // of ATT&CK: T1059.001
	Tactics     []string // by name

	Host, User string
	Next       string   // what to do first
	Records    []Record // that it is made of; of many the first
	Events     int      // how many there are

	fields hunt.Fields
	json   *hunt.Finding
}

// Record says where a record is found.
type Record struct {
	File     string
	Line     int64 // in text, from 1; 0 where it is not known
	RecordID int64 // EventRecordID of a Windows event
	Channel  string
	EventID  string
}

// Field is a value that the finding shows, as [Row.Get] gives it; nil for none.
func (f *Finding) Field(name string) any {
	v, _ := f.fields.Get(name)
	return goValue(v)
}

// Fields are all of them, in the order of the detection.
func (f *Finding) Fields() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, x := range f.fields {
			if !yield(x.Name, goValue(x.Value)) {
				return
			}
		}
	}
}

// MarshalJSON writes the finding as gyoji hunt -f ndjson does: docs/schema/finding.json.
func (f *Finding) MarshalJSON() ([]byte, error) { return json.Marshal(f.json) }

func findingOf(f *hunt.Finding) *Finding {
	out := &Finding{
		ID: f.ID, Severity: Severity(f.Severity), DetectionID: f.DetectionID, Detection: f.Detection, Kind: string(f.Kind),
		Package: f.Package, Host: f.Host, User: f.User, Next: f.Next, Events: f.Records, fields: f.Fields, json: f,
	}
	if f.Timed() {
		out.Time = time.UnixMilli(int64(f.Time)).UTC()
	}
	if f.Score != nil {
		out.Score = *f.Score
	}
	for _, t := range f.Techniques {
		out.Techniques = append(out.Techniques, t.ID)
	}
	for _, t := range f.Tactics {
		out.Tactics = append(out.Tactics, t.Name)
	}
	for _, e := range f.Evidence {
		out.Records = append(out.Records, Record{e.File, e.Line, e.RecordID, e.Channel, e.EventID})
	}
	return out
}

// Findings runs the hunt over events, each read once for all detections. An error, if there
// is one, comes last, as with [Query.Rows].
//
// Over [Files] and a [Reader] findings come in the order in which gyoji hunt lists them, the
// most severe first, and one that is there in several copies of a log comes once. Over
// [Events] and a [Channel] a finding of one event comes with it; one of several events, or
// of a query that holds rows, at the end: use [Hunt.Start] to have them as time goes on.
func (h *Hunt) Findings(ctx context.Context, from Source, with ...Option) iter.Seq2[*Finding, error] {
	if _, ok := from.(values); !ok && from != nil {
		return h.list(ctx, from, options(with))
	}
	return func(yield func(*Finding, error) bool) {
		if from == nil {
			yield(&Finding{}, errNoSource)
			return
		}
		var came gathered[*Finding]
		l, err := h.Start(ctx, came.add, with...)
		if err != nil {
			yield(&Finding{}, err)
			return
		}
		defer l.Close()
		for v, err := range from.(values).values(ctx) {
			if err == nil {
				err = l.Push(v)
			}
			if !came.each(yield) {
				return
			}
			if err != nil {
				yield(&Finding{}, err)
				return
			}
		}
		if err = l.Finish(); came.each(yield) {
			if err = errors.Join(err, l.Lost()); err != nil {
				yield(&Finding{}, err)
			}
		}
	}
}

// list runs the hunt over files.
func (h *Hunt) list(ctx context.Context, from Source, o *settings) iter.Seq2[*Finding, error] {
	return func(yield func(*Finding, error) bool) {
		reader, again, warnings, err := from.open(o)
		if err != nil {
			yield(&Finding{}, err)
			return
		}
		run := o.run(nil, warnings)
		run.Input, run.Reopen = reader, again
		rt := &exec.Runtime{Ctx: ctx, Layout: event.NewLayout(), Zone: run.Zone, Budget: &exec.Budget{Limit: run.Memory}, TempDir: run.TempDir, Warnings: warnings}
		defer rt.Close()
		list := hunt.NewList(rt, hunt.Options{})
		bugs := h.h.Run(ctx, run, list, reader.PartName)
		if bugs != nil && !exec.IsBug(bugs) {
			yield(&Finding{}, bugs)
			return
		}
		err = list.Each(ctx, from.locate(ctx, o, list.Places()), func(_ int, f *hunt.Finding) error {
			if !yield(findingOf(f), nil) {
				return errBreak
			}
			return nil
		})
		if errors.Is(err, errBreak) {
			return
		}
		if err = errors.Join(bugs, err, incomplete(reader.Stats().Failed, warnings)); err != nil {
			yield(&Finding{}, err)
		}
	}
}

// LiveHunt is a running hunt to which events are pushed. It is for one goroutine: a call
// while another is under way is an error.
type LiveHunt struct {
	l        *hunt.Live
	ctx      context.Context
	found    handed[*Finding]
	events   encoder
	warnings *exec.Warnings
	use
}

// Start starts the hunt for events that are pushed. found takes a finding of one event
// with the [LiveHunt.Push] of that, one of several with [LiveHunt.Advance], one of a query
// that counts with [LiveHunt.News], and all that are left with [LiveHunt.Finish]. An error
// of found ends the call that made the finding, whose events have been taken; findings that
// are left come with the next call.
func (h *Hunt) Start(ctx context.Context, found func(*Finding) error, with ...Option) (*LiveHunt, error) {
	if found == nil {
		return nil, errors.New("nobody takes the findings: found is nil")
	}
	o := options(with)
	if o.err != nil {
		return nil, o.err
	}
	l := &LiveHunt{ctx: ctx, warnings: &exec.Warnings{}, found: handed[*Finding]{to: found}}
	var err error
	l.l, err = h.h.Start(ctx, o.run(nil, l.warnings), hunt.LiveOptions{
		Found: func(f *hunt.Finding) error { return l.found.take([]*Finding{findingOf(f)}) },
	})
	if err != nil {
		return nil, err
	}
	l.use.release = l.l.Close
	return l, nil
}

// gives does something that makes findings, and gives them.
func (l *LiveHunt) gives(do func() error) error {
	err := l.during(do)
	return cmp.Or(l.found.give(), err)
}

// Push takes events, maps or structs; of several one of which is no event, none. The error
// of a detection that has stopped because of a bug in gyoji is given once; the other
// detections go on.
func (l *LiveHunt) Push(events ...any) error {
	return l.gives(func() error {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		piece, err := l.events.encode(events, l.l.Next())
		if err != nil || piece == nil {
			return err
		}
		return errors.Join(l.l.Add(l.ctx, piece), errors.Join(l.l.Failures()...))
	})
}

// Advance says that event time has come to t: events of an earlier time do not come any
// more. Findings of correlations and of Cloud SIEM rules over time come now. Events before
// t that come all the same do not count for those, and are counted: see [LiveHunt.Lost].
func (l *LiveHunt) Advance(t time.Time) error {
	return l.gives(func() error { return l.l.Advance(t.UnixMilli()) })
}

// News gives the findings of queries that hold rows, such as a count: of the rows so far
// that were not among them before. Of a row whose counts and sums grow it gives the first.
func (l *LiveHunt) News() error { return l.gives(l.l.News) }

// Newest is the time of the newest event so far; zero for none. One that is dated more
// than a day after the clock is not believed.
func (l *LiveHunt) Newest() time.Time {
	if ms := l.l.Newest(); ms != event.NoTime {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// Finish gives what is left to be found, when no more events come.
func (l *LiveHunt) Finish() error { return l.gives(l.l.Finish) }

// Lost is an *[Incomplete] of what could not be used of the events so far, nil for nothing.
func (l *LiveHunt) Lost() error { return incomplete(nil, l.warnings) }

// Save writes down what the hunt holds: windows, groups, histories. Load reads it into
// another of the same detections, before any event, in another process say.
func (l *LiveHunt) Save(w io.Writer) error { return l.during(func() error { return l.l.Save(w) }) }

// Load is described with Save. After an error the LiveHunt is of no use: close it.
func (l *LiveHunt) Load(r io.Reader) error { return l.during(func() error { return l.l.Load(r) }) }

// Close gives back what the hunt holds. Closing again does nothing.
func (l *LiveHunt) Close() { l.close() }
