package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

// A comment takes findings back:
//
//	// lint:ignore ID[, ID] why
//	// lint:ignore-file ID[, ID] why
//
// Behind something it is for its line; on a line of its own, before a stage, for
// that stage, and inside one for the next line. In YAML the comment starts with #,
// and before a key or a list item it is for all of that. Errors cannot be taken back.

var _ = register(Check{
	ID: "unused-ignore", Severity: diag.Warning,
	What: "A suppression comment that takes nothing back, or names no check.",
	Why: "A finding that is gone leaves its comment behind, where it would hide the next one. A misspelt name hides nothing. " +
		"`// lint:ignore ID why` after something is for its line, before a stage for the whole stage; `// lint:ignore-file ID why` is for the file.",
	Bad:  []string{"_sourceCategory=a error\n| count // lint:ignore wildcard-in-equals there is none", "_sourceCategory=a x // lint:ignore no-such-check"},
	Good: []string{"_sourceCategory=a\n| where x = \"*b*\" // lint:ignore wildcard-in-equals the star is meant"},
})

// ignore is one ID of a suppression comment.
type ignore struct {
	id   string
	at   diag.Span
	over diag.Span // of the text it is for
	used bool
}

const ignoreMark = "lint:ignore"

// comment is a comment with the text that a suppression in it is for.
type comment struct {
	start int
	text  string
	over  diag.Span
}

// suppress leaves out what comments take back.
func suppress(f *diag.File, comments []comment, l diag.List) diag.List {
	var list []*ignore
	for _, c := range comments {
		list = append(list, c.ignores(len(f.Text))...)
	}
	if len(list) == 0 {
		return l
	}
	var kept diag.List
	for _, d := range l {
		gone := false
		for _, g := range list {
			c := checkOf(d.Code)
			if d.Severity != diag.Error && (g.id == d.Code || c != nil && g.id == c.ID) && g.over.Start <= d.Span.Start && d.Span.Start < g.over.End {
				g.used, gone = true, true
			}
		}
		if !gone {
			kept = append(kept, d)
		}
	}
	for _, g := range list {
		if !g.used {
			kept.Add(unused(f, g))
		}
	}
	return kept
}

func unused(f *diag.File, g *ignore) *diag.Diagnostic {
	d := &diag.Diagnostic{Severity: diag.Warning, Code: "unused-ignore", File: f, Span: g.at, Message: g.id + " is not found here", Help: "take the comment away"}
	if checkOf(g.id) == nil {
		d.Message, d.Help = "there is no check "+g.id, "gyoji lint --list shows them all"
		var ids []string
		for _, c := range Checks() {
			ids = append(ids, c.ID)
		}
		if near := diag.Nearest(g.id, ids); near != "" {
			d.Help = fmt.Sprintf("did you mean %s?", near)
			d.Fix = edit("write "+near, g.at, near)
		}
	}
	return d
}

// ignores reads the suppressions of a comment in a file of so many bytes.
func (c comment) ignores(size int) (list []*ignore) {
	i := strings.Index(c.text, ignoreMark)
	if i < 0 || strings.Trim(c.text[:i], "/*# \t") != "" {
		return nil
	}
	at := i + len(ignoreMark)
	over := c.over
	if rest, ok := strings.CutPrefix(c.text[at:], "-file"); ok {
		at, over = len(c.text)-len(rest), diag.Span{End: size + 1}
	}
	for {
		for at < len(c.text) && strings.IndexByte(" \t,", c.text[at]) >= 0 {
			at++
		}
		end := at
		for end < len(c.text) && (c.text[end] == '-' || 'a' <= c.text[end] && c.text[end] <= 'z') {
			end++
		}
		if end == at {
			return list
		}
		list = append(list, &ignore{id: c.text[at:end], at: diag.Span{Start: c.start + at, End: c.start + end}, over: over})
		if end == len(c.text) || c.text[end] != ',' {
			return list
		}
		at = end
	}
}

// reach is the text that a comment is for.
func (q *Query) reach(c *syntax.Comment) diag.Span {
	text := q.File.Text
	start := strings.LastIndexByte(text[:c.Pos.Start], '\n') + 1
	if strings.TrimSpace(text[start:c.Pos.Start]) != "" { // behind something
		return diag.Span{Start: start, End: lineEnd(text, c.Pos.End) + 1}
	}
	if q.Tree.Search != nil && c.Pos.End <= q.Tree.Search.Span().Start {
		s := q.Tree.Search.Span()
		return diag.Span{Start: s.Start, End: s.End + 1}
	}
	for _, p := range q.Pipes {
		i := slices.IndexFunc(p.Stages, func(s *Stage) bool { return s.Pos.End > c.Pos.Start })
		if i >= 0 && p.Stages[i].Pos.Start >= c.Pos.End {
			s := p.Stages[i].Pos
			return diag.Span{Start: s.Start, End: s.End + 1}
		}
	}
	next := lineEnd(text, c.Pos.End) + 1
	return diag.Span{Start: next, End: lineEnd(text, min(next, len(text))) + 1}
}

func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}
