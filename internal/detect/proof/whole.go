package proof

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Whole is a rule over many events: a correlation of Sigma, a threshold, chain or
// aggregation of Cloud SIEM, a Sumo query that counts. Its parts say which events, how
// says how many of them there have to be, of what and within which time.
type Whole struct {
	Name, Kind string
	Notes      []string
	Parts      []*Side
	how        []how // the first that both sides have in the same terms is compared
}

// how is what a rule wants of its parts' events.
type how struct {
	terms  string // what names mean: attributes of records, or fields of Sigma
	kind   string // events, values, chain or ordered chain
	least  []int  // of each part of a chain; of the others the only bound, if it is a least one
	bounds string // of a count that is not a least one
	window time.Duration
	by     []string // each grouping: its names, sorted and joined
	of     string   // whose values are counted
}

// ReadWhole makes a Whole of a file. It is nil without errors for a file of another kind,
// of which Read makes a Side.
func ReadWhole(f *diag.File) (*Whole, diag.List) {
	switch content.Of(f.Name, f.Text) {
	case content.Sigma:
		return wholeSigma(f)
	case content.Query:
		p, ds := convert.FromSumo(f)
		if p == nil || p.Count == nil || ds.HasErrors() {
			return nil, nil
		}
		s, ds := Query(groupedQuery(f))
		if ds.HasErrors() {
			return nil, ds
		}
		s.Notes = nil
		w := &Whole{Name: f.Name, Kind: "Sumo query that counts", Parts: []*Side{s}}
		for _, l := range p.Lost {
			w.Notes = append(w.Notes, fmt.Sprintf("%s: %s", f.Name, l.Message))
		}
		h := how{terms: sigmaTerms, kind: "events", window: p.Count.Timespan, of: p.Count.Field}
		if p.Count.Type == sigma.ValueCount {
			h.kind = "values"
		}
		h.group(p.Count.By)
		h.bounded(p.Count.Bounds)
		w.how = []how{h}
		return w, nil
	case content.SIEMRule, content.Terraform:
		return wholeSIEM(f)
	}
	return nil, nil
}

const sigmaTerms, recordTerms = "fields of Sigma", "attributes of records"

func (h *how) group(names []string) {
	of := slices.Clone(names)
	for i, n := range of {
		of[i] = strings.ToLower(n)
		if h.terms == sigmaTerms {
			of[i] = strings.ToLower(mapping.SigmaField(n))
		}
	}
	slices.Sort(of)
	h.by = append(h.by, strings.Join(slices.Compact(of), ", "))
	slices.Sort(h.by)
}

// bounded takes the bounds of a count: more than 20 is 21 or more.
func (h *how) bounded(all []sigma.Bound) {
	if len(all) == 1 && (all[0].Op == sigma.Ge || all[0].Op == sigma.Gt) {
		n := int(all[0].Count)
		if float64(n) < all[0].Count || all[0].Op == sigma.Gt {
			n++
		}
		h.least = []int{n}
		return
	}
	var parts []string
	for _, b := range all {
		parts = append(parts, b.Op.String()+" "+strconv.FormatFloat(b.Count, 'f', -1, 64))
	}
	slices.Sort(parts)
	h.bounds = strings.Join(parts, " and ")
}

// wholeSigma is the one correlation of a file, with the rules in it that it names.
func wholeSigma(f *diag.File) (*Whole, diag.List) {
	docs, ds := sigma.Parse(f)
	if ds.HasErrors() {
		return nil, nil // Read says what is wrong
	}
	var c *sigma.Correlation
	n := 0
	for _, d := range docs {
		if x, ok := d.(*sigma.Correlation); ok {
			c = x
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	if n > 1 {
		return nil, notCompared(f, diag.Span{}, "%d correlations stand here, and one is compared: put it into a file of its own, with its rules", n)
	}
	var rules []*sigma.Rule
	for _, ref := range c.Rules {
		i := slices.IndexFunc(docs, func(d sigma.Document) bool { return d.About().Known(ref.Name) })
		if i < 0 {
			return nil, notCompared(f, ref.Span, "the rule %s is not in the file", ref.Name)
		}
		r, ok := docs[i].(*sigma.Rule)
		if !ok {
			return nil, notCompared(f, ref.Span, "a correlation of a correlation is not compared")
		}
		rules = append(rules, r)
	}
	return Correlation(f.Name, c, rules)
}

func notCompared(f *diag.File, at diag.Span, format string, args ...any) diag.List {
	return diag.List{{Severity: diag.Error, Code: "not-compared", File: f, Span: at, Message: fmt.Sprintf(format, args...)}}
}

// Correlation is a correlation with the rules that it names, in their order.
func Correlation(name string, c *sigma.Correlation, rules []*sigma.Rule) (*Whole, diag.List) {
	w := &Whole{Name: name, Kind: "Sigma correlation"}
	h, ok := howOf(c)
	switch {
	case !ok:
		return nil, notCompared(c.File, c.Span, "%s, or a condition on some of the rules, is not compared", c.Type)
	case len(rules) > 1 && (h.kind == "events" || h.kind == "values"):
		return nil, notCompared(c.File, c.Span, "a count over several rules is not compared")
	}
	if len(c.Aliases) > 0 {
		w.Notes = append(w.Notes, name+": the names of groups are compared, not what they are called in each rule's events")
	}
	w.how = []how{h}
	for i, r := range rules {
		var fields []string
		for _, g := range c.GroupBy {
			fields = append(fields, c.FieldOf(g.Name, c.Rules[i], &r.Meta))
		}
		s, ds := Sigma(grouped(r, fields))
		if ds.HasErrors() {
			return nil, ds
		}
		s.Name = name + ", " + r.Title
		w.Parts = append(w.Parts, s)
	}
	return w, nil
}

// grouped is a rule for the events that are in a group: those with a value in its fields.
// Windows writes - for none, and then records have none.
func grouped(r *sigma.Rule, fields []string) *sigma.Rule {
	if len(fields) == 0 {
		return r
	}
	all := &sigma.Group{All: true, Span: r.Span}
	for _, f := range fields {
		all.Items = append(all.Items, &sigma.Test{Field: f, Values: []sigma.Value{sigma.Exists(true)}, Span: r.Span}, &sigma.Test{Field: f, Not: true, Values: []sigma.Value{
			sigma.String{}, sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: "-"}}}, sigma.String{Parts: []sigma.Part{{Kind: sigma.Literal, Text: ","}}},
		}, Span: r.Span})
	}
	x := *r
	search := &sigma.Search{Name: "grouped", Span: r.Span, Item: all}
	x.Searches, x.Conditions = append(slices.Clone(r.Searches), search), nil
	for _, c := range r.Conditions {
		y := *c
		y.Expr = &sigma.And{Of: []sigma.Expr{c.Expr, &sigma.Use{Name: search.Name, Search: search}}}
		x.Conditions = append(x.Conditions, &y)
	}
	return &x
}

// groupedQuery is a query for the events that are in a group, as grouped makes a rule.
func groupedQuery(f *diag.File) *diag.File {
	_, rest, ds := query.Predicate(f, query.Standard())
	if ds.HasErrors() || len(rest) == 0 {
		return f
	}
	text := f.Text[:rest[0].Pos.Start]
	for _, n := range rest[0].By {
		if x, ok := n.X.(*syntax.Field); ok && !strings.EqualFold(x.Name, "_timeslice") {
			name := f.Slice(x.Pos)
			text += fmt.Sprintf("where !isNull(%[1]s) and !(%[1]s in (\"\", \"-\", \",\")) | ", name)
		}
	}
	return diag.Text(f.Name, text+f.Text[rest[0].Pos.Start:])
}

// howOf is how a correlation wants its events; it is not ok of one that measures them, or
// wants some of its rules.
func howOf(c *sigma.Correlation) (h how, ok bool) {
	h = how{terms: sigmaTerms, kind: "events", window: c.Timespan}
	var by []string
	for _, g := range c.GroupBy {
		by = append(by, g.Name)
	}
	h.group(by)
	switch c.Type {
	case sigma.ValueCount:
		h.kind = "values"
		for _, x := range c.Fields {
			h.of += mapping.SigmaField(x.Name)
		}
		h.bounded(c.Bounds)
	case sigma.EventCount:
		h.bounded(c.Bounds)
	case sigma.Temporal, sigma.TemporalOrdered:
		h.kind = "chain"
		if c.Type == sigma.TemporalOrdered {
			h.kind = "ordered chain"
		}
		for range c.Rules {
			h.least = append(h.least, 1)
		}
		if c.Expr != nil {
			return h, sigma.OnlyAnd(c.Expr)
		}
		return h, !c.Holds(float64(len(c.Rules) - 1))
	default:
		return h, false
	}
	return h, true
}

// wholeSIEM is the one threshold, chain or aggregation rule of a file.
func wholeSIEM(f *diag.File) (*Whole, diag.List) {
	docs, ds := ruledoc.Read(f)
	if ds.HasErrors() || len(docs) != 1 || docs[0].What == ruledoc.MatchRule || !docs[0].IsRule() {
		return nil, nil
	}
	r, ds := docs[0].Rule()
	if r == nil || ds.HasErrors() {
		return nil, ds
	}
	w := &Whole{Name: f.Name, Kind: "Cloud SIEM " + strings.ReplaceAll(strings.TrimSuffix(r.What, "_rule"), "_", " ") + " rule"}
	h := how{terms: recordTerms, window: time.Duration(r.Window) * time.Millisecond}
	conditions := []ruledoc.Source{r.Expression}
	switch r.What {
	case ruledoc.ThresholdRule:
		h.kind, h.least, h.of = "events", []int{r.Limit}, r.CountField
		if r.Distinct {
			h.kind = "values"
		}
	case ruledoc.ChainRule:
		h.kind, conditions = "chain", nil
		if r.Ordered {
			h.kind = "ordered chain"
		}
		for _, s := range r.Steps {
			h.least, conditions = append(h.least, s.Limit), append(conditions, s.Expression)
		}
	case ruledoc.AggregationRule:
		h.kind = "trigger"
		h.bounds = strings.TrimSpace(r.Trigger.Text)
		for _, x := range r.Functions {
			h.of += fmt.Sprintf("%s = %s(%s) ", x.Name, x.Function, x.Arguments[0].Text)
		}
		if !r.GroupByEntity {
			h.kind = "trigger without entity"
		}
	default:
		h.kind = r.What
		h.bounds = fmt.Sprint(r.Learning, r.Retention, r.PerEntity, r.ValueFields, r.Deviations, r.Floor)
		for _, x := range r.Functions {
			h.of += fmt.Sprintf("%s(%s) ", x.Function, x.Arguments[0].Text)
		}
	}
	for _, s := range r.Selectors {
		h.group(append([]string{s.Attr.Text}, r.GroupBy...))
	}
	var there []string // a record without an entity is in no group
	for _, s := range r.Selectors {
		there = append(there, s.Attr.Text+" IS NOT NULL")
	}
	with := ""
	if len(there) > 0 {
		with = " AND (" + strings.Join(there, " OR ") + ")"
	}
	for _, g := range r.GroupBy {
		with += " AND " + g + " IS NOT NULL"
	}
	if len(r.GroupBy) > 0 {
		w.Notes = append(w.Notes, fmt.Sprintf("%s: records without %s are not compared", f.Name, strings.Join(r.GroupBy, " or ")))
	}
	for i, c := range conditions {
		text := strings.TrimSpace(c.Text)
		if x, ds := siem.Parse(diag.Text(f.Name, text)); !ds.HasErrors() && len(x.Clauses) == 0 {
			text = "(" + text + ")" + with
		}
		s, ds := SIEM(diag.Text(f.Name, text))
		if ds.HasErrors() {
			return nil, ds
		}
		if len(conditions) > 1 {
			s.Name = fmt.Sprintf("%s, step %d", f.Name, i+1)
		}
		w.Parts = append(w.Parts, s)
	}
	w.how = []how{h}
	// What a rule of Sigma would say, for a side of another language.
	if text, _ := convert.FromSIEM(r); text != "" {
		if again, ok := inSigma(f.Name, text); ok {
			w.how = append(w.how, again)
		}
	}
	return w, nil
}

// inSigma is how the correlations of a text want their events: one for each grouping.
func inSigma(name, text string) (h how, ok bool) {
	docs, ds := sigma.Parse(diag.Text(name+".yml", text))
	if ds.HasErrors() {
		return h, false
	}
	var by []string
	for _, d := range docs {
		if c, is := d.(*sigma.Correlation); is {
			h, ok = howOf(c)
			by = append(by, h.by...)
		}
	}
	slices.Sort(by)
	h.by = by
	return h, ok
}

// says is what a rule wants, in words.
func (h *how) says() (out [5]string) {
	what := "events"
	switch h.kind {
	case "values":
		what = "distinct values of " + h.of
	case "chain":
		what = "each step, in any order"
	case "ordered chain":
		what = "each step, in order"
	case "events":
	default:
		what = h.kind + " of " + strings.TrimSpace(h.of)
	}
	count := h.bounds
	if h.least != nil {
		var n []string
		for _, l := range h.least {
			n = append(n, strconv.Itoa(l))
		}
		count = strings.Join(n, ", ") + " or more"
	}
	window := "all time"
	if h.window > 0 {
		window = spoken(h.window)
	}
	by := strings.Join(h.by, "; and by ")
	if by == "" {
		by = "nothing"
	}
	return [5]string{what, count, "within " + window, "by " + by, h.terms}
}

func spoken(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// common is how two rules want their events in the same terms, if they have any: the
// rules' own before Sigma's.
func common(a, b *Whole) (x, y *how) {
	for i := range a.how {
		for j := range b.how {
			if a.how[i].terms == b.how[j].terms {
				return &a.how[i], &b.how[j]
			}
		}
	}
	return &a.how[0], &b.how[0]
}

// WholeResult is what a comparison of two rules over many events found.
type WholeResult struct {
	Parts       [][2]int  // which part of one was compared with which of the other
	Results     []*Result // of each
	Differences []string  // in how many events they want, of what and when
	Says        string    // what both want, where that is the same
	Notes       []string
}

// Equal reports whether no difference was found.
func (r *WholeResult) Equal() bool {
	return len(r.Differences) == 0 && !slices.ContainsFunc(r.Results, func(x *Result) bool { return !x.Equal() })
}

// Empty reports whether some part matched nothing on either side.
func (r *WholeResult) Empty() bool {
	return slices.ContainsFunc(r.Results, func(x *Result) bool { return x.Empty() })
}

// CheckWhole compares two rules over many events: their parts as Check does, and how they
// want the events of these. Parts of chains without order are paired as they fit best.
func CheckWhole(ctx context.Context, a, b *Whole, open func() (*input.Reader, error)) (*WholeResult, error) {
	r := &WholeResult{Notes: append(slices.Clone(a.Notes), b.Notes...)}
	x, y := common(a, b)
	if x.terms != y.terms {
		r.Notes = append(r.Notes, fmt.Sprintf("%s groups by %s and %s by %s: that is not compared, for Sigma cannot say it", a.Name, x.terms, b.Name, y.terms))
	}
	if x.terms != y.terms { // names of one are not names of the other
		a, b := *x, *y
		a.of, b.of, x, y = "", "", &a, &b
	}
	one, two := x.says(), y.says()
	for i := range 4 {
		if i == 3 && x.terms != y.terms {
			continue
		}
		if one[i] != two[i] {
			r.Differences = append(r.Differences, fmt.Sprintf("%s wants %s; %s wants %s", a.Name, one[i], b.Name, two[i]))
		}
	}
	r.Says = strings.Join(one[:4], ", ")
	if x.terms == y.terms && one[3] != two[3] {
		r.Notes = append(r.Notes, "the conditions are not compared: the rules are about events in other groups")
		return r, nil
	}
	if len(a.Parts) != len(b.Parts) {
		r.Differences = append(r.Differences, fmt.Sprintf("%s has %d steps; %s has %d", a.Name, len(a.Parts), b.Name, len(b.Parts)))
		return r, nil
	}
	pairs := make([]int, len(a.Parts))
	for i := range pairs {
		pairs[i] = i
	}
	results := map[[2]int]*Result{}
	compare := func(i, j int) (*Result, error) {
		if res := results[[2]int{i, j}]; res != nil {
			return res, nil
		}
		res, err := Check(ctx, a.Parts[i], b.Parts[j], open)
		results[[2]int{i, j}] = res
		return res, err
	}
	if x.kind == "chain" {
		for i := range pairs { // swap in the first that is equal
			for k := i; k < len(pairs); k++ {
				res, err := compare(i, pairs[k])
				if err != nil {
					return nil, err
				}
				if res.Equal() && (x.least == nil || y.least == nil || x.least[i] == y.least[pairs[k]]) {
					pairs[i], pairs[k] = pairs[k], pairs[i]
					break
				}
			}
		}
		same := len(x.least) == len(y.least)
		for i, j := range pairs {
			same = same && x.least[i] == y.least[j]
		}
		if same { // the counts are the same in another order
			r.Differences = slices.DeleteFunc(r.Differences, func(d string) bool { return strings.Contains(d, " or more") })
		}
	}
	for i, j := range pairs {
		res, err := compare(i, j)
		if err != nil {
			return nil, err
		}
		r.Parts, r.Results = append(r.Parts, [2]int{i, j}), append(r.Results, res)
	}
	return r, nil
}
