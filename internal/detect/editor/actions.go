package editor

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Action is a change that is offered at a place.
type Action struct {
	Title string
	Kind  ActionKind
	Edits []diag.Edit
	Safe  bool
	For   *diag.Diagnostic // what it mends; nil for none
	// NewFile, when set, is a file that the action makes, with Text.
	NewFile, Text string
}

// ActionKind is what an Action is for.
type ActionKind uint8

const (
	QuickFix   ActionKind = iota
	Rewrite               // says the same in another way
	FixAll                // all fixes that keep the meaning
	Conversion            // to another language
)

// Actions lists the changes that are offered where a span of the document stands.
func (d *Document) Actions(at diag.Span) (list []Action) {
	for _, r := range d.Regions {
		if at.End < r.Span.Start || at.Start > r.Span.End {
			continue
		}
		switch r.Language {
		case Sumo:
			list = append(list, r.queryActions(at)...)
		case Sigma, Rules, SIEM:
			for _, f := range r.diagnose() {
				f = r.diagnostic(f)
				if f.Fix != nil && touches(f.Span, at) {
					list = append(list, Action{Title: f.Fix.Title, Edits: f.Fix.Edits, Safe: f.Fix.Safe, For: f})
				}
			}
			if r.Language == Sigma {
				if text := lint.FixSigma(r.File, false); text != r.File.Text {
					list = append(list, Action{Title: "Make all fixes that keep the meaning", Kind: FixAll, Safe: true, Edits: []diag.Edit{{Span: r.Span, New: r.write(text)}}})
				}
			}
		}
	}
	return list
}

func touches(a, b diag.Span) bool { return a.Start <= b.End && b.Start <= a.End }

func (r *Region) queryActions(at diag.Span) (list []Action) {
	q := r.query()
	found := r.withLogs(q.fixes())
	var safe []diag.Fix
	for _, f := range found {
		mine := r.diagnostic(f)
		if f.Fix != nil && f.Fix.Safe {
			safe = append(safe, *f.Fix)
		}
		if !touches(mine.Span, at) {
			continue
		}
		if mine.Fix != nil {
			list = append(list, Action{Title: mine.Fix.Title, Edits: mine.Fix.Edits, Safe: mine.Fix.Safe, For: mine})
		}
		if f.Code == "late-filter" && len(f.Labels) > 0 {
			if a := r.moveFilter(f); a != nil {
				a.For = mine
				list = append(list, *a)
			}
		}
		if a := r.ignore(f); a != nil {
			a.For = mine
			list = append(list, *a)
		}
	}
	if found.HasErrors() {
		return list
	}
	if len(safe) > 0 {
		text := diag.Apply(r.File.Text, safe)
		if _, wrong := query.Compile(diag.Text(r.File.Name, text), q.vocab, query.Unfilled); !wrong.HasErrors() && text != r.File.Text {
			list = append(list, Action{Title: "Make all fixes that keep the meaning", Kind: FixAll, Safe: true, Edits: []diag.Edit{{Span: r.Span, New: r.write(text)}}})
		}
	}
	if text := r.portable(found); text != "" {
		list = append(list, Action{Title: "Write it in Sumo Logic's own words", Kind: Rewrite, Edits: []diag.Edit{{Span: r.Span, New: r.write(text)}}})
	}
	if name, text := r.toSigma(); text != "" {
		list = append(list, Action{Title: "Convert to a Sigma rule", Kind: Conversion, NewFile: name, Text: text})
	}
	return list
}

// portable is the query with what Sumo Logic does not have written as it has it; ""
// when there is nothing of it, or no such form.
func (r *Region) portable(found diag.List) string {
	q := r.query()
	var fixes []diag.Fix
	for _, f := range found {
		if f.Fix != nil && (strings.HasPrefix(f.Code, "nonportable") || f.Code == "single-quotes" || f.Code == "typographic-quotes" || f.Code == "regex-flags" || f.Code == "by-missing") {
			fixes = append(fixes, *f.Fix)
		}
	}
	text := diag.Apply(r.File.Text, fixes)
	tree, wrong := syntax.Parse(diag.Text(r.File.Name, text), q.vocab)
	if syntax.Filled(wrong).HasErrors() {
		return ""
	}
	eval := false
	syntax.Walk(tree, func(n syntax.Node) bool {
		s, ok := n.(*syntax.Stage)
		eval = eval || ok && s.Eval
		return true
	})
	if eval {
		text = syntax.PrintPortable(tree)
		if strings.HasSuffix(r.File.Text, "\n") {
			text += "\n"
		}
	}
	if text == r.File.Text {
		return ""
	}
	if _, wrong := query.Compile(diag.Text(r.File.Name, text), q.vocab, query.Unfilled); wrong.HasErrors() {
		return ""
	}
	return text
}

// moveFilter moves a where to before the stage that lint says it could stand before.
func (r *Region) moveFilter(f *diag.Diagnostic) *Action {
	q := r.query()
	tree := q.survey().Tree
	text := r.File.Text
	var from, to diag.Span
	end := 0 // of what stands before the stage
	syntax.Walk(tree, func(n syntax.Node) bool {
		in, ok := n.(*syntax.Query)
		if !ok {
			return true
		}
		before := in.Pos.Start
		if in.Search != nil {
			before = in.Search.Span().End
		}
		for _, s := range in.Stages {
			if s.Pos.Start <= f.Span.Start && f.Span.End <= s.Pos.End && from.End == 0 {
				from = diag.Span{Start: before, End: s.Pos.End}
			}
			if s.Pos.Start == f.Labels[0].Span.Start {
				to, end = s.Pos, before
			}
			before = s.Pos.End
		}
		return true
	})
	if from.End == 0 || to.End == 0 || end >= from.Start {
		return nil
	}
	// What is moved is the pipe and the stage, with the white space before them.
	edits := []diag.Edit{
		{Span: diag.Span{Start: end, End: end}, New: text[from.Start:from.End]},
		{Span: from},
	}
	after := diag.Text(r.File.Name, diag.Apply(text, []diag.Fix{{Edits: edits}}))
	if _, wrong := query.Compile(after, q.vocab, query.Unfilled); wrong.HasErrors() {
		return nil
	}
	return &Action{Title: "Move this filter before " + strings.ToLower(short(text[f.Labels[0].Span.Start:f.Labels[0].Span.End])), Kind: Rewrite, Edits: r.edits(edits), Safe: true}
}

// ignore writes a comment that takes a finding of lint back.
func (r *Region) ignore(f *diag.Diagnostic) *Action {
	if f.Severity == diag.Error || f.Code == "unused-ignore" || f.Code == notInLogs || f.Code == syntax.Unfilled || r.oneLine() || r.joined {
		return nil
	}
	for _, s := range r.query().survey().Tree.Stages {
		if s.Pos.Start > f.Span.Start || f.Span.End > s.Pos.End {
			continue
		}
		pipe := strings.LastIndexByte(r.File.Text[:s.Pos.Start], '|')
		if pipe < 0 {
			return nil
		}
		from := strings.LastIndexByte(r.File.Text[:pipe], '\n') + 1
		if strings.TrimSpace(r.File.Text[from:pipe]) != "" {
			return nil // the stage does not start its line
		}
		return &Action{
			Title: fmt.Sprintf("Take %s back here with a comment", f.Code),
			Edits: r.edits([]diag.Edit{{Span: diag.Span{Start: pipe, End: pipe}, New: "// lint:ignore " + f.Code + " \n" + r.File.Text[from:pipe]}}),
		}
	}
	return nil
}

// toSigma is the query as a Sigma rule, and the name of its file; "" when nothing of it
// can be said in Sigma.
func (r *Region) toSigma() (name, text string) {
	p, _ := convert.FromSumo(r.File, query.Unfilled)
	if p == nil {
		return "", ""
	}
	base := strings.TrimSuffix(filepath.Base(filepath.ToSlash(r.doc.File.Name)), filepath.Ext(r.doc.File.Name))
	if base == "" || base == "." {
		base = "query"
	}
	title := p.Title
	if title == "" {
		title = base
	}
	return base + ".sigma.yml", convert.SigmaText(p, sigma.Meta{Title: title, Description: "Made of the query " + base + "."})
}
