package hunt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
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
			q, ds := query.Compile(x.Query, query.Standard(), query.Tables(d.Tables), query.Carry(Carried...), query.Once)
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
			note(r.Asks())
		}
	}
	if d.Tenant != nil && len(d.Tenant.Rules) > 0 {
		h.tenant = d.Tenant
		h.tenant.Say(Detailed())
		for _, r := range d.Tenant.Rules {
			note(r.ID)
			note(r.Digest())
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

// Blind are the detections of packages whose queries look at no event of these categories,
// whatever else is in it.
func (h *Hunt) Blind(categories []string) (all []*Detection) {
	for _, c := range h.queries {
		if !slices.ContainsFunc(categories, func(text string) bool { return c.query.CanRead("_sourceCategory", text) }) {
			all = append(all, OfPackage(c.of))
		}
	}
	return all
}

// Set are the Sigma rules; nil for none.
func (h *Hunt) Set() *rule.Set { return h.set }

// Pass is one run of a hunt over events that end, for query.RunTogether.
type Pass struct {
	Parts     []query.Part
	Seen      []*query.Seen
	Consumers []query.Consumer
	SIEM      *tenant.Pass // nil without Cloud SIEM rules
	// Signals are those that Finish has made, suppressed ones too.
	Signals []*insight.Signal

	sigma   *SigmaRun
	to      Taker
	part    func(index int) string
	details Details
}

// Details reads fields of records again: Detailed, by position. Nothing comes of what
// cannot be read again.
type Details func(at map[uint64]bool) (map[uint64]map[string]string, error)

// Pass readies a run whose findings go to a list; part names a part of the input. details
// are for the records of signals; where it is nil these carry their fields along.
func (h *Hunt) Pass(to Taker, part func(index int) string, details Details) *Pass {
	p := &Pass{to: to, part: part, details: details}
	for _, c := range h.queries {
		rows := c.rows(to, part)
		seen := &query.Seen{}
		p.Seen = append(p.Seen, seen)
		p.Parts = append(p.Parts, query.Part{Query: c.query, Layout: rows.Layout, Seen: seen, Out: rows})
	}
	if h.set != nil {
		p.sigma = newSigmaRun(h.scope, h.rules, h.set, to, part)
		p.Consumers = append(p.Consumers, p.sigma.Consumer())
	}
	if h.tenant != nil {
		p.SIEM = &tenant.Pass{Tenant: h.tenant, Rules: h.tenant.Rules, Says: details == nil}
		p.Consumers = append(p.Consumers, p.SIEM.Consumer())
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

// Finish gives the findings of correlations and of Cloud SIEM rules, once all events are
// read. Rules that have panicked are its error, a bug; what the others found stands.
func (p *Pass) Finish() (bugs error) {
	var finish []func() error
	if p.sigma != nil {
		finish = append(finish, func() error { return errors.Join(p.sigma.failures()...) }, p.sigma.Correlations)
	}
	if p.SIEM != nil && p.SIEM.Run != nil {
		finish = append(finish, p.signals)
	}
	for _, f := range finish {
		if err := f(); err != nil && !exec.IsBug(err) {
			return err
		} else if err != nil {
			bugs = errors.Join(bugs, err)
		}
	}
	return bugs
}

// signals makes findings of the signals of Cloud SIEM rules.
func (p *Pass) signals() (err error) {
	if p.Signals, _, _, err = p.SIEM.Run.Signals(); err != nil {
		return err
	}
	to := NewSignals(p.SIEM.Rules, p.to, p.part)
	if p.details != nil {
		if to.Details, err = p.details(Records(p.Signals)); err != nil {
			return err
		}
	}
	return to.Add(p.Signals)
}

// Run runs the hunt over events that end, each read once, and puts the findings into a
// list. part names a part of r.Input.
func (h *Hunt) Run(ctx context.Context, r query.Run, to Taker, part func(index int) string) error {
	pass := h.Pass(to, part, nil)
	bugs := query.RunTogether(ctx, r, pass.Parts, pass.Consumers...)
	if bugs != nil && !exec.IsBug(bugs) {
		return bugs
	}
	err := pass.Finish()
	if err != nil && !exec.IsBug(err) {
		return err
	}
	return errors.Join(bugs, err)
}
