package hunt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// Detections are what a hunt runs.
type Detections struct {
	Packages []*detection.Package
	Scope    *rule.Scope     // of Rules
	Rules    []*rule.Rule    // Sigma rules and correlations, as Scope has lowered them
	Tenant   *tenant.Tenant  // Cloud SIEM rules and their settings; nil for none
	Tables   *lookup.Library // what queries look things up in; nil for nothing
	Filter   Filter          // queries that it does not want are left out
}

// Hunt is detections that are ready to run, any number of times.
type Hunt struct {
	queries []compiled
	scope   *rule.Scope
	rules   []*rule.Rule
	set     *rule.Set // nil without rules
	tenant  *tenant.Tenant
	id      [sha256.Size]byte // of the detections; tells saved states apart
}

type compiled struct {
	of    *detection.Detection
	query *query.Query
}

// Compile readies detections. A query with mistakes is left out and named by the
// diagnostics, which have the warnings and notes of the others, too.
func Compile(d Detections) (*Hunt, diag.List) {
	h := &Hunt{scope: d.Scope, rules: d.Rules}
	sum := sha256.New()
	note := func(s string) {
		sum.Write(binary.AppendUvarint(nil, uint64(len(s))))
		sum.Write([]byte(s))
	}
	var diags diag.List
	for _, p := range d.Packages {
		for _, x := range p.Detections {
			if !d.Filter.Wants(OfPackage(x)) {
				continue
			}
			q, ds := query.Compile(x.Query, query.Standard(), query.Tables(d.Tables), query.Carry(Carried...))
			diags = append(diags, ds...)
			if q != nil {
				h.queries = append(h.queries, compiled{x, q})
				note(p.Name + "/" + x.ID)
				note(x.Query.Text)
			}
		}
	}
	if len(d.Rules) > 0 {
		h.set = rule.Compile(d.Scope, d.Rules)
		for _, r := range d.Rules {
			note(r.Title)
			note(r.ID)
		}
	}
	if d.Tenant != nil && len(d.Tenant.Rules) > 0 {
		h.tenant = d.Tenant
		for _, r := range d.Tenant.Rules {
			note(r.ID)
		}
	}
	sum.Sum(h.id[:0])
	return h, diags
}

// Len is how many detections there are: queries, Sigma rules, Cloud SIEM rules.
func (h *Hunt) Len() int {
	n := len(h.queries) + len(h.rules)
	if h.tenant != nil {
		n += len(h.tenant.Rules)
	}
	return n
}

// Detections are what the findings of each have in common: of packages' queries, and of Sigma
// rules that find something by themselves.
func (h *Hunt) Detections() (all []*Detection) {
	for _, c := range h.queries {
		all = append(all, OfPackage(c.of))
	}
	for _, r := range h.rules {
		if !r.Silent {
			all = append(all, OfRule(r))
		}
	}
	return all
}

// Queries are those of packages.
func (h *Hunt) Queries() (all []*query.Query) {
	for _, c := range h.queries {
		all = append(all, c.query)
	}
	return all
}

// Set are the Sigma rules; nil for none.
func (h *Hunt) Set() *rule.Set { return h.set }

// Pass is one run of a hunt over events that end, for query.RunTogether. The Cloud SIEM
// rules are the caller's.
type Pass struct {
	Parts  []query.Part
	Seen   []*query.Seen
	Beside []query.Beside
	sigma  *SigmaRun
}

// Pass readies a run whose findings go to a list; part names a part of the input.
func (h *Hunt) Pass(to Taker, part func(index int) string) *Pass {
	p := &Pass{}
	for _, c := range h.queries {
		rows := c.rows(to, part)
		seen := &query.Seen{}
		p.Seen = append(p.Seen, seen)
		p.Parts = append(p.Parts, query.Part{Query: c.query, Layout: rows.Layout, Seen: seen, Out: rows})
	}
	if h.set != nil {
		p.sigma = newSigmaRun(h.scope, h.rules, h.set, to, part)
		p.Beside = append(p.Beside, p.sigma.Beside())
	}
	return p
}

// rows makes findings of the rows of one run of a detection's query.
func (c compiled) rows(to Taker, part func(index int) string) *Rows {
	d := OfPackage(c.of)
	d.Marks = c.query.Marks()
	to.Ran(d)
	return &Rows{To: to, Of: c.of, Layout: c.query.Layout.Clone(), Columns: c.query.Columns, Part: part, Detection: d}
}

// Finish gives the findings of correlations, once all events are read. Rules that have
// panicked are its error.
func (p *Pass) Finish() error {
	if p.sigma == nil {
		return nil
	}
	return errors.Join(append(p.sigma.failures(), p.sigma.Correlations())...)
}

// Run runs the hunt over events that end, each read once, and puts the findings into a
// list. part names a part of r.Input.
func (h *Hunt) Run(ctx context.Context, r query.Run, to Taker, part func(index int) string) error {
	pass := h.Pass(to, part)
	var siem *tenant.Pass
	if h.tenant != nil {
		siem = &tenant.Pass{Tenant: h.tenant, Rules: h.tenant.Rules}
		pass.Beside = append(pass.Beside, siem.Beside())
	}
	bugs := query.RunTogether(ctx, r, pass.Parts, pass.Beside...)
	if bugs != nil && !exec.IsBug(bugs) {
		return bugs
	}
	finish := []func() error{pass.Finish}
	if siem != nil && siem.Run != nil {
		finish = append(finish, func() error {
			signals, _, _, err := siem.Run.Signals()
			if err != nil {
				return err
			}
			return NewSignals(siem.Rules, to, part).Add(signals)
		})
	}
	for _, f := range finish {
		if err := f(); err != nil && !exec.IsBug(err) {
			return err
		} else if err != nil {
			bugs = errors.Join(bugs, err) // what the others found stands
		}
	}
	return bugs
}
