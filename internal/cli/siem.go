package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/packages"
)

// tenant loads the Cloud SIEM documents that -d names, or those of the packages that
// gyoji ships. What cannot be used is named on stderr; with strict it ends the command.
func (a *app) tenant(names []string, strict bool, with ...tenant.Option) (*tenant.Tenant, error) {
	var places []tenant.Place
	for _, n := range names {
		dir, base := filepath.Dir(n), filepath.Base(n)
		if st, err := os.Stat(n); err != nil {
			return nil, &exit{exitInput, err}
		} else if st.IsDir() {
			dir, base = n, "."
		} else if isArchive(n) {
			packed, err := tenant.Archive(n)
			if err != nil {
				return nil, &exit{exitInput, err}
			}
			places = append(places, tenant.Place{FS: packed, Path: ".", Name: filepath.ToSlash(n)})
			continue
		}
		places = append(places, tenant.Place{FS: os.DirFS(dir), Path: base, Name: filepath.ToSlash(n)})
	}
	if names == nil {
		places = []tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}}
	}
	return a.tenantOf(places, strict, with...)
}

// tenantOf loads the Cloud SIEM documents of places.
func (a *app) tenantOf(places []tenant.Place, strict bool, with ...tenant.Option) (*tenant.Tenant, error) {
	docs, found, err := tenant.Read(places)
	if err != nil {
		return nil, &exit{exitInput, err}
	}
	t := tenant.New(docs, found, with...)
	if a.verbose {
		a.diagnose(t.Warnings)
	}
	if n := len(t.Unusable); n > 0 {
		fmt.Fprintf(a.stderr, "%d of %d Cloud SIEM documents cannot be used:\n", n, t.Found)
		listUnusable(a, t.Unusable)
		if strict {
			return nil, &exit{exitDiagnostics, fmt.Errorf("--strict: %d Cloud SIEM %s cannot be used", n, plural(int64(n), "document", "documents"))}
		}
	}
	if !a.quiet {
		if !a.verbose {
			a.warned(t.Warnings)
		}
		if n := int64(t.MappingsOff()); n > 0 {
			fmt.Fprintf(a.stderr, "%s log %s switched off (enabled: false)\n", number(n), plural(n, "mapping is", "mappings are"))
		}
		if n := int64(t.Disabled); n > 0 {
			fmt.Fprintf(a.stderr, "%s Cloud SIEM %s switched off (enabled: false)\n", number(n), plural(n, "rule is", "rules are"))
		}
	}
	return t, nil
}

// warned says in a line each what the documents' warnings are, of each kind once.
func (a *app) warned(l diag.List) {
	count := map[string]int{}
	for _, d := range l {
		count[d.Code]++
	}
	for _, d := range l {
		n := count[d.Code]
		if n == 0 {
			continue
		}
		count[d.Code] = 0
		where := ""
		if d.File != nil {
			where = fmt.Sprintf("%s:%d: ", d.File.Name, d.File.Place(d.Span.Start).Line)
		}
		more := ""
		if n > 1 {
			more = fmt.Sprintf(" (and %d more like it; -v names them all)", n-1)
		}
		fmt.Fprintf(a.stderr, "warning: %s%s%s\n", where, d.Message, more)
	}
}

// siemHunt is one pass of a tenant's rules over the logs.
type siemHunt struct {
	*tenant.Pass
	app       *app
	session   *session
	stateFile string // "" for none
	beside    bool   // other detections run over the same reading, and say themselves what none could find

	variants map[string]variant // of backtest, by id; nil for none

	before *siemHunt // of backtest: the version to compare with; nil for none

	signals  []*insight.Signal
	insights []*insight.Insight
}

// siem readies a pass of all rules.
func (s *session) siem(t *tenant.Tenant) *siemHunt {
	return &siemHunt{app: s.app, session: s, Pass: &tenant.Pass{Tenant: t, Rules: t.Rules}}
}

// read reads the logs for the rules alone, and judges them.
func (g *siemHunt) read(ctx context.Context) error {
	beside := []query.Consumer{g.Consumer()}
	if g.before != nil {
		beside = append(beside, g.before.Consumer())
	}
	if err := g.session.read(func(run query.Run) error { return query.RunTogether(ctx, run, nil, beside...) }); err != nil {
		return err
	}
	if g.before != nil {
		if err := g.before.judge(); err != nil {
			return err
		}
	}
	return g.judge()
}

// learn reads older logs, from which rules with a baseline learn.
func (g *siemHunt) learn(ctx context.Context, in *inputs, paths []string) error {
	s, err := g.app.open(in, paths)
	if err != nil {
		return err
	}
	s.unique = true
	beside := []query.Consumer{g.Baseline()}
	if g.before != nil {
		beside = append(beside, g.before.Baseline())
	}
	err = s.read(func(run query.Run) error { return query.RunTogether(ctx, run, nil, beside...) })
	return firstOf(err, s.finish("of the baseline"))
}

// judge makes the signals and insights, once all events are read.
func (g *siemHunt) judge() (err error) {
	if g.variants != nil { // each has desks of its own
		g.signals, err = g.Run.Judge()
		return err
	}
	g.signals, g.insights, _, err = g.Run.Signals()
	return err
}

// tell says what kept signals away, and what nobody could judge.
func (g *siemHunt) tell() {
	s, run := g.session, g.Run
	if run == nil {
		return
	}
	if run.Records == 0 && run.Unmapped > 0 && g.beside {
		// said once for all of them
	} else if run.Records == 0 && run.Unmapped > 0 {
		s.note("no event of %s becomes a Cloud SIEM record, so no rule saw one: the most frequent is %s", number(run.Unmapped), mostOf(run.Keys))
	} else if run.Unmapped > 0 && !g.app.quiet && !g.beside {
		fmt.Fprintf(g.app.stderr, "%s %s no Cloud SIEM mapper, and no rule sees them: most are %s\n",
			number(run.Unmapped), plural(run.Unmapped, "event has", "events have"), mostOf(run.Keys))
	}
	if run.Untimed > 0 {
		for range run.Untimed {
			s.opt.Warnings.Add("a record without a time is left out of a rule over time", true, exec.Sample{})
		}
	}
	if _, evicted := run.Entities(); evicted > 0 {
		s.note("%s entities were too many to remember: their scores begin at 0 again", number(int64(evicted)))
	}
	for i, c := range run.ByRule {
		r := g.Rules[i]
		if c.NoEntity > 0 && !g.app.quiet {
			fmt.Fprintf(g.app.stderr, "%s (%s): %s of %s %s no entity to make a signal on\n",
				r.Name, r.ID, number(c.NoEntity), number(c.Hits), plural(c.Hits, "record has", "records have"))
		}
		if c.Late > 0 {
			s.note("%s (%s): %s %s older than the state and left out of its windows", r.Name, r.ID, number(c.Late), plural(c.Late, "record is", "records are"))
		}
		if c.Evicted > 0 || c.Forgotten > 0 {
			s.note("%s (%s) is degraded: %s groups and %s records were too many to remember", r.Name, r.ID, number(int64(c.Evicted)), number(int64(c.Forgotten)))
		}
	}
}

// isAre is "3 are" or "1 is".
func isAre(n int) string {
	return fmt.Sprintf("%s %s", number(int64(n)), plural(int64(n), "is", "are"))
}

// mostOf is the most frequent of some names.
func mostOf(count map[string]int64) (most string) {
	for _, k := range slices.Sorted(maps.Keys(count)) {
		if most == "" || count[k] > count[most] {
			most = k
		}
	}
	return most
}

// why lists how many signals do not count, by reason.
func (g *siemHunt) why() string {
	count := map[string]int{}
	n, stronger := 0, 0
	for _, s := range g.signals {
		if s.Stronger {
			stronger++
		}
		if len(s.Suppressed) > 0 {
			kind, _, _ := strings.Cut(s.Suppressed[0], ":")
			count[kind]++
			n++
		}
	}
	if n == 0 {
		return ""
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%s %s", number(int64(count[k])), k))
	}
	more := ""
	if stronger > 0 {
		more = fmt.Sprintf("; %s more severe than the %s that %s", isAre(stronger), plural(int64(stronger), "signal", "signals"), plural(int64(stronger), "it repeats", "they repeat"))
	}
	return fmt.Sprintf("%s %s suppressed: %s%s; gyoji signals shows them", number(int64(n)), plural(int64(n), "signal is", "signals are"), strings.Join(parts, ", "), more)
}

// table prints rows of columns in any format of queries.
func (a *app) table(w io.Writer, out *output, s *session, columns []string, each func(add func(cells ...event.Value) error) error) error {
	layout := event.NewLayout(columns...)
	var cols []lang.Column
	for i, name := range columns {
		cols = append(cols, lang.Column{Slot: event.Slot(i), Name: name})
	}
	sink, err := render.New(out.kind(a), w, out.look(a, render.Options{Columns: cols, Layout: layout, Zone: s.run.Zone}))
	if err != nil {
		return usageError("%v", err)
	}
	var b event.Batch
	err = each(func(cells ...event.Value) error {
		b.Reset()
		row := b.AddRow(0, 0)
		for i, v := range cells {
			b.Col(event.Slot(i)).Set(row, v)
		}
		return sink.Push(&b)
	})
	return firstOf(err, sink.Close())
}

// orNull is a text as a value, null for "".
func orNull(s string) event.Value {
	if s == "" {
		return event.Value{}
	}
	return event.Text(s)
}

// noRules is the error of a run that has nothing to run. names are what was given; the
// first that is something else than Cloud SIEM's is named.
func noRules(found int, names ...string) error {
	if found == 0 {
		for _, n := range names {
			if st, err := os.Stat(n); err != nil || !st.Mode().IsRegular() {
				continue
			}
			if k := content.Of(n, headOf(n)); k != content.SIEMRule && k != content.Terraform {
				return &exit{exitDiagnostics, fmt.Errorf("%s is %s, and this is about rules of Cloud SIEM: %s", n, k, k.Use())}
			}
		}
	}
	return &exit{exitDiagnostics, fmt.Errorf("no Cloud SIEM rule that can run in %d %s: a rule is a document in JSON, Terraform or YAML", found, plural(int64(found), "document", "documents"))}
}
