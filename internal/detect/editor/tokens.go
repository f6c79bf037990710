package editor

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

// TokenKind is what a Token is.
type TokenKind uint8

const (
	KeywordToken TokenKind = iota
	FunctionToken
	StringToken
	NumberToken
	CommentToken
	FieldToken
	MadeToken // a field where the query makes it
	RegexToken
)

// Token is a part of a query with its kind, on one line of the document.
type Token struct {
	At   diag.Span
	Kind TokenKind
}

// Tokens are the parts of the document's queries for colours, in order, none over
// another. A grammar colours a file of its own; these colour queries inside others too.
func (d *Document) Tokens() []Token {
	var all []Token
	for _, r := range d.Regions {
		if r.Language == Sumo {
			all = append(all, r.tokens()...)
		}
	}
	slices.SortStableFunc(all, func(a, b Token) int { return a.At.Start - b.At.Start })
	out := all[:0]
	for _, t := range all {
		if len(out) == 0 || t.At.Start >= out[len(out)-1].At.End {
			out = append(out, t)
		}
	}
	return out
}

func (r *Region) tokens() (list []Token) {
	s := r.query().survey()
	made := map[*syntax.Field]bool{}
	for _, u := range r.query().uses() {
		if u.Makes && u.At != nil {
			made[u.At] = true
		}
	}
	add := func(at diag.Span, kind TokenKind) {
		for at.Start < at.End { // line by line, since the document may have more between them
			end := at.End
			if i := strings.IndexByte(r.File.Text[at.Start:end], '\n'); i >= 0 {
				end = at.Start + i
			}
			if line := strings.TrimRight(r.File.Text[at.Start:end], " \t\r"); line != "" {
				out := r.out(diag.Span{Start: at.Start, End: at.Start + len(line)})
				if !strings.Contains(r.doc.File.Slice(out), "\n") {
					list = append(list, Token{out, kind})
				}
			}
			at.Start = end + 1
		}
	}
	syntax.Walk(s.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Query:
			for _, c := range n.Comments {
				add(c.Pos, CommentToken)
			}
		case *syntax.Name:
			add(n.Pos, KeywordToken)
		case *syntax.Agg:
			add(n.Func.Pos, FunctionToken)
		case *syntax.Call:
			add(n.Func.Pos, FunctionToken)
		case *syntax.Binary:
			if n.Op == "and" || n.Op == "or" || n.Op == "contains" {
				add(n.OpPos, KeywordToken)
			}
		case *syntax.String:
			add(n.Pos, StringToken)
		case *syntax.Term:
			if n.Quoted {
				add(n.Pos, StringToken)
			}
		case *syntax.Number:
			add(n.Pos, NumberToken)
		case *syntax.Duration:
			add(n.Pos, NumberToken)
		case *syntax.Regex:
			add(n.Pos, RegexToken)
		case *syntax.Bool:
			add(n.Pos, KeywordToken)
		case *syntax.Null:
			add(n.Pos, KeywordToken)
		case *syntax.Field:
			if made[n] {
				add(n.Pos, MadeToken)
			} else {
				add(n.Pos, FieldToken)
			}
		}
		return true
	})
	return list
}
